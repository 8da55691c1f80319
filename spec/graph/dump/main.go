// Dump has TLC explore spec/KThreadAPI.tla by the rules of each kernel that
// there is a graph for, and writes the state graphs, in both of package graph's
// forms, into the working directory. `go generate ./...` runs it.
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
	for _, kernel := range graph.Kernels() {
		model, err := tlc.ReadModel(filepath.Join(root, "spec", "models", "api-"+kernel+".cfg"))
		if err != nil {
			return err
		}
		dot, err := tools.Dump(ctx, model)
		if err != nil {
			return err
		}
		g, err := graph.ParseDot(kernel, dot)
		if err != nil {
			return err
		}
		packed, err := g.Pack()
		if err != nil {
			return err
		}
		if err := os.WriteFile(graph.FileOf(kernel)+".graph", g.Format(), 0o666); err != nil {
			return err
		}
		if err := os.WriteFile(graph.FileOf(kernel)+".packed", packed, 0o666); err != nil {
			return err
		}
	}
	return nil
}
