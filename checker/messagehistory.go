package checker

import (
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/traces"
)

// maxAlike bounds the messages of one kind that are searched if each only says that its
// action happened at some time before it. Such actions can come in any order, so the
// number of orders explodes. They may also happen unseen at any time, so to leave out the
// later messages accepts more, and never accuses wrongly.
const maxAlike = 4

// at is the moment of a line. after is the moment from which on what the line announces
// may happen.
func at(line int) int64    { return 2 * int64(line) }
func after(line int) int64 { return 2*int64(line) + 1 }

// A messageHistory makes operations of what a life's messages say.
type messageHistory struct {
	*history
	begin   int64                   // the moment from which on all of the life's messages are in the log
	alike   map[model.ActionSet]int // how many operations have only their message as a bound, see maxAlike; nil: none have
	entered bool                    // a message shows that the thread has been in threadfn
}

// addMessages adds the operations of a life that a module's messages or the kernel's
// reports show. Line n of the log is the moment 2n. What it proves happened at 2n or
// before. What it announces happens at 2n+1 or later.
//
//   - stop-call, return: the message comes before the action, which lies
//     between it and the next line that proves it done.
//   - create, enter, stop-return: the message comes after the action.
//   - wake, exit: on either side.
//   - enter, return: besides, the line itself was printed inside threadfn.
func (h *history) addMessages() {
	l, m := h.life, h.Machine
	for kind, names := range silent {
		if l.Shows(kind) {
			h.Hidden &^= m.Actions(names...)
		}
	}
	// The message of an exit may come after it, and thus still be to come. What
	// kthread_exit() leaves is what a return leaves.
	if l.Set != nil && l.Set.Shows().Has(traces.Exit) {
		h.Hidden |= m.Actions(shown[traces.Exit]...) | m.Actions(shown[traces.Return]...)
	}
	// The kernel prints every oops. After one, messages may be missing, because the
	// task that would have printed them is dead.
	switch {
	case l.Crash > 0:
		h.Hidden = m.All
	case l.Begun:
		h.Hidden &^= m.Actions("Oops")
	}
	b := &messageHistory{history: h}
	if l.Begun {
		b.begin = after(l.Since)
	}
	events := l.Events()
	h.Operations = make([]model.Operation, 0, len(events)+4) // some messages show two actions
	for i := range events {
		if e := &events[i]; e.Kind == traces.KernelReport {
			h.report(m, l, i)
		} else {
			b.message(i, e)
		}
	}
	b.exitValues()
	h.unannounced = unannounced(l)
	h.Impossible = h.Impossible || h.unannounced >= 0
	// The thread may have entered threadfn and not yet have printed it.
	if l.Shows(traces.Enter) && l.Crash == 0 && !b.entered && !l.StopReturned() {
		b.add(window(b.begin, model.Never, m.Actions(shown[traces.Enter]...), true, -1))
	}
}

// message adds what event i says.
func (b *messageHistory) message(i int, e *traces.Event) {
	l, m := b.life, b.Machine
	actions := m.Actions(shown[e.Kind]...)
	if e.HasCode && (e.Kind == traces.StopReturn || e.Kind == traces.Return) {
		actions = coded(m, e.Kind, e.Code)
	}
	switch e.Kind {
	case traces.Create, traces.CreateFailed:
		b.add(window(b.begin, at(e.Line), actions, false, i))
	case traces.Wake, traces.Unpark:
		to := nextBy(l.Events(), i)
		b.add(window(b.begin, to, actions, to == model.Never, i))
	case traces.Exit:
		b.add(window(b.begin, model.Never, actions|m.Actions(shown[traces.Return]...), true, i))
	case traces.StopCall:
		to := b.done(l, b.stops, traces.StopCall, i)
		b.add(window(after(e.Line), to, actions, to == model.Never, i))
	case traces.StopReturn:
		b.add(window(b.called(l, b.stops, traces.StopCall, i, b.begin), at(e.Line), actions, false, i))
		b.value(l, i)
	case traces.ParkCall:
		to := b.done(l, b.parks, traces.ParkCall, i)
		b.add(window(after(e.Line), to, actions, to == model.Never, i))
	case traces.ParkReturn:
		b.add(window(b.called(l, b.parks, traces.ParkCall, i, b.begin), at(e.Line), actions, false, i))
	case traces.Enter:
		b.entered = true
		from := b.begin
		if l.Shows(traces.Enter) && l.Crash == 0 {
			// A thread that prints on entry enters after its last message
			// before this one.
			from = max(b.begin, threadSpoke(l.Events(), i))
		}
		b.add(window(from, at(e.Line), actions, false, i))
		b.add(window(at(e.Line), at(e.Line), m.Actions("Work"), false, i))
	case traces.Return:
		b.entered = true
		to := threadEnds(l.Events(), i)
		b.add(window(at(e.Line), at(e.Line), m.Actions("Work"), false, i))
		// Between the message and the return the thread may oops.
		may := to == model.Never || l.Crash > 0
		b.add(window(after(e.Line), to, actions, may, i))
		if !may {
			b.value(l, i)
		}
	}
}

