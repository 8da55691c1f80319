package life

import (
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/clock"
	"github.com/kthread-tla/tracecheck/traces"
)

// Which of the threads that have had a pid an event is about. A task_struct keeps its pid for
// as long as somebody holds a reference, and kthread_stop() of a thread that has ended is
// legal then. Its pid may be another thread's by that time. The name in the event tells.

// isCalled says whether a name may be the thread's. It is true where either is not known.
func (l *Life) isCalled(name string) bool {
	return name == "" || l.Thread.Comm == "" || l.Trace.unnamed || alike(name, l.Thread.Comm) || alike(name, l.lastName())
}

// Alias is the last name under which the trace shows the thread, where that is not
// Thread.Comm; empty: there is none.
func (l *Life) Alias() string {
	if l.traceMore.alias == TheThread {
		return ""
	}
	return l.tasks[l.traceMore.alias].comm
}

// addAlias notes a name of the thread that is not Thread.Comm.
func (l *Life) addAlias(t traces.Task) {
	if place := l.taskIndex(&t); place != ManyTasks {
		l.traceMore.alias = place
	}
}

// otherOf returns the life that a call is about whose pid another life has now, because the
// name is not that of l. If no such life is known, one begins, and l may have been stopped
// unseen, since its thread may have been renamed.
func (a *Assembler) otherOf(l *Life, e *traces.Event) *Life {
	for _, o := range a.traced.beside {
		if o.Thread.PID == e.Thread.PID && o.isCalled(e.Thread.Comm) {
			o.Keep(e)
			return o
		}
	}
	o := a.reopen(e)
	if o == nil {
		o = a.revive(e)
	}
	if o != nil {
		o.Keep(e)
		return o
	}
	l.traceMore.maybeStopped = true
	return a.newTraced(e)
}

// MaybeTwo says whether the thread's end and a stop of it may be those of two threads with one
// pid and name: its fork is not in the trace, nor any other.
func (l *Life) MaybeTwo() bool { return l.traceMore.maybeTwo }

// kthreaddPID is the pid of kthreadd, which forks all kernel threads (init/main.c
// rest_init).
const kthreaddPID = 2

// addFork begins the life of a thread. A life that had the pid before is over, unless a stop
// of its thread, which has ended, is still under way.
func (a *Assembler) addFork(e *traces.Event) (ended []*Life) {
	kthread := e.By.PID == kthreaddPID || e.By.Comm == "kthreadd" || e.By == (traces.Task{})
	if kthread {
		a.traced.addr.forks++
	}
	a.traced.forked = lastFork{pid: e.Thread.PID, line: e.Line}
	early := a.hasEarlyLines(e)
	held, unfreed := false, false
	if old := a.byPID.get(e.Thread.PID); old != nil {
		if early && kthread && old.Trace.on {
			old.mayLack()
		}
		a.traced.forked.alive = old.Trace.on && !old.Trace.gone
		held = old.Trace.Ended && !old.traceMore.stopped && old.traceMore.calls == 0 && old.isCalled(e.Thread.Comm)
		unfreed = old.Trace.Ended && !old.traceMore.freed
		if old.Trace.on && old.Trace.Ended && old.traceMore.calls > 0 {
			a.byPID.remove(e.Thread.PID)
			a.traced.beside = append(a.traced.beside, old)
		} else {
			if old.Trace.on {
				old.Keep(e) // its pid is given away
			}
			old.AsOf, old.Sees = e.Line-1, a.sees()
			ended = a.supersede(old)
		}
	}
	a.dropExit(e.Thread.PID)
	if !kthread {
		a.interest.Remove(e.Thread.PID) // another task has the pid now
		return ended
	}
	l := a.newTraced(e)
	l.Trace.Forked = true
	l.traceMore.wakings.isForked(e)
	l.traceMore.heldBefore, l.Trace.unfreed = held, unfreed
	if early {
		l.mayLack()
	}
	return ended
}

