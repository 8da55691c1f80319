package checker

import (
	"fmt"

	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
)

// An eraChecker judges lives by one state graph.
type eraChecker struct {
	m    *model.Machine
	eras []graph.Era // one or more, whose graph it is
	*Checker
}

// history makes of a life the operations that are searched by the era's rules.
func (c *eraChecker) history(l *Life) *history {
	h := newHistory(c.m, l)
	h.Timeout = c.timeout
	if l.Whole() && !c.callersFit(l) {
		h.callers, h.Impossible = true, true
	}
	return h
}

// judge says what became of a life by the era's rules.
func (c *eraChecker) judge(l *Life) Verdict {
	if was := l.BeforeLoss(); was != nil {
		if v := c.judge(was); v.Fits == FitsNo {
			v.Life, v.Stops, v.how.beforeLoss = l, stopsOf(l, c.history(l)), true
			return v
		}
	}
	h := c.history(l)
	v := Verdict{
		Life: l, Fits: FitsYes, Outcome: OutcomeUnknown, Ran: Unknown, Woken: Unknown, Stops: stopsOf(l, h),
		how: judgement{era: c, history: h},
	}
	if n := h.parksAtOnce(l); n > 2 {
		v.Fits = FitsInconclusive
		v.Why = fmt.Sprintf("%d kthread_park() at once: the specification counts two", n)
		return v
	}
	if c := confusionOf(l); c != notConfused {
		v.Fits, v.Why, v.Findings = FitsInconclusive, c.why(), []Finding{{Rule: &KT010, Evidence: c.evidence()}}
		return v
	}
	ends, ans := h.Ends()
	if ans == model.No && h.died {
		// The thread went on after the oops: a debugger or a notifier may have saved it.
		alive := *l
		alive.As.Survived = true
		return c.judge(&alive)
	}
	if ans == model.No && h.foreignWake && !l.As.ForeignWake {
		// A wake by a task that stops the thread was taken for the stop's own wake. If
		// the life does not fit so, try it as somebody else's, and accuse nobody.
		as := *l
		as.As.ForeignWake = true
		if w := c.judge(&as); w.Fits != FitsNo {
			w.Life = l
			w.how.ends = append(w.how.ends, endsBy{}) // not the same answer as one without this
			return w
		}
	}
	switch {
	case ans == model.Undecided:
		v.Fits = FitsInconclusive
		v.Why = fmt.Sprintf("no answer within %v (--timeout) or %d steps", c.timeout, model.MaxSteps)
		return v
	case ans == model.No:
		c.locate(&v)
		return v
	}
	v.how.ends = []endsBy{{c.m, ends}}
	v.ForeignWake = h.foreignWake && !l.As.ForeignWake
	c.facts(&v, h, ends)
	c.outcome(&v, h, ends)
	v.Findings = (&Case{Life: l, Verdict: &v, era: c, h: h, ends: ends}).findings()
	return v
}

// truth says whether a boolean variable has the same value in all states.
func (c *eraChecker) truth(variable string, ends model.StateSet) Truth {
	is, isNot := ends.Intersect(c.m.Where(variable, "TRUE")), ends.Intersect(c.m.Where(variable, "FALSE"))
	switch {
	case isNot.Empty():
		return Yes
	case is.Empty():
		return No
	}
	return Unknown
}

func (c *eraChecker) facts(v *Verdict, h *history, ends model.StateSet) {
	v.Ran, v.Woken = c.truth("ran", ends), c.truth("woken", ends)
	if !ends.Intersect(c.m.Where("code", "none")).Empty() {
		return // in some order the thread has not ended yet
	}
	if h.hasCode {
		v.ExitCode, v.ExitCodeFrom, v.how.shownBy = h.code, observed, h.shownBy
	} else if ends.Intersect(c.m.Where("code", "eintr")) == ends {
		v.ExitCode, v.ExitCodeFrom = eintr, inferred
	}
}

// outcome sets the verdict's outcome: the one that all fitting orders have, or a weaker
// one that covers all of theirs.
func (c *eraChecker) outcome(v *Verdict, h *history, ends model.StateSet) {
	switch {
	case h.died:
		v.Outcome = Died
		return
	case h.gone && h.ended() && !ends.Intersect(c.m.Phases("finished")).Empty():
		v.Outcome = StoppedAfterFree
		return
	}
	possible := map[Outcome]bool{}
	c.outcomes(h, ends, func(o Outcome, _ model.StateSet) { possible[o] = true })
	if v.Outcome = weaker(possible); h.life.MaybeTwo() && h.returned() > 0 {
		v.Outcome = Stopped
	}
}

