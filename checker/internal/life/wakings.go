package life

import (
	"github.com/kthread-tla/tracecheck/checker/internal/clock"
	"github.com/kthread-tla/tracecheck/traces"
)

// How a thread stands with the scheduler, by the latest line.
const (
	unclear  = iota
	runnable // it may get a CPU at any time
	running
	asleep
)

// A wakings matches the wakings of a thread with the runs that they caused.
//
// They look at times that have no event of the thread for Slack before and behind them. As
// the clocks of two CPUs differ by no more than Slack, each waking that truly was in such a
// time is in it. So if it has just as many wakings as sleeps that have ended, each of the
// wakings ended one of the sleeps, and all of them came before the last of the runs.
type wakings struct {
	last  int64 // stamp of the latest event
	out   int64 // stamp of the latest beginning of a sleep
	count int32 // of wakings
	ended int32 // of sleeps that have ended
	cpu   int32 // of the latest line but wakings; -1: there was none
	runs  int32 // CPU of the latest run that ended a sleep; -1: there was none

	state     byte // unclear, runnable, running or asleep
	clear     bool // before this time the state was certain, and no waking was left over
	open      bool // such a time goes on
	odd       bool // lines are missing, or in the wrong order
	mixed     bool // lines but wakings are of several CPUs
	mixedRuns bool // of several CPUs
	forked    bool // only the fork has been seen

	waking clock.Moment // the latest
	run    clock.Moment // the latest that ended a sleep; where forked, the fork
}

// isForked begins with a thread's fork. Lines of CPUs whose clocks are behind may stand
// before it, and are not known.
func (w *wakings) isForked(e *traces.Event) {
	w.state = runnable
	w.run, w.forked = momentOf(e)
}

// isLossy notes that events are missing.
func (w *wakings) isLossy() { w.state, w.clear, w.odd = unclear, false, true }

// begin begins a time with an event.
func (w *wakings) begin(stamp int64) {
	w.open, w.last, w.odd, w.mixed, w.mixedRuns, w.count, w.ended, w.cpu, w.runs = true, stamp, !w.clear, false, false, 0, 0, -1, -1
}

// add takes an event of the thread.
func (w *wakings) add(e *traces.Event, at clock.Moment) {
	w.last = max(w.last, at.Stamp)
	if e.Kind == traces.Woken {
		w.count++
		w.waking = at
		return
	}
	w.mixed = w.mixed || w.cpu >= 0 && w.cpu != int32(at.CPU)
	w.cpu = int32(at.CPU)
	if e.Kind == traces.SwitchIn {
		switch w.state {
		case running:
			w.odd = true
		case asleep:
			w.mixedRuns = w.mixedRuns || w.runs >= 0 && w.runs != int32(at.CPU)
			w.ended, w.runs, w.run = w.ended+1, int32(at.CPU), at
		}
		w.state = running
		return
	}
	w.odd = w.odd || w.state == asleep || w.state == runnable
	switch e.State {
	case 'R':
		w.state = runnable
	case '?', 0:
		w.state, w.odd = unclear, true
	default:
		w.state, w.out = asleep, at.Stamp
	}
}

// settle ends a time, behind which there was no event of the thread for Slack.
func (w *wakings) settle(c *traceClocks) {
	w.open = false
	w.clear = !w.odd && w.count == w.ended
	if w.clear && w.ended > 0 && !w.mixedRuns && !c.Beyond {
		c.cause(w.waking, w.run)
	}
	// A thread that goes on running has no waking left over, and neither has one that has
	// gone to sleep with no waking near. Which of its lines is the last is certain where all
	// are of one CPU.
	if !w.mixed && w.cpu >= 0 && (w.state == running || w.state == asleep && (w.count == 0 || w.waking.Stamp < w.out-Slack)) {
		w.clear = true
	}
}
