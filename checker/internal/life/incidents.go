package life

import "github.com/kthread-tla/tracecheck/traces"

// An Incident is something that the kernel's reports show of a thread, or of a task that
// used one, and that a rule speaks of.
type Incident struct {
	Misuse
	Lines []int // 1-based numbers of the lines that show it
	Wait  *Wait // Frozen, Slow: the wait for the thread; else nil
	Back  int   // Slow: the line that shows that the wait is over
}

// An IncidentKind says what an incident is.
type IncidentKind uint8

const (
	NoIncident IncidentKind = iota

	// By reports of oopses and warnings:
	NoTask      // NULL or an ERR_PTR was used in place of a thread
	AfterFree   // a thread was used when its memory had been freed
	NoKthread   // a task was used that has no struct kthread
	ParkRefused // kthread_park() warned
	NotParked   // kthread_unpark() of a thread that is not parked
	BoundLate   // kthread_bind() of a thread that has run
	NotSelf     // a task that is no kernel thread asked whether it should stop
	PutTooMany  // the last reference to a living task was dropped
	CodeGone    // a thread ran where no code is any more

	// By reports of tasks that wait for a thread:
	Frozen // the thread is frozen
	Slow   // the wait was long, and is over
)

// A Misuse is what one report of an oops or a warning shows. Two that are equal are
// about the same.
type Misuse struct {
	Kind           IncidentKind
	By             traces.Task // whose report it is; zero: it does not say
	In             string      // the kernel's function that was called with the thread
	Caller, Module string      // who called that; empty: nobody of a module
	Address        uint64      // NoTask, CodeGone: the fault address
	Title          string      // AfterFree: the warning of a reference count; else empty
	KthreadLine    int         // ParkRefused: the line of kernel/kthread.c that warns
	Failed         int         // NoTask: the line of a failed kthread_create() before it; 0: none
	Likely         traces.Task // the thread that it is likely about; zero: none
}

// same says whether two reports have the same to say.
func (m Misuse) same(o Misuse) bool {
	m.KthreadLine, o.KthreadLine = 0, 0 // one function warns in several places
	return m == o
}

// addCrash takes the report of an oops or of a warning.
func (a *Assembler) addCrash(e *traces.Event) (ended []*Life) {
	s := e.Stack
	i := Incident{Misuse: MisuseOf(s), Lines: []int{e.Line}}
	if i.Kind == NoTask && a.printed.failed > 0 {
		i.Failed = a.printed.failed
		i.Lines = []int{a.printed.failed, e.Line}
	}
	if i.Kind != NoIncident && (i.Kind != CodeGone || !deadly(s)) { // else it is the thread's
		a.misused(e, i)
	}
	if s.Report == traces.Oops && !s.Above && !isKASAN(s) && s.Task == (traces.Task{Comm: "kthreadd", PID: 2}) {
		a.book.kthreadd = e.Line
	}
	for l := range a.alive() {
		if l.Crash >= e.Line && l.Crash <= s.Last && s.Task.PID != 0 && l.Thread.PID != 0 && s.Task.PID != l.Thread.PID {
			l.CrashOf = s.Task
		}
	}
	if !deadly(s) {
		return nil
	}
	switch l := a.byPID.get(e.Thread.PID); {
	case l == nil:
		ended = a.knownByStack(e)
	case !l.Trace.on && (l.Thread.Comm == "" || e.Thread.Comm == "" || alike(l.Thread.Comm, e.Thread.Comm)):
		l.Keep(e)
	}
	if i.Kind == CodeGone {
		if l := a.byPID.get(e.Thread.PID); l != nil && !l.Trace.on {
			l.Incidents = append(l.Incidents, i)
		} else {
			a.misused(e, i)
		}
	}
	return ended
}

// misused gives an incident to the thread that it is about, if the log shows which: a
// thread whose stop the reported task has announced, and which has not returned. Otherwise
// the incident belongs to no thread.
func (a *Assembler) misused(e *traces.Event, i Incident) {
	var certain, open []*Life
	if e.Stack.Has("kthread_stop") && (i.Kind == AfterFree || i.Kind == NoKthread) {
		for l := range a.alive() {
			switch {
			case l.Trace.on:
			case l.waitsFor(e.Thread.PID):
				certain = append(certain, l)
			case len(pending(l)) > 0:
				open = append(open, l)
			}
		}
	}
	switch {
	case len(certain) == 1:
		l := certain[0]
		l.Keep(e)
		l.Incidents = append(l.Incidents, i)
		return
	case len(certain) == 0 && len(open) == 1:
		i.Likely = open[0].Thread
	}
	for n := range a.book.misuses {
		if m := &a.book.misuses[n]; m.same(i.Misuse) {
			if len(m.Lines) < maxMisuses {
				m.Lines = append(m.Lines, i.Lines...)
			}
			return
		}
	}
	if len(a.book.misuses) < maxMisuses {
		a.book.misuses = append(a.book.misuses, i)
	}
}

// maxMisuses bounds the number of misuses that are kept, and the number of lines of each.
const maxMisuses = 100
