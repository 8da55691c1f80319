// Package report writes verdicts for people and for programs.
package report

import (
	"maps"

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

// The verdicts on a whole run, worst first.
const (
	Violates     = "violates"
	Hangs        = "hangs"
	Inconclusive = "inconclusive"
	FitsAll      = "fits"
	NoEvidence   = "no_evidence"
)

// A Summary is what a run came to.
type Summary struct {
	Inputs  []Input
	Threads int
	earned  map[string]int // verdict: how many lives earn it
}

// Count takes a life's verdict into account.
func (s *Summary) Count(v *checker.Verdict) {
	if s.earned == nil {
		s.earned = map[string]int{}
	}
	if v.Replaces != nil {
		s.Threads--
		s.earned[verdictOf(v.Replaces)]--
	}
	s.Threads += 1 + v.Alike
	s.earned[verdictOf(v)] += 1 + v.Alike
}

// Add adds what another run came to.
func (s *Summary) Add(o *Summary) {
	if s.earned == nil {
		s.earned = map[string]int{}
	}
	s.Inputs = append(s.Inputs, o.Inputs...)
	s.Threads += o.Threads
	for verdict, n := range o.earned {
		s.earned[verdict] += n
	}
}

// earnedBy is what a finding of level error comes to.
func earnedBy(r *checker.Rule) string {
	if r.Hang {
		return Hangs
	}
	return Violates
}

func verdictOf(v *checker.Verdict) string {
	worst := FitsAll
	switch v.Fits {
	case checker.FitsNo:
		return Violates
	case checker.FitsInconclusive:
		worst = Inconclusive
	}
	for _, f := range v.Findings {
		switch {
		case f.Rule.Level == checker.Error && !f.Rule.Hang:
			return Violates
		case f.Rule.Level == checker.Error:
			worst = Hangs
		}
	}
	if v.Outcome == checker.StopHung {
		worst = Hangs
	}
	return worst
}

// Verdict is the worst that any life or finding earns.
func (s *Summary) Verdict() string {
	earned := maps.Clone(s.earned)
	if earned == nil {
		earned = map[string]int{}
	}
	for _, in := range s.Inputs {
		for _, f := range in.Findings {
			if f.Rule.Level == checker.Error {
				earned[earnedBy(f.Rule)]++
			}
		}
	}
	for _, v := range []string{Violates, Hangs, Inconclusive, FitsAll} {
		if earned[v] > 0 {
			return v
		}
	}
	return NoEvidence
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
	// it did: see checker.Verdict.CountAlike.
	Counts(n int, v *checker.Verdict) bool
}
