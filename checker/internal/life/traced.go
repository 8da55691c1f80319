package life

import (
	"strings"
	"sync/atomic"

	"github.com/kthread-tla/tracecheck/traces"
)

// What tracers see is sorted into lives by pid. A trace shows every switch and
// wake of a thread; a life keeps those that say something of its lifecycle, so
// that a thread that sleeps and wakes for hours stays small.

// A Trace has the fields of a traced life that an Assembler uses at every event. They are
// in one cache line, with Life.compact: many lives are open at once, and most events are
// of another life than the event before.
type Trace struct {
	on      bool // the life is traced
	Forked  bool // its fork is in the log, so no event of it is missing at the beginning
	Lossy   bool // events were lost in its time
	begun   bool // an event shows it past its first sleep
	Ended   bool // an event shows it in do_exit()
	gone    bool // it has left its CPU for the last time
	unnamed bool // its own name is not known yet
	// Asleep is the state letter in which the thread left its CPU last; 0: something
	// has woken it since. The lines of two CPUs may be in the wrong order, so it is set
	// only if there have been more sleeps than wakings.
	Asleep    byte
	left      byte  // the state of its latest event, if that is a SwitchOut; else 0
	sleeps    int32 // number of sleeps less number of wakings; may be below 0
	AfterStop AfterStop
}

// traceRest is more of a traced life, for which few events ask.
type traceRest struct {
	freed   bool // it has been freed
	stopped bool // a stop of it has returned
	// maybeStopped: a stop of a thread that is not known may have been of this one.
	maybeStopped bool
	calls        int // stops and parks of it that are under way
	// since is the line from which on events were lost; 0: none were, or only leftBy
	// shows it.
	since     int
	leftBy    *traces.Event // another call of a task whose stop of the thread has no return in the trace; nil: none
	firstSeen *firstLines
	// addr is the address of its task_struct, 0: not known. bound is how many threads
	// had been forked when it was learned. See addresses.
	addr  uint64
	bound int
}

// firstLines has the line of the trace's first event of each kind; 0: there was none. It
// does not count events that the reader left out. It is atomic, because it is written
// while other goroutines read verdicts.
type firstLines [traces.Blocked + 1]atomic.Int64

// A pendingCall is a stop or a park that has not returned yet.
type pendingCall struct {
	life        *Life
	probe       bool // known by a probe
	point       bool // known by the tracepoint
	lost        bool // events were lost since: its return may be among them
	park        bool
	threadAwake bool // the thread was awake when the call began, and the call has not woken it
}

// addTraced takes an event that a tracer saw.
func (a *Assembler) addTraced(e *traces.Event) (ended []*Life) {
	if e.Thread.Addr != 0 || e.Kind == traces.Renamed {
		a.identify(e)
	}
	if !a.traced.came.Has(e.Kind) && (e.Kind != traces.StopCall || e.Thread.PID != 0) {
		a.traced.came = a.traced.came.With(e.Kind)
		a.traced.firstSeen[e.Kind].Store(int64(e.Line))
	}
	switch e.Kind {
	case traces.Woken, traces.SwitchIn, traces.SwitchOut:
		return a.addScheduling(e)
	case traces.Fork:
		a.traced.addr.forks++
		a.traced.forked = lastFork{pid: e.Thread.PID, line: e.Line}
		if old := a.byPID.get(e.Thread.PID); old != nil {
			a.traced.forked.alive = old.Trace.on && !old.Trace.gone
			old.AsOf, old.Sees = e.Line-1, a.sees()
			ended = a.supersede(old)
		}
		l := a.newTraced(e)
		l.Trace.Forked = true
		return ended
	case traces.StopCall, traces.ParkCall:
		return a.addCall(e)
	case traces.StopReturn, traces.ParkReturn:
		a.addReturn(e)
		return nil
	}
	l := a.byPID.get(e.Thread.PID)
	if l == nil || !l.Trace.on {
		switch e.Kind {
		case traces.ParkMe, traces.ShouldStop, traces.ThreadFn, traces.Unpark:
			if e.Thread.PID != 0 {
				a.newTraced(e)
			}
		}
		return nil
	}
	if !l.takes(e) {
		return nil
	}
	t := &l.Trace
	switch e.Kind {
	case traces.ProcessExit, traces.ExitCall:
		if !t.Ended {
			ended = a.retire(l, e.Line)
		}
		t.Ended = true
	case traces.Freed:
		l.traceMore.freed = true
	case traces.ParkMe, traces.ShouldStop, traces.ThreadFn:
		t.begun = true
		if last := l.latest(e.Kind); last != nil && int(last.Code) == e.Code && e.Kind == traces.ShouldStop {
			return nil
		}
	}
	l.Keep(e)
	a.touched = l
	return ended
}

