package checker

import (
	"fmt"
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
)

// A task that stops or parks a thread sleeps in that call until the thread wakes it. The
// graph of spec/Task.tla says what the scheduler can have done with it. What the task does
// outside of the call proves nothing.

// A callerHistory makes operations of what tracers saw of a task inside one call.
type callerHistory struct {
	model.Query
	by       int    // pid
	call     int    // index in Life.Events; -1: what the task did first is forgotten
	slept    int    // index of the first event in which it leaves its CPU to sleep; -1: there is none
	sleeps   int    // how many there are
	unsure   bool   // it is not certain which of the events belong to the call
	torn     bool   // some of its switches are not in the trace
	left     int    // index of the latest event in which it leaves its CPU; -1: there is none
	onCPU    bool   // it has got a CPU since it left its last
	returned bool   // it has returned
	chains   chains // the first is the task's
}

// callersFit says whether each task that stops or parks the thread of a whole life can have
// been scheduled as the trace shows. It is true where the search comes to no end.
func (c *eraChecker) callersFit(l *Life) bool {
	if l.CallersCut() || l.Trace.Torn {
		return true
	}
	for _, q := range c.callers(l) {
		if _, ans := q.Ends(); ans == model.No {
			return false
		}
	}
	return true
}

// callers returns the history of each call that a task has slept in.
func (c *eraChecker) callers(l *Life) (list []*callerHistory) {
	events := l.Compact()
	if !slices.ContainsFunc(events, func(k life.CompactEvent) bool { return k.Thread != life.TheThread }) {
		return nil
	}
	times := newTimeline(l, nil)
	m := c.machines[graph.Task.FileOf(graph.Task.Kernel(c.eras[0]))]()
	earlier := 0
	if l.Revived != nil {
		earlier = l.Revived.Events
	}
	of := func(pid int) *callerHistory {
		for _, q := range slices.Backward(list) {
			if q.by == pid {
				return q
			}
		}
		return nil
	}
	for _, i := range times.order() {
		e := &l.Events()[i]
		switch e.Kind {
		case traces.StopCall, traces.ParkCall:
			if e.By.PID > 0 && e.By.PID != l.Thread.PID {
				list = append(list, c.newCaller(&times, m, i, i < earlier))
			}
		case traces.StopReturn, traces.ParkReturn:
			if q := of(e.By.PID); q != nil && !q.returned {
				q.executes(i)
				q.returned = true
			}
		case traces.Woken, traces.SwitchOut, traces.SwitchIn:
			// The line of the waking may stand behind that of the return.
			if q := of(e.Thread.PID); q != nil && i >= earlier && (!q.returned || e.Kind == traces.Woken) {
				q.scheduled(i, e)
			}
		}
	}
	list = slices.DeleteFunc(list, func(q *callerHistory) bool { return len(q.Operations) == 0 || q.unsure || q.mixed() })
	for _, q := range list {
		q.end()
	}
	return list
}

// newCaller begins the history of call i. forgot: what the task did first is forgotten.
func (c *eraChecker) newCaller(times *timeline, m *model.Machine, i int, forgot bool) *callerHistory {
	by := times.life.Events()[i].By
	alive := m.Where("seen", "no").Minus(m.Where("on", "absent")).Minus(m.Where("on", "new"))
	q := &callerHistory{
		Query: model.Query{Machine: m, From: &alive, Hidden: m.All &^ m.Actions("Fork", "WakeNew", "Exit", "Die", "Free", "PidReuse"), Timeout: c.timeout},
		by:    by.PID, call: i, slept: -1, left: -1, onCPU: true, chains: chains{times: times, of: make([]chain, 0, model.MaxChains)},
	}
	q.chains.begin(ofTask(by))
	if forgot {
		q.call, q.torn = -1, true
	} else {
		q.executes(i)
	}
	return q
}

// wakings are the actions of spec/Task.tla that a sched_waking shows.
var wakings = []string{"Woken", "WokenParked"}

// executes adds that the task makes call i, or returns with event i.
func (q *callerHistory) executes(i int) {
	q.torn = q.torn || !q.onCPU
	q.add(i, model.Operation{Observes: true, Only: q.Machine.Where("on", "cpu")}, q.chains.of[0])
}

// scheduled adds what a switch or a waking of the task shows.
func (q *callerHistory) scheduled(i int, e *traces.Event) {
	o := model.Operation{Actions: q.Machine.Actions(wakings...)}
	in := q.chains.of[0]
	switch e.Kind {
	case traces.Woken:
		in = ofTask(e.By)
		q.unsure = q.unsure || !q.returned && q.left >= 0 && !q.after(q.left, i)
	case traces.SwitchIn:
		o.Actions = q.Machine.Actions(switchActions(e)...)
		q.torn, q.onCPU = q.torn || q.onCPU, true
		q.unsure = q.unsure || !q.after(q.call, i)
	case traces.SwitchOut:
		o.Actions = q.Machine.Actions(switchActions(e)...)
		q.torn, q.onCPU, q.left = q.torn || !q.onCPU, false, i
		q.unsure = q.unsure || !q.after(q.call, i)
		if e.State == 'R' {
			break
		}
		if q.sleeps++; q.slept < 0 {
			q.slept = i
		}
	}
	q.add(i, o, in)
}

