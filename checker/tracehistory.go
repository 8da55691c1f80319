package checker

import (
	"slices"
	"strings"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/traces"
)

// A traceHistory makes operations of what tracers saw of one life. Tracers see where
// actions begin or end, and not the actions themselves. A comment at each kind of event
// says what it proves.
type traceHistory struct {
	*history
	times     timeline
	chains    chains // the first is the thread's
	open      []call // the calls that go on
	early     []int  // the tasks that have woken the thread in a call whose line stands behind
	decided   bool   // the last test in kthread() has an operation
	exited    bool   // do_exit() has been called
	dead      bool   // it has left its CPU for the last time, and its pid may be another's
	preempted bool   // it left its CPU last by a preemption
	lastOwn   int64  // the beginning of the window of the thread's latest own event that is not a preemption
}

// A call is a kthread_stop() or kthread_park() of the thread that goes on.
type call struct {
	by      int // pid
	park    bool
	request int  // index of the operation that sets the bit
	woke    bool // a waking of the thread by the call is in the trace
	closed  bool // an event shows that the call has woken the thread, or found nothing to wake
}

// call returns the call that a task is in; nil: it is in none.
func (h *traceHistory) call(by int) *call {
	for i := range h.open {
		if h.open[i].by == by {
			return &h.open[i]
		}
	}
	return nil
}

// endCall notes that a task is in no call any more.
func (h *traceHistory) endCall(by int) {
	h.open = slices.DeleteFunc(h.open, func(c call) bool { return c.by == by })
}

// What a trace shows of a task, by kind: the actions that have an event of it.
var (
	wakes    = []string{"Wake", "WakeLater", "WakeEarly", "StopWake", "StopWakeLater", "ParkWake", "ParkWakeLater", "UnparkWake"}
	switches = []string{"SwitchIn", "Preempted", "SwitchOutR", "SwitchOutS", "SwitchOutI", "SwitchOutD", "SwitchOutP", "SwitchOutT", "SwitchOutPending", "Died"}
)

// showsAll takes from what may be hidden the actions that a trace of the whole life would
// show.
func (h *traceHistory) showsAll() {
	l, m := h.life, h.Machine
	recorded := func(k traces.Kind, names ...string) {
		if l.Sees.Has(k) {
			h.Hidden &^= m.Actions(names...)
		}
	}
	if l.ShowsStops() {
		h.Hidden &^= m.Actions(shown[traces.StopCall]...)
		if l.ShowsReturns() {
			h.Hidden &^= m.Actions(shown[traces.StopReturn]...)
		}
	}
	recorded(traces.Fork, "Forked")
	recorded(traces.Woken, wakes...)
	if !l.Trace.Torn {
		recorded(traces.SwitchOut, switches...)
	}
	recorded(traces.ProcessExit, "ProcessExit")
	recorded(traces.Freed, "Freed")
	recorded(traces.ParkMe, "DecideRun")
}

// addTrace adds the operations of a life that tracers saw.
func (h *history) addTrace() {
	l, m := h.life, h.Machine
	t := &traceHistory{history: h, lastOwn: first, times: newTimeline(l, nil)}
	t.chains = newChains(&t.times)
	h.Operations = make([]model.Operation, 0, l.Count()+2)
	h.Late = !l.Trace.Forked
	if l.Whole() {
		t.showsAll()
	}
	for _, s := range h.stops {
		h.Impossible = h.Impossible || s.Made < 0 && !l.Trace.Lossy // one call has returned twice
	}
	h.From = startOf(l, m)
	earlier := 0 // how many events are of before the life was revived
	if l.Revived != nil {
		earlier = l.Revived.Events
		t.decided = true
	}
	for _, i := range t.times.order() {
		e := &l.Events()[i]
		switch {
		case i >= earlier:
			t.event(i, e)
		case e.Kind == traces.StopReturn:
			h.value(l, i)
		case e.Kind == traces.ExitCall:
			t.exitCall(i, e)
		}
	}
}

