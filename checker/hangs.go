package checker

import (
	"fmt"
	"slices"

	"github.com/kthread-tla/tracecheck/traces"
)

// Why a stop does not return: what traces and reports show of the thread that
// it waits for.

// asked is what a trace shows of a thread after a stop's request was made.
type asked struct {
	made   int   // where the stopper went to sleep, the flag set and the wake made; 0: it has not
	line   int   // where it went to sleep last
	times  int32 // how often the thread has gone to sleep since
	missed bool  // that wake found the thread awake: there was no sched_waking
}

// sleeper says whether a thread that left its CPU in this state waits for a
// wake: not one that could go on (R), is parked, or is gone.
func sleeper(state byte) bool { return state == 'S' || state == 'D' || state == 'I' }

// request notes that a stopper goes to sleep in its call. The wake that it has
// made is traced if it changed anything: kernel/sched/core.c try_to_wake_up
// traces sched_waking where the state matches. If it did not, and the thread was
// awake when the call began and sleeps now, it went to sleep after that wake: had it
// set its state before, the wake would have matched.
func (a *asked) request(in *inside, line int) {
	if in.park || a.made > 0 {
		return
	}
	a.made, a.missed = line, in.awake
	if in.awake && sleeper(in.life.trace.asleep) {
		a.times = 1
	}
}

// sleeps notes that the thread leaves its CPU.
func (a *asked) sleeps(e *traces.Event) {
	if !sleeper(e.State) {
		return
	}
	a.line = e.Line
	if a.made > 0 {
		a.times++
	}
}

// hangFindings say what a life's own lines show of why its stop has not returned.
func hangFindings(v *Verdict, h *history) (out []Finding) {
	l := v.Life
	for _, s := range v.Stops {
		if s.ReturnedAt == 0 && s.By.PID != 0 && s.By.PID == l.Thread.PID {
			out = append(out, Finding{
				Rule: ruleSelfStop, Lines: []int{s.CalledAt},
				Message: fmt.Sprintf("%s stops itself: in kthread_stop() it waits for its own end", l.Thread),
				Advice:  "let threadfn return instead; on this machine nothing ends the wait but a reboot",
			})
		}
	}
	if !l.Whole() || h.pending() == 0 || h.returned() > 0 {
		return out
	}
	t := &l.trace
	var lines []int
	var before, since *traces.Event // the thread's last kthread_should_stop() before the stop, and since
	for i, e := range l.Events() {
		switch {
		case e.Kind == traces.StopCall:
			lines = append(lines, e.Line)
		case e.Kind == traces.ShouldStop && len(lines) == 0:
			before = &l.Events()[i]
		case e.Kind == traces.ShouldStop:
			since = &l.Events()[i]
		}
	}
	lines = append(lines, t.told.made, t.told.line)
	f := Finding{WouldSettle: "a probe on kthread_should_stop"}
	if l.Sees.Has(traces.ShouldStop) {
		f.WouldSettle = ""
	}
	switch {
	case t.ended || t.told.times == 0:
		return out
	case t.told.missed && t.told.times == 1 && sleeper(t.asleep) && since == nil:
		f.Rule = ruleLostWake
		f.Message = fmt.Sprintf("the stop sets the flag and wakes (line %d), and the thread is awake: the wake does nothing (no sched_waking); the stopper sleeps (line %d); the thread goes to sleep (line %d, state %c), and nobody has woken it since",
			lines[0], t.told.made, t.told.line, t.asleep)
		if before != nil && before.Code == 0 {
			f.Message += fmt.Sprintf("; it has asked kthread_should_stop() before that (line %d: no) and not since", before.Line)
		}
		f.Advice = "set_current_state() first, test kthread_should_stop() after it, then schedule(). On the live machine one more wake is enough: make happen what the thread waits for"
	case t.told.times > 1:
		f.Rule = ruleDeaf
		f.Message = fmt.Sprintf("since the request was made (line %d) the thread has gone to sleep %d times and has not ended: threadfn runs on", t.told.made, t.told.times)
		switch {
		case since != nil && since.Code != 0:
			f.Message += fmt.Sprintf(", though kthread_should_stop() has said yes (line %d)", since.Line)
		case since == nil && l.Sees.Has(traces.ShouldStop):
			f.Message += ", and has not asked kthread_should_stop()"
		}
		f.Advice = "test kthread_should_stop() in every loop of threadfn, after every wake. On the live machine end what threadfn works on (close the device, the connection), if it looks at that; no signal ends a kernel thread, nor anything that root can do"
	default:
		return out
	}
	slices.Sort(lines)
	f.Lines = slices.Compact(lines)
	return append(out, f)
}

// stopsItself says whether the thread is in a kthread_stop() of itself.
func (h *history) stopsItself() bool {
	return slices.ContainsFunc(h.stops, func(s call) bool {
		return s.call >= 0 && s.ret < 0 && h.life.Thread.PID != 0 && h.life.Events()[s.call].By.PID == h.life.Thread.PID
	})
}

