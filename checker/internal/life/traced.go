package life

import (
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
	Ended   bool // an event shows it in do_exit()
	gone    bool // it has left its CPU for the last time
	unnamed bool // its own name is not known yet
	unfreed bool // the thread that had the pid before has ended, and not been freed
	// Torn: the trace lacks some of its switches. It leaves its CPU, or does something, and
	// has not got a CPU since it left the last, or it gets one twice. A filter does that.
	Torn  bool
	onCPU bool // it has got a CPU since it left its last
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
	// maybeReturned: a stop of it may have returned unseen, though the trace shows returns.
	maybeReturned bool
	maybeTwo      bool  // its end may be that of an earlier thread with its pid and name
	maybeOther    bool  // a stop of it may be of an earlier thread with its pid and name
	heldBefore    bool  // the thread that had the pid before has ended, and may be stopped still
	ownCall       bool  // it has an OwnCall
	callersCut    bool  // not all is kept of the scheduler's work on the tasks that stop or park it
	alias         uint8 // place in Life.tasks of its last name that is not Thread.Comm; TheThread: there is none
	waiting       int32 // tasks that sleep inside a stop of it
	calls         int32 // stops and parks of it that are under way
	foldAt        int32 // at how many events the caller is asked to fold it, see Full; 0: as usual
	bound         int32 // how many threads had been forked when addr was learned
	// since is the line from which on events were lost; 0: none were, or only leftBy
	// shows it.
	since     int
	leftBy    *traces.Event // another call of a task whose stop of the thread has no return in the trace; nil: none
	firstSeen *firstLines
	wakings   wakings
	offsets   offsets
	addr      uint64 // of its task_struct; 0: not known, see addresses
}

// firstLines has the line of the trace's first event of each kind; 0: there was none. It
// does not count events that the reader left out. It is atomic, because it is written
// while other goroutines read verdicts.
type firstLines [traces.Blocked + 1]atomic.Int64

// addTraced takes an event that a tracer saw.
func (a *Assembler) addTraced(e *traces.Event) (ended []*Life) {
	if e.Thread.Addr != 0 || e.Kind == traces.Renamed {
		a.identify(e)
	}
	a.tick(e)
	if !a.traced.came.Has(e.Kind) && e.Kind != traces.OwnCall && (e.Kind != traces.StopCall || e.Thread.PID != 0) {
		a.traced.came = a.traced.came.With(e.Kind)
		if e.Kind == traces.StopReturn {
			a.showsReturns()
		}
		a.traced.firstSeen[e.Kind].Store(int64(e.Line))
	}
	switch e.Kind {
	case traces.Woken, traces.SwitchIn, traces.SwitchOut:
		return a.addScheduling(e)
	case traces.Fork:
		return a.addFork(e)
	case traces.StopCall, traces.ParkCall:
		a.addOwnCall(e)
		return a.addCall(e)
	case traces.StopReturn, traces.ParkReturn:
		a.addOwnCall(e)
		a.addReturn(e)
		return nil
	case traces.Create, traces.CreateFailed:
		a.addOwnCall(e)
	}
	l := a.byPID.get(e.Thread.PID)
	if l == nil || !l.Trace.on {
		switch e.Kind {
		case traces.ParkMe, traces.ShouldStop, traces.ThreadFn, traces.Unpark:
			if e.Thread.PID != 0 {
				a.newTraced(e)
			}
		case traces.ProcessExit, traces.ExitCall:
			a.keepExit(e)
		}
		return nil
	}
	if (e.Kind == traces.Freed || e.Kind == traces.Unpark) && !l.isCalled(e.Thread.Comm) {
		return nil // of the thread that had the pid before
	}
	if e.Kind == traces.Freed && l.freesEarlier(e) || !a.takes(l, e) {
		return nil
	}
	t := &l.Trace
	if e.Kind.Own() && !t.gone {
		if !t.onCPU {
			l.startsEarly(e)
		}
		t.Torn = t.Torn || !t.onCPU
	}
	switch e.Kind {
	case traces.ProcessExit, traces.ExitCall:
		if l.maybeEarliers(e) {
			l.mayLack()
		}
		if !t.Ended {
			ended = a.retire(l, e.Line)
		}
		t.Ended = true
	case traces.Freed:
		l.traceMore.freed = true
	case traces.OwnCall:
		if l.traceMore.ownCall {
			return nil // another one says nothing new
		}
		l.traceMore.ownCall = true
	case traces.ParkMe, traces.ShouldStop, traces.ThreadFn:
		if e.Kind == traces.ShouldStop && l.answersAgain(e.Code) {
			l.dropLatest() // of answers that are the same the first and the last tell all
		}
	}
	l.Keep(e)
	a.touched = l
	return ended
}

// freesEarlier says whether a Freed is of the thread that had the pid before, or may be.
func (l *Life) freesEarlier(e *traces.Event) bool {
	switch {
	case l.Trace.unfreed:
		l.Trace.unfreed = false // they are freed in the order in which they ended
		return true
	case l.maybeEarliers(e):
		l.mayLack()
		return true
	}
	return false
}

