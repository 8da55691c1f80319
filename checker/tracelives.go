package checker

import (
	"strings"
	"sync/atomic"

	"github.com/kthread-tla/tracecheck/traces"
)

// What tracers see is sorted into lives by pid. A trace shows every switch and
// wake of a thread; a life keeps those that say something of its lifecycle, so
// that a thread that sleeps and wakes for hours stays small.

// A traced is what lives asks for at every event of a life whose events are a
// tracer's. It is in one line of the CPU's cache, with Life.kept: there are many lives
// at once, and an event is mostly of another one than the event before.
type traced struct {
	on      bool // they are a tracer's
	forked  bool // its fork is in the log: nothing of it came before
	lossy   bool // events were lost in its time
	begun   bool // it has been seen past its first sleep
	ended   bool // it has been seen in do_exit()
	gone    bool // it has left its CPU for the last time
	unnamed bool // its own name is not known yet
	// asleep is the state letter in which the thread left its CPU last, while
	// nothing has woken it since; else 0. The lines of two CPUs may be in the wrong
	// order: there must also have been more sleeps than wakings.
	asleep byte
	left   byte  // the state of its latest event, if that is a SwitchOut; else 0
	sleeps int32 // without the wakings; may be below 0
	told   asked
}

// More of a traced life, for which few events ask.
type tracedMore struct {
	freed   bool // it has been freed
	stopped bool // a stop of it has returned
	// maybeStopped: a stop of a thread that is not known may have been of this one.
	maybeStopped bool
	calls        int // stops and parks of it that are under way
	// since is the line from which on events were lost; 0 where nothing but leftBy
	// says so.
	since  int
	leftBy *traces.Event // the call of a task that is in a stop of it by the trace; nil: none
	seenAt *firstSeen
	// See addresses: the one of its task_struct, 0: not known; how many threads had
	// been forked when it was learned.
	addr  uint64
	bound int
}

// firstSeen has the line of the first event of each kind; 0: there was none. An
// event that the reader has left out is not counted. It is written while verdicts
// are read.
type firstSeen [traces.Blocked + 1]atomic.Int64

// inside is the life that a task is stopping or parking, as the log has it.
type inside struct {
	life  *Life
	probe bool // known by a probe
	point bool // known by the tracepoint
	lost  bool // events were lost since: its return may be among them
	park  bool
	awake bool // the thread was awake when the call began, and the call has not woken it
}

// trace takes an event that a tracer saw.
func (ls *lives) trace(e *traces.Event) (ended []*Life) {
	if e.Thread.Addr != 0 || e.Kind == traces.Renamed {
		ls.identify(e)
	}
	if !ls.came.Has(e.Kind) && (e.Kind != traces.StopCall || e.Thread.PID != 0) {
		ls.came = ls.came.With(e.Kind)
		ls.seenAt[e.Kind].Store(int64(e.Line))
	}
	switch e.Kind {
	case traces.Woken, traces.SwitchIn, traces.SwitchOut:
		return ls.scheduled(e)
	case traces.Fork:
		ls.addr.forks++
		if old := ls.byPID.get(e.Thread.PID); old != nil {
			old.AsOf, old.Sees = e.Line-1, ls.sees()
			ls.forget(old)
			ended = append(ended, old)
		}
		l := ls.bornTraced(e)
		l.trace.forked = true
		return ended
	case traces.StopCall, traces.ParkCall:
		return ls.call(e)
	case traces.StopReturn, traces.ParkReturn:
		ls.returned(e)
		return nil
	}
	l := ls.byPID.get(e.Thread.PID)
	if l == nil || !l.trace.on {
		switch e.Kind {
		case traces.ParkMe, traces.ShouldStop, traces.ThreadFn, traces.Unpark:
			if e.Thread.PID != 0 {
				ls.bornTraced(e)
			}
		}
		return nil
	}
	if !l.takes(e) {
		return nil
	}
	t := &l.trace
	switch e.Kind {
	case traces.ProcessExit, traces.ExitCall:
		if !t.ended {
			ended = ls.retire(l, e.Line)
		}
		t.ended = true
	case traces.Freed:
		l.more.freed = true
	case traces.ParkMe, traces.ShouldStop, traces.ThreadFn:
		t.begun = true
		if last := l.latest(e.Kind); last != nil && int(last.code) == e.Code && e.Kind == traces.ShouldStop {
			return nil
		}
	}
	l.keep(e)
	ls.touched = l
	return ended
}

