package checker

import (
	"slices"

	"github.com/kthread-tla/tracecheck/spec/graph"
)

// A Conclusion is what a life, a log or a whole run comes to, in one word.
type Conclusion string

// The conclusions, worst first: the worst of several is that of all.
const (
	Violates     Conclusion = "violates"     // the kernel does not do that, or a finding is an error and no hang
	Hangs        Conclusion = "hangs"        // it is legal, and something never ends
	Inconclusive Conclusion = "inconclusive" // not decided
	FitsAll      Conclusion = "fits"
	NoEvidence   Conclusion = "no_evidence" // of no life and no hang or error at all
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

// A Summary is what the lives of a log, or of several, come to together. The zero
// Summary is that of no life.
type Summary struct {
	Threads int  // how many lives there are
	Doubt   bool // of some, a name was taken for one thread

	earned map[Conclusion]int // how many lives and findings come to it
	misfit map[string]bool    // the eras, by name, whose rules some life does not fit
}

// Life takes a life into account, in place of what was said of it before.
func (s *Summary) Life(v *Verdict) {
	n := 1 + v.Alike
	if v.Replaces != nil {
		s.Threads--
		s.earn(v.Replaces.Conclusion(), -1)
	}
	s.Threads += n
	s.earn(v.Conclusion(), n)
	s.Doubt = s.Doubt || v.Life.Doubt && v.Fits != FitsNo
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

// Findings takes findings into account that belong to no one life.
func (s *Summary) Findings(list []Finding) {
	for _, f := range list {
		s.earn(f.Rule.Conclusion(), 1)
	}
}

// Add takes another log's summary into account.
func (s *Summary) Add(o *Summary) {
	s.Threads += o.Threads
	s.Doubt = s.Doubt || o.Doubt
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

// KernelsFit are the eras, by name and the oldest first, by whose rules every life
// fits that was decided. only is the era that they were judged by; nil: by each.
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
