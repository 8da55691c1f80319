package checker

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/traces"
)

// A misfit is the place where a life stops fitting, and what the graph says of it.
type misfit struct {
	event   int // index in Life.Events of the first event that does not fit
	differs int // index of an earlier one that shows another value of the thread's end; -1: none does
	// The values that the event and the earlier one show, where differs is not -1.
	code, earlierCode int
	early             int // index of an earlier return of a stop, without which it would fit; -1: there is none

	// missing has the kinds on the shortest way to where the event is possible that
	// this log always shows, and has not shown before the event.
	missing  []traces.Kind
	possible bool // there is such a way
	neverRan bool // threadfn has not been entered before the event
	eintr    bool // a stop could return -EINTR in its place
	nothing  bool // a do_exit() leaves nothing for a stop to return

	caller *sleepingCaller // a task does something in its call of which the graph of a task says that it cannot; nil: it is not that

	allowed []message // what could have come instead
	rule    *Rule     // the rule that speaks of it
}

// A message is what a log would show of an action.
type message struct {
	kind    traces.Kind
	code    int
	hasCode bool
}

// misses says whether a kind is missing.
func (m *misfit) misses(kind traces.Kind) bool { return slices.Contains(m.missing, kind) }

// findMisfit makes the Find of a rule that speaks of the misfits for which is is true.
func findMisfit(is func(m *misfit, e *traces.Event) bool) func(*Case) []Evidence {
	return func(c *Case) []Evidence {
		m := c.misfit
		switch {
		case !is(m, &c.Life.Events()[m.event]):
			return nil
		case m.differs >= 0:
			return []Evidence{{Events: []int{m.differs, m.event}, Detail: m}}
		}
		return []Evidence{{Events: []int{m.event}, Detail: m}}
	}
}

// sayMisfit makes the Say of such a rule. words is the rule's part of the text, which
// comes after the event's.
func sayMisfit(words string) func(*Life, Evidence) Text {
	return func(l *Life, e Evidence) Text { return e.Detail.(*misfit).says(l, words) }
}

// callOf returns the kind of the call that an event of kind k returns from.
func callOf(k traces.Kind) traces.Kind {
	if k == traces.ParkReturn {
		return traces.ParkCall
	}
	return traces.StopCall
}

// says puts the misfit into words: the event, the rule's words, what the event needs, and
// what was possible in its place.
func (m *misfit) says(l *Life, words string) Text {
	t := Text{Message: said(&l.Events()[m.event]) + words}
	switch {
	case m.caller != nil:
		t.Message += m.caller.says(l)
	case !m.possible:
		t.Message += "; nothing that could come first would make it so"
	case len(m.missing) > 0:
		var first []string
		for _, kind := range m.missing {
			first = append(first, logWords(l, kind, nil))
		}
		t.Message += "; it needs " + strings.Join(first, " and ") + " first"
	}
	for i := range m.allowed {
		var code *int
		if a := &m.allowed[i]; a.hasCode {
			code = &a.code
		}
		t.Allowed = append(t.Allowed, logWords(l, m.allowed[i].kind, code))
	}
	return t
}

