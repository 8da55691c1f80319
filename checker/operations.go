package checker

import (
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/traces"
)

// maxAlike is how many messages of one kind are searched for an order of which the
// log tells no more than that what they say has happened before: each may come
// before all that the log shows, so the orders grow beyond measure, and what they
// say may happen unseen at any time anyhow. To leave out the later ones accepts more.
const maxAlike = 4

func at(line int) int64    { return 2 * int64(line) }
func after(line int) int64 { return 2*int64(line) + 1 }

// A history is what a life's log says, in the form in which it is searched.
type history struct {
	model.Query
	life        *Life
	foreignWake bool // see life.As: it matters

	// The values that a thread has ended with, as the log shows them: the
	// indices of two events that differ, if there are two.
	differ [2]int
	// The one value that it shows, where hasCode.
	code    int
	hasCode bool
	shownBy int // index of the first event that shows it

	stops []life.Call // of kthread_stop
	parks []life.Call // of kthread_park

	hung bool // a report shows a stop of the thread blocked
	died bool // an oops in threadfn ended the thread
	gone bool // a report shows that a stop of it found it gone, with no reference held

	// Events that prove nothing about when: their actions may happen unseen
	// at any time anyhow. They are shown where an interleaving has the action.
	unordered []int
}

// newHistory makes operations of a life's events. It is the only place that
// turns a log's lines into windows; every window is at least as wide as the
// evidence.
//
//   - stop-call, return: the message comes before the action, which lies
//     between it and the next line that proves it done.
//   - create, enter, stop-return: the message comes after the action.
//   - wake, exit: on either side.
//   - enter, return: besides, the line itself was printed inside threadfn.
func newHistory(m *model.Machine, l *Life) *history {
	if l.Traced() {
		return newTraceHistory(m, l)
	}
	h := &history{Query: model.Query{Machine: m, Hidden: m.All}, life: l, differ: [2]int{-1, -1}}
	for kind, names := range silent {
		if l.Shows(kind) {
			h.Hidden &^= m.Actions(names...)
		}
	}
	// The message of an exit may come after it, and thus still be to come.
	if l.Set != nil && l.Set.Shows().Has(traces.Exit) {
		h.Hidden |= m.Actions(shown[traces.Exit]...)
	}
	// The kernel itself prints an oops. After one, what a task had to say may
	// never have been said.
	switch {
	case l.Crash > 0:
		h.Hidden = m.All
	case l.Begun:
		h.Hidden &^= m.Actions("Oops")
	}
	h.stops = l.Calls(traces.StopCall, traces.StopReturn)
	h.parks = l.Calls(traces.ParkCall, traces.ParkReturn)

	var begin int64
	if l.Begun {
		begin = after(l.Since)
	}
	alike := make(map[model.ActionSet]int)
	add := func(o model.Operation) {
		if !o.Optional && o.From == begin && o.Actions != 0 && o.Actions&^h.Hidden == 0 {
			if alike[o.Actions]++; alike[o.Actions] > maxAlike {
				h.unordered = append(h.unordered, o.Event)
				return
			}
		}
		if o.Optional && o.From == begin && o.Open() && o.Actions&^h.Hidden == 0 {
			h.unordered = append(h.unordered, o.Event)
			return
		}
		if o.Optional && o.Open() && m.Idempotent(o.Actions) {
			// Of several that may come at any later time the first is enough.
			for _, p := range h.Operations {
				if p.Optional && p.Open() && p.Actions == o.Actions && p.From <= o.From {
					return
				}
			}
		}
		h.Operations = append(h.Operations, o)
	}
	entered := false
	for i, e := range l.Events() {
		if e.Kind == traces.Stacked {
			h.report(m, l, i)
			continue
		}
		actions := m.Actions(shown[e.Kind]...)
		if e.HasCode && e.Kind != traces.CreateFailed {
			actions = m.Actions(coded(e.Kind, e.Code)...)
		}
		switch e.Kind {
		case traces.Create, traces.CreateFailed:
			add(window(begin, at(e.Line), actions, false, i))
		case traces.Wake:
			to := nextBy(l.Events(), i)
			add(window(begin, to, actions, to == model.Never, i))
		case traces.Exit:
			add(window(begin, model.Never, actions, true, i))
		case traces.StopCall:
			// A stop that finds the thread gone requests nothing.
			to := h.done(l, h.stops, traces.StopCall, i)
			add(window(after(e.Line), to, actions, to == model.Never || m.StopSkips, i))
		case traces.StopReturn:
			add(window(h.called(l, h.stops, traces.StopCall, i, begin), at(e.Line), actions, false, i))
			h.value(l, i)
		case traces.ParkCall:
			to := h.done(l, h.parks, traces.ParkCall, i)
			add(window(after(e.Line), to, actions, to == model.Never, i))
		case traces.ParkReturn:
			add(window(h.called(l, h.parks, traces.ParkCall, i, begin), at(e.Line), actions, false, i))
		case traces.Unpark:
			to := nextBy(l.Events(), i)
			add(window(begin, to, actions, to == model.Never, i))
		case traces.Enter:
			entered = true
			from := begin
			if l.Shows(traces.Enter) && l.Crash == 0 {
				// Where the thread always says that it has entered, it has
				// said nothing else since.
				from = max(begin, threadSpoke(l.Events(), i))
			}
			add(window(from, at(e.Line), actions, false, i))
			add(window(at(e.Line), at(e.Line), m.Actions("Work"), false, i))
		case traces.Return:
			entered = true
			to := threadEnds(l.Events(), i)
			add(window(at(e.Line), at(e.Line), m.Actions("Work"), false, i))
			// Between the message and the return the thread may oops.
			may := to == model.Never || l.Crash > 0
			add(window(after(e.Line), to, actions, may, i))
			if !may {
				h.value(l, i)
			}
		}
	}
	// The thread may have entered threadfn and not yet have printed it.
	if l.Shows(traces.Enter) && l.Crash == 0 && !entered && !l.StopReturned() {
		add(window(begin, model.Never, m.Actions(shown[traces.Enter]...), true, -1))
	}
	return h
}

