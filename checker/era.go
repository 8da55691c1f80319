package checker

import (
	"fmt"

	"github.com/kthread-tla/tracecheck/spec/graph"
)

// An eraChecker judges lives by one state graph.
type eraChecker struct {
	m    *machine
	eras []graph.Era // one or more, whose graph it is
	*Checker
}

// judge says what became of a life by the era's rules.
func (c *eraChecker) judge(l *Life) Verdict {
	if was := l.intact(); was != nil {
		if v := c.judge(was); v.Fits == FitsNo {
			v.Life, v.Stops, v.how.beforeLoss = l, stopsOf(l, newHistory(c.m, l)), true
			return v
		}
	}
	h := newHistory(c.m, l)
	q := &question{c.m, h, c.timeout}
	v := Verdict{
		Life: l, Fits: FitsYes, Outcome: OutcomeUnknown, Ran: Unknown, Woken: Unknown, Stops: stopsOf(l, h),
		how: judgement{era: c, query: q},
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
	ends, ans := q.ends()
	if ans == no && h.died {
		// It went on, whatever was reported: a debugger, or a notifier, may have
		// seen to that.
		alive := *l
		alive.survived = true
		return c.judge(&alive)
	}
	if ans == no && h.foreignWake && !l.foreignWake {
		// A wake in the context of a task that stops the thread is taken for the
		// stop's own. Nobody is accused by that.
		as := *l
		as.foreignWake = true
		if w := c.judge(&as); w.Fits != FitsNo {
			w.Life = l
			w.how.ends = append(w.how.ends, endsBy{}) // not the same answer as one without this
			return w
		}
	}
	switch {
	case ans == undecided:
		v.Fits = FitsInconclusive
		v.Why = fmt.Sprintf("no answer within %v (--timeout) or %d steps", c.timeout, maxSteps)
		return v
	case ans == no:
		c.locate(&v)
		return v
	}
	v.how.ends = []endsBy{{c.m, ends}}
	v.ForeignWake = h.foreignWake && !l.foreignWake
	c.facts(&v, h, ends)
	c.outcome(&v, h, ends)
	v.Findings = (&Case{Life: l, Verdict: &v, era: c, h: h, ends: ends}).findings()
	return v
}

// truth says whether a boolean variable has the same value in all states.
func (c *eraChecker) truth(variable string, ends stateSet) Truth {
	is, isNot := ends.intersect(c.m.where(variable, "TRUE")), ends.intersect(c.m.where(variable, "FALSE"))
	switch {
	case isNot.empty():
		return Yes
	case is.empty():
		return No
	}
	return Unknown
}

func (c *eraChecker) facts(v *Verdict, h *history, ends stateSet) {
	v.Ran, v.Woken = c.truth("ran", ends), c.truth("woken", ends)
	if !ends.intersect(c.m.where("code", "none")).empty() {
		return // in some order the thread has not ended yet
	}
	if h.hasCode {
		v.ExitCode, v.ExitCodeFrom, v.how.shownBy = h.code, observed, h.shownBy
	} else if ends.intersect(c.m.where("code", "eintr")) == ends {
		v.ExitCode, v.ExitCodeFrom = eintr, inferred
	}
}

// outcome names what all fitting orders agree on, or the weaker thing that
// covers them.
func (c *eraChecker) outcome(v *Verdict, h *history, ends stateSet) {
	switch {
	case h.died:
		v.Outcome = Died
		return
	case h.gone && h.ended() && !ends.intersect(c.m.phases("finished")).empty():
		v.Outcome = StoppedAfterFree
		return
	}
	possible := map[Outcome]bool{}
	c.outcomes(h, ends, func(o Outcome, _ stateSet) { possible[o] = true })
	v.Outcome = weaker(possible)
}

// weaker is the outcome that covers all of those that are possible.
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
func (c *eraChecker) outcomes(h *history, ends stateSet, is func(Outcome, stateSet)) {
	left := ends
	some := func(o Outcome, of stateSet) {
		if s := left.intersect(of); !s.empty() {
			is(o, s)
			left = left.minus(s)
		}
	}
	rest := func(o Outcome) { some(o, left) }
	if h.returned() > 0 {
		some(StoppedBeforeRun, c.m.where("ran", "FALSE"))
		some(ExitedByItselfThenStopped, c.m.where("unasked", "TRUE"))
		rest(RanThenStopped)
		return
	}
	if h.pending() > 0 {
		if h.hung || h.life.Traced() && h.stopsItself() {
			rest(StopHung)
			return
		}
		if h.life.trace.on && h.life.trace.lossy {
			rest(OutcomeUnknown) // its return may be among what was lost
			return
		}
		if c.canAccuse(h.life) {
			var stuck stateSet
			left.each(func(i int) {
				if c.m.canReturn(i, 1) == 0 {
					stuck.add(i)
				}
			})
			some(StopHung, stuck)
		}
		rest(StopPending)
		return
	}
	some(CreateFailed, c.m.where("phase", "failed"))
	some(NeverWoken, c.m.where("phase", "created"))
	// A stop that the log does not show may have ended it.
	some(OutcomeUnknown, c.m.where("should_stop", "TRUE"))
	some(OutcomeUnknown, c.m.where("phase", "absent"))
	some(ExitedByItself, c.m.phases("finished", "returned"))
	rest(Running)
}

// canAccuse says whether what a life's log does not show may be held against
// it: its set is in use, its lines are one thread's, and no oops may have ended
// a task in between.
func (c *eraChecker) canAccuse(l *Life) bool {
	return l.Whole() || l.Begun && !l.Gaps && !l.Doubt && l.Crash == 0
}

// stuck is how many of the stops that have not returned never can, in every
// fitting order. It takes the absence of a return's message for its absence.
func (c *eraChecker) stuck(h *history, ends stateSet) int {
	pending := h.pending()
	if pending == 0 {
		return 0
	}
	can := 0
	ends.each(func(i int) { can = max(can, c.m.canReturn(i, pending)) })
	return pending - can
}