// exitValues compares what messages of exits say with what stops have returned. That is
// the value which the thread has given to kthread_exit() or do_exit(), or, by the rules of
// some eras, nothing (0) after a do_exit().
//
// Nothing is said if the thread says that it returns, or may have oopsed first.
func (b *messageHistory) exitValues() {
	l := b.life
	if l.Set == nil || !l.Set.Shows().Has(traces.Exit) || l.Crash > 0 {
		return
	}
	events := l.Events()
	if n := slices.IndexFunc(events, func(e traces.Event) bool { return e.Kind == traces.Return }); n >= 0 {
		events = events[:n]
	}
	leavesNothing := exitLeavesNothing(b.Machine)
	for i := range events {
		if exit := &events[i]; exit.Kind == traces.Exit && exit.HasCode {
			for j := range events {
				if stop := &events[j]; stop.Kind == traces.StopReturn {
					switch {
					case !stop.HasCode && !leavesNothing:
						b.value(l, i)
					case !stop.HasCode, stop.Code == exit.Code, leavesNothing && stop.Code == 0, b.differ[0] >= 0:
					default:
						b.differ, b.Impossible = [2]int{min(i, j), max(i, j)}, true
					}
				}
			}
		}
	}
}

// exitLeavesNothing says whether by the graph a do_exit() leaves nothing for a stop to
// return.
func exitLeavesNothing(m *model.Machine) bool {
	return !m.Step(m.Phases("running"), m.Actions("ExitValue")).Intersect(m.Where("code", "nothing")).Empty()
}

// unannounced returns the index of the first return of a kthread_stop or kthread_park that
// no message has announced; -1: there is none, or a message may be missing.
//
// This pairs messages, and is no rule of a kernel. A caller prints that it calls, calls,
// and prints that the call has returned. So a call returns once, and only after its
// message, whatever the kernel does in between.
func unannounced(l *Life) int {
	if l.Crash > 0 {
		return -1
	}
	first := -1
	for _, k := range [...]struct{ call, ret traces.Kind }{{traces.StopCall, traces.StopReturn}, {traces.ParkCall, traces.ParkReturn}} {
		if l.Shows(k.call) {
			if i := unannouncedOf(l.Events(), k.call, k.ret); i >= 0 && (first < 0 || i < first) {
				first = i
			}
		}
	}
	return first
}

// unannouncedOf is unannounced for one kind of call. If every call names its caller with a
// pid, each caller's returns are counted by themselves.
func unannouncedOf(events []traces.Event, call, ret traces.Kind) int {
	open, named := 0, true
	var by map[int]int // by the caller's pid: how many of its calls have not returned
	for i := range events {
		e := &events[i]
		switch e.Kind {
		case call:
			open++
			named = named && e.By.PID != 0
			if named {
				if by == nil {
					by = make(map[int]int)
				}
				by[e.By.PID]++
			}
		case ret:
			open--
			if open < 0 || named && e.By.PID != 0 && by[e.By.PID] == 0 {
				return i
			}
			if named {
				by[e.By.PID]--
			}
		}
	}
	return -1
}

