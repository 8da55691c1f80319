package checker

import (
	"slices"

	"github.com/kthread-tla/tracecheck/spec/graph"
)

// A Conclusion is what a life, a log or a whole run comes to, in one word.
type Conclusion string

// The conclusions, worst first. Several together come to the worst of them.
const (
	Violates     Conclusion = "violates"     // the kernel does not do that, or a finding is an error and no hang
	Hangs        Conclusion = "hangs"        // it is legal, and something never ends
	Inconclusive Conclusion = "inconclusive" // not decided
	FitsAll      Conclusion = "fits"
	NoEvidence   Conclusion = "no_evidence" // there is no life, no hang and no error
)

var conclusions = [...]Conclusion{Violates, Hangs, Inconclusive, FitsAll, NoEvidence}

// Conclusion is what a rule's finding comes to: NoEvidence where it is no error.
func (r *Rule) Conclusion() Conclusion {
	switch {
	case r.Level != Error:
		return NoEvidence
	case r.Hang:
		return Hangs
	}
	return Violates
}

// Conclusion is what a life comes to.
func (v *Verdict) Conclusion() Conclusion {
	worst := FitsAll
	switch v.Fits {
	case FitsNo:
		return Violates
	case FitsInconclusive:
		worst = Inconclusive
	}
	for _, f := range v.Findings {
		switch f.Rule.Conclusion() {
		case Violates:
			return Violates
		case Hangs:
			worst = Hangs
		}
	}
	if v.Outcome == StopHung {
		worst = Hangs
	}
	return worst
}

// A Summary is what the lives of one or more logs come to together. The zero Summary has
// no life.
type Summary struct {
	Threads int  // how many lives there are
	Doubt   bool // some life has Life.Doubt: one name was taken for one thread
	ByName  bool // the same of Life.ByName

	earned map[Conclusion]int // how many lives and findings come to it
	misfit map[string]bool    // the eras, by name, whose rules some life does not fit
}

// Life takes a verdict on a life into account, in place of the one that it replaces.
func (s *Summary) Life(v *Verdict) {
	n := 1 + v.Alike
	if v.Replaces != nil {
		s.Threads--
		s.earn(v.Replaces.Conclusion(), -1)
	}
	s.Threads += n
	s.earn(v.Conclusion(), n)
	s.Doubt = s.Doubt || v.Life.Doubt && v.Fits != FitsNo
	s.ByName = s.ByName || v.Life.ByName && v.Fits != FitsNo
	if v.Fits == FitsInconclusive {
		return
	}
	for _, e := range graph.Eras() {
		if !slices.Contains(v.KernelsFit, e.Name) {
			if s.misfit == nil {
				s.misfit = make(map[string]bool)
			}
			s.misfit[e.Name] = true
		}
	}
}

// Findings takes a log's findings that belong to no one life into account.
func (s *Summary) Findings(list []Finding) {
	for _, f := range list {
		s.earn(f.Rule.Conclusion(), 1)
	}
}

// Add takes another log's summary into account.
func (s *Summary) Add(o *Summary) {
	s.Threads += o.Threads
	s.Doubt = s.Doubt || o.Doubt
	s.ByName = s.ByName || o.ByName
	for c, n := range o.earned {
		s.earn(c, n)
	}
	for name := range o.misfit {
		if s.misfit == nil {
			s.misfit = make(map[string]bool)
		}
		s.misfit[name] = true
	}
}

func (s *Summary) earn(c Conclusion, n int) {
	if s.earned == nil {
		s.earned = make(map[Conclusion]int)
	}
	s.earned[c] += n
}

// KernelsFit returns the names of the eras whose rules every decided life fits, the oldest
// first. only is the era by which the lives were judged; nil: by all eras.
func (s *Summary) KernelsFit(only *graph.Era) (names []string) {
	for _, e := range graph.Eras() {
		if !s.misfit[e.Name] && (only == nil || only.Name == e.Name) {
			names = append(names, e.Name)
		}
	}
	return names
}

// Verdict is the worst that any life or finding comes to.
func (s *Summary) Verdict() Conclusion {
	for _, c := range conclusions {
		if s.earned[c] > 0 {
			return c
		}
	}
	return NoEvidence
}

// ExitStatus is the status of a command that has read all its logs: 1 where
// something violates the specification or hangs, else 0. strict: also 1 where
// something is inconclusive, or there is no evidence.
func (s *Summary) ExitStatus(strict bool) int {
	switch s.Verdict() {
	case Violates, Hangs:
		return 1
	case Inconclusive, NoEvidence:
		if strict {
			return 1
		}
	}
	return 0
}
