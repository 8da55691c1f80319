package life

import (
	"slices"

	"github.com/kthread-tla/tracecheck/traces"
)

// A Life is one incarnation of one kernel thread, with all that its log says
// of it.
type Life struct {
	Trace   Trace
	compact []CompactEvent // of a traced life: all events; Trace and compact share one line of the CPU's cache

	Identity
	Evidence
	As        As
	Revision  int32 // the caller's: how many verdicts there have been on it
	Judged    int32 // the caller's: how many of its events the latest of them knows
	Said      *Said // the caller's: the latest of them; nil: none
	Revived   *Revival
	traceMore traceRest

	kinds  traces.Kinds   // the kinds of its events, of one that is not traced
	events []traces.Event // what Events returns; of a traced life nil until it is asked for
	tasks  []task         // the tasks that compact names
	full   []fullEvent    // the events that compact does not hold whole
	openAt int            // index in index.open; -1: in it no more
	slot   *lifeSlot      // of a traced life; nil in a snapshot
}

// An Identity is which thread a life is of, and when that was.
type Identity struct {
	Thread      traces.Task
	Incarnation int               // 1-based: the n-th life of that pid, or of that name
	AsOf        int               // number of the last line that could have spoken of it
	Set         traces.PatternSet // the messages that its events come from; nil: none
	Kernel      string            // the release of the boot's banner; empty: not in the log
	BannerLine  int               // of that banner; 0: not in the log
}

// Evidence is what a life's log shows besides the events, and whether a missing message
// proves anything.
type Evidence struct {
	Since int // line of the begin line of the pattern set, in the same boot; 0 where there is none
	Crash int // line of an oops in its time, which may have been its own; 0: none
	// CrashOf is the task of that oops, where its report says that it is not
	// this thread; else zero.
	CrashOf traces.Task
	// Follows is set if this life is taken for a new thread only because an earlier
	// thread of its name or pid had ended: no line says that it was created or entered
	// threadfn. It is the number of the earlier thread's last line; else 0.
	Follows int
	// Begun: the pattern set's begin line came before the life, in the same boot, and
	// nothing was lost since. So a message that is not in the log was not printed.
	Begun bool
	// Mixed: two threads of this name overlap in the log, so it is open which line
	// belongs to which.
	Mixed bool
	// Gaps: lines were left out in its time (traces.LeftOut). So a missing line proves
	// nothing.
	Gaps bool
	// Doubt: the log does not show whether all events are about one thread.
	Doubt bool
	// ByName: messages that name the thread only by its name are taken to be about it,
	// though the set prints pids, and so tells threads of one name apart.
	ByName bool
	// Unsure are the kinds of messages that may be about this thread, and are not among
	// its events, because they have only a name that several threads have.
	Unsure traces.Kinds
	// Sees are the kinds of events that the trace has shown, of any thread.
	Sees traces.Kinds
	// Suspected are tasks blocked in a kthread_stop() that is likely of this
	// thread.
	Suspected []Wait
	// Incidents are what the kernel's reports show of this thread.
	Incidents []Incident

	beforeLoss int // how many events came before the first loss or oops in its time; 0: there was none, or none came
}

// As is what the caller assumes when it judges a life. An Assembler leaves it zero.
type As struct {
	Eras        uint8 // the eras whose kernels may have written the log, a bit each; 0: any
	Survived    bool  // an oops has not ended the thread
	ForeignWake bool  // an interrupt may have made a wake that a trace without flags shows in a stopper's context
}

// A Said has the caller's verdict on a life. An Assembler keeps it with the life and in
// the life's tombstone. It does not look into it.
type Said struct{ Verdict any }

// A Revival is what is known of a revived life from before: its thread had ended, and it
// was judged.
type Revival struct {
	Events int   // how many of its first events came before
	Said   *Said // what was said of it then
}

// Traced says whether the life's events are a tracer's.
func (l *Life) Traced() bool { return l.Trace.on }