// takes says whether an event of a tracer about a traced life's pid is about its
// thread; if not, another task has its pid now.
func (l *Life) takes(e *traces.Event) bool {
	if l.trace.unnamed {
		l.rename(e.Thread.Comm)
	}
	return !l.trace.gone || e.Kind == traces.Freed
}

// rename gives a thread a name. A young one still has its parent's.
func (l *Life) rename(name string) {
	l.Thread.Comm = name
	l.trace.unnamed = name == "" || name == "kthreadd" || name == "<...>"
}

// scheduled takes what the scheduler does with a thread.
func (ls *lives) scheduled(e *traces.Event) (ended []*Life) {
	if e.Kind == traces.Woken {
		ls.waking = ls.waking || !e.Late
	} else if e.State == 'D' {
		// Who goes to sleep inside kthread_stop() has made his request.
		if in := ls.inside.get(e.Thread.PID); in != nil && in.life != nil && !in.lost && in.life.Thread.PID != e.Thread.PID {
			in.life.keep(e)
			in.life.trace.told.request(in, e.Line)
		}
	}
	l := ls.byPID.get(e.Thread.PID)
	if l == nil || !l.trace.on || !l.takes(e) {
		return nil
	}
	t := &l.trace
	if e.Kind != traces.SwitchOut {
		if e.Kind == traces.Woken && e.Late && ls.wakes() {
			return nil // sched_waking has said so before
		}
		t.asleep = 0
		if e.Kind == traces.SwitchIn {
			return nil
		}
		t.sleeps--
		in := ls.inside.get(e.By.PID)
		own := in != nil && in.life == l && !e.Late && e.Context != traces.InterruptContext
		if own {
			in.awake, t.told.missed = false, false
		}
		// A new thread that is moved to another CPU is woken by the one that
		// moves it, perhaps before anybody knows of it.
		if !own && (t.begun || !t.forked) || strings.HasPrefix(e.By.Comm, "migration/") {
			return nil
		}
		l.keep(e)
		ls.touched = l
		return nil
	}
	if sleeper(e.State) || e.State == 'P' {
		t.sleeps++
	}
	if t.asleep = 0; t.sleeps > 0 {
		t.asleep = e.State
	}
	t.told.sleeps(e)
	switch e.State {
	case 'D':
		// Its first sleep, if nothing of it has been seen since the fork;
		// any other says nothing.
		if l.count() > 1 || !t.forked {
			return nil
		}
	case 'S', 'I':
		if t.ended {
			return nil
		}
		t.begun = true
		// One that says the same as the event before it says nothing.
		if t.left == 'S' || t.left == 'I' {
			return nil
		}
	case 'P':
		t.begun = true
		if t.left == 'P' {
			return nil
		}
	case 'X', 'Z':
		if !t.ended {
			ended = ls.retire(l, e.Line)
		}
		t.ended, t.gone = true, true
		if ls.inside.get(l.Thread.PID) == nil {
			ls.interest.Remove(l.Thread.PID)
		}
	default:
		return nil
	}
	l.keep(e)
	ls.touched = l
	return ended
}

// sees are the kinds of events that the trace has shown so far.
func (ls *lives) sees() traces.Kinds {
	return ls.came | ls.stats.Seen
}

// wakes says whether the trace has shown sched_waking.
func (ls *lives) wakes() bool {
	return ls.waking || ls.stats.Waking
}

func (ls *lives) bornTraced(e *traces.Event) *Life {
	room := ls.room()
	l := &room.life
	ls.bear(l, e)
	l.Begun, l.Doubt = false, false
	l.trace.on, l.room, l.kept, l.tasks = true, room, room.kept[:0], room.tasks[:1]
	l.rename(l.Thread.Comm)
	if l.trace.lossy = ls.lossy; ls.lossy {
		l.more.since = e.Line
	}
	l.more.seenAt = ls.seenAt
	l.keep(e)
	ls.insert(l)
	ls.bind(e.Thread.Addr, l)
	ls.interest.Add(l.Thread.PID)
	return l
}

