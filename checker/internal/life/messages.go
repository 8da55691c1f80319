package life

import "github.com/kthread-tla/tracecheck/traces"

// printkLives is what the messages of one boot say that matters to all lives.
type printkLives struct {
	kernel     string // the release; empty: not known
	bannerLine int    // the line that says so; 0: none
	failed     int    // line of the last failed kthread_create(), 0: none in this boot
	// ambiguous has the names that some line may have been about, if it was misread.
	ambiguous map[string]bool

	sets   map[traces.PatternSet]*printedSet
	boot   printedSet  // what a set that has printed nothing yet would have
	latest *printedSet // of the set whose begin line came last; boot: none came
}

// A printedSet is what the messages of one set have said in one boot.
type printedSet struct {
	begun bool // the set's begin line has come
	since int  // that line
	gaps  bool // lines were left out since
	crash int  // line of the last oops since; 0: none
	// before has the names and pids that were alive when the set's begin line came, and
	// the pids of gone. A later line about one of them may still be about that thread.
	before map[traces.Task]bool
	pids   bool // some of the set's messages have the pid
	apart  bool // some have only the pid, and others only the name: which are of one thread is open
	// shared has the names that several threads have, of a set that prints pids. A message
	// that has only such a name is nobody's.
	shared map[string]bool
	// gone has the names of threads that had gone before a call of them returned.
	gone map[string]bool
	// past has the kinds of messages with only the name in lives that are over, by name.
	past map[string]traces.Kinds
	// unsure has the kinds of such messages, by name: one may be of any thread of the name.
	unsure map[string]traces.Kinds
}

// of returns what a set has said; nil: of a line that is no set's.
func (p *printkLives) of(set traces.PatternSet) *printedSet {
	if set == nil {
		return p.latest
	}
	s := p.sets[set]
	if s == nil {
		s = new(printedSet)
		*s = p.boot
		s.pids, s.apart = printsPIDs(set)
		p.sets[set] = s
	}
	return s
}

// each calls do with what each set has said.
func (p *printkLives) each(do func(*printedSet)) {
	do(&p.boot)
	for _, s := range p.sets {
		do(s)
	}
}

// reboot forgets what was said in the boot before.
func (p *printkLives) reboot() {
	p.sets, p.boot = make(map[traces.PatternSet]*printedSet), printedSet{}
	p.latest = &p.boot
}

// printsPIDs says whether all messages of some kind have the thread's pid, and whether
// there are kinds that lack it and others that lack the name.
func printsPIDs(set traces.PatternSet) (pids, apart bool) {
	noPID, noName := false, false
	for k := traces.Begin + 1; k <= traces.Exit; k++ {
		if set.Shows().Has(k) && k != traces.CreateFailed {
			has := set.Names(k, traces.Task{PID: 1})
			pids, noPID = pids || has, noPID || !has
			noName = noName || !set.Names(k, traces.Task{Comm: "x"})
		}
	}
	return pids, noPID && noName
}

// addMessage gives a message to the life that it is about.
func (a *Assembler) addMessage(e *traces.Event) (ended []*Life) {
	if e.Kind == traces.CreateFailed {
		// There is no thread that other lines could be about.
		l := a.newLife(e)
		l.Keep(e)
		l.AsOf, a.printed.failed = e.Line, e.Line
		return []*Life{l}
	}
	l, certain := a.lifeOf(e)
	switch {
	case l != nil && !certain && l.Count() > 0: // ofShared
		a.addTo(l, e)
		return nil
	case l == nil && !certain:
		return nil // several have the name; lifeOf has noted it
	case l == nil:
		next := a.newLife(e)
		next.Keep(e)
		a.sharesWith(next, e)
		a.insert(next)
		return nil
	case !certain:
		next := a.newLife(e)
		next.Keep(e)
		next.doubt()
		a.insert(next)
		return nil
	}
	if e.Set != nil && l.Set != nil && e.Set != l.Set {
		l.doubt() // what one set does not print the other may
	}
	if e.Thread.PID == 0 && a.byNames(e.Set) && l.begins(e.Kind) && !l.isOver() {
		a.share(e)
		return nil
	}
	if over, follows := a.givesWay(l, e); over {
		l.AsOf = e.Before
		a.gone(e.Set, l)
		a.remove(l)
		next, certain := a.lifeOf(e)
		if next != nil && certain && e.Thread.Comm != l.Thread.Comm {
			// The pid is now that of a thread whose name alone came before.
			if l.inCall() {
				next.doubt()
			}
			a.addTo(next, e)
			return []*Life{l}
		}
		next = a.newLife(e)
		next.Keep(e)
		if follows {
			next.Follows = l.Events()[len(l.Events())-1].Line
		}
		switch {
		case e.Thread.PID == 0 && !a.byNames(e.Set):
			// Other tasks may still print about the old thread. So it is not
			// certain to which thread a line belongs.
			l.doubt()
			next.doubt()
			if !l.StopReturned() {
				l.Mixed, next.Mixed = true, true
			}
		case l.inCall():
			// The return that is to come is the old thread's, and may be printed late.
			next.doubt()
		}
		a.insert(next)
		return []*Life{l}
	}
	a.addTo(l, e)
	return nil
}

