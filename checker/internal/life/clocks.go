package life

import (
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/clock"
	"github.com/kthread-tla/tracecheck/traces"
)

// The offsets of the CPUs' clocks are measured from causes that are certain in whatever
// order the lines stand: a fork comes before each line of its child, the thread's waking of
// a task in a stop or a park of it before that call's return, and, where no waking can be
// mistaken for another, a waking before the run that it caused.

// traceClocks are the clocks of a trace's CPUs.
type traceClocks struct {
	clock.Clocks
	newest     int64          // the largest stamp so far
	over       bool           // the boot is over: what comes next is of other clocks
	disordered bool           // stamps have fallen back by more than Slack: nothing is measured any more
	open       []openWakings  // those that are not settled yet; the first settled of them are gone
	settled    int            // how many of open are gone
	returned   []returnedCall // in the order of their stamps
}

// An openWakings is a life whose wakings are to be settled at a stamp.
type openWakings struct {
	life *Life
	due  int64
}

// A returnedCall is a call that has returned, of which nothing has shown the waking that
// ended it. The waking may stand behind, where its CPU's clock is ahead.
type returnedCall struct {
	by          int   // pid of the caller
	life        *Life // of the thread that it was stopping or parking
	incarnation int
	at          clock.Moment
	unwoken     bool // the waking that ended its task's sleep is not in the life
}

// maxReturned bounds the calls whose wakings may still come, and patience how long that may
// take, in nanoseconds.
const maxReturned, patience = 8, 100e6

// momentOf is when an event happened. ok is false where the trace does not tell CPUs apart,
// or counts no nanoseconds.
func momentOf(e *traces.Event) (m clock.Moment, ok bool) {
	return clock.Moment{CPU: e.CPU, Stamp: e.Stamp, Coarse: e.Coarse, Line: e.Line}, e.CPU >= 0 && e.Clock == traces.Nanoseconds
}

// cause notes that something at one moment caused something at another.
func (c *traceClocks) cause(from, to clock.Moment) {
	if !c.disordered {
		c.Cause(from, to)
	}
}

// tick takes the stamp of the next event of the trace. No event that comes later has a
// stamp before it. So what was of more than Slack earlier can be settled.
func (a *Assembler) tick(e *traces.Event) {
	c := &a.traced.clocks
	if e.Clock != traces.Nanoseconds || e.CPU < 0 {
		return
	}
	if c.over {
		*c = traceClocks{}
	}
	if e.Stamp <= c.newest {
		c.disordered = c.disordered || e.Stamp < c.newest-Slack
		return
	}
	c.newest = e.Stamp
	for c.settled < len(c.open) && c.open[c.settled].due < e.Stamp {
		l := c.open[c.settled].life
		c.settled++
		w := &l.traceMore.wakings
		switch due := w.last + Slack; {
		case !w.open:
		case due >= e.Stamp:
			c.open = append(c.open, openWakings{l, due})
		default:
			w.settle(c)
			if l.Trace.gone && a.byPID.get(l.Thread.PID) == l {
				a.loseInterest(l.Thread.PID)
			}
		}
	}
	if n := len(c.open); c.settled == n || c.settled > 64 && c.settled > n/2 {
		n = copy(c.open, c.open[c.settled:])
		clear(c.open[n:])
		c.open, c.settled = c.open[:n], 0
	}
	for len(c.returned) > 0 && c.returned[0].at.Stamp+patience < e.Stamp {
		by := c.returned[0].by
		c.returned = append(c.returned[:0], c.returned[1:]...)
		a.loseInterest(by)
	}
}

// loseInterest notes that the scheduling of a pid matters no more, unless it does for
// another reason.
func (a *Assembler) loseInterest(pid int) {
	if a.traced.calls.get(pid) != nil {
		return
	}
	for i := range a.traced.clocks.returned {
		if a.traced.clocks.returned[i].by == pid {
			return
		}
	}
	if l := a.byPID.get(pid); l == nil || !l.Trace.on {
		a.interest.Remove(pid)
	}
}

// schedules takes what the scheduler does with a life's thread.
func (a *Assembler) schedules(l *Life, e *traces.Event) {
	at, ok := momentOf(e)
	if !ok || e.Late && a.wakes() {
		return
	}
	c, w := &a.traced.clocks, &l.traceMore.wakings
	if e.Kind != traces.Woken && w.forked {
		w.forked = false
		c.cause(w.run, at)
	}
	if w.open && at.Stamp > w.last+Slack {
		w.settle(c)
	}
	if !w.open {
		w.begin(at.Stamp)
		c.open = append(c.open, openWakings{l, at.Stamp + Slack})
	}
	w.add(e, at)
}

// wakesCaller takes the waking of a task that is in a stop or a park, or was so until just
// now. If the thread does it, it is by the completion for which the call waits
// (kernel/kthread.c kthread_stop, kthread_park: wait_for_completion).
func (a *Assembler) wakesCaller(e *traces.Event) {
	for i := range a.traced.clocks.returned {
		r := &a.traced.clocks.returned[i]
		if r.by == e.Thread.PID && r.unwoken && !e.Late {
			r.unwoken = false
			r.life.Keep(e)
		}
	}
	at, ok := momentOf(e)
	if !ok || e.Late || e.Context == traces.InterruptContext {
		return
	}
	if in := a.traced.calls.get(e.Thread.PID); in != nil {
		if in.life != nil && !in.lost && in.life.Thread.PID == e.By.PID {
			in.completed, in.wasCompleted = at, true
		}
		return
	}
	for i, r := range a.traced.clocks.returned {
		if r.by == e.Thread.PID && r.life == a.byPID.get(e.By.PID) && r.life.Incarnation == r.incarnation {
			a.traced.clocks.cause(at, r.at)
			a.traced.clocks.returned = append(a.traced.clocks.returned[:i], a.traced.clocks.returned[i+1:]...)
			a.loseInterest(r.by)
			return
		}
	}
}

// returns takes the return of a call that has not been ended yet.
func (a *Assembler) returns(in *pendingCall, e *traces.Event) {
	at, ok := momentOf(e)
	c := &a.traced.clocks
	switch {
	case !ok:
	case in.wasCompleted:
		c.cause(in.completed, at)
	case a.wakes() && len(c.returned) < maxReturned && e.By.PID > 0:
		c.returned = append(c.returned, returnedCall{e.By.PID, in.life, in.life.Incarnation, at, in.unwoken})
		return
	}
	in.life.traceMore.callersCut = in.life.traceMore.callersCut || in.unwoken
}

// callsAgain notes that a task makes another call: what comes of it now is of that.
func (c *traceClocks) callsAgain(by int) {
	for i := range c.returned {
		if r := &c.returned[i]; r.by == by && r.unwoken {
			r.unwoken, r.life.traceMore.callersCut = false, true
		}
	}
}

// mayBeWoken says whether the waking that ended the sleep of a task in a call of the life may
// still come, though the call has returned.
func (c *traceClocks) mayBeWoken(l *Life) bool {
	return slices.ContainsFunc(c.returned, func(r returnedCall) bool { return r.life == l && r.unwoken })
}

// ends notes that nothing of a life comes any more.
func (c *traceClocks) ends(l *Life) {
	for i := range c.returned {
		if r := &c.returned[i]; r.life == l && r.unwoken {
			r.unwoken, l.traceMore.callersCut = false, true
		}
	}
}
