package checker

import (
	"iter"
	"slices"

	"github.com/kthread-tla/tracecheck/traces"
)

// A Life is one incarnation of one kernel thread, with all that its log says
// of it.
type Life struct {
	trace traced
	kept  []kept // of a traced life

	Thread traces.Task
	slot   int // in lives.open; -1: in it no more

	Incarnation int               // 1-based: the n-th life of that pid, or of that name
	AsOf        int               // number of the last line that could have spoken of it
	Set         traces.PatternSet // the messages that its events come from

	Since int // line of the set's begin line, see Begun; 0 where there is none
	Crash int // line of an oops in its time, which may have been its own; 0: none
	// CrashOf is the task of that oops, where its report says that it is not
	// this thread; else zero.
	CrashOf traces.Task
	Kernel  string // the release of the boot's banner; empty: not in the log
	// Follows is the last line of an earlier thread of this name or pid, which
	// had ended, where this one is taken for the next thread although no line
	// says that it was created or has entered threadfn; 0 elsewhere.
	Follows int
	// Begun: the pattern set's begin line came before, in the same boot and
	// without loss since, so that a message that is not there was not printed.
	Begun bool
	// Mixed: another thread of the name came while this one was not over by
	// the log, or was so when this one came: which line is whose is open.
	Mixed bool
	// Gaps: lines were left out in its time (traces.LeftOut): that it has no
	// line of some kind says nothing.
	Gaps bool
	// Doubt: the log does not tell whether all events are about one thread.
	Doubt bool
	// sure is how many of its first events came before a line that took from the
	// log's silence what it proves: a loss, or an oops in its time. 0: none did, or
	// no such line came.
	sure int
	// Sees are the kinds of events that the trace has shown, of any thread.
	Sees traces.Kinds

	// Suspected are tasks blocked in a kthread_stop() that is likely of this
	// thread.
	Suspected []Wait
	// Incidents are what the kernel's reports show of this thread.
	Incidents []Incident
	// survived: it is judged as if an oops had not ended it; see rules.judge.
	survived bool
	// foreignWake: it is judged as if an interrupt may have made a wake that a trace
	// without flags shows in a stopper's context.
	foreignWake bool

	has     traces.Kinds   // the kinds of its events, of one that is not traced
	events  []traces.Event // what Events returns; of a traced life nil until it is asked for
	more    tracedMore
	tasks   []keptTask // whom kept names
	whole   []whole    // what kept does not hold
	eras    eraSet     // by the marks of a log that names no kernel
	boot    int        // line of the banner; 0: not in the log
	room    *room      // of a traced life; nil in a snapshot
	resumed *resumed   // what it goes on from; nil: it begins
	// Of a log that is followed:
	told     int32 // how many of its events a verdict has been given of
	revision int32
	before   *Verdict // the latest revision
}

// Traced says whether the life's events are a tracer's.
func (l *Life) Traced() bool { return l.trace.on }

// Whole says whether a trace shows all of the thread's life up to the log's end,
// as far as its kind of events goes.
func (l *Life) Whole() bool { return l.trace.on && l.trace.forked && !l.trace.lossy }

// shows says whether the absence of messages of this kind means something: the
// set is in use, and each of its messages of the kind would name this thread.
func (l *Life) shows(k traces.Kind) bool {
	return l.Begun && !l.Gaps && l.Set != nil && l.Set.Shows().Has(k) && l.Set.Names(k, l.Thread)
}

// doubt takes back what rests on the events being all of one thread's.
func (l *Life) doubt() { l.Doubt, l.Begun, l.sure = true, false, 0 }

// weaken notes that from here on silence proves less. What was wrong before is
// not set right by that.
func (l *Life) weaken() {
	if !l.trace.on && l.Begun && !l.Gaps && !l.Doubt && l.Crash == 0 {
		l.sure = l.count()
	}
}

// intact is the life as it was when a first line took from the log's silence
// what it proves; nil: none has, or nothing had been seen then.
func (l *Life) intact() *Life {
	if l.sure == 0 {
		return nil
	}
	was := l.first(l.sure)
	was.Begun, was.Doubt, was.Crash, was.CrashOf, was.sure = true, false, 0, traces.Task{}, 0
	return was
}

