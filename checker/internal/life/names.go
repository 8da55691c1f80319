package life

import (
	"slices"

	"github.com/kthread-tla/tracecheck/traces"
)

// Messages that name a thread by its name alone, in a set that prints pids too. As long
// as no other thread of the name is known they are taken to be about that one, and
// Life.ByName says that this is taken for granted.

// maxSharing bounds how many lives of a name are looked at to find the one that a message
// with only the name is about. Where more have it, it is nobody's.
const maxSharing = 32

// byNames says whether a set has begun and prints pids, so that its messages without a pid
// need care.
func (a *Assembler) byNames(set traces.PatternSet) bool {
	if set == nil {
		return false
	}
	s := a.printed.of(set)
	return s.begun && s.pids && !s.apart
}

// begins says whether a message of this kind, which has only a name, is the first of another
// thread than this one.
func (l *Life) begins(k traces.Kind) bool {
	switch k {
	case traces.Create:
		return l.kinds.Has(traces.Create) || l.kinds.Has(traces.StopReturn)
	case traces.Enter:
		return l.kinds.Has(traces.Enter) || l.kinds.Has(traces.Return) || l.kinds.Has(traces.Exit) || l.kinds.Has(traces.StopReturn)
	}
	return false
}

// isOver says whether the thread has been stopped, and nobody waits for it any more.
func (l *Life) isOver() bool { return l.StopReturned() && !l.inCall() }

// ofShared returns the life that a message with a shared name is about, if that is
// certain; nil: it may be about any thread of the name, and they all know that.
func (a *Assembler) ofShared(e *traces.Event) *Life {
	if all := a.byName[commKey(e.Thread.Comm)]; len(all) <= maxSharing {
		for _, l := range all {
			if l.Set == e.Set && a.returnsTo(l, e) {
				return l
			}
		}
	}
	a.unsureOf(e.Set, e.Thread.Comm, traces.Kinds(0).With(e.Kind))
	return nil
}

// unsureOf notes that there are messages of these kinds that may be about any thread of a
// name.
func (a *Assembler) unsureOf(set traces.PatternSet, name string, kinds traces.Kinds) {
	s := a.printed.of(set)
	if s.unsure == nil {
		s.unsure = make(map[string]traces.Kinds)
	}
	if s.unsure[name]|kinds == s.unsure[name] {
		return // they all know
	}
	s.unsure[name] |= kinds
	for _, l := range a.byName[commKey(name)] {
		if l.Set == set && l.Thread.Comm == name {
			l.Unsure |= kinds
		}
	}
}

// share notes that a message with only a name is nobody's, because several threads have the
// name.
func (a *Assembler) share(e *traces.Event) {
	a.shareName(e.Set, e.Thread.Comm)
	a.unsureOf(e.Set, e.Thread.Comm, traces.Kinds(0).With(e.Kind))
}

// shareName notes that several threads have a name. What came by that name alone is nobody's
// for certain, and is left out of the lives that have it.
func (a *Assembler) shareName(set traces.PatternSet, name string) {
	s := a.printed.of(set)
	if s.shared == nil {
		s.shared = make(map[string]bool)
	}
	s.shared[name] = true
	out := s.past[name]
	for _, l := range slices.Clone(a.byName[commKey(name)]) {
		if !l.ByName || l.Set != set || l.Thread.Comm != name {
			continue
		}
		sure, kinds := l.byName()
		out |= kinds
		if sure == nil {
			l.Mixed = true
			a.unname(l)
			continue
		}
		l.events, l.kinds, l.beforeLoss, l.ByName = sure, 0, 0, false
		for _, e := range sure {
			l.kinds = l.kinds.With(e.Kind)
		}
	}
	a.unsureOf(set, name, out)
}

// printsBefore says whether a thread of that pid which is another one would print a
// message before one of this kind, so that without it, the event is about this thread:
// threadfn says that it is entered before it says that it returns, and a caller says that
// it calls before it says that the call has returned. That message must have the pid, or it
// may have been taken to be another thread's. What is printed on either side of its action
// may be late, and is about this thread too.
func (l *Life) printsBefore(k traces.Kind) bool {
	var before traces.Kind
	switch k {
	case traces.Return, traces.Exit:
		before = traces.Enter
	case traces.StopReturn:
		before = traces.StopCall
	case traces.ParkReturn:
		before = traces.ParkCall
	case traces.Wake, traces.Unpark:
		return l.Begun
	default:
		return false
	}
	return l.Shows(before) && l.Set.Names(before, traces.Task{PID: 1})
}