// report adds what a report of a stack shows.
func (h *history) report(m *model.Machine, l *Life, i int) {
	e := l.Events()[i]
	if e.Stack.Report == traces.Oops || e.Stack.Report == traces.Warning {
		h.crash(m, l, i)
		return
	}
	if e.Thread.PID != l.Thread.PID {
		// A stopper that waits in kthread_stop() has made its request.
		for n := range h.Operations {
			o := &h.Operations[n]
			if o.Event >= 0 && l.Events()[o.Event].Kind == traces.StopCall && l.Events()[o.Event].By.PID == e.Thread.PID && o.Open() {
				o.To, o.Optional = at(e.Line), m.StopSkips
			}
		}
		if slices.ContainsFunc(l.Events()[i+1:], func(o traces.Event) bool { return o.By.PID == e.Thread.PID }) {
			return // it has come back
		}
		// One look shows that it waits, as every stop does.
		h.hung = h.hung || e.Stack.Report == traces.HungTask || slices.ContainsFunc(l.Events()[:i], func(o traces.Event) bool {
			return o.Kind == traces.Stacked && o.Thread.PID == e.Thread.PID && life.FarApart(o.Stamp, e.Stamp)
		})
		return
	}
	if e.Stack.Has("kthread_stop") && h.stopsItself() {
		h.hung = true
	}
	phases := life.Phases(e.Stack)
	if len(phases) == 0 {
		return
	}
	h.Operations = append(h.Operations, model.Operation{
		From: at(e.Line), To: at(e.Line), Event: i, Observes: true, Only: m.Phases(phases...),
		// Where the log knows the thread by its stack alone, this is the last
		// that it says of it.
		UntilEnd: i == len(l.Events())-1 && !l.Begun,
	})
}

// crash adds what the report of a crash shows.
func (h *history) crash(m *model.Machine, l *Life, i int) {
	e := l.Events()[i]
	switch {
	case e.Thread.PID != l.Thread.PID:
		// Its stopper touched it, and it was gone. How far the stop had come
		// then, nobody can say.
		h.gone = true
	case !l.As.Survived:
		// It dies when the report has been printed, and says nothing after that.
		h.died = true
		to := threadEnds(l.Events(), i)
		if to != model.Never {
			to--
		}
		h.Operations = append(h.Operations, model.Operation{From: at(e.Line), To: max(to, at(e.Line)), Actions: m.Actions("Oops"), Event: i})
	}
}

