// Package life sorts a log's events into lives: all that the log shows of one
// incarnation of one kernel thread. It judges nothing.
package life

import (
	"slices"

	"github.com/kthread-tla/tracecheck/traces"
)

// An Assembler sorts a log's events into lives.
type Assembler struct {
	index
	printed printkLives
	traced  tracedLives
	book    reportBook

	touched  *Life            // the life that the latest event was given to; nil: to none
	stats    *traces.Stats    // of the source
	interest *traces.Interest // the pids whose scheduling is needed; nil: all
	// ending are the kinds after which threadfn runs no more, so that a message of it is the
	// next thread's.
	ending func() traces.Kinds
}

// tracedLives is what tracers show of all lives.
type tracedLives struct {
	calls     pidMap[pendingCall] // by the pid of a task: the call that it is in
	spareCall *pendingCall        // one to use again; nil: none
	unnamedCalls
	waitingLives
	lossy      bool // events may be missing anywhere from here to the log's end
	grace      Grace
	pool       lifePool
	retired    [1]*Life // what retire returns
	tombstones tombstones
	beside     []*Life    // open lives whose pid another open life has, which began later
	exits      *seenExits // nil: none yet
	returns    returns
	addr       addresses
	came       traces.Kinds // the kinds of the events so far
	firstSeen  *firstLines
	waking     bool // there has been a sched_waking
	clocks     traceClocks
	outOfOrder
}

// unnamedCalls are the calls of unknown tasks.
type unnamedCalls struct {
	unnamed []unnamedCall // in the log's order
	lastKey int           // of unnamed; below 0
}

// outOfOrder is what may stand before a line that it follows.
type outOfOrder struct {
	forked lastFork
	early  [64]earlyReturn // by the caller's pid modulo its length
}

// waitingLives are lives that are judged later, because more may come of them.
type waitingLives struct {
	ended      endedQueue // lives whose threads have ended, in that order
	mayStop    endedQueue // lives that were in ended for long enough, and may still be stopped
	superseded endedQueue // lives whose pids have been used again: see supersede
}

// A lastFork is the trace's latest fork of a kernel thread.
type lastFork struct {
	pid, line int
	alive     bool // an earlier thread of the pid had not ended
}

// A reportBook has what the kernel's reports say that belongs to no one life.
type reportBook struct {
	reports  map[int]*reported    // by the pid of a task
	locks    map[int]traces.Event // by the pid of a task: the lock that it waits for
	kthreadd int                  // line of the report of kthreadd's death; 0: none
	// Of all boots:
	waits    []Wait
	hung     HungTasks
	misuses  []Incident // by reports of crashes and warnings, of no one thread
	clocks   []ClockDifference
	cameBack []Incident // of tasks that were reported blocked, and are not any more; of no one thread
}

// New makes an Assembler for a log. stats are the source's, which may go on counting. The
// Assembler adds to interest the pids whose scheduling matters, and removes those whose
// lives are over. nil: the source leaves no events out. ending is asked for the kinds after
// which a thread's threadfn runs no more, by all rules that may be the log's.
func New(stats *traces.Stats, interest *traces.Interest, ending func() traces.Kinds) *Assembler {
	a := &Assembler{stats: stats, interest: interest, ending: ending}
	a.namedIncarnations = make(map[traces.Task]int)
	a.printed.reboot()
	a.traced.grace, a.traced.firstSeen = usualGrace, new(firstLines)
	a.clear()
	return a
}

// clear forgets all lives, as at the end of a boot.
func (a *Assembler) clear() {
	a.open, a.ended, a.intact, a.byPID, a.byName = nil, 0, nil, pidMap[Life]{}, make(map[string][]*Life)
	a.printed.ambiguous = make(map[string]bool)
	a.traced.calls, a.traced.ended, a.traced.mayStop, a.traced.addr = pidMap[pendingCall]{}, endedQueue{}, endedQueue{}, addresses{}
	a.traced.unnamed, a.traced.lastKey, a.traced.superseded = nil, 0, endedQueue{}
	a.traced.tombstones, a.traced.beside, a.traced.exits, a.traced.returns = tombstones{}, nil, nil, returns{}
	a.book.clocks = append(a.book.clocks, a.traced.clocks.Differences()...)
	a.traced.clocks.over = true
}