// event adds what event i shows.
func (h *traceHistory) event(i int, e *traces.Event) {
	l, m := h.life, h.Machine
	switch e.Kind {
	case traces.StopCall, traces.ParkCall:
		// sched_kthread_stop is traced before the flag is set.
		h.endCall(e.By.PID)
		request := h.add(i, model.Operation{From: h.times.windows[i].from, To: model.Never, Actions: m.Actions(shown[e.Kind]...), Optional: true}, e.By)
		h.open = append(h.open, call{by: e.By.PID, park: e.Kind == traces.ParkCall, request: request, woke: slices.Contains(h.early, e.By.PID)})
	case traces.StopReturn, traces.ParkReturn:
		if h.life.Trace.Lossy && h.call(e.By.PID) == nil {
			return // its call is not in the trace, and may be of another thread
		}
		h.requested(i, e)
		if e.Kind == traces.StopReturn {
			h.woken(i, e)
		}
		h.endCall(e.By.PID)
		actions := m.Actions(shown[e.Kind]...)
		if e.Kind == traces.ParkReturn && e.HasCode {
			actions = m.Actions(parkReturns(e.Code)...)
		} else if e.HasCode {
			actions = coded(m, e.Kind, e.Code)
			h.value(l, i)
		}
		h.add(i, model.Operation{From: first, To: h.times.windows[i].to, Actions: actions}, e.By)
	case traces.Unpark:
		if h.call(e.By.PID) != nil {
			// kthread_stop() unparks when it has set the flag.
			h.requested(i, e)
			return
		}
		h.add(i, model.Operation{From: h.times.windows[i].from, To: model.Never, Actions: m.Actions("Unpark"), Optional: true}, e.By)
	case traces.Create:
		// kthread_create() has returned.
		h.add(i, model.Operation{From: first, To: h.times.windows[i].to, Actions: m.Actions("Create")}, e.By)
	case traces.Woken:
		switch {
		case e.Thread.PID == l.Thread.PID:
			h.wake(i, e)
		case e.By.PID == l.Thread.PID && e.By.Comm == l.Thread.Comm && e.Context == traces.TaskContext && !e.Late && !h.dead:
			// The thread wakes a task that stops or parks it.
			o := h.around(i)
			o.Actions = m.Actions("WakesAnother")
			h.addAt(i, o, e.By)
		}
	case traces.SwitchOut, traces.SwitchIn:
		h.scheduled(i, e)
	case traces.Fork:
		o := h.around(i)
		o.Actions = m.Actions("Forked")
		if i > 0 {
			h.dead = true
			o.Actions = m.Actions("PidReuse")
		}
		h.addAt(i, o, e.By)
	default:
		h.ownEvent(i, e)
	}
}

// wake adds what a wake of the thread shows: its state was one that the waker wakes.
func (h *traceHistory) wake(i int, e *traces.Event) {
	l, m := h.life, h.Machine
	o := h.around(i)
	in := h.call(e.By.PID)
	asks := in != nil && !e.Late && e.Context != traces.InterruptContext
	if asks && e.Context == traces.UnknownContext {
		h.foreignWake = true
		asks = !l.As.ForeignWake
	}
	names := []string{"Wake", "WakeLater", "UnparkWake"}
	switch {
	case !e.Late && ofKernel(e.By):
		names = []string{"WakeEarly", "WakeLater"}
	case e.Late:
		// The waking came before the line, and in another task's context.
		o.From -= life.Slack
		names = wakes
	case h.callUnsure(i, e):
		names = wakes
	case asks && in.park:
		h.requested(i, e)
		names = []string{"ParkWake", "Wake", "ParkWakeLater"} // Wake: the request has been taken back
	case asks:
		h.requested(i, e)
		names = []string{"StopWake", "StopWakeLater", "UnparkWake"} // it unparks first
	case l.Trace.Lossy || !l.ShowsStops():
		names = wakes
	case e.Context == traces.InterruptContext || e.By == traces.Task{} || e.By.PID == l.Thread.PID:
		names = []string{"Wake", "WakeLater", "WakeEarly"}
	case !l.Sees.Has(traces.ParkCall):
		names = []string{"Wake", "WakeLater", "ParkWake", "ParkWakeLater", "UnparkWake"}
	}
	if in != nil {
		in.woke = true
	}
	o.Actions = m.Actions(names...)
	if in != nil && !asks {
		h.addAt(i, o) // an interrupt may come before the call has set its bit
		return
	}
	h.addAt(i, o, e.By)
}

