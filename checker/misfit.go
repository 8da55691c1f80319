package checker

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/kthread-tla/tracecheck/traces"
)

// misfit says where a life stops to fit, what was possible there, and which
// rule speaks of it.
func (c rules) misfit(v *Verdict) {
	l := v.Life
	// A prefix of a log that fits fits, so the first line that does not can be
	// searched for by halves.
	n := sort.Search(len(l.Events()), func(n int) bool {
		_, _, ans := c.prefix(l, n+1)
		return ans == no
	})
	if n == len(l.Events()) {
		v.Fits, v.Why = FitsInconclusive, "no answer within the time (--timeout)"
		return
	}
	before, ends, ok := c.upTo(l, n)
	if !ok {
		v.Fits, v.Why = FitsInconclusive, "no answer within the time (--timeout)"
		return
	}
	bad := l.Events()[n]
	f := Finding{Lines: []int{bad.Line}}

	if differ := newHistory(c.m, l.first(n+1)).differ; differ[0] >= 0 {
		first := l.Events()[differ[0]]
		f.Rule, f.Lines = ruleWrongValue, []int{first.Line, bad.Line}
		f.Message = fmt.Sprintf("%s says %d, but %s (line %d) says %d: a thread ends with one value, and kthread_stop returns it",
			said(bad), bad.Code, said(first), first.Line, first.Code)
		f.Allowed = []string{l.words(bad.Kind, &first.Code)}
	} else {
		c.explainMisfit(&f, l, bad, ends)
		f.Allowed = c.allowed(l, bad, before, ends)
	}

	v.Fits, v.by = FitsNo, c.Checker
	if n > 0 {
		v.FitsTo = l.Events()[n-1].Line
	}
	if l.Doubt || len(l.Events()) == 1 {
		// One line alone may be anybody's words.
		v.Fits, v.FitsTo = FitsInconclusive, 0
		v.Why = "its lines are not those of one thread: they may be about two of the same name, or be somebody else's words"
		f.Message = "not one thread's lines, or a violation: " + f.Message
		f.Rule = ruleTwoThreads
		f.WouldSettle = "a log that begins where the module is loaded, or messages with the pid"
	}
	v.Findings = append(v.Findings, f)
}

// said is an event in the log's words, or in the tool's where it has none.
func said(e traces.Event) string {
	if e.Text != "" {
		return fmt.Sprintf("%q", e.Text)
	}
	return e.Looks()
}

// words is how a log like the life's shows what a kind is about.
func (l *Life) words(kind traces.Kind, code *int) string {
	if l.Set != nil {
		return fmt.Sprintf("%q", l.Set.Message(kind, l.Thread, code))
	}
	e := traces.Event{Kind: kind, Thread: l.Thread}
	if code != nil {
		e.Code, e.HasCode = *code, true
	}
	return e.Looks()
}

// prefix asks about the first n events of a life.
func (c rules) prefix(l *Life, n int) (*history, stateSet, answer) {
	q := &question{c.m, newHistory(c.m, l.first(n)), c.timeout}
	ends, ans := q.ends()
	return q.h, ends, ans
}

// upTo is how things stood when the event with index n came. That it came is
// taken into account: who prints it has done what he announced before, and has
// left unsaid nothing that he always says.
func (c rules) upTo(l *Life, n int) (*history, stateSet, bool) {
	h := newHistory(c.m, l.first(n+1))
	h.ops = slices.DeleteFunc(h.ops, func(o operation) bool { return o.event == n })
	h.differ = [2]int{-1, -1}
	q := &question{c.m, h, c.timeout}
	if ends, ans := q.ends(); ans == yes {
		return h, ends, true
	}
	// What it proves of the past does not fit either: as it was without it.
	h, ends, ans := c.prefix(l, n)
	return h, ends, ans == yes
}

