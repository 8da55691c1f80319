package life

import (
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/clock"
	"github.com/kthread-tla/tracecheck/traces"
)

// Who stops and parks the threads of a trace. A return is its task's, who is in one call at a
// time. Some traces do not print the task of every event (function_graph without its TASK
// column). Then the task that leaves the CPU next is the one; the return of an unknown task
// may be that of any call, so nothing follows from it.

// A pendingCall is a stop or a park that has not returned yet.
type pendingCall struct {
	life        *Life
	probe       bool // known by a probe
	point       bool // known by the tracepoint
	lost        bool // events were lost since: its return may be among them
	park        bool
	slept       bool // its task has gone to sleep since
	waits       bool // its task sleeps in it: the first sleep since the call, and nobody has woken the task
	threadAwake bool // the thread was awake when the call began, and the call has not woken it
	callAt      int  // index of the call in the life's events
	kept        int  // how many events of the scheduler's work on its task are in the life
	unwoken     bool // no waking of its task has come since that slept last

	wasCompleted bool         // the thread has woken the caller
	completed    clock.Moment // when, if so
}

// maxCallerEvents bounds the events that a life keeps of the scheduler's work on the task that
// makes one call. A task that waits for a completion sleeps once, as a rule.
const maxCallerEvents = 64

// callerScheduled takes what the scheduler does with the task that makes the call. first: the
// task goes to sleep, for the first time since the call. It has made its request then.
func (in *pendingCall) callerScheduled(e *traces.Event) (first bool) {
	sleeps := e.Kind == traces.SwitchOut && e.State == 'D'
	if in.life.Whole() || sleeps {
		in.keep(e)
	}
	if e.Kind != traces.SwitchOut {
		in.unwoken = in.unwoken && e.Kind != traces.Woken
		in.awake()
		return false
	}
	if !sleeps {
		return false
	}
	in.unwoken = true
	in.life.Trace.AfterStop.request(in, e.Line)
	if first = !in.slept; first && !in.park {
		in.life.traceMore.waiting++
		in.waits = true
	}
	in.slept = true
	return first
}

// keep keeps an event of the scheduler's work on the task that makes the call. After too many
// of them the life says that it does not have them all.
func (in *pendingCall) keep(e *traces.Event) {
	if in.kept++; in.kept > maxCallerEvents {
		in.life.traceMore.callersCut = true
		return
	}
	in.life.Keep(e)
}

// awake notes that the task that makes the call does not sleep in it, as far as is known.
func (in *pendingCall) awake() {
	if in.waits {
		in.waits = false
		in.life.traceMore.waiting--
	}
}

// An unnamedCall is a pendingCall whose task is not known yet.
type unnamedCall struct {
	key int // in tracedLives.calls, in place of a pid: below 0
	cpu int // -1: not known
}

// maxUnnamed bounds the calls of unknown tasks that are kept.
const maxUnnamed = 64

// callerOf returns the key of an event's task in tracedLives.calls: its pid, or for a call of
// an unknown task a number of its own.
func (a *Assembler) callerOf(e *traces.Event) (key int) {
	t := &a.traced
	if e.By.PID != 0 {
		return e.By.PID
	}
	for _, u := range t.unnamed {
		in := t.calls.get(u.key)
		if u.cpu == e.CPU && u.cpu >= 0 && in.park == (e.Kind == traces.ParkCall) && (e.Probe && !in.probe || !e.Probe && !in.point) &&
			(e.Thread.PID == 0 || in.life == nil || in.life.Thread.PID == e.Thread.PID) {
			return u.key // the probe and the tracepoint of one call
		}
	}
	if len(t.unnamed) == maxUnnamed {
		a.giveUp(t.unnamed[0].key)
	}
	t.lastKey--
	t.unnamed = append(t.unnamed, unnamedCall{t.lastKey, e.CPU})
	return t.lastKey
}

// giveUp ends a call whose return will not be recognised.
func (a *Assembler) giveUp(key int) {
	if in := a.traced.calls.get(key); in != nil && in.life != nil && !in.park {
		in.life.traceMore.maybeReturned = true
	}
	a.dropStop(key)
	a.endCall(key)
	a.traced.unnamed = slices.DeleteFunc(a.traced.unnamed, func(u unnamedCall) bool { return u.key == key })
}

