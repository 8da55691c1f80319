// Models runs TLC on every model beside it, or on those named as arguments,
// and prints what was expected and what was found, and of a model that is named
// and must fail, the steps of its counterexample. Its exit status is 1 where
// expectation and finding differ.
//
//	go run ./spec/models [-all | -write | MODEL...]
//
// Without an argument the models whose head says `suite: long` are left out.
// With -write it also writes the table of all models, docs/models.md.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/kthread-tla/tracecheck/internal/tlc"
)

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "models: %v\n", err)
		os.Exit(1)
	}
}

func run(w io.Writer, names []string) error {
	root, tools, err := tlc.Setup()
	if err != nil {
		return err
	}
	models, err := tlc.Models(filepath.Join(root, "spec", "models"))
	if err != nil {
		return err
	}
	write := slices.Equal(names, []string{"-write"})
	switch {
	case write, slices.Equal(names, []string{"-all"}):
		names = nil
	case len(names) == 0:
		models = slices.DeleteFunc(models, func(m tlc.Model) bool { return m.Long })
	}
	for _, n := range names {
		if !slices.ContainsFunc(models, func(m tlc.Model) bool { return m.Name == n }) {
			return fmt.Errorf("no model is called %s", n)
		}
	}
	if len(names) > 0 {
		models = slices.DeleteFunc(models, func(m tlc.Model) bool { return !slices.Contains(names, m.Name) })
	}

	results := make([]tlc.Result, len(models))
	errs := make([]error, len(models))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	tlc.EachOnTwoCores(len(models), func(i int) {
		results[i], errs[i] = tools.Run(ctx, models[i])
	})

	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "model\texpected\tgot\tgenerated\tdistinct\tdepth\tseconds\t")
	wrong := 0
	for i, m := range models {
		r, got := results[i], results[i].Got.String()
		if errs[i] != nil {
			got = errs[i].Error()
		}
		mark := ""
		if errs[i] != nil || r.Got != m.Expect {
			mark = "<-- differs"
			wrong++
		}
		fmt.Fprintf(tw, "%s\t%v\t%s\t%d\t%d\t%d\t%.1f\t%s\n",
			m.Name, m.Expect, got, r.Generated, r.Distinct, r.Depth, r.Seconds, mark)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if len(names) > 0 {
		for i, m := range models {
			if len(results[i].Trace) > 0 {
				fmt.Fprintf(w, "\n%s: %s\n%s\n", m.Name, m.Shows, strings.Join(results[i].Trace, "\n"))
			}
		}
	}
	if write && len(names) == 0 && wrong == 0 {
		page := filepath.Join(root, "docs", "models.md")
		if err := os.WriteFile(page, []byte(tlc.Markdown(models, results)), 0o666); err != nil {
			return err
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d models are not as their heads say", wrong, len(models))
	}
	return nil
}
