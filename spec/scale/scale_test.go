package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck/internal/tlc"
	"github.com/kthread-tla/tracecheck/internal/tlctest"
)

// small is the most states of a row that the test runs again.
const small = 12000

// docs/scale.md has a row for each size, its orbits can be what they are, and
// TLC finds what its small rows say.
func TestPage(t *testing.T) {
	root, tools := tlctest.Find(t)
	b, err := os.ReadFile(filepath.Join(root, "docs", "scale.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := parse(string(b))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(sizes) {
		t.Fatalf("docs/scale.md has %d rows, want %d: run make scale", len(rows), len(sizes))
	}
	for i, r := range rows {
		if r.size != sizes[i] {
			t.Errorf("row %d is of %v, want %v: run make scale", i+1, r.size, sizes[i])
		}
	}
	if err := compare(t.Context(), root, tools, string(b), small); err != nil {
		t.Error(err)
	}
}

func TestCheckOfOrbits(t *testing.T) {
	tests := []struct {
		name                 string
		all, orbits, renamed int
		ok                   bool
	}{
		{"two stoppers", 190, 100, 2, true},
		{"more orbits than states", 100, 101, 2, false},
		{"larger orbits than there are renamings", 201, 100, 2, false},
		{"symmetry that does nothing", 100, 100, 2, false},
		{"nobody is alike, and states are missing", 100, 99, 1, false},
		{"nobody is alike", 100, 100, 1, true},
		{"a run that was given up", 0, 100, 2, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := row{size{1, 2, 0}, [2]counts{{distinct: tt.all}, {distinct: tt.orbits, renamings: tt.renamed}}}
			if err := r.check(); (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

// The verdict does not depend on symmetry either: a belief that one stopper
// refutes, two refute with and without it, and by as short a counterexample.
func TestSymmetryFindsWhatIsWrong(t *testing.T) {
	root, tools := tlctest.Find(t)
	m := tlc.Model{Name: "symmetry", Path: filepath.Join(root, "spec", "models", "symmetry"), Module: "MCSymmetry"}
	var got [2]tlc.Result
	var errs [2]error
	tlc.EachOnTwoCores(2, func(i int) {
		cfg := strings.Replace(config(size{1, 2, 0}, i == 1), "TypeOK", "WokenMeansEntered", 1)
		got[i], errs[i] = tools.RunConfig(t.Context(), m, cfg)
	})
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got[0].Got != got[1].Got || got[0].Got.Violates != "WokenMeansEntered" {
		t.Errorf("without symmetry %v, with it %v", got[0].Got, got[1].Got)
	}
}

func TestParseReadsWhatMarkdownWrites(t *testing.T) {
	rows := []row{
		{size{1, 2, 0}, [2]counts{{distinct: 190, depth: 7, renamings: 2, seconds: 1.25}, {distinct: 100, depth: 7, renamings: 2, seconds: 1}}},
		{size{3, 3, 1}, [2]counts{{}, {distinct: 100, depth: 7, renamings: 6, seconds: 1}}},
		{size{9, 9, 9}, [2]counts{}},
	}
	page := markdown(rows, 5*time.Minute)
	got, err := parse(page)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		for j := range rows[i].counts {
			rows[i].counts[j].seconds = 0
		}
		if got[i] != rows[i] {
			t.Errorf("row %d: got %+v, want %+v\n%s", i, got[i], rows[i], page)
		}
	}
	if _, err := parse(strings.Replace(page, "| 190 |", "| many |", 1)); err == nil {
		t.Error("a row without numbers was read")
	}
	if _, err := parse(strings.Replace(page, "| 190 |", "|", 1)); err == nil {
		t.Error("a row of nine columns was read")
	}
}