// mixed says whether lines of an earlier call of the task stand in this one. Then the waking
// of this one may not be in the life, which took another for it.
func (q *callerHistory) mixed() bool {
	l := q.chains.times.life
	for i := q.call + 1; q.call >= 0 && i < l.Count(); i++ {
		k := &l.Compact()[i]
		if k.Thread == life.TheThread {
			if k.Kind == traces.StopReturn || k.Kind == traces.ParkReturn {
				if l.Caller(i).PID == q.by {
					break
				}
			}
			continue
		}
		if l.TaskAt(k.Thread).PID == q.by && !slices.ContainsFunc(q.Operations, func(o model.Operation) bool { return o.Event == i }) {
			return true
		}
	}
	return false
}

// after says whether it is certain that event j happened after event i, whose line comes
// first. i -1: that is forgotten, and long ago.
func (q *callerHistory) after(i, j int) bool { return i < 0 || q.chains.times.before(i, j) }

// add adds an operation at the moment of event i, in the order of the event's CPU and of a
// task.
func (q *callerHistory) add(i int, o model.Operation, in chain) {
	times := q.chains.times
	k := &times.life.Compact()[i]
	o.Event, o.From, o.To = i, times.windows[i].from, times.windows[i].to
	if times.cpu >= 0 {
		q.chains.put(&o, ofCPU(k.CPU()))
	}
	q.chains.put(&o, in)
	q.Operations = append(q.Operations, o)
}

// end takes into account what the whole call shows. Switches and wakings are not hidden where
// the trace has all of them.
//
// A wake may have been under way when the call began: one that had found the task in an
// earlier wait (for a mutex, say), and that came to the runqueue when the task slept again.
// Then the task, still waiting, has slept once more. So of a task that has slept once that is
// not taken into account.
func (q *callerHistory) end() {
	l := q.chains.times.life
	if l.Sees.Has(traces.SwitchOut) && !q.torn {
		q.Hidden &^= q.Machine.Actions(switches...)
	}
	if l.Sees.Has(traces.Woken) && q.showsWakings() {
		q.Hidden &^= q.Machine.Actions(wakings...)
	}
	if q.sleeps <= 1 && q.call >= 0 {
		from := q.From.Intersect(q.Machine.Where("waking", "FALSE"))
		q.From = &from
	}
}

// showsWakings says whether the thread's waking of the task must be in the life. It is not if
// its line stands before that of the call, which it does where the clock of the thread's CPU
// is behind by more than the task has been in the call when it sleeps.
func (q *callerHistory) showsWakings() bool {
	times := q.chains.times
	if q.call < 0 || q.slept < 0 {
		return true
	}
	if times.cpu < 0 {
		return false
	}
	events := times.life.Compact()
	call, slept := &events[q.call], &events[q.slept]
	for i := range events {
		k := &events[i]
		if k.Thread != life.TheThread || k.Kind != traces.SwitchIn && k.Kind != traces.SwitchOut && !k.Kind.Own() ||
			k.CPU() == call.CPU() && k.CPU() == slept.CPU() {
			continue
		}
		if behind, _ := times.life.Offset(times.cpu, i); times.windows[q.slept].from+behind < call.Stamp {
			return false
		}
	}
	return true
}

// A sleepingCaller says that a task did something in its call while it slept.
type sleepingCaller struct {
	slept   int  // index in Life.Events of the SwitchOut; -1: there is none
	unwoken bool // all that is missing is a waking
}

// sleepingCaller says why the first n+1 events of a life do not fit, where they do not for
// what a task does inside its call. Event n is the first that does not fit.
func (c *eraChecker) sleepingCaller(l *Life, n int) (s sleepingCaller) {
	s.slept = -1
	for _, q := range c.callers(l.First(n + 1)) {
		last := slices.IndexFunc(q.Operations, func(o model.Operation) bool { return o.Event == n })
		if last < 0 {
			continue
		}
		for _, o := range q.Operations {
			if o.Event < n && l.Compact()[o.Event].Kind == traces.SwitchOut {
				s.slept = o.Event
			}
		}
		bad := q.Operations[last]
		to := bad.Only
		if !bad.Observes {
			to = q.Machine.Enabled(bad.Actions)
		}
		q.Operations = slices.Delete(q.Operations, last, last+1)
		if ends, ans := q.Ends(); ans == model.Yes {
			way, _ := q.Machine.Shortest(ends, to)
			s.unwoken = slices.ContainsFunc(way, func(a int) bool { return q.Machine.Actions(wakings...).Has(a) })
		}
	}
	return s
}

// says puts it into words.
func (s *sleepingCaller) says(l *Life) string {
	switch {
	case s.slept < 0:
		return "; the scheduler does nothing of that kind with a task inside its call"
	case s.unwoken:
		e := &l.Events()[s.slept]
		return fmt.Sprintf("; %s went to sleep in that call (line %d), and nobody has woken it since", e.Thread, e.Line)
	}
	e := &l.Events()[s.slept]
	return fmt.Sprintf("; the scheduler does nothing of that kind with %s, which left its CPU in that call (line %d)", e.Thread, e.Line)
}
