// Package spec_test has TLC check the specification.
package spec_test

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/tlc"
	"github.com/kthread-tla/tracecheck/internal/tlctest"
	"github.com/kthread-tla/tracecheck/spec/languages"
)

// Every model is as its head says: the models that hold, with their number of
// states, and those that must fail, with the property and the length of the
// counterexample.
func TestModels(t *testing.T) {
	root, tools := tlctest.Find(t)
	models, err := tlc.Models(filepath.Join(root, "spec", "models"))
	if err != nil {
		t.Fatal(err)
	}
	results := make([]tlc.Result, len(models))
	errs := make([]error, len(models))
	automata := make([]*languages.Automaton, len(models))
	tlc.EachOnTwoCores(len(models), func(i int) {
		if isLanguage(models[i]) {
			results[i], errs[i] = tools.RunAndRead(t.Context(), models[i], func(dot io.Reader) (err error) {
				automata[i], err = languages.ReadDot(dot)
				return err
			})
		} else {
			results[i], errs[i] = tools.Run(t.Context(), models[i])
		}
	})
	byName := map[string]tlc.Result{}
	graphs := map[string]*languages.Automaton{}
	for i, m := range models {
		byName[m.Name] = results[i]
		if automata[i] != nil {
			graphs[m.Name] = automata[i]
		}
		t.Run(m.Name, func(t *testing.T) {
			if errs[i] != nil {
				t.Fatal(errs[i])
			}
			if results[i].Got != m.Expect {
				t.Errorf("%s\nexpected %v\ngot %v\n%s", m.Shows, m.Expect, results[i].Got, results[i].Output)
			}
		})
	}

	t.Run("API = mechanism", func(t *testing.T) { testLanguages(t, root, graphs) })

	t.Run("docs/models.md is what TLC finds", func(t *testing.T) {
		page, err := os.ReadFile(filepath.Join(root, "docs", "models.md"))
		if err != nil {
			t.Fatal(err)
		}
		if got := tlc.Markdown(models, results); tlc.WithoutSeconds(got) != tlc.WithoutSeconds(string(page)) {
			t.Error("it is not: run go run ./spec/models -write")
		}
	})

	// The counterexample to the kernel-doc sentence is the story's second run:
	// kthread_run, kthread_stop at once, -EINTR, and threadfn never called.
	t.Run("the kernel-doc counterexample is the second run", func(t *testing.T) {
		trace := byName["doc-eintr-never-woken"].Trace
		at := -1
		for _, step := range []string{"CreateReturnsThread", "CreatorStarts", "StopCall", "StopSetBit", "LastTestStop", "ExitCompleteCounts", "StopAwaitEintr", "StopReturnsEintr"} {
			next := slices.Index(trace, step)
			if next <= at {
				t.Errorf("%s is not there in its turn: %s", step, strings.Join(trace, " "))
			}
			at = next
		}
		if slices.Contains(trace, "CallThreadfn") {
			t.Errorf("threadfn is called in it: %s", strings.Join(trace, " "))
		}
	})
	t.Run("in the second stop's counterexample one returns and one sleeps", func(t *testing.T) {
		trace := byName["second-stop-hangs-5.4"].Trace
		count := func(name string) (n int) {
			for _, a := range trace {
				if strings.HasPrefix(a, name) { // StopReturns is split by outcome
					n++
				}
			}
			return n
		}
		if count("StopReturns") != 1 || count("StopSetBit") != 2 {
			t.Errorf("%d returns, %d requests: %s", count("StopReturns"), count("StopSetBit"), strings.Join(trace, " "))
		}
	})
}

// A model whose head is wrong is noticed, in each way that it can be wrong.
func TestWrongExpectationsAreNoticed(t *testing.T) {
	root, tools := tlctest.Find(t)
	for _, name := range []string{"api-5.4", "race-never-ran"} {
		m, err := tlc.ReadModel(filepath.Join(root, "spec", "models", name+".cfg"))
		if err != nil {
			t.Fatal(err)
		}
		r, err := tools.Run(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		for _, wrong := range []tlc.Expect{
			{Violates: m.Expect.Violates, States: m.Expect.States + 1},
			{Violates: m.Expect.Violates + "X", States: m.Expect.States},
		} {
			if r.Got == wrong {
				t.Errorf("%s: %v counts as %v", name, r.Got, wrong)
			}
		}
	}
	m := tlc.Model{Name: "none", Path: filepath.Join(root, "spec", "models", "api-5.4.cfg"), Module: "NoSuchModule"}
	if _, err := tools.Run(t.Context(), m); err == nil {
		t.Error("a module that is not there was checked")
	}
}