// add adds an operation, unless it says nothing about the time of its action.
func (b *messageHistory) add(o model.Operation) {
	unseen := o.Actions&^b.Hidden == 0 // its action may happen unseen
	if !o.Optional && o.From == b.begin && o.Actions != 0 && unseen {
		if b.alike == nil {
			b.alike = make(map[model.ActionSet]int)
		}
		if b.alike[o.Actions]++; b.alike[o.Actions] > maxAlike {
			b.unordered = append(b.unordered, o.Event)
			return
		}
	}
	if o.Optional && o.From == b.begin && o.Open() && unseen {
		b.unordered = append(b.unordered, o.Event)
		return
	}
	if o.Optional && o.Open() && b.Machine.Idempotent(o.Actions) {
		// If there are several with no upper bound, the first one covers the others.
		for _, p := range b.Operations {
			if p.Optional && p.Open() && p.Actions == o.Actions && p.From <= o.From {
				return
			}
		}
	}
	b.Operations = append(b.Operations, o)
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
				o.To, o.Optional = at(e.Line), false
			}
		}
		if slices.ContainsFunc(l.Events()[i+1:], func(o traces.Event) bool { return o.By.PID == e.Thread.PID }) {
			return // it has come back
		}
		// One report proves no hang: every stop waits for a while.
		h.hung = h.hung || e.Stack.Report == traces.HungTask || slices.ContainsFunc(l.Events()[:i], func(o traces.Event) bool {
			return o.Kind == traces.KernelReport && o.Thread.PID == e.Thread.PID && life.FarApart(o.Stamp, e.Stamp)
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
		// If the log knows the thread only by its stack, the last stack is how
		// the thread stays.
		UntilEnd: i == len(l.Events())-1 && !l.Begun,
	})
}

// crash adds what the report of a crash shows.
func (h *history) crash(m *model.Machine, l *Life, i int) {
	e := l.Events()[i]
	switch {
	case e.Thread.PID != l.Thread.PID:
		// The stopper crashed because the thread was gone. How far its stop had
		// come is not known.
		h.gone = true
	case !l.As.Survived:
		// The thread dies after the report, and prints nothing more.
		h.died = true
		to := threadEnds(l.Events(), i)
		if to != model.Never && to%2 == 0 {
			to-- // before the line
		}
		h.Operations = append(h.Operations, model.Operation{From: at(e.Line), To: max(to, at(e.Line)), Actions: m.Actions("Oops"), Event: i})
	}
}

// window makes an operation with a window, which belongs to no task's order.
func window(from, to int64, actions model.ActionSet, optional bool, event int) model.Operation {
	return model.Operation{From: from, To: to, Actions: actions, Optional: optional, Event: event}
}

// done returns the moment by which a call has done what its message (event i) announces.
func (h *history) done(l *Life, calls []life.Call, kind traces.Kind, i int) int64 {
	to := nextBy(l.Events(), i)
	for _, c := range calls {
		if c.Made == i && c.Returned >= 0 && l.Shows(kind) {
			to = min(to, at(l.Events()[c.Returned].Line))
		}
	}
	return to
}

// called returns the moment after which the call was made that event i returns from.
func (h *history) called(l *Life, calls []life.Call, kind traces.Kind, i int, begin int64) int64 {
	for _, c := range calls {
		if c.Returned == i && c.Made >= 0 && l.Shows(kind) {
			return after(l.Events()[c.Made].Line)
		}
	}
	return begin
}

// nextBy returns the moment by which the action of event i is done: that of the next
// message of the task that does it. The task must have a pid, as two may share a name.
func nextBy(events []traces.Event, i int) int64 {
	if events[i].By.PID == 0 {
		return model.Never
	}
	for n := i + 1; n < len(events); n++ {
		if events[n].By == events[i].By {
			return at(events[n].Line)
		}
	}
	return model.Never
}

// threadEnds returns the moment by which the thread has done what it announced in event
// i: before its own next message, or by the return of a stop, which proves its exit.
func threadEnds(events []traces.Event, i int) int64 {
	for n := i + 1; n < len(events); n++ {
		switch events[n].Kind {
		case traces.Enter, traces.Return:
			return at(events[n].Line) - 1
		case traces.StopReturn:
			return at(events[n].Line)
		}
	}
	return model.Never
}

// threadSpoke returns the moment after the thread's last message before event i; 0: there
// is none.
func threadSpoke(events []traces.Event, i int) int64 {
	for i--; i >= 0; i-- {
		if events[i].Kind == traces.Enter || events[i].Kind == traces.Return {
			return after(events[i].Line)
		}
	}
	return 0
}