// takes says whether a tracer's event about a life's pid is about the life's thread. If
// not, another task has the pid now.
func (l *Life) takes(e *traces.Event) bool {
	if l.Trace.unnamed {
		l.rename(e.Thread.Comm)
	}
	return !l.Trace.gone || e.Kind == traces.Freed
}

// rename gives a thread a name. A new thread has its parent's name at first.
func (l *Life) rename(name string) {
	l.Thread.Comm = name
	l.Trace.unnamed = name == "" || name == "kthreadd" || name == "<...>"
}

// addScheduling takes what the scheduler does with a thread.
func (a *Assembler) addScheduling(e *traces.Event) (ended []*Life) {
	if e.Kind == traces.Woken {
		a.traced.waking = a.traced.waking || !e.Late
	} else if e.State == 'D' {
		// A task that goes to sleep inside kthread_stop() has made its request.
		if in := a.traced.calls.get(e.Thread.PID); in != nil && in.life != nil && !in.lost && in.life.Thread.PID != e.Thread.PID {
			in.life.Keep(e)
			in.life.Trace.AfterStop.request(in, e.Line)
		}
	}
	l := a.byPID.get(e.Thread.PID)
	if l == nil || !l.Trace.on || !l.takes(e) {
		return nil
	}
	t := &l.Trace
	if f := &a.traced.forked; f.alive && f.line > e.Line && f.pid == e.Thread.PID {
		// The line stands before the fork, and the earlier thread has got it.
		l.Trace.Lossy = true
		return nil
	}
	if e.Kind != traces.SwitchOut {
		if e.Kind == traces.Woken && e.Late && a.wakes() {
			return nil // sched_waking has shown this wake already
		}
		t.Asleep = 0
		if e.Kind == traces.SwitchIn {
			return nil
		}
		t.sleeps--
		in := a.traced.calls.get(e.By.PID)
		own := in != nil && in.life == l && !e.Late && e.Context != traces.InterruptContext
		if own {
			in.threadAwake, t.AfterStop.Missed = false, false
		}
		// A new thread that is moved to another CPU is woken by the migration
		// thread, perhaps before its creator knows of it.
		if !own && (t.begun || !t.Forked) || strings.HasPrefix(e.By.Comm, "migration/") {
			return nil
		}
		l.Keep(e)
		a.touched = l
		return nil
	}
	if Sleeper(e.State) || e.State == 'P' {
		t.sleeps++
	}
	if t.Asleep = 0; t.sleeps > 0 {
		t.Asleep = e.State
	}
	t.AfterStop.sleep(e)
	switch e.State {
	case 'D':
		// This is its first sleep if there was no event since the fork. Any
		// other sleep in this state says nothing.
		if l.Count() > 1 || !t.Forked {
			return nil
		}
	case 'S', 'I':
		if t.Ended {
			return nil
		}
		t.begun = true
		// A second one in a row says nothing new.
		if t.left == 'S' || t.left == 'I' {
			return nil
		}
	case 'P':
		t.begun = true
		if t.left == 'P' {
			return nil
		}
	case 'X', 'Z':
		if !t.Ended {
			ended = a.retire(l, e.Line)
		}
		t.Ended, t.gone = true, true
		if a.traced.calls.get(l.Thread.PID) == nil {
			a.interest.Remove(l.Thread.PID)
		}
	default:
		return nil
	}
	l.Keep(e)
	a.touched = l
	return ended
}

