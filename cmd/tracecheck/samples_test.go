package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what was got as what is wanted")

// Every sample in traces/samples, and in its folder formats, has its expected verdict
// beside it, in a file NAME.want: the command, its exit status, one line for
// each thread, the verdict, and the whole text that is printed. `go test
// ./cmd/tracecheck -update` writes all but the first line.
func TestSamples(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	var wants []string
	logs := map[string]bool{} // whether there is a .want
	err := filepath.WalkDir("traces/samples", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			if d != nil && d.Name() != "samples" && d.Name() != "formats" {
				return filepath.SkipDir // has tests of its own
			}
			return err
		case strings.HasSuffix(name, ".want"):
			wants = append(wants, filepath.ToSlash(name))
		case !strings.HasSuffix(name, ".patterns") && !strings.HasSuffix(name, ".want.json") && !strings.HasSuffix(name, ".want.html"):
			logs[filepath.ToSlash(name)] = false
		}
		return nil
	})
	if err != nil || len(wants) < 20 {
		t.Fatalf("%d samples, %v", len(wants), err)
	}
	for _, want := range wants {
		name := strings.TrimSuffix(strings.TrimPrefix(want, "traces/samples/"), ".want")
		b, err := os.ReadFile(want)
		if err != nil {
			t.Fatal(err)
		}
		command, _, _ := strings.Cut(string(b), "\n")
		args, ok := strings.CutPrefix(command, "$ tracecheck ")
		log := args[strings.LastIndexByte(args, ' ')+1:]
		if _, there := logs[log]; !ok || !there || !strings.HasPrefix(log, strings.TrimSuffix(want, ".want")) {
			t.Errorf("%s:1: want a line `$ tracecheck [flags] LOG`, of the log beside it", want)
			continue
		}
		logs[log] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := resultOf(t, command, strings.Fields(args))
			if *update {
				if err := os.WriteFile(want, got, 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(b), string(got)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
	for log, expected := range logs {
		if !expected {
			t.Errorf("%s: no %s.want beside it", log, log)
		}
	}
}

func resultOf(t *testing.T, command string, args []string) []byte {
	t.Helper()
	var text, stderr, doc, noise bytes.Buffer
	status := run(nil, &text, &stderr, args)
	if other := run(nil, &doc, &noise, append([]string{"--format", "json"}, args...)); other != status {
		t.Errorf("status %d with text, %d with json", status, other)
	}
	var head strings.Builder
	fmt.Fprintf(&head, "%s\nstatus %d\n", command, status)
	var r struct {
		Verdict string
		Threads []struct {
			Comm                      string
			PID                       *int
			Incarnation               int
			Fits, Outcome, Ran, Woken string
			ExitCode                  *int    `json:"exit_code"`
			ExitCodeFrom              *string `json:"exit_code_from"`
			Findings                  []struct {
				Rule, Level string
				Lines       []int
			}
		}
	}
	if err := json.Unmarshal(doc.Bytes(), &r); err != nil {
		t.Fatalf("the JSON: %v\n%s", err, doc.String())
	}
	for _, th := range r.Threads {
		code := "null"
		if th.ExitCode != nil {
			code = fmt.Sprintf("%d (%s)", *th.ExitCode, *th.ExitCodeFrom)
		}
		fmt.Fprintf(&head, "%s#%d: fits %s, %s, ran %s, woken %s, exit_code %s", th.Comm, th.Incarnation, th.Fits, th.Outcome, th.Ran, th.Woken, code)
		for _, f := range th.Findings {
			fmt.Fprintf(&head, ", %s %s %v", f.Rule, f.Level, f.Lines)
		}
		head.WriteString("\n")
	}
	fmt.Fprintf(&head, "verdict %s\n", r.Verdict)
	a := txtar.Archive{Comment: []byte(head.String()), Files: []txtar.File{
		{Name: "text", Data: text.Bytes()},
		{Name: "stderr", Data: stderr.Bytes()},
	}}
	return txtar.Format(&a)
}
