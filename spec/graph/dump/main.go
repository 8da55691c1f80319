// Dump has TLC explore the modules of spec that there are graphs of, by the rules of each
// kernel that there is a graph for, and writes the state graphs, in both of package
// graph's forms, into the working directory. `go generate ./...` runs it.
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
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "dump: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	root, tools, err := tlc.Setup()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	for _, module := range graph.Modules {
		for _, kernel := range module.Kernels() {
			if err := dump(ctx, root, tools, module, kernel); err != nil {
				return err
			}
		}
	}
	return nil
}

// dump writes the two files with one module's graph for one kernel.
func dump(ctx context.Context, root string, tools tlc.Tools, module graph.Module, kernel string) error {
	model, err := tlc.ReadModel(filepath.Join(root, "spec", "models", module.ModelOf(kernel)))
	if err != nil {
		return err
	}
	dot, err := tools.Dump(ctx, model)
	if err != nil {
		return err
	}
	g, err := graph.ParseDot(module.Name, kernel, dot)
	if err != nil {
		return err
	}
	packed, err := g.Pack()
	if err != nil {
		return err
	}
	if err := os.WriteFile(module.FileOf(kernel)+".graph", g.Format(), 0o666); err != nil {
		return err
	}
	return os.WriteFile(module.FileOf(kernel)+".packed", packed, 0o666)
}