// sees are the kinds of events that the trace has shown so far.
func (a *Assembler) sees() traces.Kinds {
	return a.traced.came | a.stats.Seen
}

// wakes says whether the trace has shown sched_waking.
func (a *Assembler) wakes() bool {
	return a.traced.waking || a.stats.Waking
}

func (a *Assembler) newTraced(e *traces.Event) *Life {
	slot := a.traced.pool.take()
	l := &slot.life
	a.init(l, e)
	l.Begun, l.Doubt = false, false
	l.Trace.on, l.slot, l.compact, l.tasks = true, slot, slot.compact[:0], slot.tasks[:1]
	l.rename(l.Thread.Comm)
	l.traceMore.firstSeen = a.traced.firstSeen
	if a.traced.lossy {
		l.Doubt, l.Trace.Lossy, l.traceMore.since = true, true, e.Line
	}
	l.Keep(e)
	a.insert(l)
	a.bind(e.Thread.Addr, l)
	a.interest.Add(l.Thread.PID)
	return l
}

// addCall notes that a task is about to stop or park a thread.
func (a *Assembler) addCall(e *traces.Event) (ended []*Life) {
	by := e.By.PID
	in := a.traced.calls.get(by)
	park := e.Kind == traces.ParkCall
	if in != nil && in.park == park && !in.lost && (e.Probe && !in.probe || !e.Probe && !in.point) &&
		(e.Thread.PID == 0 || in.life == nil || in.life.Thread.PID == e.Thread.PID) {
		// The probe and the tracepoint of one call.
		in.probe, in.point = in.probe || e.Probe, in.point || !e.Probe
		if in.life != nil || e.Thread.PID == 0 {
			return nil
		}
	} else {
		a.dropStop(by) // its return is not in the log
		if in != nil && in.life != nil {
			in.life.traceMore.calls--
			if !in.park {
				in.life.Trace.Lossy = true // its return is not in the log
				if in.life.traceMore.leftBy == nil {
					call := *e
					in.life.traceMore.leftBy = &call
				}
			}
		}
		if in == nil {
			if in = a.traced.spareCall; in == nil {
				in = new(pendingCall)
			}
			a.traced.spareCall = nil
			a.traced.calls.set(by, in)
		}
		*in = pendingCall{probe: e.Probe, point: !e.Probe, park: park, lost: a.traced.lossy}
		a.interest.Add(by) // when it goes to sleep it has made its request
	}
	if e.Thread.PID == 0 {
		if !park {
			a.noteStop(by, e.Thread.Addr) // the thread of the address is not known yet
		}
		return nil
	}
	l := a.byPID.get(e.Thread.PID)
	if l != nil && l.Trace.on && (l.Trace.Lossy || !a.sees().Has(traces.Fork)) && (l.Trace.Ended || l.StopReturned()) {
		// Its pid may have been used again, and the fork is not in the trace.
		l.AsOf, l.Sees = e.Line-1, a.sees()
		ended, l = a.supersede(l), nil
	}
	if l == nil {
		l = a.revive(e)
	}
	if l == nil || !l.Trace.on {
		l = a.newTraced(e)
	} else {
		l.Keep(e)
	}
	if in.life != nil {
		in.life.traceMore.calls--
	}
	in.life = l
	a.bindStop(by, l)
	in.threadAwake = !park && a.wakes() && l.Whole() && !Sleeper(l.Trace.Asleep)
	l.traceMore.calls++
	return ended
}