// window is an operation that has no more than its window.
func window(from, to int64, actions model.ActionSet, optional bool, event int) model.Operation {
	return model.Operation{From: from, To: to, Actions: actions, Optional: optional, Event: event}
}

// value notes the value that an event shows, if it is one that the thread
// left: a thread ends with one value, and that is what its stop returns.
func (h *history) value(l *Life, i int) {
	e := &l.Events()[i]
	switch {
	case !e.HasCode:
	case !h.hasCode:
		h.code, h.hasCode, h.shownBy = e.Code, true, i
	case h.code != e.Code && h.differ[0] < 0:
		h.differ, h.Impossible = [2]int{h.shownBy, i}, true
	}
}

// done is the moment by which what a call's message announces has happened.
func (h *history) done(l *Life, calls []life.Call, kind traces.Kind, i int) int64 {
	to := nextBy(l.Events(), i)
	for _, c := range calls {
		if c.Made == i && c.Returned >= 0 && l.Shows(kind) {
			to = min(to, at(l.Events()[c.Returned].Line))
		}
	}
	return to
}

// called is the moment after which a return's call was made.
func (h *history) called(l *Life, calls []life.Call, kind traces.Kind, i int, begin int64) int64 {
	for _, c := range calls {
		if c.Returned == i && c.Made >= 0 && l.Shows(kind) {
			return after(l.Events()[c.Made].Line)
		}
	}
	return begin
}

// parksAtOnce is how many kthread_park() were under way at the same time.
func (h *history) parksAtOnce(l *Life) int {
	now, most := 0, 0
	for i := range l.Events() {
		switch l.Events()[i].Kind {
		case traces.ParkCall:
			now++
			most = max(most, now)
		case traces.ParkReturn:
			now = max(0, now-1)
		}
	}
	return most
}

// pending counts the stops that have not returned.
func (h *history) pending() int {
	n := 0
	for _, s := range h.stops {
		if s.Returned < 0 {
			n++
		}
	}
	return n
}

// returned counts the stops that have.
func (h *history) returned() int { return len(h.stops) - h.pending() }

// nextBy is the moment by which the task that event i names as its doer has
// done it: that of its own next message. A name alone may be two tasks'.
func nextBy(events []traces.Event, i int) int64 {
	if events[i].By.PID == 0 {
		return model.Never
	}
	for _, e := range events[i+1:] {
		if e.By == events[i].By {
			return at(e.Line)
		}
	}
	return model.Never
}

// threadEnds is the moment by which the thread has done what it announced in
// event i: that of its own next message, or of the return of a stop, which
// proves its exit.
func threadEnds(events []traces.Event, i int) int64 {
	for _, e := range events[i+1:] {
		switch e.Kind {
		case traces.Enter, traces.Return, traces.StopReturn:
			return at(e.Line)
		}
	}
	return model.Never
}

// threadSpoke is the moment after the thread's own last message before event i,
// 0 where it has said nothing.
func threadSpoke(events []traces.Event, i int) int64 {
	for i--; i >= 0; i-- {
		if events[i].Kind == traces.Enter || events[i].Kind == traces.Return {
			return after(events[i].Line)
		}
	}
	return 0
}

// stopsItself says whether the thread is in a kthread_stop() of itself.
func (h *history) stopsItself() bool {
	return slices.ContainsFunc(h.stops, func(s life.Call) bool {
		return s.Made >= 0 && s.Returned < 0 && h.life.Thread.PID != 0 && h.life.Events()[s.Made].By.PID == h.life.Thread.PID
	})
}

// ended says whether the log shows, before a stop of it went wrong, that the
// thread's threadfn came to an end.
func (h *history) ended() bool {
	for _, e := range h.life.Events() {
		switch e.Kind {
		case traces.Return, traces.Exit:
			return true
		case traces.Stacked:
			if e.Stack.Report == traces.Oops || e.Stack.Report == traces.Warning {
				return e.Thread.PID == h.life.Thread.PID
			}
		}
	}
	return false
}