// nameCaller notes that a task leaves a CPU: the calls of an unknown task that this CPU has
// shown since its last switch are this task's. It is in the last of them.
func (a *Assembler) nameCaller(e *traces.Event) {
	t := &a.traced
	key := 0
	for _, u := range slices.Clone(t.unnamed) {
		if u.cpu != e.CPU || u.cpu < 0 {
			continue
		}
		if key != 0 {
			a.giveUp(key)
		}
		key = u.key
	}
	if key == 0 {
		return
	}
	in := t.calls.get(key)
	if old := t.calls.get(e.Thread.PID); old != nil {
		a.giveUp(e.Thread.PID)
	}
	t.unnamed = slices.DeleteFunc(t.unnamed, func(u unnamedCall) bool { return u.key == key })
	t.calls.remove(key)
	t.calls.set(e.Thread.PID, in)
	a.interest.Add(e.Thread.PID)
	if addr, ok := t.addr.stops[key]; ok {
		delete(t.addr.stops, key)
		t.addr.stops[e.Thread.PID] = addr
	}
	if in.life != nil {
		in.life.setCaller(in.callAt, e.Thread)
	}
}

// addUnnamedReturn takes the return of an unknown task: each stop that is under way may have
// returned.
func (a *Assembler) addUnnamedReturn(park bool) {
	for in := range a.traced.calls.values() {
		if in.life != nil && !in.park && !park {
			in.life.traceMore.maybeReturned = true
		}
	}
	for len(a.traced.unnamed) > 0 {
		a.giveUp(a.traced.unnamed[0].key)
	}
}

// addOwnCall takes a call that the caller's life may show too: kthread() itself stops, parks
// and creates no thread (kernel/kthread.c), so a kernel thread that does is in its threadfn.
// These functions sleep, so no interrupt calls them.
func (a *Assembler) addOwnCall(e *traces.Event) {
	l := a.byPID.get(e.By.PID)
	if e.By.PID == 0 || l == nil || !l.Trace.on || l.Trace.Ended || l.traceMore.ownCall || e.By.Comm != "" && l.Thread.Comm != "" && e.By.Comm != l.Thread.Comm {
		return // or the pid is another task's now
	}
	own := *e
	own.Kind, own.Thread, own.HasCode, own.Text = traces.OwnCall, e.By, false, e.FormatTracepoint()
	a.addTraced(&own)
}

// addCall notes that a task is about to stop or park a thread.
func (a *Assembler) addCall(e *traces.Event) (ended []*Life) {
	by := a.callerOf(e)
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
			in.awake()
			in.life.traceMore.calls--
			if !in.park {
				// Its return is not in the log. If no return is, the log does not show any.
				in.life.traceMore.maybeReturned = true
				in.life.Trace.Lossy = in.life.Trace.Lossy || a.sees().Has(traces.StopReturn)
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
		if r := a.traced.returns.of(by); int(r.by) == by {
			r.by = 0
		}
		a.traced.clocks.callsAgain(by)
		*in = pendingCall{probe: e.Probe, point: !e.Probe, park: park, lost: a.traced.lossy}
		a.interest.Add(by) // when it goes to sleep it has made its request
	}
	if e.Thread.PID == 0 {
		if !park {
			a.noteStop(by, e.Thread.Addr) // the thread of the address is not known yet
		}
		return nil
	}
	l, beside := a.byPID.get(e.Thread.PID), false
	if l != nil && l.Trace.on && !l.isCalled(e.Thread.Comm) {
		l, beside = a.otherOf(l, e), true
	}
	switch {
	case beside || l == nil || !l.Trace.on:
	case !l.Trace.Lossy && a.sees().Has(traces.Fork):
		if !park {
			a.doubtStop(l, e)
		}
	case !l.Trace.Lossy && l.Trace.Ended && !l.StopReturned() && l.traceMore.calls == 0 && e.Thread.Comm != "" && l.Thread.Comm != "":
		l.traceMore.maybeTwo, l.Doubt = true, true
	case l.Trace.Ended || l.StopReturned():
		// Its pid may have been used again, and the fork is not in the trace.
		l.AsOf, l.Sees = e.Line-1, a.sees()
		ended, l = a.supersede(l), nil
	}
	if l == nil {
		l = a.revive(e)
	}
	if l == nil {
		l = a.exited(e)
	}
	switch {
	case beside:
	case l == nil || !l.Trace.on:
		l = a.newTraced(e)
	default:
		l.Keep(e)
	}
	if in.life != nil {
		in.awake()
		in.life.traceMore.calls--
	}
	in.life, in.callAt = l, l.Count()-1
	a.bindStop(by, l)
	in.threadAwake = !park && a.wakes() && l.Whole() && !Sleeper(l.Trace.Asleep)
	l.traceMore.calls++
	if r := &a.traced.early[uint(e.By.PID)%uint(len(a.traced.early))]; r.by == e.By.PID && r.by > 0 && r.cpu != e.CPU && r.stamp > e.Stamp-clock.Slack {
		l.Trace.Lossy, l.traceMore.maybeReturned = true, true // that may be the return of this call
	}
	return ended
}