// Whole says whether a trace shows the thread's whole life up to the log's end: the trace
// has the fork, and no event was lost. The trace may still lack some kinds of events.
func (l *Life) Whole() bool { return l.Trace.on && l.Trace.Forked && !l.Trace.Lossy }

// Shows says whether the absence of messages of this kind means something: the
// set is in use, and each of its messages of the kind would name this thread.
func (l *Life) Shows(k traces.Kind) bool {
	return l.Begun && !l.Gaps && l.Set != nil && !l.Unsure.Has(k) && l.Set.Shows().Has(k) && l.Set.Names(k, l.Thread)
}

// OneName says whether what is said of the life takes for granted that a name is one
// thread.
func (l *Life) OneName() bool { return l.Doubt || l.ByName }

// doubt notes that the events may be about several threads, and takes back what would
// only hold for one.
func (l *Life) doubt() { l.Doubt, l.Begun, l.beforeLoss = true, false, 0 }

// weaken notes that from here on a missing event proves less. What did not fit before
// this point still does not fit: see BeforeLoss.
func (l *Life) weaken() {
	if !l.Trace.on && l.Begun && !l.Gaps && !l.Doubt && l.Crash == 0 {
		l.beforeLoss = l.Count()
	}
}

// BeforeLoss is the life by its events before the first loss or oops in its time; nil:
// there was none, or no event came before it.
func (l *Life) BeforeLoss() *Life {
	if l.beforeLoss == 0 {
		return nil
	}
	was := l.First(l.beforeLoss)
	was.Begun, was.Doubt, was.Crash, was.CrashOf, was.beforeLoss = true, false, 0, traces.Task{}, 0
	return was
}

// First returns the life as its first n events show it.
func (l *Life) First(n int) *Life {
	cut := *l
	cut.events = l.Events()[:n]
	if l.Revived != nil && n < l.Revived.Events {
		cut.Revived = &Revival{n, l.Revived.Said}
	}
	if l.Trace.on {
		if cut.compact = l.compact[:n]; n < len(l.compact) {
			cut.Trace.Asleep = 0 // it sleeps at the log's end, and maybe not here
		}
	}
	return &cut
}

// Part returns a life of its own that has only the events from index i up to index n, which
// it does not have. The absence of messages of the kinds of unsure means nothing for it.
// The life is not a traced one.
func (l *Life) Part(i, n int, unsure traces.Kinds) *Life {
	part := l.First(n)
	part.events, part.beforeLoss = part.events[i:], 0
	part.Unsure |= unsure
	return part
}

// Sure returns the life as its events before index n that have its pid show it. What has
// only its name may be about it or not. The life is not a traced one.
func (l *Life) Sure(n int) *Life {
	part := l.First(n)
	part.ByName, part.beforeLoss = false, 0
	events, unsure := part.byName()
	part.events = events
	part.Unsure |= unsure
	return part
}

// Without returns the life as it would be without its events of a kind. The life is not a
// traced one.
func (l *Life) Without(k traces.Kind) *Life {
	part := *l
	part.events = slices.DeleteFunc(slices.Clone(l.Events()), func(e traces.Event) bool { return e.Kind == k })
	return &part
}

// Created says whether the log shows the thread's creation.
func (l *Life) Created() bool {
	return slices.ContainsFunc(l.Events(), func(e traces.Event) bool { return e.Kind == traces.Create })
}

// Ambiguous says whether each of the life's lines may be about a thread of
// another name.
func (l *Life) Ambiguous() bool {
	return !slices.ContainsFunc(l.Events(), func(e traces.Event) bool { return len(e.OrNames) == 0 })
}

// Snapshot is a copy of the life as it is now, which later events do not change.
func (l *Life) Snapshot() *Life {
	now := *l
	now.events, now.compact, now.Said = slices.Clone(l.events), slices.Clone(l.compact), nil
	now.tasks, now.slot = slices.Clone(l.tasks), nil
	now.traceMore.offsets = offsets{}
	return &now
}