// hasEarlyLines says whether a line before a fork's, of another CPU, may be of the new thread,
// though its pid was taken for another's there: the clocks of two CPUs differ by up to Slack.
func (a *Assembler) hasEarlyLines(fork *traces.Event) bool {
	if fork.CPU < 0 || fork.Clock != traces.Nanoseconds {
		return false
	}
	near := func(cpu int, stamp int64) bool { return cpu != fork.CPU && stamp > fork.Stamp-clock.Slack }
	if old := a.byPID.get(fork.Thread.PID); old != nil && old.Trace.on {
		for i := len(old.compact) - 1; i >= 0; i-- {
			if k := &old.compact[i]; near(k.CPU(), k.Stamp) {
				return true
			}
		}
	}
	if a.traced.exits == nil || fork.Thread.PID <= 0 {
		return false
	}
	x := &a.traced.exits[fork.Thread.PID%len(a.traced.exits)]
	return int(x.pid) == fork.Thread.PID && near(int(x.cpu), x.stamp)
}

// mayLack notes that lines of the thread may have been given to another, or another's to it.
func (l *Life) mayLack() {
	l.doubt()
	l.Trace.Lossy, l.traceMore.maybeStopped, l.traceMore.maybeReturned = true, true, true
}

// maybeEarliers says whether an event of a thread's end may be of the thread that had the pid
// before: it is of another CPU than the fork and within Slack of it.
func (l *Life) maybeEarliers(e *traces.Event) bool {
	if !l.Trace.Forked || l.Incarnation == 1 || e.CPU < 0 || len(l.compact) == 0 {
		return false
	}
	k := &l.compact[0]
	return k.CPU() >= 0 && k.CPU() != e.CPU && e.Stamp < k.Stamp+clock.Slack
}

// startsEarly notes that the thread does something, and has got no CPU yet. Where it does so
// within Slack of its fork and on another CPU, the line that shows that it got one may stand
// before the fork's.
func (l *Life) startsEarly(e *traces.Event) {
	if !l.Trace.Forked || l.Trace.Torn || len(l.compact) == 0 {
		return
	}
	if k := &l.compact[0]; k.CPU() >= 0 && e.CPU >= 0 && k.CPU() != e.CPU && e.Stamp < k.Stamp+clock.Slack {
		l.Trace.Lossy = true
	}
}

// doubtStop takes a stop of a pid's current life. An earlier thread of the pid and the same
// name may be meant, if it has ended and no stop of it has returned.
func (a *Assembler) doubtStop(l *Life, e *traces.Event) {
	if l.Incarnation == 1 || !l.Trace.Forked {
		return
	}
	r := a.traced.tombstones.find(e.Thread.PID)
	switch {
	case r != nil && int(r.pid) == e.Thread.PID && int(r.incarnation) == l.Incarnation-1:
		if r.kind != traces.StopReturn && (r.flags&tombNamed == 0 || e.Thread.Comm == "" || r.name == nameHash(e.Thread.Comm)) {
			l.traceMore.maybeOther = true
		}
	case l.traceMore.heldBefore:
		l.traceMore.maybeOther = true
	}
}

// MaybeOther says whether a stop of the life may be of an earlier thread with its pid and name.
func (l *Life) MaybeOther() bool { return l.traceMore.maybeOther }

// WithoutStops returns a copy of a traced life without its stops, as if they were of another
// thread, which may have been stopped unseen.
func (l *Life) WithoutStops() *Life {
	as := *l
	as.events, as.compact, as.full = nil, nil, nil
	as.traceMore.maybeStopped, as.traceMore.maybeOther = true, false
	for i, k := range l.compact {
		if k.Kind == traces.StopCall || k.Kind == traces.StopReturn {
			continue
		}
		if k.Partial {
			as.full = append(as.full, fullEvent{len(as.compact), l.fullAt(i)})
		}
		as.compact = append(as.compact, k)
	}
	return &as
}

// reopen takes a life back that was superseded and is not judged yet: its thread is stopped
// now. nil: there is none of the event's pid and name.
func (a *Assembler) reopen(e *traces.Event) *Life {
	for _, l := range a.traced.superseded.waiting() {
		if l == nil || l.Thread.PID != e.Thread.PID || !l.Trace.Ended || !l.isCalled(e.Thread.Comm) {
			continue
		}
		a.traced.superseded.drop(l)
		a.place(l)
		if !slices.Contains(a.traced.ended.waiting(), l) && !slices.Contains(a.traced.mayStop.waiting(), l) {
			a.traced.ended.add(l)
		}
		return l
	}
	return nil
}