// Add takes the next event. It returns the lives that end for good with it; nil: none. The
// list may be used until the next call.
func (a *Assembler) Add(e *traces.Event) (ended []*Life) {
	a.touched = nil
	switch e.Kind {
	case traces.Boot:
		ended = a.End(e.Before)
		a.printed.reboot()
		a.printed.kernel, a.printed.failed, a.printed.bannerLine = e.Kernel, 0, e.Line
	case traces.Begin:
		ended = a.begin(e)
	case traces.Loss:
		if e.Thread.PID != 0 {
			if l := a.byPID.get(e.Thread.PID); l != nil && l.Trace.on {
				l.lose(e.Line)
			}
			if in := a.traced.calls.get(e.Thread.PID); in != nil && in.life != nil {
				in.life.traceMore.callersCut = true
			}
			return nil
		}
		// A begin line may be among what was lost.
		a.printed.each(func(s *printedSet) { s.begun = false })
		a.book.hung.Incomplete = true
		for l := range a.losing(e.Since == 0) {
			l.weaken()
			before := l.beforeLoss
			l.doubt()
			if e.Since > 0 {
				l.beforeLoss = before // all that was lost came after line Since
			}
			if l.Trace.on {
				l.lose(e.Line)
			}
		}
		a.lose(e)
	case traces.Cut:
		a.printed.each(func(s *printedSet) { s.gaps = true })
		a.book.hung.Incomplete = true
		for l := range a.alive() {
			l.Gaps = true
		}
	case traces.Crash:
		a.printed.each(func(s *printedSet) { s.crash = e.Line })
		for l := range a.alive() {
			l.weaken()
			l.Crash, l.CrashOf = e.Line, traces.Task{}
		}
	case traces.KernelReport:
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

// begin takes the begin line of a set. It ends the lives that are not another set's.
func (a *Assembler) begin(e *traces.Event) (ended []*Life) {
	s := a.printed.of(e.Set)
	before := make(map[traces.Task]bool)
	others := false
	for l := range a.alive() {
		if l.Set != nil && l.Set != e.Set {
			others = true
			continue
		}
		if ended = append(ended, l); !l.StopReturned() {
			before[traces.Task{Comm: commKey(l.Thread.Comm)}] = true
			before[traces.Task{PID: l.Thread.PID}] = true
		}
	}
	if others {
		for _, l := range ended {
			a.over(l, e.Before)
			a.forget(l)
		}
	} else {
		ended = a.endAll(e.Before)
	}
	*s = printedSet{begun: true, since: e.Line, before: before, pids: s.pids, apart: s.apart}
	a.printed.latest = s
	return ended
}

// End ends all lives, as the end of a log or of a boot does. asOf is the number of the last
// line that could have been about them.
func (a *Assembler) End(asOf int) []*Life {
	a.conclude()
	return a.endAll(asOf)
}

// endAll is End without conclude.
func (a *Assembler) endAll(asOf int) []*Life {
	ended := slices.Clone(a.traced.superseded.waiting())
	was := len(ended)
	ended = slices.AppendSeq(ended, a.alive())
	for _, l := range ended[was:] {
		a.mayHaveBeenStopped(l)
		a.over(l, asOf)
	}
	a.clear()
	return ended
}

// over notes what is known when a life ends for good.
func (a *Assembler) over(l *Life, asOf int) {
	if c := &a.traced.clocks; c.Skewed {
		c.ends(l) // the log may have been cut before the line
	}
	l.AsOf = asOf
	l.Sees = a.sees()
	if l.Kernel == "" {
		l.Kernel = a.printed.kernel // a report has named it since
	}
}

// JustEnded returns the life that got the latest event, if the log shows that its thread
// has ended, or the life whose pid that event gives to another thread; nil: there is none. In a trace the thread must be gone, with no stop or park of
// it under way. In a kernel log a stop must have returned, and all of them. line is the
// event's.
func (a *Assembler) JustEnded(line int) *Life {
	l := a.touched
	switch {
	case l == nil || l.Trace.on && a.stats.OneCPU: // another CPU's lines may come
		return nil
	case l.openAt < 0: // its pid has been used again
		return l
	case !l.Trace.on:
		if !l.StopReturned() || len(pending(l)) > 0 {
			return nil
		}
	case !l.Trace.gone || a.traced.clocks.mayBeWoken(l):
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
