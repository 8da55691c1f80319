package life

import (
	"iter"
	"slices"

	"github.com/kthread-tla/tracecheck/traces"
)

// A Life is one incarnation of one kernel thread, with all that its log says
// of it.
type Life struct {
	Trace   Trace
	compact []CompactEvent // of a traced life: all events; trace and compact are in one line of the CPU's cache

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

// lifeEvidence is what a life's log shows besides the events, and how far its silence
// can be trusted.
type Evidence struct {
	// Begun: the pattern set's begin line came before, in the same boot and
	// without loss since, so that a message that is not there was not printed.
	Begun bool
	Since int // line of that begin line; 0 where there is none
	Crash int // line of an oops in its time, which may have been its own; 0: none
	// CrashOf is the task of that oops, where its report says that it is not
	// this thread; else zero.
	CrashOf traces.Task
	// Follows is the last line of an earlier thread of this name or pid, which
	// had ended, where this one is taken for the next thread although no line
	// says that it was created or has entered threadfn; 0 elsewhere.
	Follows int
	// Mixed: another thread of the name came while this one was not over by
	// the log, or was so when this one came: which line is whose is open.
	Mixed bool
	// Gaps: lines were left out in its time (traces.LeftOut): that it has no
	// line of some kind says nothing.
	Gaps bool
	// Doubt: the log does not tell whether all events are about one thread.
	Doubt bool
	// Sees are the kinds of events that the trace has shown, of any thread.
	Sees traces.Kinds
	// Suspected are tasks blocked in a kthread_stop() that is likely of this
	// thread.
	Suspected []Wait
	// Incidents are what the kernel's reports show of this thread.
	Incidents []Incident

	beforeLoss int // how many events came before the first loss or oops in its time; 0: there was none, or none came
}

// As is what whoever judges a life takes for granted. An Assembler leaves it zero.
type As struct {
	Eras        uint8 // the eras whose kernels may have written the log, a bit each; 0: any
	Survived    bool  // an oops has not ended the thread
	ForeignWake bool  // an interrupt may have made a wake that a trace without flags shows in a stopper's context
}

// A Said is what the caller has said of a life. An Assembler keeps it with the life,
// and in its tombstone, and does not look into it.
type Said struct{ Verdict any }

// A Revival is what a life goes on from whose thread had ended and was judged.
type Revival struct {
	Events int   // how many of its first events came before
	Said   *Said // what was said of it then
}

// Traced says whether the life's events are a tracer's.
func (l *Life) Traced() bool { return l.Trace.on }

// Whole says whether a trace shows all of the thread's life up to the log's end,
// as far as its kind of events goes.
func (l *Life) Whole() bool { return l.Trace.on && l.Trace.Forked && !l.Trace.Lossy }

// shows says whether the absence of messages of this kind means something: the
// set is in use, and each of its messages of the kind would name this thread.
func (l *Life) Shows(k traces.Kind) bool {
	return l.Begun && !l.Gaps && l.Set != nil && l.Set.Shows().Has(k) && l.Set.Names(k, l.Thread)
}

// doubt takes back what rests on the events being all of one thread's.
func (l *Life) doubt() { l.Doubt, l.Begun, l.beforeLoss = true, false, 0 }

// weaken notes that from here on silence proves less. What was wrong before is
// not set right by that.
func (l *Life) weaken() {
	if !l.Trace.on && l.Begun && !l.Gaps && !l.Doubt && l.Crash == 0 {
		l.beforeLoss = l.Count()
	}
}

// intact is the life as it was when a first line took from the log's silence
// what it proves; nil: none has, or nothing had been seen then.
func (l *Life) BeforeLoss() *Life {
	if l.beforeLoss == 0 {
		return nil
	}
	was := l.First(l.beforeLoss)
	was.Begun, was.Doubt, was.Crash, was.CrashOf, was.beforeLoss = true, false, 0, traces.Task{}, 0
	return was
}

// first is the life as far as its first n events tell.
func (l *Life) First(n int) *Life {
	cut := *l
	cut.events = l.Events()[:n]
	if l.Trace.on {
		if cut.compact = l.compact[:n]; n < len(l.compact) {
			cut.Trace.Asleep = 0 // what it does at the log's end it need not do there
		}
	}
	return &cut
}

// alike says whether two names may be one thread's: they are equal, or one is
// the other cut to the 15 bytes that a task's comm holds (TASK_COMM_LEN).
func alike(a, b string) bool {
	const comm = 15
	if len(a) > len(b) {
		a, b = b, a
	}
	return a == b || len(a) == comm && b[:comm] == a
}

// commKey is the same for all names that may be one thread's.
func commKey(name string) string { return name[:min(len(name), 15)] }

// An assembler sorts a log's events into lives.
type Assembler struct {
	index
	printed printkLives
	traced  tracedLives
	book    reportBook

	touched  *Life            // the life that the latest event was given to; nil: to none
	stats    *traces.Stats    // of the source
	interest *traces.Interest // whose scheduling is asked for; nil: everybody's
}

// An index has the lives that have not ended, and counts those that there have been.
type index struct {
	open   []*Life // in the order of their first events; nil where one has ended
	ended  int     // how many of open are nil
	byPID  pidMap[Life]
	byName map[string][]*Life // by commKey

	incarnations      [pidLimit / partSize]*[partSize]uint32 // by pid: how many lives it has had
	namedIncarnations map[traces.Task]int                    // the same by name, where there is no pid
}

// printkLives is what the messages of one boot say of all lives.
type printkLives struct {
	begun      bool   // the set's begin line has come
	since      int    // that line
	gaps       bool   // lines were left out since
	crash      int    // line of the last oops since; 0: none
	kernel     string // the release; empty: not known
	bannerLine int    // the line that says so; 0: none
	failed     int    // line of the last failed kthread_create(), 0: none in this boot
	// Names and pids that were alive when the set's begin line came: a line
	// about one of them may still be about the thread from before.
	before map[traces.Task]bool
	// Names that a line may have been about, had it not been read otherwise.
	ambiguous map[string]bool
}

// tracedLives is what tracers show of all lives.
type tracedLives struct {
	calls      pidMap[pendingCall] // by the pid of a task: the call that it is in
	spareCall  *pendingCall        // one to use again; nil: none
	ended      endedQueue          // lives whose threads have ended, in that order
	mayStop    endedQueue          // of these, before them, those that may well be stopped yet
	grace      Grace
	pool       lifePool
	retired    [1]*Life // what retire returns
	tombstones tombstones
	addr       addresses
	came       traces.Kinds // the kinds of the events that have come
	firstSeen  *firstLines
	waking     bool // sched_waking has come
	lossy      bool // the trace says that its beginning is not whole
}

// A reportBook is what the kernel's reports say, in one boot and of no one life.
type reportBook struct {
	reports  map[int]*reported    // by the pid of a task
	locks    map[int]traces.Event // by the pid of a task: the lock that it waits for
	kthreadd int                  // line of the report of kthreadd's death; 0: none
	// Of all boots:
	waits    []Wait
	hung     HungTasks
	misuses  []Incident // by reports of crashes and warnings, of no one thread
	cameBack []Incident // of tasks that were reported blocked and are no more, of no one thread
}

// newAssembler makes an assembler for a log. stats are the source's; it may count on.
// The assembler adds the pids whose scheduling matters to interest, and removes those
// that are over; nil: nobody needs to know.
func New(stats *traces.Stats, interest *traces.Interest) *Assembler {
	a := &Assembler{stats: stats, interest: interest}
	a.namedIncarnations = make(map[traces.Task]int)
	a.printed.before = make(map[traces.Task]bool)
	a.traced.grace, a.traced.firstSeen = usualGrace, new(firstLines)
	a.clear()
	return a
}

// clear forgets all lives, as at the end of a boot.
func (a *Assembler) clear() {
	a.open, a.ended, a.byPID, a.byName = nil, 0, pidMap[Life]{}, make(map[string][]*Life)
	a.printed.ambiguous = make(map[string]bool)
	a.traced.calls, a.traced.ended, a.traced.mayStop, a.traced.addr = pidMap[pendingCall]{}, endedQueue{}, endedQueue{}, addresses{}
	a.traced.tombstones = tombstones{}
}

// alive are the lives that have not ended.
func (x *index) alive() iter.Seq[*Life] {
	return func(yield func(*Life) bool) {
		for _, l := range x.open {
			if l != nil && !yield(l) {
				return
			}
		}
	}
}

// add takes the next event. It returns the lives that cannot go on after it.
func (a *Assembler) Add(e *traces.Event) (ended []*Life) {
	a.touched = nil
	switch e.Kind {
	case traces.Boot:
		ended = a.End(e.Before)
		a.printed.begun, a.printed.since, a.printed.crash, a.printed.kernel, a.printed.failed, a.printed.bannerLine, a.printed.gaps = false, 0, 0, e.Kernel, 0, e.Line, false
		clear(a.printed.before)
	case traces.Begin:
		clear(a.printed.before)
		for l := range a.alive() {
			if !l.StopReturned() {
				a.printed.before[traces.Task{Comm: commKey(l.Thread.Comm)}] = true
				a.printed.before[traces.Task{PID: l.Thread.PID}] = true
			}
		}
		ended = a.endAll(e.Before)
		a.printed.begun, a.printed.since, a.printed.crash, a.printed.gaps = true, e.Line, 0, false
	case traces.Loss:
		// A begin line may be among what was lost.
		a.printed.begun, a.book.hung.Incomplete = false, true
		for l := range a.alive() {
			l.weaken()
			sure := l.beforeLoss
			l.doubt()
			if e.Since > 0 {
				l.beforeLoss = sure // nothing of that is missing
			}
		}
		a.lose(e.Line)
	case traces.Cut:
		a.printed.gaps, a.book.hung.Incomplete = true, true
		for l := range a.alive() {
			l.Gaps = true
		}
	case traces.Crash:
		a.printed.crash = e.Line
		for l := range a.alive() {
			l.weaken()
			l.Crash, l.CrashOf = e.Line, traces.Task{}
		}
	case traces.Stacked:
		ended = a.addReport(e)
	case traces.Blocked:
		if a.book.locks == nil {
			a.book.locks = make(map[int]traces.Event)
		}
		a.book.locks[e.Thread.PID] = *e
	default:
		if e.Set == nil {
			return a.addTraced(e)
		}
		a.comesBack(e)
		for _, name := range e.OrNames {
			a.printed.ambiguous[name] = true
			for _, l := range a.byName[commKey(name)] {
				if l.Thread.Comm == name {
					l.doubt()
				}
			}
		}
		ended = a.addMessage(e)
	}
	return ended
}

// End ends all lives, as the end of a log or of a boot does; asOf is the last line that
// could have spoken of them.
func (a *Assembler) End(asOf int) []*Life {
	a.conclude()
	return a.endAll(asOf)
}

// endAll is End without what follows from all reports of the boot; asOf is the last line that could have spoken of them.
func (a *Assembler) endAll(asOf int) []*Life {
	ended := slices.Collect(a.alive())
	for _, l := range ended {
		a.mayHaveBeenStopped(l)
		l.AsOf = asOf
		l.Sees = a.sees()
		if l.Kernel == "" {
			l.Kernel = a.printed.kernel // a report has named it since
		}
	}
	a.clear()
	return ended
}

// assign gives an event to the life that it is about.
func (a *Assembler) addMessage(e *traces.Event) (ended []*Life) {
	if e.Kind == traces.CreateFailed {
		// There is no thread that other lines could be about.
		l := a.newLife(e)
		l.Keep(e)
		l.AsOf, a.printed.failed = e.Line, e.Line
		return []*Life{l}
	}
	l, certain := a.lifeOf(e.Thread)
	switch {
	case l == nil && !certain:
		return nil // several have the name; find has put them in doubt
	case l == nil:
		next := a.newLife(e)
		next.Keep(e)
		a.insert(next)
		return nil
	case !certain:
		next := a.newLife(e)
		next.Keep(e)
		next.doubt()
		a.insert(next)
		return nil
	}
	if over, follows := l.givesWayTo(e); over {
		l.AsOf = e.Before
		a.remove(l)
		next := a.newLife(e)
		next.Keep(e)
		if follows {
			next.Follows = l.Events()[len(l.Events())-1].Line
		}
		if e.Thread.PID == 0 {
			// Messages of other tasks about the one may come among the
			// other's: what belongs to which is no longer certain.
			l.doubt()
			next.doubt()
			if !l.StopReturned() {
				l.Mixed, next.Mixed = true, true
			}
		}
		a.insert(next)
		return []*Life{l}
	}
	if (l.Thread.PID == 0) != (e.Thread.PID == 0) {
		// By its name alone a message may be about another thread of the name.
		l.doubt()
	}
	if l.Thread.PID == 0 && e.Thread.PID != 0 {
		l.Thread.PID = e.Thread.PID
		a.byPID.set(l.Thread.PID, l)
	}
	if l.Thread.Comm == "" && e.Thread.Comm != "" {
		l.rename(e.Thread.Comm)
		if !l.Trace.on {
			a.byName[commKey(l.Thread.Comm)] = append(a.byName[commKey(l.Thread.Comm)], l)
		}
	}
	if e.Kind == traces.Stacked {
		l.addReport(e)
		return nil
	}
	if l.Set == nil {
		l.Set = e.Set
	}
	l.Keep(e)
	a.touched = l
	return nil
}

// snapshot is the life as it is now.
func (l *Life) Snapshot() *Life {
	now := *l
	now.events, now.compact, now.Said = slices.Clone(l.events), slices.Clone(l.compact), nil
	now.tasks, now.slot = slices.Clone(l.tasks), nil
	return &now
}

// Over is the life that the latest event was given to, if it has come to an end as far as
// its log shows: a thread that tracers see is gone and nobody is in a call of it, one that
// prints has been stopped and the stop has returned. nil: it has not. line is the event's.
func (a *Assembler) Over(line int) *Life {
	l := a.touched
	switch {
	case l == nil:
		return nil
	case !l.Trace.on:
		if !l.StopReturned() || len(pending(l)) > 0 {
			return nil
		}
	case !l.Trace.gone:
		return nil
	default:
		for in := range a.traced.calls.values() {
			if in.life == l && !in.lost {
				return nil
			}
		}
	}
	l.AsOf, l.Sees = line, a.sees()
	return l
}

// find is the open life that an event about t belongs to. Without one it is
// nil; where it is not certain which, those that it may be are put in doubt.
func (a *Assembler) lifeOf(t traces.Task) (l *Life, certain bool) {
	if t.PID != 0 {
		if l := a.byPID.get(t.PID); l != nil {
			return l, true
		}
	}
	if t.Comm == "" {
		return nil, true
	}
	var same []*Life
	alikes := false
	for _, l := range a.byName[commKey(t.Comm)] {
		switch {
		case t.PID != 0 && l.Thread.PID != 0:
			// another thread, and known to be
		case l.Thread.Comm == t.Comm:
			same = append(same, l)
		case alike(l.Thread.Comm, t.Comm):
			alikes = true
			l.doubt()
		}
	}
	switch {
	case len(same) == 1:
		if alikes {
			same[0].doubt()
		}
		return same[0], true
	case len(same) > 1:
		for _, l := range same {
			l.doubt()
		}
		return nil, false
	case alikes:
		return &Life{}, false
	}
	return nil, true
}

func (a *Assembler) newLife(e *traces.Event) *Life {
	l := new(Life)
	a.init(l, e)
	return l
}

// bear makes of l a life that begins with an event, which is yet to be kept.
func (a *Assembler) init(l *Life, e *traces.Event) {
	p := &a.printed
	*l = Life{
		Identity: Identity{Thread: e.Thread, Incarnation: a.incarnation(e.Thread), Set: e.Set, Kernel: p.kernel, BannerLine: p.bannerLine},
		Evidence: Evidence{Begun: p.begun, Since: p.since, Crash: p.crash, Gaps: p.gaps, Doubt: !p.begun},
	}
	if len(a.printed.ambiguous) == 0 && len(a.printed.before) == 0 {
		return
	}
	if a.printed.ambiguous[e.Thread.Comm] || e.Thread.Comm != "" && a.printed.before[traces.Task{Comm: commKey(e.Thread.Comm)}] ||
		e.Thread.PID != 0 && a.printed.before[traces.Task{PID: e.Thread.PID}] {
		l.doubt()
	}
}

// incarnation counts another life of a pid, or of a name without one.
func (x *index) incarnation(t traces.Task) int {
	if uint(t.PID-1) >= pidLimit-1 {
		if t.PID != 0 {
			t.Comm = ""
		}
		x.namedIncarnations[t]++
		return x.namedIncarnations[t]
	}
	p := &x.incarnations[t.PID/partSize]
	if *p == nil {
		*p = new([partSize]uint32)
	}
	(*p)[t.PID%partSize]++
	return int((*p)[t.PID%partSize])
}

func (x *index) insert(l *Life) {
	l.openAt = len(x.open)
	x.open = append(x.open, l)
	if l.Thread.PID != 0 {
		x.byPID.set(l.Thread.PID, l)
	}
	if l.Thread.Comm != "" && !l.Trace.on {
		key := commKey(l.Thread.Comm)
		x.byName[key] = append(x.byName[key], l)
	}
}

func (x *index) remove(l *Life) {
	is := func(o *Life) bool { return o == l }
	x.open[l.openAt], l.openAt = nil, -1
	if x.ended++; x.ended > 64 && x.ended > len(x.open)/2 {
		x.open = slices.DeleteFunc(x.open, func(o *Life) bool { return o == nil })
		for i, o := range x.open {
			o.openAt = i
		}
		x.ended = 0
	}
	if x.byPID.get(l.Thread.PID) == l {
		x.byPID.remove(l.Thread.PID)
	}
	if l.Trace.on {
		return // its name is in no event
	}
	key := commKey(l.Thread.Comm)
	if rest := slices.DeleteFunc(x.byName[key], is); len(rest) > 0 {
		x.byName[key] = rest
	} else {
		delete(x.byName, key)
	}
}

// created says whether the log shows the thread's creation.
func (l *Life) Created() bool {
	return slices.ContainsFunc(l.Events(), func(e traces.Event) bool { return e.Kind == traces.Create })
}

// readOtherwise says whether each of the life's lines may be about a thread of
// another name.
func (l *Life) Ambiguous() bool {
	return !slices.ContainsFunc(l.Events(), func(e traces.Event) bool { return len(e.OrNames) == 0 })
}

// isOver says whether an event can only be, or may well be, about the next
// thread of the name or pid. That is so for a pid, which is used again, and in
// a set that prints each creation (though not at the line itself: a new thread
// may print before its creator does). Elsewhere a name that comes again is the
// same thread. follows: nothing about the event says that it is the next one.
func (l *Life) givesWayTo(e *traces.Event) (over, follows bool) {
	if e.Set == nil {
		return false, false
	}
	if l.Thread.PID != 0 && e.Thread.PID != 0 && l.Thread.Comm != "" && e.Thread.Comm != "" && l.Thread.Comm != e.Thread.Comm {
		return true, false
	}
	prints := e.Set.Shows().Has(traces.Create)
	if !prints && e.Thread.PID == 0 {
		return false, false
	}
	switch e.Kind {
	case traces.Create:
		return l.kinds.Has(traces.Create) || l.kinds.Has(traces.StopReturn), false
	case traces.Enter:
		return l.kinds.Has(traces.Return) || l.kinds.Has(traces.Exit) || l.kinds.Has(traces.StopReturn), prints
	}
	return l.kinds.Has(traces.StopReturn), true
}
