// Command run makes random legal lives of kernel threads from TLC's state graph of
// KThread, and prints how tracecheck judges them.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/kthread-tla/tracecheck/internal/runs"
	"github.com/kthread-tla/tracecheck/internal/tlc"
)

func main() {
	lives := flag.Int("n", 10000, "how many `lives`")
	seed := flag.Uint64("seed", 1, "of the random numbers")
	write := flag.String("write", "", "write -n walks to this `file`, and judge nothing")
	read := flag.String("walks", "", "take the walks from this `file`, and not from TLC")
	impossible := flag.Int("impossible", 0, "how many `changes`")
	root := flag.String("root", ".", "the module's `folder`")
	doc := flag.String("doc", "", "write the tables to this `file`, docs/trust.md")
	found := flag.String("found", "", "write what is misjudged to this `folder`")
	skews := flag.Int("skews", len(runs.Skews), "how many of the skews, the smallest first")
	most := flag.Duration("for", 0, "how long changes are made at most; 0: until there are as many")
	flag.Parse()
	if err := run(*lives, *impossible, *seed, *write, *read, *found, *root, *doc, *skews, *most); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(lives, impossible int, seed uint64, write, read, found, root, doc string, skews int, most time.Duration) error {
	ctx := context.Background()
	var walks []*runs.Walk
	var err error
	if read != "" {
		b, err2 := os.ReadFile(read)
		if err2 != nil {
			return err2
		}
		walks, err = runs.ReadWalks(bytes.NewReader(b))
	} else {
		var tools tlc.Tools
		if tools, err = tlc.Find(root); err != nil {
			return err
		}
		walks, err = runs.Walks(ctx, tools, root, lives, seed)
	}
	if err != nil {
		return err
	}
	if write != "" {
		for len(walks) > lives {
			step := (len(walks) + lives - 1) / lives
			var some []*runs.Walk
			for i := 0; i < len(walks); i += step {
				some = append(some, walks[i])
			}
			walks = some
		}
		var b bytes.Buffer
		if err := runs.WriteWalks(&b, walks); err != nil {
			return err
		}
		return os.WriteFile(write, b.Bytes(), 0o666)
	}
	t := runs.NewTable()
	t.Found, t.Skews, t.Progress = found, runs.Skews[:skews], os.Stderr
	if err := t.Legal(ctx, walks, lives, seed); err != nil {
		return err
	}
	fmt.Print(t)
	if impossible > 0 {
		tools, err := tlc.Find(root)
		if err != nil {
			return err
		}
		if err := t.Impossible(ctx, tools, root, walks, impossible, seed, most); err != nil {
			return err
		}
		fmt.Print("\n", t.Shares())
	}
	if doc != "" {
		if err := os.WriteFile(doc, []byte(t.Markdown(lives, seed)), 0o666); err != nil {
			return err
		}
	}
	if t.Bad() {
		os.Exit(1)
	}
	return nil
}
