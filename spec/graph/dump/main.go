// Dump has TLC explore spec/KThreadAPI.tla and writes its state graph, in this
// project's own form, to the file named by its argument. `go generate ./...`
// runs it.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/kthread-tla/tracecheck/internal/tlc"
	"github.com/kthread-tla/tracecheck/spec/graph"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "dump: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: dump KERNEL FILE")
	}
	root, tools, err := tlc.Setup()
	if err != nil {
		return err
	}
	model, err := tlc.ReadModel(filepath.Join(root, "spec", "models", "api.cfg"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	dot, err := tools.Dump(ctx, model)
	if err != nil {
		return err
	}
	g, err := graph.ParseDot(args[0], dot)
	if err != nil {
		return err
	}
	return os.WriteFile(args[1], g.Format(), 0o666)
}
