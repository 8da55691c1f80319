package checker

import (
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/model"
)

// An endsBy has the states in which fitting orders end, by the rules of the eras that m is
// the graph of. m nil: incomplete, orders may also end in other states.
type endsBy struct {
	m    *model.Machine
	ends model.StateSet
}

// earlierEnds returns the states in which a revived life goes on; nil: the life is not
// revived.
func earlierEnds(l *Life) []endsBy {
	if l.Revived == nil {
		return nil
	}
	return l.Revived.Said.Verdict.(*Verdict).how.ends
}

// startOf returns the states of m in which a revived life goes on: those in which the
// earlier verdict ended, and those that the thread has come to since. A tombstone takes no
// events, so what the thread and the scheduler did since then has not been kept. A stop
// would have revived the life. The set is empty if the life did not fit the rules of m.
// nil: the life is not revived.
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
	s = m.Closure(s, m.All&^m.Actions(model.StopReturns...)&^m.Actions("StopRequest", "StopUnpark", "StopWake", "StopWakeLater"))
	return &s
}

// fitsSoFar returns the checkers whose rules a revived life fitted before. It returns all
// of them if there are none such, or the life is not revived.
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

// maybeRevived says whether the life can be revived: whether the verdict has all that a
// later stop of the thread would be judged by.
func (v *Verdict) maybeRevived() bool {
	return v.Fits == FitsYes && !v.ForeignWake && !slices.ContainsFunc(v.how.ends, func(e endsBy) bool { return e.m == nil })
}
