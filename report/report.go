// Package report writes verdicts for people and for programs.
package report

import (
	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
)

// An Input is one log, and what reading it came to.
type Input struct {
	Name       string
	Format     string // the reader's name; empty where nothing could be read
	Stats      traces.Stats
	Era        *graph.Era // whose rules were used; nil: every era's were tried
	KernelFrom string     // "flag", "log" or "tried"
	Banner     string     // the release that the log names, empty where it names none
	KernelsFit []string   // the kernels by whose rules every life of it fits
	Doubt      bool       // some names were taken for one thread each
	Err        error      // why it could not be read

	Waits    []checker.Wait    // who is blocked, by the kernel's reports
	Findings []checker.Finding // those that belong to no one thread
	Notes    []string          // what its words tell of the kernel's age
}

// A Summary is what a run came to.
type Summary struct {
	checker.Summary
	Inputs []Input
}

// Add takes another run into account.
func (s *Summary) Add(o *Summary) {
	s.Summary.Add(&o.Summary)
	s.Inputs = append(s.Inputs, o.Inputs...)
}

// maxShrunk is of how many lives the smallest part that does not fit is looked
// for: that takes longer than to judge them.
const maxShrunk = 100

// A shrinking counts the lives that do not fit.
type shrinking int

// of is the smallest part that does not fit of a life, of the first that do not.
func (n *shrinking) of(v *checker.Verdict) []checker.Span {
	if v.Fits != checker.FitsNo || *n >= maxShrunk {
		return nil
	}
	*n++
	return v.Shrunk()
}

// A Writer writes a report while lives end. Life is called in the order in
// which they do; Close ends the report.
type Writer interface {
	Life(input int, v *checker.Verdict) error
	Close(s *Summary) error
}

// A Counter is a Writer that tells of some lives no more than how many there are.
type Counter interface {
	// Counts says whether that is so of an input's n-th life and of those that go as
	// it did: see checker.Options.CountOnly.
	Counts(n int, v *checker.Verdict) bool
}
