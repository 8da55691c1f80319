package checker

import (
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/traces"
)

// A traceHistory makes operations of what tracers saw of one life. Tracers see where
// actions begin or end, and not the actions themselves. A comment at each kind of event
// says what it proves.
type traceHistory struct {
	*history
	times  timeline
	chains chains    // the first is the thread's
	open   []request // the calls that go on

	// What the events so far have shown:
	woken   bool // the first sleep has ended, as far as that can be told
	decided bool // the last test in kthread()
	gone    bool // the thread has left its CPU for good
}

// A request is an operation that a task's call makes.
type request struct {
	by int // pid
	op int // index in ops
}

// request returns the index of the request of a task that is in a call; -1: there is none.
func (h *traceHistory) request(by int) (op int) {
	for _, r := range h.open {
		if r.by == by {
			return r.op
		}
	}
	return -1
}

// calls notes the request of a task's call. op is -1 when the call is over.
func (h *traceHistory) calls(by, op int) {
	h.open = slices.DeleteFunc(h.open, func(r request) bool { return r.by == by })
	if op >= 0 {
		h.open = append(h.open, request{by, op})
	}
}

// addTrace adds the operations of a life that tracers saw.
func (h *history) addTrace() {
	l, m := h.life, h.Machine
	t := &traceHistory{history: h, times: newTimeline(l, nil)}
	t.chains = newChains(&t.times)
	h.Operations = make([]model.Operation, 0, l.Count()+1)
	h.Late = !l.Trace.Forked
	if l.Whole() {
		if l.ShowsStops() {
			h.Hidden &^= m.Actions(shown[traces.StopCall]...) | m.Actions(shown[traces.StopReturn]...)
		}
		if l.Sees.Has(traces.Woken) {
			// Each of these actions ends the first sleep, and the trace would show that.
			h.Hidden &^= m.Actions("Wake", "ParkWake", "StopWake")
		}
		if l.Sees.Has(traces.ParkMe) {
			h.Hidden &^= m.Actions("DecideRun")
		}
	}
	h.From = startOf(l, m)
	earlier := 0 // how many events are of before the life was revived
	if l.Revived != nil {
		earlier = l.Revived.Events
		t.woken, t.decided, t.gone = true, true, true
	}
	for _, i := range t.times.order() {
		e := &l.Events()[i]
		switch {
		case i >= earlier:
			t.event(i, e)
		case e.Kind == traces.StopReturn || e.Kind == traces.ExitCall:
			h.value(l, i)
		}
	}
	asleep := l.Trace.Asleep == 'S' || l.Trace.Asleep == 'I'
	if l.Whole() && asleep && l.Sees.Has(traces.SwitchOut) && l.Sees.Has(traces.Woken) {
		// The thread has not run on a CPU since.
		t.add(-1, model.Operation{From: model.Never, To: model.Never, Actions: m.Actions("Work"), UntilEnd: true}, l.Thread)
	}
}

// event adds what event i shows.
func (h *traceHistory) event(i int, e *traces.Event) {
	l, m := h.life, h.Machine
	switch e.Kind {
	case traces.StopCall, traces.ParkCall:
		// sched_kthread_stop is traced before the flag is set.
		h.calls(e.By.PID, h.add(i, model.Operation{From: h.times.windows[i].from, To: model.Never, Actions: m.Actions(shown[e.Kind]...), Optional: true}, e.By))
	case traces.StopReturn, traces.ParkReturn:
		h.proves(i, e)
		h.calls(e.By.PID, -1)
		actions := m.Actions(shown[e.Kind]...)
		if e.Kind == traces.ParkReturn && e.HasCode {
			actions = m.Actions(parkReturns(e.Code)...)
		} else if e.HasCode {
			actions = coded(m, e.Kind, e.Code)
			h.value(l, i)
		}
		h.add(i, model.Operation{From: first, To: h.times.windows[i].to, Actions: actions}, e.By)
	case traces.Unpark:
		if h.request(e.By.PID) >= 0 {
			// kthread_stop() unparks when it has set the flag.
			h.proves(i, e)
			return
		}
		h.add(i, model.Operation{From: h.times.windows[i].from, To: model.Never, Actions: m.Actions("Unpark"), Optional: true}, e.By)
	case traces.Woken:
		h.wake(i, e)
	case traces.SwitchOut:
		h.switchOut(i, e)
	default:
		h.ownEvent(i, e)
	}
}

// wake adds what a wake of the thread shows.
func (h *traceHistory) wake(i int, e *traces.Event) {
	l, m := h.life, h.Machine
	o := h.around(i)
	if e.Late {
		o.From -= life.Slack // the waking came before the line
	}
	tasks := [...]traces.Task{l.Thread, e.By}
	meet := 1
	asks := !e.Late && e.Context != traces.InterruptContext && h.request(e.By.PID) >= 0
	if asks && e.Context == traces.UnknownContext {
		h.foreignWake = true
		asks = !l.As.ForeignWake
	}
	if !e.Late && e.Context != traces.InterruptContext && (asks || h.request(e.By.PID) < 0) {
		meet = 2
		h.proves(i, e)
	}
	if !h.woken && l.Trace.Forked {
		// One wake ends the first sleep. Later ones end other sleeps: between the first
		// and threadfn (6.14), in threadfn, or in do_exit().
		h.woken = !l.As.ForeignWake
		switch request := h.request(e.By.PID); {
		case e.Late || l.Trace.Lossy || !l.ShowsStops() || request >= 0 && l.As.ForeignWake:
			o.Actions = m.Actions("Wake", "ParkWake", "StopWake")
		case asks && l.Events()[h.Operations[request].Event].Kind == traces.StopCall:
			o.Actions = m.Actions("StopWake")
		default:
			o.Actions = m.Actions("Wake", "ParkWake")
		}
		o.Optional = e.Late || l.Trace.Lossy || e.By.PID == l.Thread.PID || l.As.ForeignWake
	}
	o.OrderOnly = o.Actions == 0
	h.addAt(i, o, tasks[:meet]...)
}

