package life

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/clock"
	"github.com/kthread-tla/tracecheck/traces"
)

// A Wait is a task that a report of the kernel shows blocked in a call.
type Wait struct {
	Waiter  traces.Task
	For     traces.Task    // zero: the log does not tell
	Certain bool           // For is shown, not only likely
	In      string         // the kernel function in which it is blocked
	Module  string         // of the function that called it; empty: the kernel's own
	Where   string         // where For sleeps, in words; empty: not shown
	Lines   []int          // the first lines of its reports
	Seconds int            // how long, by the last report that says so; else the time between two reports that show it; 0: neither
	Locks   []traces.Event // traces.Blocked: the lock that For waits for, then the one that its holder waits for, …
	Victims []traces.Event // traces.Blocked: the tasks that wait for a lock that Waiter holds
	Looks   bool           // Seconds is the time between two reports: no report says how long the wait lasts
}

// longWait is the time, in nanoseconds, that must lie between two reports of a wait before
// it counts as lasting. A single report shows only that the task waits at that moment, and
// every kthread_stop() waits for a moment.
const longWait = 30e9

// FarApart says whether two stamps, the earlier one first, are longWait apart. It is false
// if there are no stamps (0).
func FarApart(a, b int64) bool { return a > 0 && b-a >= longWait }

// reported is what the reports of a log say of one task.
type reported struct {
	first, last traces.Event // last: the last report with a whole stack, if there is one
	since       traces.Event // the report from which on all show the same wait
	lines       []int
	stamps      []int64
	seconds     int
}

// HungTasks sums up the hung-task reports of a log.
type HungTasks struct {
	Reports    int  // how many there are
	Cut        int  // how many of them have a stack that is cut
	LastLine   int  // line of the last report of a task that waits
	Back       bool // a task that was reported blocked goes on
	Incomplete bool // messages are missing
}

func (r *reported) add(e *traces.Event) {
	if len(r.lines) == 0 || blockedIn(r.last.Stack) != blockedIn(e.Stack) {
		r.since = *e
	}
	if len(r.lines) == 0 {
		r.first = *e
	}
	if !e.Stack.Cut || r.last.Stack == nil || r.last.Stack.Cut {
		r.last = *e
	}
	r.lines = append(r.lines, e.Line)
	r.stamps = append(r.stamps, e.Stamp)
	r.seconds = max(r.seconds, e.Stack.Blocked)
}

// wait returns the wait for a thread that the reports show; nil: none. A function on a cut
// stack counts too: it was there, whatever is missing.
func (r *reported) wait() *Wait {
	in := blockedIn(r.last.Stack)
	if in == "" {
		return nil
	}
	w := &Wait{Waiter: r.last.Thread, In: in, Lines: r.lines, Seconds: r.seconds}
	if since, until := r.since.Stamp, r.stamps[len(r.stamps)-1]; r.seconds == 0 && FarApart(since, until) {
		w.Seconds, w.Looks = int((until-since)/1e9), true
	}
	return w
}

// addReport takes a report with a task's stack.
func (a *Assembler) addReport(e *traces.Event) (ended []*Life) {
	s := e.Stack
	if a.printed.kernel == "" {
		a.printed.kernel = e.Kernel
	}
	switch s.Report {
	case traces.HungTask, traces.TaskDump, traces.Lockup:
	default:
		return a.addCrash(e)
	}
	if a.book.reports == nil {
		a.book.reports = make(map[int]*reported)
	}
	if s.Report == traces.HungTask {
		a.book.hung.Reports++
		if s.Cut {
			a.book.hung.Cut++
		}
	}
	a.book.hung.LastLine = e.Line
	if e.Thread.PID != 0 {
		r := a.book.reports[e.Thread.PID]
		if r == nil || r.last.Thread.Comm != e.Thread.Comm && e.Thread.Comm != "" && r.last.Thread.Comm != "" {
			r = new(reported)
			a.book.reports[e.Thread.PID] = r
		}
		r.add(e)
	}
	if find(s, "kthread_stop") >= 0 {
		for l := range a.alive() {
			if l.Thread.PID != e.Thread.PID && l.waitsFor(e.Thread.PID) {
				l.Keep(e)
			}
		}
	}
	switch l := a.byPID.get(e.Thread.PID); {
	case e.Thread.PID == 0:
	case l != nil:
		if !l.Trace.on {
			l.addReport(e)
		}
	case unwoken(s):
		return a.knownByStack(e)
	}
	return nil
}

// knownByStack makes a life of a thread that the log knows only by a report of its stack.
// The report has a pid, so there is no doubt which thread that is.
func (a *Assembler) knownByStack(e *traces.Event) (ended []*Life) {
	before := a.byPID.get(e.Thread.PID)
	ended = a.addMessage(e)
	if l := a.byPID.get(e.Thread.PID); l != nil && l != before && l.Count() == 1 {
		l.Doubt = false
	}
	return ended
}