// weaker returns the outcome that covers all possible ones.
func weaker(possible map[Outcome]bool) Outcome {
	if len(possible) == 1 {
		for o := range possible {
			return o
		}
	}
	only := func(allowed ...Outcome) bool {
		n := 0
		for _, o := range allowed {
			if possible[o] {
				n++
			}
		}
		return n == len(possible)
	}
	switch {
	case only(RanThenStopped, ExitedByItselfThenStopped):
		return RanThenStopped
	case only(RanThenStopped, ExitedByItselfThenStopped, StoppedBeforeRun, Stopped):
		return Stopped
	case only(StopHung, StopPending):
		return StopPending
	}
	return OutcomeUnknown
}

// outcomes reads the outcomes off the states in which fitting orders end, and off
// the stops that the log shows. It calls is with each outcome and the states that
// have it.
func (c *eraChecker) outcomes(h *history, ends model.StateSet, is func(Outcome, model.StateSet)) {
	left := ends
	some := func(o Outcome, of model.StateSet) {
		if s := left.Intersect(of); !s.Empty() {
			is(o, s)
			left = left.Minus(s)
		}
	}
	rest := func(o Outcome) { some(o, left) }
	if h.returned() > 0 {
		some(StoppedBeforeRun, c.m.Where("ran", "FALSE"))
		some(ExitedByItselfThenStopped, c.m.Where("unasked", "TRUE"))
		rest(RanThenStopped)
		return
	}
	if h.pending() > 0 {
		if h.life.Unsure.Has(traces.StopReturn) {
			rest(OutcomeUnknown) // the message of its return may name only a name that several have
			return
		}
		if h.hung || h.life.Traced() && h.stopsItself() {
			rest(StopHung)
			return
		}
		if h.life.Traced() && h.life.Trace.Lossy {
			rest(OutcomeUnknown) // its return may be among what was lost
			return
		}
		if h.life.Traced() && !h.life.ShowsReturns() && !h.life.StopWaits() {
			// Only what the thread has done tells whether the stop can have returned.
			over := left.Intersect(c.m.Phases("finished"))
			some(StoppedBeforeRun, over.Intersect(c.m.Where("ran", "FALSE")))
			some(ExitedByItselfThenStopped, over.Intersect(c.m.Where("unasked", "TRUE")))
			some(RanThenStopped, over)
			rest(StopPending)
			return
		}
		if c.canAccuse(h.life) {
			var stuck model.StateSet
			left.Each(func(i int) {
				if c.m.CanReturn(i, 1) == 0 {
					stuck.Add(i)
				}
			})
			some(StopHung, stuck)
		}
		rest(StopPending)
		return
	}
	failed := c.m.Phases("failed")
	if left.Minus(failed).Empty() {
		rest(CreateFailed)
	}
	// It sleeps, or is about to, and nobody has woken it since its fork; maybe its creator has
	// given it up.
	first := c.m.Where("on", "asleep").Union(c.m.Where("on", "queued").Intersect(c.m.Where("state", "D")))
	some(NeverWoken, c.m.Phases("created").Union(c.m.Phases("absent").Union(failed).Intersect(first)))
	some(CreateFailed, failed)
	// A stop that the log does not show may have ended it.
	some(OutcomeUnknown, c.m.Where("should_stop", "TRUE"))
	some(OutcomeUnknown, c.m.Where("phase", "absent"))
	some(ExitedByItself, c.m.Phases("finished", "returned"))
	rest(Running)
}

// canAccuse says whether a missing message proves that something did not happen: the
// pattern set is in use, all lines are one thread's, and no oops may have ended a task in
// between.
func (c *eraChecker) canAccuse(l *Life) bool {
	return l.Whole() || l.Begun && !l.Gaps && !l.OneName() && !l.Unsure.Has(traces.StopReturn) && l.Crash == 0
}

// stuck returns how many of the stops that have not returned can never return, in any
// fitting order. It assumes that a stop without a message of its return has not returned.
func (c *eraChecker) stuck(h *history, ends model.StateSet) int {
	pending := h.pending()
	if pending == 0 || h.life.Traced() && !h.life.ShowsReturns() {
		return 0
	}
	can := 0
	ends.Each(func(i int) { can = max(can, c.m.CanReturn(i, pending)) })
	return pending - can
}
