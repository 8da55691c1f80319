package life

import "github.com/kthread-tla/tracecheck/traces"

// printkLives is what the messages of one boot say that matters to all lives.
type printkLives struct {
	begun      bool   // the set's begin line has come
	since      int    // that line
	gaps       bool   // lines were left out since
	crash      int    // line of the last oops since; 0: none
	kernel     string // the release; empty: not known
	bannerLine int    // the line that says so; 0: none
	failed     int    // line of the last failed kthread_create(), 0: none in this boot
	// before has the names and pids that were alive when the set's begin line came. A
	// later line about one of them may still be about that thread.
	before map[traces.Task]bool
	// ambiguous has the names that some line may have been about, if it was misread.
	ambiguous map[string]bool
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
	l, certain := a.lifeOf(e.Thread)
	switch {
	case l == nil && !certain:
		return nil // several have the name; lifeOf has put them in doubt
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
	if over, follows := a.givesWayTo(l, e); over {
		l.AsOf = e.Before
		a.remove(l)
		next := a.newLife(e)
		next.Keep(e)
		if follows {
			next.Follows = l.Events()[len(l.Events())-1].Line
		}
		if e.Thread.PID == 0 {
			// Other tasks may still print about the old thread. So it is not
			// certain to which thread a line belongs.
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
		// The message has only a name, so it may be about another thread of that name.
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
	if e.Kind == traces.KernelReport {
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

// lifeOf returns the open life that an event about t belongs to; nil: there is none. If it
// may be one of several, certain is false, and all of them are put in doubt.
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

// newLife makes a life that begins with an event. The event is not yet kept.
func (a *Assembler) newLife(e *traces.Event) *Life {
	l := new(Life)
	a.init(l, e)
	return l
}

// init makes l a life that begins with an event. The event is not yet kept.
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

// givesWayTo says whether an event begins the next life of the thread's name or pid, so
// that this one is over. That needs a pid, which the kernel uses again, or a set that
// prints each creation. (The creation need not come first: a new thread may print before
// its creator does.) In other sets a name that comes again is the same thread. follows:
// only the end of this life says so, and not the event itself.
func (a *Assembler) givesWayTo(l *Life, e *traces.Event) (over, follows bool) {
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
		return l.kinds&a.ending() != 0, prints
	}
	return l.kinds.Has(traces.StopReturn), true
}
