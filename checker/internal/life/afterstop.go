package life

import "github.com/kthread-tla/tracecheck/traces"

// Why a stop does not return: what traces and reports show of the thread that
// it waits for.

// AfterStop is what a trace shows of a thread after a stop's request was made.
type AfterStop struct {
	Made   int   // where the stopper went to sleep, the flag set and the wake made; 0: it has not
	Line   int   // where it went to sleep last
	Times  int32 // how often the thread has gone to sleep since
	Missed bool  // that wake found the thread awake: there was no sched_waking
}

// Sleeper says whether a thread that left its CPU in this state waits for a
// wake: not one that could go on (R), is parked, or is gone.
func Sleeper(state byte) bool { return state == 'S' || state == 'D' || state == 'I' }

// request notes that a stopper goes to sleep in its call. The wake that it has
// made is traced if it changed anything: kernel/sched/core.c try_to_wake_up
// traces sched_waking where the state matches. If it did not, and the thread was
// awake when the call began and sleeps now, it went to sleep after that wake: had it
// set its state before, the wake would have matched.
func (a *AfterStop) request(in *pendingCall, line int) {
	if in.park || a.Made > 0 {
		return
	}
	a.Made, a.Missed = line, in.awake
	if in.awake && Sleeper(in.life.Trace.Asleep) {
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