// addTo adds a message, or a report, to the life that it is about.
func (a *Assembler) addTo(l *Life, e *traces.Event) {
	of := *e
	if l.Unsure.Has(traces.StopReturn) && (l.kinds | l.Unsure).Has(traces.StopCall) {
		l.doubt() // the stop may have returned since, and this be the next thread of the pid
	}
	if e.Kind == traces.Create && l.Follows > 0 && l.events[0].Kind != traces.Enter {
		l.doubt() // what came since the end of the thread before may still be about that one
	}
	switch {
	case (l.Thread.PID == 0) == (e.Thread.PID == 0):
	case e.Set == nil:
		l.doubt() // the messages have only a name, so they may be about another thread of that name
	case e.Thread.PID == 0 && a.returnsTo(l, e):
		of.Thread.PID = l.Thread.PID
	default:
		l.ByName = true
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
	if e.Kind == traces.KernelReport {
		l.addReport(e)
		return
	}
	if l.Set == nil {
		l.Set = e.Set
	}
	l.Keep(&of)
	a.touched = l
}

// lifeOf returns the open life that an event belongs to; nil: there is none. If it may be
// one of several, certain is false, and all of them know that.
func (a *Assembler) lifeOf(e *traces.Event) (l *Life, certain bool) {
	t := e.Thread
	if t.PID != 0 {
		if l := a.byPID.get(t.PID); l != nil {
			return l, true
		}
	}
	if t.Comm == "" {
		return nil, true
	}
	if t.PID == 0 && a.byNames(e.Set) && a.printed.of(e.Set).shared[t.Comm] {
		return a.ofShared(e), false
	}
	var same []*Life
	alikes := false
	for _, l := range a.byName[commKey(t.Comm)] {
		switch {
		case t.PID != 0 && l.Thread.PID != 0:
			// another thread, and known to be
		case e.Set != nil && l.Set != nil && e.Set != l.Set:
			// another module's thread
		case l.Thread.Comm == t.Comm:
			same = append(same, l)
		case alike(l.Thread.Comm, t.Comm):
			alikes = true
			l.doubt()
		}
	}
	if len(same) > 1 {
		same = a.onlyOne(same, e)
	}
	switch {
	case len(same) == 1:
		if alikes {
			same[0].doubt()
		}
		return same[0], true
	case len(same) > 1:
		if a.byNames(e.Set) {
			a.share(e)
			return nil, false
		}
		for _, l := range same {
			l.doubt()
		}
		return nil, false
	case alikes:
		return &Life{}, false
	}
	return nil, true
}

// newLife makes a life that begins with an event. The event is not yet kept.
func (a *Assembler) newLife(e *traces.Event) *Life {
	l := new(Life)
	a.init(l, e)
	return l
}

// init makes l a life that begins with an event. The event is not yet kept.
func (a *Assembler) init(l *Life, e *traces.Event) {
	p, s := &a.printed, a.printed.of(e.Set)
	*l = Life{
		Identity: Identity{Thread: e.Thread, Incarnation: a.incarnation(e.Thread), Set: e.Set, Kernel: p.kernel, BannerLine: p.bannerLine},
		Evidence: Evidence{Begun: s.begun, Since: s.since, Crash: s.crash, Gaps: s.gaps, Doubt: !s.begun, ByName: s.pids && e.Thread.PID == 0},
	}
	if e.Set != nil {
		l.Unsure = s.unsure[e.Thread.Comm]
		if s.apart {
			l.doubt()
		}
	}
	if len(p.ambiguous) == 0 && len(s.before) == 0 {
		return
	}
	if p.ambiguous[e.Thread.Comm] || e.Thread.Comm != "" && s.before[traces.Task{Comm: commKey(e.Thread.Comm)}] ||
		e.Thread.PID != 0 && s.before[traces.Task{PID: e.Thread.PID}] {
		l.doubt()
	}
}

// givesWay says whether an event begins the next life of the thread's name or pid, so
// that this one is over. That needs a set that prints pids, as the kernel uses them again,
// or one that prints each creation. (The creation need not come first: a new thread may
// print before its creator does.) In other sets a name that comes again is the same thread.
// follows: only the end of this life says so, and not the event itself.
func (a *Assembler) givesWay(l *Life, e *traces.Event) (over, follows bool) {
	if e.Set == nil {
		return false, false
	}
	if l.Thread.PID != 0 && e.Thread.PID != 0 && l.Thread.Comm != "" && e.Thread.Comm != "" && l.Thread.Comm != e.Thread.Comm {
		return true, false
	}
	prints := e.Set.Shows().Has(traces.Create)
	switch {
	case e.Thread.PID == 0 && a.byNames(e.Set):
		if !l.isOver() {
			return false, false
		}
	case !prints && e.Thread.PID == 0:
		return false, false
	}
	switch e.Kind {
	case traces.Create:
		return l.kinds.Has(traces.Create) || l.kinds.Has(traces.StopReturn), false
	case traces.Enter:
		return l.kinds&a.ending() != 0, prints
	}
	if !l.kinds.Has(traces.StopReturn) || (e.Thread.PID != 0 || a.byNames(e.Set)) && l.printsBefore(e.Kind) {
		return false, false
	}
	return true, true
}