// addReturn gives a return to the life whose thread the same task was stopping or parking.
// A task has one such call at a time.
func (a *Assembler) addReturn(e *traces.Event) {
	in := a.traced.calls.get(e.By.PID)
	switch {
	case in == nil || in.park != (e.Kind == traces.ParkReturn):
		return
	case in.life == nil:
		a.dropStop(e.By.PID)
		a.endCall(e.By.PID)
		return
	case in.lost:
		a.endCall(e.By.PID)
		return
	case e.Probe && in.point && !in.park, !e.Probe && !in.point:
		// The call is known by the other of tracepoint and probe, whose return counts.
		return
	}
	a.endCall(e.By.PID)
	ret := *e
	ret.Thread = in.life.Thread
	in.life.Keep(&ret)
	in.life.traceMore.stopped = in.life.traceMore.stopped || !in.park
	a.touched = in.life
}

// endCall notes that a task's call is over.
func (a *Assembler) endCall(pid int) {
	if in := a.traced.calls.get(pid); in != nil {
		if in.life != nil {
			in.life.traceMore.calls--
		}
		a.traced.spareCall = in
	}
	a.traced.calls.remove(pid)
	if l := a.byPID.get(pid); l == nil || !l.Trace.on || l.Trace.gone {
		a.interest.Remove(pid)
	}
}

// lose takes note that events of a trace are missing, but for the lives that go on.
func (a *Assembler) lose(e *traces.Event) {
	a.traced.lossy = a.traced.lossy || e.ToEnd
	a.traced.tombstones = tombstones{} // a lost fork may have used the pid again
	for _, l := range a.traced.superseded.waiting() {
		if l.AsOf > e.Since {
			l.doubt()
			l.Trace.Lossy = true
		}
	}
	for in := range a.traced.calls.values() {
		in.lost = true
	}
}

// supersedeGrace is how many lives whose pids have been used again wait before the oldest
// is judged.
const supersedeGrace = 1 << 8

// supersede ends a life whose pid is used again. It is judged later: a CPU prints what it
// has lost with its next line only (kernel/trace/trace.c print_trace_line), so events that
// are missing in the life's time may be reported behind it. If too many lives wait,
// supersede returns the oldest. The list may be used until the next call.
func (a *Assembler) supersede(l *Life) (gone []*Life) {
	a.forget(l)
	a.touched = l
	a.traced.superseded.add(l)
	if old := a.traced.superseded.pop(supersedeGrace); old != nil {
		a.mayLackCPUs(old)
		a.traced.retired[0] = old
		return a.traced.retired[:]
	}
	return nil
}

// forget ends a life: no event is given to it any more.
func (a *Assembler) forget(l *Life) {
	a.mayHaveBeenStopped(l)
	a.remove(l)
	if l.Trace.on && l.traceMore.addr != 0 && a.traced.addr.lives[l.traceMore.addr] == l {
		delete(a.traced.addr.lives, l.traceMore.addr)
	}
	if !l.Trace.on || l.traceMore.calls == 0 {
		return
	}
	for in := range a.traced.calls.values() {
		if in.life == l {
			in.life, in.lost = nil, true
		}
	}
}

// LeftBy returns the event that shows that the return of a stop of the thread is missing:
// another call by the task that was in that stop. nil: there is none.
func (l *Life) LeftBy() *traces.Event { return l.traceMore.leftBy }

// FirstSeen is the line of the trace's first event of a kind, of any thread; 0: there was
// none.
func (l *Life) FirstSeen(k traces.Kind) int { return int(l.traceMore.firstSeen[k].Load()) }

// InCall says whether a task is in a stop or a park of the thread.
func (l *Life) InCall() bool { return l.traceMore.calls > 0 }

// MaybeStopped says whether a stop of a thread that is not known may have been of this
// one.
func (l *Life) MaybeStopped() bool { return l.traceMore.maybeStopped }

// LostBy says whether something was missing in the life's time up to a line.
func (l *Life) LostBy(line int) bool {
	return l.Gaps || l.Trace.on && l.traceMore.since > 0 && l.traceMore.since <= line
}