// locate notes in a verdict where its life stops fitting, what was possible there, and
// which rule speaks of it.
func (c *eraChecker) locate(v *Verdict) {
	l := v.Life
	// Every prefix of a log that fits fits too, so a binary search finds the first
	// line that does not.
	n := sort.Search(len(l.Events()), func(n int) bool {
		_, _, ans := c.prefix(l, n+1)
		return ans == model.No
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
	bad := c.history(l.First(n + 1))
	m := &misfit{event: n, differs: bad.differ[0], code: bad.otherCode, earlierCode: bad.code, nothing: exitLeavesNothing(c.m)}
	switch {
	case bad.callers:
		s := c.sleepingCaller(l, n)
		m.caller = &s
	case m.differs < 0:
		c.explain(m, l, ends)
		if call := callOf(l.Events()[n].Kind); bad.unannounced == n && !m.misses(call) {
			m.missing = append([]traces.Kind{call}, m.missing...)
		}
		m.allowed = c.allowed(l, &l.Events()[n], before, ends)
		if bad.unannounced == n {
			m.allowed = slices.DeleteFunc(m.allowed, func(a message) bool { return a.kind == l.Events()[n].Kind })
		}
	}
	m.early = c.stoppedEarly(l, n)
	f := (&Case{Life: l, Verdict: v, era: c, h: before, ends: ends, misfit: m}).finding()
	v.Fits = FitsNo
	if n > 0 {
		v.FitsTo = l.Events()[n-1].Line
	}
	switch {
	case l.Doubt || len(l.Events()) == 1 || l.ByName && c.fitsAnother(l, n):
		// A single line may have been printed by anybody.
		v.Why = "its lines are not those of one thread: they may be about two of the same name, or be somebody else's words"
	case c.fitsNext(l, n):
		v.Why = "what comes after its end may be about the next thread of that name and pid"
	}
	if v.Why != "" {
		v.Fits, v.FitsTo = FitsInconclusive, 0
		f.Rule = &KT010
	}
	if l.MaybeOther() && c.judge(l.WithoutStops()).Fits != FitsNo {
		v.Fits, v.FitsTo = FitsInconclusive, 0
		v.Why = "an earlier thread had its pid and name, and has ended without a stop: a stop may be of that one"
		f.Rule = &KT010
	}
	v.Findings = append(v.Findings, f)
}

// fits says whether the rules of the era allow a life, or may allow it.
func (c *eraChecker) fits(l *Life) bool {
	_, ans := c.history(l).Ends()
	return ans != model.No
}

// stoppedEarly returns the last return of a stop before event n, if that is a message which
// threadfn prints when it returns, and all fits without the returns of stops; -1: it is
// not so.
func (c *eraChecker) stoppedEarly(l *Life, n int) int {
	events := l.Events()
	if l.Traced() || events[n].Kind != traces.Return || !c.fits(l.First(n+1).Without(traces.StopReturn)) {
		return -1
	}
	for i := n - 1; i >= 0; i-- {
		if events[i].Kind == traces.StopReturn {
			return i
		}
	}
	return -1
}

// fitsAnother says whether a life whose messages do not all have the pid fits up to event n,
// if those without it may be about another thread of the name. What no message of the name
// says, that other thread has not done either.
func (c *eraChecker) fitsAnother(l *Life, n int) bool {
	if l.Events()[n].Thread.PID != 0 {
		return c.fits(l.Sure(n + 1))
	}
	var others traces.Kinds
	for _, e := range l.Events()[:n] {
		others = others.With(e.Kind)
	}
	return c.fits(l.Part(n, n+1, others))
}

// fitsNext says whether what comes up to event n, after the thread said that it ends by
// itself, may be about the next thread of its name and pid.
func (c *eraChecker) fitsNext(l *Life, n int) bool {
	if l.Traced() || l.Thread.PID == 0 {
		return false
	}
	var parks traces.Kinds // what is open when the thread ends
	for i, e := range l.Events()[:n] {
		switch e.Kind {
		case traces.StopCall:
			return false
		case traces.ParkCall:
			parks = parks.With(e.Kind)
		case traces.Return, traces.Exit:
			return c.fits(l.Part(i+1, n+1, parks))
		}
	}
	return false
}

// said returns the text of an event: the log's own, or, if there is none, that of
// FormatTracepoint.
func said(e *traces.Event) string {
	if e.Text != "" {
		return fmt.Sprintf("%q", e.Text)
	}
	return e.FormatTracepoint()
}

// logWords returns how the life's log would show an event of a kind.
func logWords(l *Life, kind traces.Kind, code *int) string {
	if l.Set != nil {
		return fmt.Sprintf("%q", l.Set.Message(kind, l.Thread, code))
	}
	e := traces.Event{Kind: kind, Thread: l.Thread}
	if kind == traces.SwitchOut {
		e.State = 'S'
	}
	if code != nil {
		e.Code, e.HasCode = *code, true
	}
	return e.FormatTracepoint()
}

// prefix searches the first n events of a life.
func (c *eraChecker) prefix(l *Life, n int) (*history, model.StateSet, model.Answer) {
	h := c.history(l.First(n))
	ends, ans := h.Ends()
	return h, ends, ans
}

// upTo returns the states just before the event with index n. It uses that the event
// came: the task that printed it has done what it announced before, and has printed
// every message that it always prints.
func (c *eraChecker) upTo(l *Life, n int) (*history, model.StateSet, bool) {
	h := c.history(l.First(n + 1))
	h.Operations = slices.DeleteFunc(h.Operations, func(o model.Operation) bool { return o.Event == n })
	h.differ, h.Impossible = [2]int{-1, -1}, false
	if ends, ans := h.Ends(); ans == model.Yes {
		return h, ends, true
	}
	// What the event proves of the past does not fit either, so ignore the event.
	h, ends, ans := c.prefix(l, n)
	return h, ends, ans == model.Yes
}

// explain fills in what m says of the graph. ends are the states before the event that
// does not fit. What is missing is read off the shortest way from them to a state in
// which the event is possible.
func (c *eraChecker) explain(m *misfit, l *Life, ends model.StateSet) {
	bad := &l.Events()[m.event]
	wanted := c.m.Actions(shown[bad.Kind]...)
	switch {
	case bad.Kind == traces.Return:
		wanted = c.m.Actions("Work")
	case bad.HasCode:
		wanted = coded(c.m, bad.Kind, bad.Code)
	}
	way, possible := c.m.Shortest(ends, c.m.Enabled(wanted))
	for _, a := range way {
		for _, kind := range slices.Sorted(maps.Keys(silent)) { // the words name them in this order
			if l.Shows(kind) && slices.Contains(silent[kind], c.m.Graph.Actions[a]) && !m.misses(kind) {
				m.missing = append(m.missing, kind)
			}
		}
	}
	m.possible, m.neverRan, m.eintr = possible, c.truth("ran", ends) == No, c.returnsEintr(ends)
}

// returnsEintr says whether a stop can return -EINTR in one of the states.
func (c *eraChecker) returnsEintr(states model.StateSet) bool {
	return !states.Intersect(c.m.Enabled(coded(c.m, traces.StopReturn, eintr))).Empty()
}

// allowed is what could have come instead of an event, as messages of this
// log's pattern set, or as events of the kinds that this trace has.
func (c *eraChecker) allowed(l *Life, bad *traces.Event, h *history, ends model.StateSet) (out []message) {
	reach := c.m.Closure(ends, h.Hidden)
	possible := func(actions model.ActionSet) bool { return !reach.Intersect(c.m.Enabled(actions)).Empty() }
	say := func(kind traces.Kind) { out = append(out, message{kind: kind}) }
	sayCode := func(kind traces.Kind, code int) { out = append(out, message{kind, code, true}) }
	for kind := traces.Create; kind <= traces.Exit; kind++ {
		switch {
		case l.Traced() && !l.Sees.Has(kind), !l.Traced() && (l.Set == nil || !l.Set.Shows().Has(kind)):
		case kind == bad.Kind && kind == traces.StopReturn && bad.HasCode:
			// The same message, with the value that would have been right.
			if possible(coded(c.m, kind, eintr)) {
				sayCode(kind, eintr)
			}
		case kind == traces.Return:
			if possible(c.m.Actions("Work")) { // its message is printed in threadfn
				say(kind)
			}
		case possible(c.m.Actions(shown[kind]...)):
			say(kind)
		}
	}
	if l.Traced() && l.Sees.Has(traces.ShouldStop) {
		for code, test := range []string{"TestFalse", "TestTrue"} {
			if possible(c.m.Actions(test)) {
				sayCode(traces.ShouldStop, code)
			}
		}
	}
	if l.Traced() && l.Sees.Has(traces.ThreadFn) && possible(c.m.Actions("Enter")) {
		say(traces.ThreadFn)
	}
	if l.Traced() && l.Sees.Has(traces.SwitchOut) && possible(c.m.Actions("Work")) {
		say(traces.SwitchOut)
	}
	return out
}