// callUnsure says whether a wake by a task may be one in a call that the task has made on
// another CPU, or one outside of it: the clocks of the two do not tell.
func (h *traceHistory) callUnsure(i int, e *traces.Event) bool {
	if e.Context == traces.InterruptContext || e.By.PID == 0 {
		return false
	}
	unsure := false
	for j, k := range h.life.Compact() {
		if k.Kind != traces.StopCall && k.Kind != traces.ParkCall || h.life.Caller(j).PID != e.By.PID || h.times.before(min(i, j), max(i, j)) {
			continue
		}
		if unsure = true; j > i {
			h.early = append(h.early, e.By.PID)
		}
	}
	return unsure
}

// ofKernel says whether a task is one of those that wake a thread before it has told its
// creator (kernel/sched/core.c migration_cpu_stop, mm/vmscan.c kswapd), and that wake no
// thread for its creator.
func ofKernel(t traces.Task) bool {
	return strings.HasPrefix(t.Comm, "migration/") || strings.HasPrefix(t.Comm, "kswapd")
}

// scheduled adds what a switch of the thread, or of a task that calls kthread_stop() or
// kthread_park() on it, shows.
func (h *traceHistory) scheduled(i int, e *traces.Event) {
	if e.Thread.PID != h.life.Thread.PID {
		in := h.caller(e)
		if in != nil && e.Kind == traces.SwitchOut && e.State == 'D' && h.times.before(h.Operations[in.request].Event, i) {
			// A caller that goes to sleep in its call has set its bit and woken the thread.
			h.requested(i, e)
			h.woken(i, e)
		}
		return
	}
	o := h.around(i)
	o.Actions = h.Machine.Actions(switchActions(e)...)
	h.addAt(i, o, e.Thread)
	switch {
	case e.Kind == traces.SwitchOut:
		h.preempted, h.dead = e.State == 'R', h.dead || e.State == 'X' || e.State == 'Z'
	case h.preempted:
		return // it goes on where it was
	}
	if !h.preempted {
		h.lastOwn = o.From
	}
}

// switchActions are the actions that a sched_switch with the thread as prev or next shows.
func switchActions(e *traces.Event) []string {
	if e.Kind == traces.SwitchIn {
		return []string{"SwitchIn"}
	}
	switch e.State {
	case 'R':
		return []string{"SwitchOutR", "Preempted"} // R, or R+
	case 'S':
		return []string{"SwitchOutS", "SwitchOutPending"}
	case 'I':
		return []string{"SwitchOutI"}
	case 'D':
		return []string{"SwitchOutD"}
	case 'P':
		return []string{"SwitchOutP"}
	case 'T':
		return []string{"SwitchOutT"}
	case 'X', 'Z':
		return []string{"Died"}
	}
	return switches[1:] // another letter, or one of two meanings
}

