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
	by     int  // pid
	sleeps int  // how often it has left its CPU to sleep
	torn   bool // some of its switches are not in the trace
	forgot bool // what it did first in the call is forgotten
	onCPU  bool
	chains chains // the first is the task's
}

// callersFit says whether each task that stops or parks the thread of a whole life can have
// been scheduled as the trace shows. It is true where the search comes to no end.
func (c *eraChecker) callersFit(l *Life) bool {
	if l.CallersCut() {
		return true
	}
	fits := true
	c.eachCaller(l, func(q *callerHistory) {
		_, ans := q.Ends()
		fits = fits && ans != model.No
	})
	return fits
}

// eachCaller calls f with the history of each call that a task has slept in, once it has
// returned, or at the life's end.
func (c *eraChecker) eachCaller(l *Life, f func(*callerHistory)) {
	events := l.Compact()
	if !slices.ContainsFunc(events, func(k life.CompactEvent) bool { return k.Thread != life.TheThread }) {
		return // no task has slept in its call
	}
	times := newTimeline(l, nil)
	m := c.machines[graph.Task.FileOf(graph.Task.Kernel(c.eras[0]))]()
	earlier := 0
	if l.Revived != nil {
		earlier = l.Revived.Events
	}
	var open []*callerHistory
	of := func(pid int) int {
		return slices.IndexFunc(open, func(q *callerHistory) bool { return q.by == pid })
	}
	for i := range l.Events() {
		e := &l.Events()[i]
		switch e.Kind {
		case traces.StopCall, traces.ParkCall:
			if n := of(e.By.PID); n >= 0 {
				open = slices.Delete(open, n, n+1) // its return is not in the log
			}
			if e.By.PID <= 0 || e.By.PID == l.Thread.PID {
				continue
			}
			q := newCallerHistory(l, m, e.By)
			if q.Timeout = c.timeout; i >= earlier {
				q.executes(&times, i)
			} else {
				q.forgot, q.torn = true, true
			}
			open = append(open, q)
		case traces.StopReturn, traces.ParkReturn:
			if n := of(e.By.PID); n >= 0 {
				open[n].executes(&times, i)
				open[n].end(l)
				f(open[n])
				open = slices.Delete(open, n, n+1)
			}
		case traces.Woken, traces.SwitchOut, traces.SwitchIn:
			if n := of(e.Thread.PID); n >= 0 && i >= earlier {
				open[n].scheduled(&times, i, e)
			}
		}
	}
	for _, q := range open {
		q.end(l)
		f(q)
	}
}

// newCallerHistory begins the history of a call that a task makes.
func newCallerHistory(l *Life, m *model.Machine, by traces.Task) *callerHistory {
	alive := m.Where("seen", "no").Minus(m.Where("on", "absent")).Minus(m.Where("on", "new"))
	q := &callerHistory{
		Query: model.Query{Machine: m, From: &alive, Hidden: m.All &^ m.Actions("Fork", "WakeNew", "Exit", "Die", "Free", "PidReuse")},
		by:    by.PID, onCPU: true, chains: chains{of: append(make([]chain, 0, model.MaxChains), ofTask(by))},
	}
	if l.Sees.Has(traces.Woken) {
		q.Hidden &^= m.Actions(wakings...)
	}
	return q
}

// wakings are the actions of spec/Task.tla that a sched_waking shows.
var wakings = []string{"Woken", "WokenParked"}

// executes adds that the task makes call i, or returns with event i.
func (q *callerHistory) executes(times *timeline, i int) {
	q.torn = q.torn || !q.onCPU
	q.add(times, i, model.Operation{Observes: true, Only: q.Machine.Where("on", "cpu")}, q.chains.of[0])
}

// scheduled adds what a switch or a waking of the task shows.
func (q *callerHistory) scheduled(times *timeline, i int, e *traces.Event) {
	var o model.Operation
	in := q.chains.of[0]
	switch e.Kind {
	case traces.Woken:
		o.Actions = q.Machine.Actions(wakings...)
		in = ofTask(e.By)
	case traces.SwitchIn:
		o.Actions = q.Machine.Actions(switchActions(e)...)
		q.torn, q.onCPU = q.torn || q.onCPU, true
	case traces.SwitchOut:
		o.Actions = q.Machine.Actions(switchActions(e)...)
		q.torn, q.onCPU = q.torn || !q.onCPU, false
		if e.State != 'R' {
			q.sleeps++
		}
	}
	q.add(times, i, o, in)
}

// add adds an operation at the moment of event i, in the order of the event's CPU and of a
// task.
func (q *callerHistory) add(times *timeline, i int, o model.Operation, in chain) {
	k := &times.life.Compact()[i]
	o.Event, o.From, o.To = i, times.windows[i].from, times.windows[i].to
	switch {
	case k.Late:
		o.From -= life.Slack // the waking came before the line
	case times.cpu >= 0:
		q.chains.put(&o, ofCPU(k.CPU()))
		fallthrough
	default:
		q.chains.put(&o, in)
	}
	q.Operations = append(q.Operations, o)
}

// end takes into account what the whole call shows. Switches are not hidden where the trace
// has all of them. A wake may have been under way when the call began: one that had found the
// task in an earlier wait (for a mutex, say), and that came to the runqueue when the task slept
// again. Then the task, still waiting, has slept once more. So of a task that has slept once
// it is not taken into account.
func (q *callerHistory) end(l *Life) {
	if l.Sees.Has(traces.SwitchOut) && !q.torn {
		q.Hidden &^= q.Machine.Actions(switches...)
	}
	if q.sleeps <= 1 && !q.forgot {
		from := q.From.Intersect(q.Machine.Where("waking", "FALSE"))
		q.From = &from
	}
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
	c.eachCaller(l.First(n+1), func(q *callerHistory) {
		last := len(q.Operations) - 1
		bad := q.Operations[last]
		if bad.Event != n {
			return
		}
		for _, o := range q.Operations[:last] {
			if l.Compact()[o.Event].Kind == traces.SwitchOut {
				s.slept = o.Event
			}
		}
		to := bad.Only
		if !bad.Observes {
			to = q.Machine.Enabled(bad.Actions)
		}
		q.Operations = q.Operations[:last]
		if ends, ans := q.Ends(); ans == model.Yes {
			way, _ := q.Machine.Shortest(ends, to)
			s.unwoken = slices.ContainsFunc(way, func(a int) bool { return q.Machine.Actions(wakings...).Has(a) })
		}
	})
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