// first is the life as far as its first n events tell.
func (l *Life) first(n int) *Life {
	cut := *l
	cut.events = l.Events()[:n]
	if l.trace.on {
		if cut.kept = l.kept[:n]; n < len(l.kept) {
			cut.trace.asleep = 0 // what it does at the log's end it need not do there
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

// lives sorts a log's events into lives.
type lives struct {
	open   []*Life // in the order of their first events; nil where one has ended
	gone   int     // how many of open are nil
	byPID  byPID[Life]
	byName map[string][]*Life                     // by commKey
	used   [pidLimit / partSize]*[partSize]uint32 // by pid: how many lives it has had
	count  map[traces.Task]int                    // the same by name, where there is no pid
	// touched is the life that the latest event was given to; nil: to none.
	touched *Life

	begun  bool
	since  int
	crash  int
	kernel string
	boot   int  // line of the banner that says so
	gaps   bool // lines were left out since the begin line
	// Names and pids that were alive when the set's begin line came: a line
	// about one of them may still be about the thread from before.
	before map[traces.Task]bool
	// Names that a line may have been about, had it not been read otherwise.
	shadow map[string]bool

	// Of traces:
	inside   byPID[inside] // by the pid of a task: the call that it is in
	unused   *inside       // one to use again; nil: none
	past     endedQueue    // threads that have ended, in that order
	waiting  endedQueue    // of these, before them, those of which more may well come
	patience patience
	fresh    []room           // that nobody has had yet
	rooms    []*room          // of lives that nobody needs any more
	over     [1]*Life         // see retire
	records  records          // of those that are over
	interest *traces.Interest // whose scheduling is asked for
	stats    *traces.Stats    // of the source
	came     traces.Kinds     // the kinds of the events that have come
	seenAt   *firstSeen
	waking   bool // sched_waking has come
	lossy    bool // the trace says that its beginning is not whole
	addr     addresses

	// Of the kernel's reports:
	reports  map[int]*reported    // by the pid of a task
	locks    map[int]traces.Event // by the pid of a task: the lock that it waits for
	kthreadd int                  // line of the report of kthreadd's death; 0: none
	waits    []Wait
	hung     hungTasks
	misuses  []Incident // by reports of crashes and warnings, of no one thread
	cameBack []Incident // of tasks that were reported blocked and are no more, of no one thread
	failed   int        // line of the last failed kthread_create(), 0: none in this boot
}

func newLives() *lives {
	ls := &lives{
		patience: usualPatience,
		count:    make(map[traces.Task]int), before: make(map[traces.Task]bool), seenAt: new(firstSeen),
		stats: new(traces.Stats),
	}
	ls.clear()
	return ls
}

func (ls *lives) clear() {
	ls.open, ls.gone, ls.byPID, ls.byName = nil, 0, byPID[Life]{}, make(map[string][]*Life)
	ls.shadow = make(map[string]bool)
	ls.inside, ls.past, ls.waiting, ls.addr = byPID[inside]{}, endedQueue{}, endedQueue{}, addresses{}
	ls.records = records{}
}

// alive are the lives that have not ended.
func (ls *lives) alive() iter.Seq[*Life] {
	return func(yield func(*Life) bool) {
		for _, l := range ls.open {
			if l != nil && !yield(l) {
				return
			}
		}
	}
}

// add takes the next event. It returns the lives that cannot go on after it.
func (ls *lives) add(e *traces.Event) (ended []*Life) {
	ls.touched = nil
	switch e.Kind {
	case traces.Boot:
		ls.conclude()
		ended = ls.end(e.Before)
		ls.begun, ls.since, ls.crash, ls.kernel, ls.failed, ls.boot, ls.gaps = false, 0, 0, e.Kernel, 0, e.Line, false
		clear(ls.before)
	case traces.Begin:
		clear(ls.before)
		for l := range ls.alive() {
			if !stopReturned(l.Events()) {
				ls.before[traces.Task{Comm: commKey(l.Thread.Comm)}] = true
				ls.before[traces.Task{PID: l.Thread.PID}] = true
			}
		}
		ended = ls.end(e.Before)
		ls.begun, ls.since, ls.crash, ls.gaps = true, e.Line, 0, false
	case traces.Loss:
		// A begin line may be among what was lost.
		ls.begun, ls.hung.incomplete = false, true
		for l := range ls.alive() {
			l.weaken()
			sure := l.sure
			l.doubt()
			if e.Since > 0 {
				l.sure = sure // nothing of that is missing
			}
		}
		ls.lose(e.Line)
	case traces.Cut:
		ls.gaps, ls.hung.incomplete = true, true
		for l := range ls.alive() {
			l.Gaps = true
		}
	case traces.Crash:
		ls.crash = e.Line
		for l := range ls.alive() {
			l.weaken()
			l.Crash, l.CrashOf = e.Line, traces.Task{}
		}
	case traces.Stacked:
		ended = ls.stacked(e)
	case traces.Blocked:
		if ls.locks == nil {
			ls.locks = make(map[int]traces.Event)
		}
		ls.locks[e.Thread.PID] = *e
	default:
		if e.Set == nil {
			return ls.trace(e)
		}
		ls.isBack(e)
		for _, name := range e.OrNames {
			ls.shadow[name] = true
			for _, l := range ls.byName[commKey(name)] {
				if l.Thread.Comm == name {
					l.doubt()
				}
			}
		}
		ended = ls.assign(e)
	}
	return ended
}

// end ends all lives; asOf is the last line that could have spoken of them.
func (ls *lives) end(asOf int) []*Life {
	ended := slices.Collect(ls.alive())
	for _, l := range ended {
		ls.ends(l)
		l.AsOf = asOf
		l.Sees = ls.sees()
		if l.Kernel == "" {
			l.Kernel = ls.kernel // a report has named it since
		}
	}
	ls.clear()
	return ended
}

// assign gives an event to the life that it is about.
func (ls *lives) assign(e *traces.Event) (ended []*Life) {
	if e.Kind == traces.CreateFailed {
		// There is no thread that other lines could be about.
		l := ls.born(e)
		l.keep(e)
		l.AsOf, ls.failed = e.Line, e.Line
		return []*Life{l}
	}
	l, certain := ls.find(e.Thread)
	switch {
	case l == nil && !certain:
		return nil // several have the name; find has put them in doubt
	case l == nil:
		next := ls.born(e)
		next.keep(e)
		ls.insert(next)
		return nil
	case !certain:
		next := ls.born(e)
		next.keep(e)
		next.doubt()
		ls.insert(next)
		return nil
	}
	if over, follows := l.isOver(e); over {
		l.AsOf = e.Before
		ls.remove(l)
		next := ls.born(e)
		next.keep(e)
		if follows {
			next.Follows = l.Events()[len(l.Events())-1].Line
		}
		if e.Thread.PID == 0 {
			// Messages of other tasks about the one may come among the
			// other's: what belongs to which is no longer certain.
			l.doubt()
			next.doubt()
			if !stopReturned(l.Events()) {
				l.Mixed, next.Mixed = true, true
			}
		}
		ls.insert(next)
		return []*Life{l}
	}
	if (l.Thread.PID == 0) != (e.Thread.PID == 0) {
		// By its name alone a message may be about another thread of the name.
		l.doubt()
	}
	if l.Thread.PID == 0 && e.Thread.PID != 0 {
		l.Thread.PID = e.Thread.PID
		ls.byPID.set(l.Thread.PID, l)
	}
	if l.Thread.Comm == "" && e.Thread.Comm != "" {
		l.rename(e.Thread.Comm)
		if !l.trace.on {
			ls.byName[commKey(l.Thread.Comm)] = append(ls.byName[commKey(l.Thread.Comm)], l)
		}
	}
	if e.Kind == traces.Stacked {
		l.addReport(e)
		return nil
	}
	if l.Set == nil {
		l.Set = e.Set
	}
	l.keep(e)
	ls.touched = l
	return nil
}

// snapshot is the life as it is now.
func (l *Life) snapshot() *Life {
	now := *l
	now.events, now.kept, now.before = slices.Clone(l.events), slices.Clone(l.kept), nil
	now.tasks, now.room = slices.Clone(l.tasks), nil
	return &now
}

// over says whether a life has come to an end, as far as its log shows: a thread
// that tracers see is gone and nobody is in a call of it, one that prints has
// been stopped and the stop has returned.
func (l *Life) over(ls *lives) bool {
	if !l.trace.on {
		return stopReturned(l.Events()) && len(pending(l)) == 0
	}
	if !l.trace.gone {
		return false
	}
	for in := range ls.inside.all() {
		if in.life == l && !in.lost {
			return false
		}
	}
	return true
}

// pending are the stops that have not returned.
func pending(l *Life) (open []call) {
	for _, s := range pair(l, traces.StopCall, traces.StopReturn) {
		if s.ret < 0 {
			open = append(open, s)
		}
	}
	return open
}

// find is the open life that an event about t belongs to. Without one it is
// nil; where it is not certain which, those that it may be are put in doubt.
func (ls *lives) find(t traces.Task) (l *Life, certain bool) {
	if t.PID != 0 {
		if l := ls.byPID.get(t.PID); l != nil {
			return l, true
		}
	}
	if t.Comm == "" {
		return nil, true
	}
	var same []*Life
	alikes := false
	for _, l := range ls.byName[commKey(t.Comm)] {
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

func (ls *lives) born(e *traces.Event) *Life {
	l := new(Life)
	ls.bear(l, e)
	return l
}

// bear makes of l a life that begins with an event, which is yet to be kept.
func (ls *lives) bear(l *Life, e *traces.Event) {
	*l = Life{
		Thread: e.Thread, Incarnation: ls.incarnation(e.Thread), Set: e.Set,
		Begun: ls.begun, Since: ls.since, Crash: ls.crash, Kernel: ls.kernel, boot: ls.boot,
		Gaps: ls.gaps, Doubt: !ls.begun,
	}
	if len(ls.shadow) == 0 && len(ls.before) == 0 {
		return
	}
	if ls.shadow[e.Thread.Comm] || e.Thread.Comm != "" && ls.before[traces.Task{Comm: commKey(e.Thread.Comm)}] ||
		e.Thread.PID != 0 && ls.before[traces.Task{PID: e.Thread.PID}] {
		l.doubt()
	}
}

// incarnation counts another life of a pid, or of a name without one.
func (ls *lives) incarnation(t traces.Task) int {
	if uint(t.PID-1) >= pidLimit-1 {
		if t.PID != 0 {
			t.Comm = ""
		}
		ls.count[t]++
		return ls.count[t]
	}
	p := &ls.used[t.PID/partSize]
	if *p == nil {
		*p = new([partSize]uint32)
	}
	(*p)[t.PID%partSize]++
	return int((*p)[t.PID%partSize])
}

func (ls *lives) insert(l *Life) {
	l.slot = len(ls.open)
	ls.open = append(ls.open, l)
	if l.Thread.PID != 0 {
		ls.byPID.set(l.Thread.PID, l)
	}
	if l.Thread.Comm != "" && !l.trace.on {
		key := commKey(l.Thread.Comm)
		ls.byName[key] = append(ls.byName[key], l)
	}
}

func (ls *lives) remove(l *Life) {
	is := func(o *Life) bool { return o == l }
	ls.open[l.slot], l.slot = nil, -1
	if ls.gone++; ls.gone > 64 && ls.gone > len(ls.open)/2 {
		ls.open = slices.DeleteFunc(ls.open, func(o *Life) bool { return o == nil })
		for i, o := range ls.open {
			o.slot = i
		}
		ls.gone = 0
	}
	if ls.byPID.get(l.Thread.PID) == l {
		ls.byPID.remove(l.Thread.PID)
	}
	if l.trace.on {
		return // its name is in no event
	}
	key := commKey(l.Thread.Comm)
	if rest := slices.DeleteFunc(ls.byName[key], is); len(rest) > 0 {
		ls.byName[key] = rest
	} else {
		delete(ls.byName, key)
	}
}

// created says whether the log shows the thread's creation.
func (l *Life) created() bool {
	return slices.ContainsFunc(l.Events(), func(e traces.Event) bool { return e.Kind == traces.Create })
}

// readOtherwise says whether each of the life's lines may be about a thread of
// another name.
func (l *Life) readOtherwise() bool {
	return !slices.ContainsFunc(l.Events(), func(e traces.Event) bool { return len(e.OrNames) == 0 })
}

// isOver says whether an event can only be, or may well be, about the next
// thread of the name or pid. That is so for a pid, which is used again, and in
// a set that prints each creation (though not at the line itself: a new thread
// may print before its creator does). Elsewhere a name that comes again is the
// same thread. follows: nothing about the event says that it is the next one.
func (l *Life) isOver(e *traces.Event) (over, follows bool) {
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
		return l.has.Has(traces.Create) || l.has.Has(traces.StopReturn), false
	case traces.Enter:
		return l.has.Has(traces.Return) || l.has.Has(traces.Exit) || l.has.Has(traces.StopReturn), prints
	}
	return l.has.Has(traces.StopReturn), true
}