// switchOut adds what a SwitchOut of the thread, or of a stopper of it, shows.
func (h *traceHistory) switchOut(i int, e *traces.Event) {
	m := h.Machine
	if e.Thread.PID != h.life.Thread.PID {
		// A stopper that goes to sleep has made its request.
		h.proves(i, e)
		return
	}
	o := h.around(i)
	switch e.State {
	case 'S', 'I':
		// kthread() itself sleeps in D alone, and so does do_exit().
		o.Actions = m.Actions("Work")
	case 'P':
		o.Observes, o.Only = true, m.Phases("holding", "held", "parking", "parked")
	case 'X', 'Z':
		h.gone = true
		o.Observes, o.Only = true, m.Phases("finished", "failed")
	case 'D':
		// Its first sleep: from kthread(), when it has told its creator.
		o.Actions = m.Actions("Create")
		h.Hidden &^= o.Actions
		o.From = first
		h.add(i, o, e.Thread)
		return
	}
	h.addAt(i, o, e.Thread)
}

// ownEvent adds what an event of the thread itself shows.
func (h *traceHistory) ownEvent(i int, e *traces.Event) {
	l, m := h.life, h.Machine
	o := h.around(i)
	switch e.Kind {
	case traces.ProcessExit:
		o.Observes, o.Only = true, m.Phases("returned", "finished", "failed")
	case traces.Freed:
		if !h.gone {
			o.Observes, o.Only = true, m.Phases("finished", "failed")
			h.addAt(i, o)
		}
		return
	case traces.ParkMe:
		if !h.decided && l.Whole() {
			h.add(i, model.Operation{From: first, To: o.To, Actions: m.Actions("DecideRun")}, l.Thread)
		}
		h.decided = true
		o.Observes, o.Only = true, m.Phases("decided", "chosen", "holding", "held", "running", "parking", "parked")
	case traces.ExitCall:
		o.Observes, o.Only = true, m.Phases("returned", "failed")
		if e.HasCode {
			with := m.Where("code", "eintr")
			if e.Code != eintr {
				with = m.Phases("returned").Minus(with)
			}
			o.Only = o.Only.Intersect(with.Union(m.Phases("failed")))
			h.value(l, i)
		}
	case traces.ShouldStop:
		test := "TestFalse"
		if e.Code != 0 {
			test = "TestTrue"
		}
		o.From, o.Actions = first, m.Actions(test)
		h.add(i, o, l.Thread)
		return
	case traces.ThreadFn:
		o.Actions = m.Actions("Work")
	default:
		return
	}
	h.addAt(i, o, l.Thread)
}

// around is an operation at the moment of an event.
func (h *traceHistory) around(i int) model.Operation {
	return model.Operation{From: h.times.windows[i].from, To: h.times.windows[i].to}
}

// addAt adds an operation that happened at the moment of event i, in the order of the
// event's CPU and of the given tasks.
func (h *traceHistory) addAt(i int, o model.Operation, tasks ...traces.Task) {
	o.Event = i
	if k := &h.life.Compact()[i]; h.times.cpu >= 0 && !k.Late {
		h.chains.put(&o, ofCPU(k.CPU()))
	}
	h.add(i, o, tasks...)
}

// add adds an operation of event i, in the order of the given tasks, and
// returns its index.
func (h *traceHistory) add(i int, o model.Operation, tasks ...traces.Task) int {
	o.Event = i
	for _, t := range tasks {
		h.chains.put(&o, ofTask(t))
	}
	h.Operations = append(h.Operations, o)
	return len(h.Operations) - 1
}

// proves closes the window of the request that the task of event n has made: the task does
// that after the request.
func (h *traceHistory) proves(n int, e *traces.Event) {
	by := e.By
	if e.Kind == traces.SwitchOut {
		by = e.Thread
	}
	i := h.request(by.PID)
	if i < 0 || h.Operations[i].To != model.Never || !h.times.before(h.Operations[i].Event, n) {
		return
	}
	o := &h.Operations[i]
	o.To = max(o.From, h.times.windows[n].to)
	// Up to 4.9 a stop that finds the thread gone requests nothing: it does not
	// wake it and does not sleep either.
	skipped := h.Machine.StopSkips && e.Kind == traces.StopReturn
	o.Optional = skipped || h.life.Trace.Lossy
}

// parkReturns are the actions that end a kthread_park() with a value
// (kernel/kthread.c kthread_park: 0, -ENOSYS, -EBUSY).
func parkReturns(code int) []string {
	switch code {
	case 0:
		return []string{"ParkReturn", "ParkAlready"}
	case -16:
		return []string{"ParkBusy"}
	case -38:
		return []string{"ParkGone"}
	}
	return shown[traces.ParkReturn]
}