// waiting are the functions in which a task sleeps for a completion or a time.
var waiting = map[string]bool{
	"schedule_timeout": true, "schedule_timeout_uninterruptible": true, "schedule_hrtimeout_range": true, "schedule_hrtimeout_range_clock": true,
	"wait_for_completion": true, "wait_for_completion_killable": true, "wait_for_completion_state": true, "wait_for_common": true,
	"__wait_for_common": true, "do_wait_for_common": true, "wait_task_inactive": true, "schedule_hrtimeout": true,
}

// blockedIn says in which of the functions that wait for a kernel thread a stack
// shows its task; empty: in none. What is cut shows that it was in kthread_stop,
// and of the others nothing, because they do more than wait.
func blockedIn(s *traces.Stack) string {
	if find(s, "kthread_stop") >= 0 {
		return "kthread_stop"
	}
	if s.Cut {
		return ""
	}
	for i, f := range s.Frames {
		switch {
		case i > 0 && f.Module == "" && f.Func == "kthread_park":
			return "kthread_park"
		case i > 0 && f.Module == "" && (f.Func == "__kthread_create_on_node" || f.Func == "kthread_create_on_node" || f.Func == "kthread_create"):
			return "kthread_create_on_node"
		case !asleepIn(f.Func) && !waiting[f.Func]:
			return ""
		}
	}
	return ""
}

// frozenIn says whether a stack is that of a thread in the freezer
// (kernel/freezer.c __refrigerator; 2.6 to 7.0).
func frozenIn(s *traces.Stack) bool {
	i := 0
	for i < len(s.Frames) && (asleepIn(s.Frames[i].Func) || waiting[s.Frames[i].Func]) {
		i++
	}
	return i < len(s.Frames) && (s.Frames[i].Func == "__refrigerator" || s.Frames[i].Func == "refrigerator") && s.Frames[i].Module == ""
}

// sleepsAt is where the thread of a whole stack sleeps, in words; empty where
// that says nothing.
func sleepsAt(s *traces.Stack) string {
	k := root(s)
	if k < 1 || s.Cut {
		return ""
	}
	i := 0
	for i < k && asleepIn(s.Frames[i].Func) {
		i++
	}
	if i == 0 || i == k {
		return ""
	}
	where := s.Frames[i].Func
	if m := slices.IndexFunc(s.Frames[i:k], func(f traces.Frame) bool { return f.Module != "" }); m > 0 {
		where += ", called from " + s.Frames[i+m].Func + " of module " + s.Frames[i+m].Module
	} else if m == 0 {
		where += " of module " + s.Frames[i].Module
	}
	if s.State != 0 {
		where = fmt.Sprintf("%s (state %c)", where, s.State)
	}
	return where
}

// isBack takes note of a message of a task that a report has shown blocked: it is
// so no more.
func (ls *lives) isBack(e *traces.Event) {
	r := ls.reports[e.By.PID]
	if r == nil || e.By.PID == 0 || e.By.Comm != "" && r.last.Thread.Comm != "" && !alike(e.By.Comm, r.last.Thread.Comm) {
		return
	}
	w := r.wait()
	if w == nil {
		return
	}
	delete(ls.reports, e.By.PID)
	if w.Seconds == 0 {
		return // it was seen to wait, and that is over
	}
	f := Finding{Rule: ruleSlow, Lines: append(slices.Clone(r.lines), e.Line)}
	f.Message = fmt.Sprintf("%s was reported blocked in %s()%s, and goes on in line %d: it was slow, and it does not hang", w.Waiter, w.In, w.lasts(), e.Line)
	var of *Life
	for l := range ls.alive() {
		if w.In == "kthread_stop" && !l.trace.on && l.waitsFor(e.By.PID) {
			of = l
		}
	}
	ls.slow(of, f)
}

// slow gives a finding of a wait that is over to the thread that was waited for;
// nil: which that is the log does not tell.
func (ls *lives) slow(of *Life, f Finding) {
	ls.back = true
	switch {
	case of != nil && (of.told == 0 || int(of.told) < of.count()):
		of.Reported = append(of.Reported, f)
	case len(ls.cameBack) < maxMisuses:
		ls.cameBack = append(ls.cameBack, f)
	}
}

// likelyBack says whether the likely end of a wait has come: a stop of the one
// thread that it is likely for has returned after the last report. Then nothing
// says that the task is blocked still.
func (ls *lives) likelyBack(w *Wait) bool {
	l := ls.byPID.get(w.For.PID)
	if w.For.PID == 0 || l == nil || l.trace.on {
		return false
	}
	for _, e := range l.Events() {
		if e.Kind != traces.StopReturn || e.Line < w.Lines[len(w.Lines)-1] || e.By.PID != 0 && e.By.PID != w.Waiter.PID {
			continue
		}
		l.Suspected = slices.DeleteFunc(l.Suspected, func(s Wait) bool { return s.Waiter == w.Waiter })
		f := Finding{
			Rule: ruleSlow, Lines: append(slices.Clone(w.Lines), e.Line),
			Message:     fmt.Sprintf("%s was reported blocked in kthread_stop()%s, most likely of %s, and a stop of that has returned since (line %d)", w.Waiter, w.lasts(), w.For, e.Line),
			WouldSettle: "a message that names the stopper with its pid ({by})",
		}
		if w.Seconds > 0 {
			ls.slow(l, f)
		}
		return true
	}
	return false
}
