package life

import (
	"slices"

	"github.com/kthread-tla/tracecheck/traces"
)

// Why a stop does not return: what traces and reports show of the thread that
// it waits for.

// asked is what a trace shows of a thread after a stop's request was made.
type AfterStop struct {
	Made   int   // where the stopper went to sleep, the flag set and the wake made; 0: it has not
	Line   int   // where it went to sleep last
	Times  int32 // how often the thread has gone to sleep since
	Missed bool  // that wake found the thread awake: there was no sched_waking
}

// sleeper says whether a thread that left its CPU in this state waits for a
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

// sleeps notes that the thread leaves its CPU.
func (a *AfterStop) sleep(e *traces.Event) {
	if !Sleeper(e.State) {
		return
	}
	a.Line = e.Line
	if a.Made > 0 {
		a.Times++
	}
}

// isBack takes note of a message of a task that a report has shown blocked: it is
// so no more.
func (a *Assembler) comesBack(e *traces.Event) {
	r := a.book.reports[e.By.PID]
	if r == nil || e.By.PID == 0 || e.By.Comm != "" && r.last.Thread.Comm != "" && !alike(e.By.Comm, r.last.Thread.Comm) {
		return
	}
	w := r.wait()
	if w == nil {
		return
	}
	delete(a.book.reports, e.By.PID)
	if w.Seconds == 0 {
		return // it was seen to wait, and that is over
	}
	var of *Life
	for l := range a.alive() {
		if w.In == "kthread_stop" && !l.Trace.on && l.waitsFor(e.By.PID) {
			of = l
		}
	}
	a.slow(of, w, e.Line)
}

// slow notes that a wait is over, as a line shows, with the thread that was waited
// for; nil: which that is the log does not tell.
func (a *Assembler) slow(of *Life, w *Wait, line int) {
	i := Incident{Misuse: Misuse{Kind: Slow}, Lines: append(slices.Clone(w.Lines), line), Wait: w, Back: line}
	a.book.hung.Back = true
	switch {
	case of != nil && (of.Judged == 0 || int(of.Judged) < of.Count()):
		of.Incidents = append(of.Incidents, i)
	case len(a.book.cameBack) < maxMisuses:
		a.book.cameBack = append(a.book.cameBack, i)
	}
}

// likelyBack says whether the likely end of a wait has come: a stop of the one
// thread that it is likely for has returned after the last report. Then nothing
// says that the task is blocked still.
func (a *Assembler) likelyBack(w *Wait) bool {
	l := a.byPID.get(w.For.PID)
	if w.For.PID == 0 || l == nil || l.Trace.on {
		return false
	}
	for _, e := range l.Events() {
		if e.Kind != traces.StopReturn || e.Line < w.Lines[len(w.Lines)-1] || e.By.PID != 0 && e.By.PID != w.Waiter.PID {
			continue
		}
		l.Suspected = slices.DeleteFunc(slices.Clone(l.Suspected), func(s Wait) bool { return s.Waiter == w.Waiter })
		if w.Seconds > 0 {
			a.slow(l, w, e.Line)
		}
		return true
	}
	return false
}