// A seenExit is the end of a task that has no life: its fork is not in the trace.
type seenExit struct {
	comm  string
	line  int
	stamp int64
	code  int32
	pid   int32 // 0: of none
	cpu   int32
	kind  traces.Kind
	clock traces.Clock
	// coarse is the step of stamp.
	coarse  int64
	hasCode bool
	fn      string // of ExitCall
}

// seenExits has the latest exits of tasks without lives, by pid modulo its length.
type seenExits [1 << 12]seenExit

// keepExit keeps the exit of a task that has no life, for a stop that may come later. The
// value of an ExitCall stays when the exit itself follows.
func (a *Assembler) keepExit(e *traces.Event) {
	pid := e.Thread.PID
	if uint(pid-1) >= pidLimit-1 {
		return
	}
	if a.traced.exits == nil {
		a.traced.exits = new(seenExits)
	}
	x := &a.traced.exits[pid%len(a.traced.exits)]
	if e.Kind == traces.ProcessExit && x.pid == int32(pid) && x.kind == traces.ExitCall && (x.comm == e.Thread.Comm || x.comm == "" || e.Thread.Comm == "") {
		return
	}
	*x = seenExit{
		comm: e.Thread.Comm, line: e.Line, stamp: e.Stamp, code: int32(e.Code), pid: int32(pid), cpu: int32(e.CPU),
		kind: e.Kind, clock: e.Clock, coarse: e.Coarse, hasCode: e.HasCode, fn: e.Func,
	}
}

// dropExit forgets the exit of a pid: the pid is another task's.
func (a *Assembler) dropExit(pid int) {
	if a.traced.exits != nil && pid > 0 {
		if x := &a.traced.exits[pid%len(a.traced.exits)]; x.pid == int32(pid) {
			x.pid = 0
		}
	}
}

// exited makes a life of a thread that is stopped now and whose exit was kept. nil: there was
// none, or it was another task's. Where forks are not in the trace the pid may have been
// another thread's of the same name then.
func (a *Assembler) exited(e *traces.Event) *Life {
	if a.traced.exits == nil || e.Thread.PID <= 0 {
		return nil
	}
	x := a.traced.exits[e.Thread.PID%len(a.traced.exits)]
	if int(x.pid) != e.Thread.PID || x.comm == "" || e.Thread.Comm == "" || !alike(x.comm, e.Thread.Comm) {
		return nil
	}
	a.dropExit(e.Thread.PID)
	exit := traces.Event{
		Kind: x.kind, Line: x.line, Thread: traces.Task{Comm: x.comm, PID: e.Thread.PID}, Code: int(x.code), HasCode: x.hasCode,
		CPU: int(x.cpu), Time: traces.Time{Stamp: x.stamp, Clock: x.clock, Coarse: x.coarse}, Func: x.fn, Probe: x.fn != "",
	}
	exit.By = exit.Thread
	l := a.newTraced(&exit)
	l.Trace.Ended = true
	l.traceMore.maybeTwo = !a.sees().Has(traces.Fork)
	l.Doubt = l.traceMore.maybeTwo
	a.traced.ended.add(l)
	return l
}

// nameHash tells names apart in a tombstone.
func nameHash(name string) [3]byte {
	h := uint32(2166136261) // FNV-1a
	for i := range len(commKey(name)) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	h ^= h >> 24
	return [3]byte{byte(h), byte(h >> 8), byte(h >> 16)}
}

// lastName is the last name under which the trace shows the thread.
func (l *Life) lastName() string {
	if name := l.Alias(); name != "" {
		return name
	}
	return l.Thread.Comm
}

// place inserts a traced life. If its pid is another open life's, that one keeps the pid.
func (a *Assembler) place(l *Life) {
	beside := a.byPID.get(l.Thread.PID) != nil
	a.put(l, beside)
	if beside {
		a.traced.beside = append(a.traced.beside, l)
	}
}

// forgetBeside takes a life off the list of those whose pid another life has.
func (a *Assembler) forgetBeside(l *Life) {
	if len(a.traced.beside) > 0 {
		a.traced.beside = slices.DeleteFunc(a.traced.beside, func(o *Life) bool { return o == l })
	}
}
