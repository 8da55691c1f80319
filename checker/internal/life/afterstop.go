package life

import "github.com/kthread-tla/tracecheck/traces"

// Why a stop does not return: what traces and reports show of the thread that
// it waits for.

// AfterStop is what a trace shows of a thread after a stop's request was made.
type AfterStop struct {
	Made   int   // line where the stopper went to sleep: by then it has set the flag and woken the thread; 0: it has not
	Line   int   // line where the thread went to sleep last
	Times  int32 // how often the thread has gone to sleep since Made
	Missed bool  // the stop's wake found the thread awake, so there was no sched_waking
}

// Sleeper says whether a thread that left its CPU in this state waits for a wake. One that
// can go on (R), is parked (P), or is gone (X, Z) does not.
func Sleeper(state byte) bool { return state == 'S' || state == 'D' || state == 'I' }

// request notes that a stopper goes to sleep in its call, so it has made its wake. A wake
// is traced only if it finds the thread asleep: try_to_wake_up (kernel/sched/core.c) traces
// sched_waking if the task's state matches. If the thread was awake when the call began,
// no wake was traced, and the thread sleeps now, then it fell asleep after the wake. Had
// it set its state before the wake, the state would have matched.
func (a *AfterStop) request(in *pendingCall, line int) {
	if in.park || a.Made > 0 {
		return
	}
	a.Made, a.Missed = line, in.threadAwake
	if in.threadAwake && Sleeper(in.life.Trace.Asleep) {
		a.Times = 1
	}
}

// sleep notes that the thread leaves its CPU.
func (a *AfterStop) sleep(e *traces.Event) {
	if !Sleeper(e.State) {
		return
	}
	a.Line = e.Line
	if a.Made > 0 {
		a.Times++
	}
}
