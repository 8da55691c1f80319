package checker

import (
	"strings"

	"github.com/kthread-tla/tracecheck/traces"
)

// What tracers see is sorted into lives by pid. A trace shows every switch and
// wake of a thread; a life keeps those that say something of its lifecycle, so
// that a thread that sleeps and wakes for hours stays small.

// A traced is what lives needs to know of a life while its trace goes on.
type traced struct {
	forked bool // its fork is in the log: nothing of it came before
	lossy  bool // events were lost in its time
	begun  bool // it has been seen past its first sleep
	ended  bool // it has been seen in do_exit()
	gone   bool // it has left its CPU for the last time
	// asleep is the state letter in which the thread left its CPU last, while
	// nothing has woken it since; else 0.
	asleep byte
}

// inside is the life that a task is stopping or parking, as the log has it.
type inside struct {
	life  *Life
	probe bool // known by a probe
	point bool // known by the tracepoint
	lost  bool // events were lost since: its return may be among them
	park  bool
}

// trace takes an event that a tracer saw.
func (ls *lives) trace(e traces.Event) (ended []*Life) {
	if e.Kind == traces.Woken && !e.Late {
		ls.waking = true
	}
	ls.sees = ls.sees.With(e.Kind)
	switch e.Kind {
	case traces.Fork:
		if old := ls.byPID[e.Thread.PID]; old != nil {
			old.AsOf, old.Sees = e.Line-1, ls.sees
			ls.remove(old)
			ended = append(ended, old)
		}
		l := ls.bornTraced(e)
		l.trace.forked = true
		return ended
	case traces.StopCall, traces.ParkCall:
		ls.call(e)
		return nil
	case traces.StopReturn, traces.ParkReturn:
		ls.returned(e)
		return nil
	case traces.SwitchOut:
		// Who goes to sleep inside kthread_stop() has made his request.
		if in := ls.inside[e.Thread.PID]; in != nil && e.State == 'D' && !in.lost {
			in.life.Events = append(in.life.Events, e)
		}
	}
	l := ls.byPID[e.Thread.PID]
	if l == nil || l.trace == nil {
		switch e.Kind {
		case traces.ParkMe, traces.ShouldStop, traces.ThreadFn, traces.Unpark:
			if e.Thread.PID != 0 {
				ls.bornTraced(e)
			}
		}
		return nil
	}
	if l.Thread.Comm == "" || l.Thread.Comm == "kthreadd" || l.Thread.Comm == "<...>" {
		l.Thread.Comm = e.Thread.Comm // its first name was its parent's
	}
	t := l.trace
	if t.gone && e.Kind != traces.Freed {
		return nil // another task has its pid now
	}
	switch e.Kind {
	case traces.Woken:
		if e.Late && ls.waking {
			return nil // sched_waking has said so before
		}
		t.asleep = 0
		in := ls.inside[e.By.PID]
		own := in != nil && in.life == l && !e.Late && e.Context != traces.InterruptContext
		// A new thread that is moved to another CPU is woken by the one that
		// moves it, perhaps before anybody knows of it.
		if strings.HasPrefix(e.By.Comm, "migration/") || !own && (t.begun || !t.forked) {
			return nil
		}
	case traces.SwitchIn:
		t.asleep = 0
		return nil
	case traces.SwitchOut:
		t.asleep = e.State
		switch e.State {
		case 'D':
			// Its first sleep, if nothing of it has been seen since the fork;
			// any other says nothing.
			if len(l.Events) > 1 || !t.forked {
				return nil
			}
		case 'S', 'I':
			if t.ended {
				return nil
			}
			t.begun = true
			// One that says the same as the event before it says nothing.
			if last := l.Events[len(l.Events)-1]; last.Kind == traces.SwitchOut && last.Thread.PID == e.Thread.PID && (last.State == 'S' || last.State == 'I') {
				return nil
			}
		case 'P':
			t.begun = true
			if last := l.Events[len(l.Events)-1]; last.Kind == traces.SwitchOut && last.Thread.PID == e.Thread.PID && last.State == 'P' {
				return nil
			}
		case 'X', 'Z':
			t.ended, t.gone = true, true
			if ls.inside[l.Thread.PID] == nil {
				ls.watch.Remove(l.Thread.PID)
			}
		default:
			return nil
		}
	case traces.ProcessExit, traces.ExitCall:
		t.ended = true
	case traces.ParkMe, traces.ShouldStop, traces.ThreadFn:
		t.begun = true
		if last := l.Events[len(l.Events)-1]; last.Kind == e.Kind && last.Thread.PID == e.Thread.PID && last.Code == e.Code && e.Kind == traces.ShouldStop {
			return nil
		}
	}
	l.Events = append(l.Events, e)
	ls.touched = l
	return nil
}

func (ls *lives) bornTraced(e traces.Event) *Life {
	l := ls.born(e)
	l.Begun, l.Doubt = false, false
	l.trace = &traced{lossy: ls.lossy}
	ls.insert(l)
	ls.watch.Add(l.Thread.PID)
	return l
}

// call notes that a task is about to stop or park a thread.
func (ls *lives) call(e traces.Event) {
	by := e.By.PID
	in := ls.inside[by]
	park := e.Kind == traces.ParkCall
	if in != nil && in.park == park && !in.lost && (e.Probe && !in.probe || !e.Probe && !in.point) &&
		(e.Thread.PID == 0 || in.life == nil || in.life.Thread.PID == e.Thread.PID) {
		// The probe and the tracepoint of one call.
		in.probe, in.point = in.probe || e.Probe, in.point || !e.Probe
		if in.life != nil || e.Thread.PID == 0 {
			return
		}
	} else {
		if in != nil && in.life != nil && !in.park {
			in.life.trace.lossy = true // its return is not in the log
		}
		in = &inside{probe: e.Probe, point: !e.Probe, park: park}
		ls.inside[by] = in
		ls.watch.Add(by) // when it goes to sleep it has made its request
	}
	if e.Thread.PID == 0 {
		return // a task's address: whose is not known yet
	}
	l := ls.byPID[e.Thread.PID]
	if l == nil || l.trace == nil {
		l = ls.bornTraced(e)
	} else {
		l.Events = append(l.Events, e)
	}
	in.life = l
}

// returned gives a return to the thread whose stop or park it is: the one that
// the same task has called. A task has one such call at a time.
func (ls *lives) returned(e traces.Event) {
	in := ls.inside[e.By.PID]
	switch {
	case in == nil || in.life == nil || in.park != (e.Kind == traces.ParkReturn):
		return
	case in.lost:
		ls.leave(e.By.PID)
		return
	case e.Probe && in.point && !in.park, !e.Probe && !in.point:
		// The tracepoint, where there is one, says the same.
		return
	}
	ls.leave(e.By.PID)
	e.Thread = in.life.Thread
	in.life.Events = append(in.life.Events, e)
	ls.touched = in.life
}

// leave notes that a task's call is over.
func (ls *lives) leave(pid int) {
	delete(ls.inside, pid)
	if l := ls.byPID[pid]; l == nil || l.trace == nil || l.trace.gone {
		ls.watch.Remove(pid)
	}
}

// lose takes note that events of a trace are missing.
func (ls *lives) lose() {
	for l := range ls.alive() {
		if l.trace != nil {
			l.trace.lossy = true
		}
	}
	for _, in := range ls.inside {
		in.lost = true
	}
}