// addReport adds a report of the thread's own stack. If several in a row say the same, only
// the first and the last are kept.
func (l *Life) addReport(e *traces.Event) {
	events := l.Events()
	n := len(events)
	same := func(o traces.Event) bool {
		return o.Kind == traces.KernelReport && o.Thread.PID == e.Thread.PID && o.Stack.Report != traces.Oops && slices.Equal(Phases(o.Stack), Phases(e.Stack))
	}
	if !l.Trace.on && e.Stack.Report != traces.Oops && n >= 2 && n > l.beforeLoss && same(events[n-1]) && same(events[n-2]) {
		events[n-1] = *e
		return
	}
	l.Keep(e)
}

// waitsFor says whether the life has a stop by this task that has not returned.
func (l *Life) waitsFor(pid int) bool {
	open := 0
	for _, e := range l.Events() {
		switch {
		case pid == 0 || e.By.PID != pid:
		case e.Kind == traces.StopCall:
			open++
		case e.Kind == traces.StopReturn:
			open--
		}
	}
	return open > 0
}

// conclude makes waits and incidents of all reports of one boot together.
func (a *Assembler) conclude() {
	var waits []*Wait
	for pid, r := range a.book.reports {
		w := r.wait()
		if w == nil {
			continue
		}
		s, in := r.last.Stack, w.In
		i := find(s, in)
		if in == "kthread_create_on_node" {
			// kthread_create_on_node() calls one of two underscores, and may be called by
			// kthread_create_on_cpu() and others.
			for i = 0; i+1 < len(s.Frames) && (asleepIn(s.Frames[i].Func) || waitFunctions[s.Frames[i].Func]); i++ {
			}
			for i+1 < len(s.Frames) && isCreate(s.Frames[i+1].Func) {
				i++
			}
			if r.seconds == 0 {
				continue // a single report: the creation may just be under way
			}
		}
		if i+1 < len(s.Frames) && !s.Cut {
			w.Module = s.Frames[i+1].Module
		}
		if in != "kthread_stop" {
			waits = append(waits, w)
			continue
		}
		for l := range a.alive() {
			if l.waitsFor(pid) {
				w.For, w.Certain = l.Thread, true
			}
		}
		waits = append(waits, w)
	}
	slices.SortFunc(waits, func(a, b *Wait) int { return cmp.Compare(a.Lines[0], b.Lines[0]) })
	for _, w := range waits {
		if !w.Certain && w.In == "kthread_stop" {
			a.suspect(w)
			if a.likelyBack(w) {
				continue
			}
		}
		a.cause(w)
		a.book.waits = append(a.book.waits, *w)
	}
	a.book.reports, a.book.locks, a.book.kthreadd = nil, nil, 0
}

// isCreate says whether fn is a function of kernel/kthread.c that makes a thread and waits
// for it.
func isCreate(fn string) bool {
	switch fn {
	case "kthread_create", "kthread_create_on_node", "__kthread_create_on_node", "kthread_create_on_cpu",
		"__kthread_create_worker", "__kthread_create_worker_on_node", "kthread_create_worker", "kthread_create_worker_on_node", "kthread_create_worker_on_cpu":
		return true
	}
	return false
}

// cause fills in what the reports show of the thread that a task waits for.
func (a *Assembler) cause(w *Wait) {
	if w.In == "kthread_create_on_node" {
		a.creator(w)
		return
	}
	next := w.For.PID
	for len(w.Locks) < maxLocks && next != 0 && next != w.Waiter.PID {
		e, ok := a.book.locks[next]
		if !ok {
			break
		}
		w.Locks = append(w.Locks, e)
		next = e.By.PID
	}
	for _, pid := range slices.Sorted(maps.Keys(a.book.locks)) {
		if e := a.book.locks[pid]; e.By.PID == w.Waiter.PID && pid != w.Waiter.PID && pid != w.For.PID && len(w.Victims) < maxLocks {
			w.Victims = append(w.Victims, e)
		}
	}
	r := a.book.reports[w.For.PID]
	if w.For.PID == 0 || r == nil || w.For.PID == w.Waiter.PID {
		return
	}
	s := r.last.Stack
	w.Where = sleepsAt(s)
	if l := a.byPID.get(w.For.PID); l != nil && frozenIn(s) && !s.Cut {
		l.Incidents = append(l.Incidents, Incident{Misuse: Misuse{Kind: Frozen}, Lines: []int{r.last.Line}, Wait: w})
	}
}

// maxLocks bounds how many locks are followed, and how many waiters are named.
const maxLocks = 8

