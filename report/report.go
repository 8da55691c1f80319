// Package report writes verdicts for people and for programs.
package report

import (
	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
)

// An Input is what a report says of one log as a whole.
type Input struct {
	Name       string
	Format     string // the reader's name; empty where nothing could be read
	Stats      traces.Stats
	Era        *graph.Era // whose rules were used; nil: every era's were tried
	KernelFrom string     // "flag", "log" or "tried"
	Banner     string     // the release that the log names, empty where it names none
	KernelsFit []string   // the kernels by whose rules every life of it fits
	Doubt      bool       // some names were taken for one thread each
	ByName     bool       // the same, as some messages lack the pid that others of their set have
	Err        error      // why it could not be read

	Waits    []checker.Wait    // the tasks that the kernel's reports show blocked
	Findings []checker.Finding // those that belong to no one thread
	Notes    []string          // checker.Log.Notes
	Clocks   []checker.ClockDifference
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

// maxShrunk bounds the lives whose smallest part that does not fit is searched, because the
// search takes longer than to judge them.
const maxShrunk = 100

// A shrinking counts the lives whose smallest part has been searched.
type shrinking int

// of returns the smallest part of a life that does not fit. It is nil for a life that fits,
// and after maxShrunk others.
func (n *shrinking) of(v *checker.Verdict) []checker.Span {
	if v.Fits != checker.FitsNo || *n >= maxShrunk {
		return nil
	}
	*n++
	return v.Shrunk()
}

// A Writer writes a report while lives end. Life must be called once for each verdict, in
// the order in which they come. Close ends the report.
type Writer interface {
	Life(input int, v *checker.Verdict) error
	Close(s *Summary) error
}

// A Counter is a Writer that only counts some lives.
type Counter interface {
	// Counts says whether lives that go like an input's n-th life, which has this
	// verdict, are only counted: see checker.Options.CountOnly.
	Counts(n int, v *checker.Verdict) bool
}