// An earlyReturn is a return without a call. The call's line may stand behind it, where its
// task has gone to a CPU whose clock is behind.
type earlyReturn struct {
	by, cpu int
	stamp   int64
}

// addReturn gives a return to the life whose thread the same task was stopping or parking.
// A task has one such call at a time. If both the tracepoint and a probe show a return, the
// first counts, and the second finds no call.
func (a *Assembler) addReturn(e *traces.Event) {
	in := a.traced.calls.get(e.By.PID)
	switch {
	case e.By.PID == 0:
		a.addUnnamedReturn(e.Kind == traces.ParkReturn)
		return
	case in == nil:
		a.addReturnAgain(e)
		a.traced.early[uint(e.By.PID)%uint(len(a.traced.early))] = earlyReturn{e.By.PID, e.CPU, e.Stamp}
		return
	case in.park != (e.Kind == traces.ParkReturn):
		return
	case in.life == nil:
		a.dropStop(e.By.PID)
		a.endCall(e.By.PID)
		return
	case in.lost:
		a.endCall(e.By.PID)
		return
	}
	a.returns(in, e)
	a.endCall(e.By.PID)
	if !in.park {
		*a.traced.returns.of(e.By.PID) = returned{by: int32(e.By.PID), pid: int32(in.life.Thread.PID), incarnation: int32(in.life.Incarnation), probe: e.Probe}
	}
	ret := *e
	ret.Thread = in.life.Thread
	in.life.Keep(&ret)
	in.life.traceMore.stopped = in.life.traceMore.stopped || !in.park
	a.touched = in.life
}

// A returned is the latest stop of a task, which has returned.
type returned struct {
	by               int32 // 0: there is none, or the task has made another call since
	pid, incarnation int32 // of the thread
	probe            bool  // a probe showed the return, not the tracepoint
}

// returns has such stops, by the task's pid modulo its length.
type returns [1 << 8]returned

func (r *returns) of(by int) *returned { return &r[uint(by)%uint(len(r))] }

// addReturnAgain takes the return of a task that is in no call. If the same tracepoint or
// probe has shown the return of the task's latest stop, this is a second one of that stop.
func (a *Assembler) addReturnAgain(e *traces.Event) {
	r := a.traced.returns.of(e.By.PID)
	l := a.byPID.get(int(r.pid))
	if e.Kind != traces.StopReturn || r.pid == 0 || int(r.by) != e.By.PID || r.probe != e.Probe || l == nil || !l.Trace.on || l.Trace.Lossy || l.Incarnation != int(r.incarnation) {
		return
	}
	ret := *e
	ret.Thread = l.Thread
	l.Keep(&ret)
	a.touched = l
}

// showsReturns notes that the trace does show returns: where one is missing, events were lost.
func (a *Assembler) showsReturns() {
	for l := range a.alive() {
		if l.Trace.on && l.traceMore.leftBy != nil {
			l.Trace.Lossy = true
		}
	}
}

// endCall notes that a task's call is over.
func (a *Assembler) endCall(pid int) {
	if in := a.traced.calls.get(pid); in != nil {
		if in.life != nil {
			in.awake()
			in.life.traceMore.calls--
		}
		a.traced.spareCall = in
	}
	a.traced.calls.remove(pid)
	a.loseInterest(pid)
}