// call notes that a task is about to stop or park a thread.
func (ls *lives) call(e *traces.Event) (ended []*Life) {
	by := e.By.PID
	in := ls.inside.get(by)
	park := e.Kind == traces.ParkCall
	if in != nil && in.park == park && !in.lost && (e.Probe && !in.probe || !e.Probe && !in.point) &&
		(e.Thread.PID == 0 || in.life == nil || in.life.Thread.PID == e.Thread.PID) {
		// The probe and the tracepoint of one call.
		in.probe, in.point = in.probe || e.Probe, in.point || !e.Probe
		if in.life != nil || e.Thread.PID == 0 {
			return nil
		}
	} else {
		ls.unnamed(by) // its return is not in the log
		if in != nil && in.life != nil {
			in.life.more.calls--
			if !in.park {
				in.life.trace.lossy = true // its return is not in the log
				if in.life.more.leftBy == nil {
					call := *e
					in.life.more.leftBy = &call
				}
			}
		}
		if in == nil {
			if in = ls.unused; in == nil {
				in = new(inside)
			}
			ls.unused = nil
			ls.inside.set(by, in)
		}
		*in = inside{probe: e.Probe, point: !e.Probe, park: park}
		ls.interest.Add(by) // when it goes to sleep it has made its request
	}
	if e.Thread.PID == 0 {
		if !park {
			ls.nameless(by, e.Thread.Addr) // whose address it is is not known yet
		}
		return nil
	}
	l := ls.byPID.get(e.Thread.PID)
	if l != nil && l.trace.on && (l.trace.lossy || !ls.sees().Has(traces.Fork)) && (l.trace.ended || stopReturned(l.Events())) {
		// Its pid may have been used again, and the fork is not in the trace.
		l.AsOf, l.Sees = e.Line-1, ls.sees()
		ls.forget(l)
		ended, l = append(ended, l), nil
	}
	if l == nil {
		l = ls.resume(e)
	}
	if l == nil || !l.trace.on {
		l = ls.bornTraced(e)
	} else {
		l.keep(e)
	}
	if in.life != nil {
		in.life.more.calls--
	}
	in.life = l
	ls.named(by, l)
	in.awake = !park && ls.wakes() && l.Whole() && !sleeper(l.trace.asleep)
	l.more.calls++
	return ended
}

// returned gives a return to the thread whose stop or park it is: the one that
// the same task has called. A task has one such call at a time.
func (ls *lives) returned(e *traces.Event) {
	in := ls.inside.get(e.By.PID)
	switch {
	case in == nil || in.park != (e.Kind == traces.ParkReturn):
		return
	case in.life == nil:
		ls.unnamed(e.By.PID)
		ls.leave(e.By.PID)
		return
	case in.lost:
		ls.leave(e.By.PID)
		return
	case e.Probe && in.point && !in.park, !e.Probe && !in.point:
		// The tracepoint, where there is one, says the same.
		return
	}
	ls.leave(e.By.PID)
	ret := *e
	ret.Thread = in.life.Thread
	in.life.keep(&ret)
	in.life.more.stopped = in.life.more.stopped || !in.park
	ls.touched = in.life
}

// leave notes that a task's call is over.
func (ls *lives) leave(pid int) {
	if in := ls.inside.get(pid); in != nil {
		if in.life != nil {
			in.life.more.calls--
		}
		ls.unused = in
	}
	ls.inside.remove(pid)
	if l := ls.byPID.get(pid); l == nil || !l.trace.on || l.trace.gone {
		ls.interest.Remove(pid)
	}
}

// lose takes note that events of a trace are missing.
func (ls *lives) lose(line int) {
	ls.records = records{} // another thread may have had the pid
	for l := range ls.alive() {
		if l.trace.on {
			if l.trace.lossy = true; l.more.since == 0 {
				l.more.since = line
			}
		}
	}
	for in := range ls.inside.all() {
		in.lost = true
	}
}

// forget ends a life: no event is given to it any more.
func (ls *lives) forget(l *Life) {
	ls.ends(l)
	ls.remove(l)
	if l.trace.on && l.more.addr != 0 && ls.addr.of[l.more.addr] == l {
		delete(ls.addr.of, l.more.addr)
	}
	if !l.trace.on || l.more.calls == 0 {
		return
	}
	for in := range ls.inside.all() {
		if in.life == l {
			in.life, in.lost = nil, true
		}
	}
}
