package checker

import (
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/model"
)

// An endsBy is where the orders that fit end by the rules of some eras. m nil:
// incomplete, orders may also end elsewhere.
type endsBy struct {
	m    *model.Machine
	ends model.StateSet
}

// earlierEnds are where a life goes on that has been revived; nil: it begins.
func earlierEnds(l *Life) []endsBy {
	if l.Revived == nil {
		return nil
	}
	return l.Revived.Said.Verdict.(*Verdict).how.ends
}

// startOf is where a life goes on by the rules of a machine: nowhere where it did not
// fit these. It is nil for one that begins.
func startOf(l *Life, m *model.Machine) *model.StateSet {
	if l.Revived == nil {
		return nil
	}
	var s model.StateSet
	for _, e := range earlierEnds(l) {
		if e.m == m {
			s = s.Union(e.ends)
		}
	}
	return &s
}

// fitsSoFar are those of some checkers by whose rules a life has fitted so far, or,
// where it has fitted none of them or begins, all.
func fitsSoFar(l *Life, all []*eraChecker) []*eraChecker {
	var fit []*eraChecker
	for _, c := range all {
		if slices.ContainsFunc(earlierEnds(l), func(e endsBy) bool { return e.m == c.m }) {
			fit = append(fit, c)
		}
	}
	if fit == nil {
		return all
	}
	return fit
}

// maybeRevived says whether all is known that a later stop of a life's thread would be
// judged by.
func (v *Verdict) maybeRevived() bool {
	return v.Fits == FitsYes && !v.ForeignWake && !slices.ContainsFunc(v.how.ends, func(e endsBy) bool { return e.m == nil })
}