// ownEvent adds what an event of the thread itself shows.
func (h *traceHistory) ownEvent(i int, e *traces.Event) {
	l, m := h.life, h.Machine
	o := h.around(i)
	switch e.Kind {
	case traces.ProcessExit:
		o.Actions = m.Actions("ProcessExit")
	case traces.Freed:
		o.Actions = m.Actions("Freed")
		h.addAt(i, o)
		return
	case traces.ParkMe:
		if !h.decided && l.Whole() {
			// The last test may lie before a preemption.
			h.add(i, model.Operation{From: first, To: o.To, Actions: m.Actions("DecideRun")})
		}
		h.decided = true
		o.Observes, o.Only = true, m.Phases("decided", "chosen", "holding", "held", "running", "parking", "parked")
	case traces.ExitCall:
		o.Observes, o.Only = true, h.exitCall(i, e)
	case traces.ShouldStop:
		test := "TestFalse"
		if e.Code != 0 {
			test = "TestTrue"
		}
		// It was called behind the thread's last event that is not a preemption.
		h.add(i, model.Operation{From: h.lastOwn, To: o.To, Actions: m.Actions(test)})
		return
	case traces.OwnCall:
		if e.State != 0 { // it sleeps in the call
			o.Observes, o.Only = true, m.Phases("running")
			h.addAt(i, o, l.Thread)
			return
		}
		o.Actions = m.Actions("Work")
	case traces.ThreadFn:
		o.Actions = m.Actions("Work")
	default:
		return
	}
	h.lastOwn = o.From
	if o.Observes {
		o.Only = o.Only.Intersect(m.Where("on", "cpu")) // it executes
	}
	h.addAt(i, o, l.Thread)
}

// exitCall returns the states in which the thread makes call i, an ExitCall, and notes the
// value that the thread ends with, as far as the call shows it.
func (h *traceHistory) exitCall(i int, e *traces.Event) model.StateSet {
	m := h.Machine
	only := m.Phases("returned")
	if e.Func == "do_exit" {
		if h.exited {
			return m.Phases("returned", "finished", "failed") // an oops in do_exit(): its value is not stored
		}
		h.exited = true
	}
	switch {
	case !e.HasCode:
	case e.Func == "do_exit" && !m.ExitShows && e.Code == 0:
		// The value is in kthread->result: kthread_exit() calls do_exit(0).
	case e.Func == "do_exit" && !m.ExitShows:
		// The thread has not come from kthread_exit(): kthread->result is still 0.
		only = m.Where("code", "nothing")
		h.shows(i, 0)
	case e.Code == eintr:
		only = m.Where("code", "eintr")
		h.shows(i, e.Code)
	default:
		only = only.Minus(m.Where("code", "eintr"))
		h.shows(i, e.Code)
	}
	return only.Intersect(m.Phases("returned")).Union(m.Phases("failed"))
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

// requested closes the window of the request that the task of event n has made: the task
// does that after the request.
func (h *traceHistory) requested(n int, e *traces.Event) {
	in := h.caller(e)
	if in == nil || h.Operations[in.request].To != model.Never || !h.times.before(h.Operations[in.request].Event, n) {
		return
	}
	o := &h.Operations[in.request]
	o.To = max(o.From, h.times.windows[n].to)
	o.Optional = h.life.Trace.Lossy
}

// woken adds the wake that the call of event n's task has made by then, if the trace does
// not show it: it found nothing to wake, or the trace does not show wakes.
func (h *traceHistory) woken(n int, e *traces.Event) {
	in := h.caller(e)
	if in == nil || in.woke || in.closed || len(h.open) > maxWakes {
		return
	}
	in.closed = true
	names := []string{"StopWakesNothing", "StopSkipValue", "StopSkipEintr"} // the last two: the thread had gone
	shows := []string{"StopWake", "StopWakeLater"}
	if in.park {
		names, shows = []string{"ParkWakesNothing"}, []string{"ParkWake", "Wake", "ParkWakeLater"}
	}
	if !h.life.Whole() || !h.life.Sees.Has(traces.Woken) {
		names = append(names, shows...)
	}
	from := h.Operations[in.request].From
	h.add(-1, model.Operation{From: from, To: max(from, h.times.windows[n].to), Actions: h.Machine.Actions(names...), Optional: h.life.Trace.Lossy}, h.task(e))
}

// maxWakes bounds the calls under way whose wakes that found nothing are searched for: of
// many such calls any order fits, and the search would try them all.
const maxWakes = 4

// task is the task that an event shows to have done something.
func (h *traceHistory) task(e *traces.Event) traces.Task {
	if e.Kind == traces.SwitchOut {
		return e.Thread
	}
	return e.By
}

// caller is the call that an event's task is in; nil: none.
func (h *traceHistory) caller(e *traces.Event) *call { return h.call(h.task(e).PID) }

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