// creator fills in what the reports show of kthreadd, for which every creation waits.
func (a *Assembler) creator(w *Wait) {
	r := a.book.reports[2]
	switch {
	case a.book.kthreadd > 0:
		w.Where = fmt.Sprintf("kthreadd has died (line %d): no kernel thread is created any more, whoever asks", a.book.kthreadd)
		w.Lines = append(slices.Clone(w.Lines), a.book.kthreadd)
		return
	case r == nil || r.last.Thread.Comm != "kthreadd" && r.last.Thread.Comm != "" || r.last.Stack.Cut:
		return
	}
	s := r.last.Stack
	i := 0
	for i < len(s.Frames) && asleepIn(s.Frames[i].Func) {
		i++
	}
	if i == len(s.Frames) || find(s, "kthreadd") < i {
		return
	}
	w.Lines = append(slices.Clone(w.Lines), r.last.Line)
	if s.Frames[i].Func == "kthreadd" {
		w.Where = fmt.Sprintf("kthreadd itself waits for something to do (line %d), so that likely the new thread is there, and has not come to its first line", r.last.Line)
		return
	}
	state := ""
	if s.State != 0 {
		state = fmt.Sprintf(", state %c", s.State)
	}
	w.Where = fmt.Sprintf("kthreadd itself is in %s (line %d%s), and while it is, no kernel thread is created, whoever asks", s.Frames[i].Func, r.last.Line, state)
}

// round is the time, in nanoseconds, in which khungtaskd prints all tasks that it finds
// hung in one check (kernel/hung_task.c check_hung_uninterruptible_tasks).
const round = 2e9

// together says whether two tasks were reported in one round.
func together(a, b *reported) bool {
	for _, s := range a.stamps {
		for _, t := range b.stamps {
			if s == 0 || t == 0 || max(s-t, t-s) < round {
				return true
			}
		}
	}
	return false
}

// suspect looks for the one thread that a stopper likely waits for. The thread's stack has
// a threadfn of the stopper's module, and the thread has not ended. This is not certain,
// because another thread of the module may sleep interruptibly, and then has no report.
func (a *Assembler) suspect(w *Wait) {
	if w.Module == "" {
		return
	}
	var found *reported
	for _, pid := range slices.Sorted(maps.Keys(a.book.reports)) {
		r := a.book.reports[pid]
		s := r.last.Stack
		k := root(s)
		p := Phases(s)
		if pid == w.Waiter.PID || !together(r, a.book.reports[w.Waiter.PID]) || k < 1 || len(p) == 0 || p[0] != "running" || s.Frames[k-1].Module != w.Module {
			continue
		}
		if found != nil {
			return // several: which of them, nobody can say
		}
		found = r
	}
	if found == nil {
		return
	}
	w.For = found.last.Thread
	l := a.byPID.get(found.last.Thread.PID)
	if l == nil {
		a.knownByStack(&found.first)
		l = a.byPID.get(found.last.Thread.PID)
		if l == nil {
			return
		}
		if found.last.Line != found.first.Line {
			l.addReport(&found.last)
		}
	}
	l.Suspected = append(l.Suspected, *w)
}

// Reports is what a log's reports say that belongs to no one life, and the release that the
// log names.
type Reports struct {
	Kernel    string // the last release that the log names; empty: none
	Waits     []Wait
	Incidents []Incident
	Hung      HungTasks
	Clocks    []ClockDifference // of the boots that have ended
}

// A ClockDifference says that the clocks of two CPUs differ by more than Slack.
type ClockDifference = clock.Difference

// Reports returns what has been reported so far. The waits are complete when a boot ends.
func (a *Assembler) Reports() Reports {
	b := &a.book
	return Reports{a.printed.kernel, b.waits, slices.Concat(b.misuses, b.cameBack), b.hung, b.clocks}
}

// comesBack takes a message by a task. If a report has shown the task blocked, the message
// shows that it is blocked no more.
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
		return // a single report is no long wait
	}
	var of *Life
	for l := range a.alive() {
		if w.In == "kthread_stop" && !l.Trace.on && l.waitsFor(e.By.PID) {
			of = l
		}
	}
	a.slow(of, w, e.Line)
}

// slow notes that a wait is over, as line shows. of is the life of the thread that was
// waited for; nil: the log does not show which it is.
func (a *Assembler) slow(of *Life, w *Wait, line int) {
	i := Incident{Misuse: Misuse{Kind: Slow}, Lines: append(slices.Clone(w.Lines), line), Wait: w, Back: line}
	a.book.hung.Back = true
	switch {
	case of != nil && (of.Revived == nil || int(of.Judged) < of.Count()):
		of.Incidents = append(of.Incidents, i)
	case len(a.book.cameBack) < maxMisuses:
		a.book.cameBack = append(a.book.cameBack, i)
	}
}

// likelyBack says whether a wait has likely ended: a stop of the thread that it is likely
// for has returned after the last report. Then nothing shows that the task is still
// blocked.
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