// takes says whether a tracer's event about a life's pid is about the life's thread. When
// that has died, another task may have the pid, unless the trace shows each fork.
func (a *Assembler) takes(l *Life, e *traces.Event) bool {
	if l.Trace.unnamed {
		l.rename(e.Thread.Comm)
	}
	return !l.Trace.gone || e.Kind == traces.Freed || l.Whole() && a.sees().Has(traces.Fork)
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
		a.wakesCaller(e)
	}
	if len(a.traced.unnamed) > 0 && e.Kind == traces.SwitchOut {
		a.nameCaller(e)
	}
	waits := false
	again := e.Kind == traces.Woken && e.Late && a.wakes() // sched_waking has shown this wake already
	if in := a.traced.calls.get(e.Thread.PID); in != nil && in.life != nil && !in.lost && in.life.Thread.PID != e.Thread.PID && !again {
		waits = in.callerScheduled(e)
		in.life.traceMore.callersCut = in.life.traceMore.callersCut || in.unwoken && !a.wakes() || a.stats.ThreadsOnly
	}
	l := a.byPID.get(e.Thread.PID)
	if l != nil && l.Trace.on {
		a.schedules(l, e)
	}
	if l == nil || !l.Trace.on || !a.takes(l, e) || again {
		return nil
	}
	t := &l.Trace
	if e.Kind == traces.SwitchOut && (e.State == 'X' || e.State == 'Z') && l.maybeEarliers(e) {
		l.mayLack()
	}
	if f := &a.traced.forked; f.alive && f.line > e.Line && f.pid == e.Thread.PID {
		// The line stands before the fork, and the earlier thread has got it.
		l.mayLack()
		return ended
	}
	switch e.Kind {
	case traces.Woken:
		t.Asleep = 0
		t.sleeps--
		in := a.traced.calls.get(e.By.PID)
		if in != nil && in.life == l && !e.Late && e.Context != traces.InterruptContext {
			in.threadAwake, t.AfterStop.Missed = false, false
		}
	case traces.SwitchIn:
		t.Asleep = 0
		t.Torn, t.onCPU = t.Torn || t.onCPU, true
	case traces.SwitchOut:
		if !t.onCPU {
			l.startsEarly(e)
		}
		t.Torn, t.onCPU = t.Torn || !t.onCPU, false
		if Sleeper(e.State) || e.State == 'P' {
			t.sleeps++
		}
		if t.Asleep = 0; t.sleeps > 0 {
			t.Asleep = e.State
		}
		t.AfterStop.sleep(e)
		if e.State == 'X' || e.State == 'Z' {
			if !t.Ended {
				ended = a.retire(l, e.Line)
			}
			t.Ended, t.gone = true, true
		}
	}
	l.Keep(e)
	if waits && e.Kind == traces.SwitchOut {
		own := *e
		own.Kind = traces.OwnCall // it sleeps in its own call of a stop or a park
		l.Keep(&own)
	}
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
	a.place(l)
	a.bind(e.Thread.Addr, l)
	a.interest.Add(l.Thread.PID)
	return l
}

// lose takes note that events of a trace are missing, but for the lives that go on.
func (a *Assembler) lose(e *traces.Event) {
	a.traced.exits, a.traced.returns = nil, returns{}
	a.traced.lossy = a.traced.lossy || e.ToEnd
	a.traced.tombstones = tombstones{} // a lost fork may have used the pid again
	for _, l := range a.traced.superseded.waiting() {
		if l.AsOf > e.Since {
			l.doubt()
			l.Trace.Lossy = true
		}
	}
	for in := range a.traced.calls.values() {
		in.awake()
		in.lost = true
	}
}

// lose takes note that events of a life's time are missing.
func (l *Life) lose(line int) {
	l.traceMore.wakings.isLossy()
	if l.Trace.Lossy = true; l.traceMore.since == 0 {
		l.traceMore.since = line
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
	a.forgetBeside(l)
	a.traced.clocks.ends(l)
	if l.Trace.on && l.traceMore.addr != 0 && a.traced.addr.lives[l.traceMore.addr] == l {
		delete(a.traced.addr.lives, l.traceMore.addr)
	}
	if !l.Trace.on || l.traceMore.calls == 0 {
		return
	}
	for in := range a.traced.calls.values() {
		if in.life == l {
			in.life, in.lost, in.waits = nil, true, false
		}
	}
}

// LeftBy returns the event that shows that the return of a stop of the thread is missing:
// another call by the task that was in that stop. nil: there is none.
func (l *Life) LeftBy() *traces.Event { return l.traceMore.leftBy }

// FirstSeen is the line of the trace's first event of a kind, of any thread; 0: there was
// none.
func (l *Life) FirstSeen(k traces.Kind) int { return int(l.traceMore.firstSeen[k].Load()) }

// CallersCut says whether the life does not have all of the scheduler's work on the tasks that
// stop or park the thread, inside these calls.
func (l *Life) CallersCut() bool { return l.traceMore.callersCut }

// InCall says whether a task is in a stop or a park of the thread.
func (l *Life) InCall() bool { return l.traceMore.calls > 0 }

// MaybeStopped says whether a stop of a thread that is not known may have been of this
// one.
func (l *Life) MaybeStopped() bool { return l.traceMore.maybeStopped }

// ShowsReturns says whether a stop of the thread without a return has not returned: the trace
// shows returns, or the tasks that make the stops sleep in them.
func (l *Life) ShowsReturns() bool {
	return l.Sees.Has(traces.StopReturn) && !l.traceMore.maybeReturned || l.StopWaits() && int(l.traceMore.waiting) == len(pending(l))
}

// StopWaits says whether a task sleeps inside a stop of the thread, so that this stop has not
// returned, whether or not the trace shows returns.
func (l *Life) StopWaits() bool { return l.traceMore.waiting > 0 }

// LostBy says whether something was missing in the life's time up to a line.
func (l *Life) LostBy(line int) bool {
	return l.Gaps || l.Trace.on && l.traceMore.since > 0 && l.traceMore.since <= line
}
