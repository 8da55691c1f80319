// Distributed runs TLC's own distributed mode on one model: a server and two
// workers, three JVMs that talk by RMI over the loopback. It prints what the
// server found and exits with 1 unless the distinct states are those that the
// model's head pins. docs/spec.md says how to do it on several machines.
//
//	go run ./spec/distributed [MODEL]
//
// The mode checks invariants only, so the model's properties are left out.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/kthread-tla/tracecheck/internal/tlc"
)

// largest is the model with the most states that holds.
const largest = "arbitrary-parks-5.4"

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "distributed: %v\n", err)
		os.Exit(1)
	}
}

func run(w io.Writer, args []string) error {
	name := largest
	if len(args) > 0 {
		name = args[0]
	}
	root, tools, err := tlc.Setup()
	if err != nil {
		return err
	}
	model, err := tlc.ReadModel(filepath.Join(root, "spec", "models", name+".cfg"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	r, err := tools.RunDistributed(ctx, model, 2)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s, a server and two workers: %d states generated, %d distinct, depth %d, %.1f s; the model's head: %v\n",
		name, r.Generated, r.Distinct, r.Depth, r.Seconds, model.Expect)
	if model.Expect.Violates != "" || r.Distinct != model.Expect.States {
		return fmt.Errorf("the distinct states are not those of a run on one machine")
	}
	return nil
}