// inCall says whether a stop or a park of the thread may not have returned.
func (l *Life) inCall() bool {
	return l.Unsure.Has(traces.StopCall) || l.Unsure.Has(traces.ParkCall) || l.pendingOf(traces.StopReturn) > 0 || l.pendingOf(traces.ParkReturn) > 0
}

// pendingOf counts the calls that have not returned. ret is the kind of the return.
func (l *Life) pendingOf(ret traces.Kind) (n int) {
	call := traces.StopCall
	if ret == traces.ParkReturn {
		call = traces.ParkCall
	}
	if !l.kinds.Has(call) {
		return 0
	}
	for _, c := range l.Calls(call, ret) {
		if c.Returned < 0 {
			n++
		}
	}
	return n
}

// returnsTo says whether an event is a return that can only be of a call of this life,
// though it names the thread only by its name: each call is printed with the pid, and no
// call of another thread of the name is open. If this one has no open call either, it is a
// return that nobody has called, whichever thread it is about.
func (a *Assembler) returnsTo(l *Life, e *traces.Event) bool {
	call := traces.StopCall
	switch e.Kind {
	case traces.StopReturn:
	case traces.ParkReturn:
		call = traces.ParkCall
	default:
		return false
	}
	if l.Thread.PID == 0 || !l.Shows(call) || !l.Set.Names(call, traces.Task{PID: 1}) {
		return false
	}
	if a.printed.of(e.Set).gone[e.Thread.Comm] || len(a.byName[commKey(e.Thread.Comm)]) > maxSharing {
		return false
	}
	for _, o := range a.byName[commKey(e.Thread.Comm)] {
		if o != l && o.pendingOf(e.Kind) > 0 {
			return false
		}
	}
	return true
}

// onlyOne returns the one life of several with a name that a message with only that name
// is about: that of the call which it returns from, or the one that is not over. If there
// is no such one it returns all.
func (a *Assembler) onlyOne(same []*Life, e *traces.Event) []*Life {
	if !a.byNames(e.Set) || len(same) > maxSharing {
		return same
	}
	var open []*Life
	for i, l := range same {
		if a.returnsTo(l, e) {
			return same[i : i+1]
		}
		if !l.isOver() {
			open = append(open, l)
		}
	}
	if len(open) == 1 {
		return open
	}
	return same
}

// gone notes that a life is over. If a call of its thread has not returned, that return may
// be printed at any time.
func (a *Assembler) gone(set traces.PatternSet, l *Life) {
	s := a.printed.of(set)
	if !s.begun {
		return
	}
	called := l.inCall()
	if called && l.Thread.PID != 0 {
		s.before[traces.Task{PID: l.Thread.PID}] = true
	}
	if !s.pids {
		return
	}
	if called {
		if s.gone == nil {
			s.gone = make(map[string]bool)
		}
		s.gone[l.Thread.Comm] = true
		a.shareName(set, l.Thread.Comm)
	}
	if l.ByName {
		if s.past == nil {
			s.past = make(map[string]traces.Kinds)
		}
		_, kinds := l.byName()
		s.past[l.Thread.Comm] |= kinds
	}
}

// byName returns the events that have the pid, and the kinds of those that have only the
// name.
func (l *Life) byName() (sure []traces.Event, kinds traces.Kinds) {
	for _, e := range l.events {
		if e.Thread.PID == 0 {
			kinds = kinds.With(e.Kind)
		} else {
			sure = append(sure, e)
		}
	}
	return sure, kinds
}

// sharesWith notes that a new life, which begins with e, has the name of others with other
// pids. If they have messages with only that name, the name is shared, unless they are
// over, and e is the first message of its thread.
func (a *Assembler) sharesWith(next *Life, e *traces.Event) {
	if e.Thread.PID == 0 || !a.byNames(e.Set) {
		return
	}
	s := a.printed.of(e.Set)
	first := e.Kind == traces.Create || e.Kind == traces.Enter
	if !first {
		next.Unsure |= s.past[e.Thread.Comm]
	}
	for _, l := range a.byName[commKey(e.Thread.Comm)] {
		if l.ByName && l.Set == e.Set && l.Thread.Comm == e.Thread.Comm && !(l.isOver() && first) {
			a.shareName(e.Set, e.Thread.Comm)
			next.Unsure |= s.unsure[e.Thread.Comm]
			return
		}
	}
}