// explainMisfit finds the rule and the words for an event that does not fit
// after the states of ends. What was missing is read off the graph: the
// shortest way to where the event is possible.
func (c rules) explainMisfit(f *Finding, l *Life, bad traces.Event, ends stateSet) {
	wanted := c.m.actions(shown[bad.Kind]...)
	switch {
	case bad.Kind == traces.Return:
		wanted = c.m.actions("Work")
	case bad.HasCode:
		wanted = c.m.actions(coded(bad.Kind, bad.Code)...)
	}
	way, possible := c.m.shortest(ends, c.m.enabled(wanted))
	missing := map[traces.Kind]bool{}
	var lines []string
	for _, a := range way {
		for kind, names := range silent {
			if l.shows(kind) && slices.Contains(names, c.m.g.Actions[a]) && !missing[kind] {
				missing[kind] = true
				lines = append(lines, l.words(kind, nil))
			}
		}
	}
	neverRan := c.truth("ran", ends) == No
	switch {
	case bad.Kind == traces.StopReturn && (missing[traces.Enter] || neverRan && bad.HasCode && bad.Code != eintr && !possible && c.returnsEintr(ends)):
		f.Rule = ruleValueNotRun
		f.Message = said(bad) + ", but threadfn was never entered: then kthread_stop returns -EINTR (-4)"
	case bad.Kind == traces.StopReturn && missing[traces.Return]:
		f.Rule = ruleStopTooEarly
		f.Message = said(bad) + ", but threadfn has not returned"
	case bad.Kind == traces.StopReturn && bad.HasCode && bad.Code == eintr && !neverRan && len(lines) == 0 && !possible:
		f.Rule = ruleWrongValue
		f.Message = said(bad) + ", but threadfn ran and did not return -EINTR"
	case bad.Kind == traces.StopReturn:
		f.Rule = ruleNoStop
		f.Message = said(bad) + ", but no kthread_stop of this thread can return here"
	case bad.Kind == traces.Return && missing[traces.Enter]:
		f.Rule = ruleReturnNotEntered
		f.Message = said(bad) + ", but threadfn was never entered"
	case bad.Kind == traces.Enter || bad.Kind == traces.Return:
		f.Rule = ruleAfterEnd
		f.Message = said(bad) + ", but threadfn cannot be running here"
	default:
		f.Rule = ruleMisfit
		f.Message = said(bad) + " is not possible here"
	}
	switch {
	case !possible:
		f.Message += "; nothing that could come first would make it so"
	case len(lines) > 0:
		f.Message += "; it needs " + strings.Join(lines, " and ") + " first"
	}
}

// returnsEintr says whether a stop can return -EINTR in one of the states.
func (c rules) returnsEintr(states stateSet) bool {
	return !states.intersect(c.m.enabled(c.m.actions(coded(traces.StopReturn, eintr)...))).empty()
}

// allowed is what could have come instead of an event, as messages of this
// log's pattern set, or as events of the kinds that this trace has.
func (c rules) allowed(l *Life, bad traces.Event, h *history, ends stateSet) []string {
	reach := c.m.closure(ends, h.hidden)
	possible := func(names ...string) bool {
		return !reach.intersect(c.m.enabled(c.m.actions(names...))).empty()
	}
	var out []string
	say := func(kind traces.Kind, code *int) {
		out = append(out, l.words(kind, code))
	}
	for kind := traces.Create; kind <= traces.Exit; kind++ {
		switch {
		case l.Traced() && !l.Sees.Has(kind), !l.Traced() && (l.Set == nil || !l.Set.Shows().Has(kind)):
		case kind == bad.Kind && kind == traces.StopReturn && bad.HasCode:
			// The same message, with the value that would have been right.
			if code := eintr; possible(coded(kind, code)...) {
				say(kind, &code)
			}
		case kind == traces.Return:
			if possible("Work") { // its message is printed in threadfn
				say(kind, nil)
			}
		case possible(shown[kind]...):
			say(kind, nil)
		}
	}
	if l.Traced() && l.Sees.Has(traces.ShouldStop) {
		for code, test := range []string{"TestFalse", "TestTrue"} {
			if possible(test) {
				say(traces.ShouldStop, &code)
			}
		}
	}
	if l.Traced() && l.Sees.Has(traces.ThreadFn) && possible("Enter") {
		say(traces.ThreadFn, nil)
	}
	if l.Traced() && l.Sees.Has(traces.SwitchOut) && possible("Work") {
		out = append(out, (&traces.Event{Kind: traces.SwitchOut, Thread: l.Thread, State: 'S'}).Looks())
	}
	return out
}
