package life

import "github.com/kthread-tla/tracecheck/traces"

// Messages that name a thread by its name alone, in a set that prints pids too. As long
// as no other thread of the name is known they are taken to be about that one, and
// Life.ByName says that this is taken for granted.

// maybe notes that a message of this kind may be about the thread, and is not among its
// events: it names the thread only by its name, and several have that.
func (l *Life) maybe(k traces.Kind) {
	if l.Set == nil || l.Doubt || !l.Begun {
		l.doubt()
	}
	l.Unsure = l.Unsure.With(k)
}

// printsBefore says whether a thread of that pid which is another one would print a
// message before one of this kind, so that without it, the event is about this thread:
// threadfn says that it is entered before it says that it returns, and a caller says that
// it calls before it says that the call has returned. What is printed on either side of
// its action may be late, and is about this thread too.
func (l *Life) printsBefore(k traces.Kind) bool {
	switch k {
	case traces.Return, traces.Exit:
		return l.Shows(traces.Enter)
	case traces.StopReturn:
		return l.Shows(traces.StopCall)
	case traces.ParkReturn:
		return l.Shows(traces.ParkCall)
	case traces.Wake, traces.Unpark:
		return l.Begun
	}
	return false
}

// inCall says whether a stop or a park of the thread has not returned.
func (l *Life) inCall() bool {
	return l.pendingOf(traces.StopReturn) > 0 || l.pendingOf(traces.ParkReturn) > 0
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

// returnsTo says whether an event is a return that can only be of a call that the life
// shows, though it names the thread only by its name: each call is printed with the pid,
// and no call of another thread of the name is open.
func (a *Assembler) returnsTo(l *Life, e *traces.Event) bool {
	call := traces.StopCall
	switch e.Kind {
	case traces.StopReturn:
	case traces.ParkReturn:
		call = traces.ParkCall
	default:
		return false
	}
	if !l.Shows(call) || !l.Set.Names(call, traces.Task{PID: 1}) || l.pendingOf(e.Kind) == 0 {
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
	var open []*Life
	for i, l := range same {
		if !l.Begun || l.Doubt {
			return same
		}
		if a.returnsTo(l, e) {
			return same[i : i+1]
		}
		if !l.StopReturned() || l.inCall() {
			open = append(open, l)
		}
	}
	if len(open) == 1 {
		return open
	}
	return same
}

// share notes that a new life, which begins with e, has the name of others with other
// pids. What came by that name alone is then nobody's for certain. It is left out, unless
// the life that has it is over, and e is the first message of its thread.
func (a *Assembler) share(next *Life, e *traces.Event) {
	if e.Thread.PID == 0 || e.Set == nil {
		return
	}
	for _, l := range a.byName[commKey(e.Thread.Comm)] {
		over := l.StopReturned() && !l.inCall() && (e.Kind == traces.Create || e.Kind == traces.Enter)
		if !l.ByName || !l.Begun || over || l.Set != e.Set {
			continue
		}
		var sure []traces.Event
		for _, o := range l.events {
			if o.Thread.PID == 0 {
				l.Unsure = l.Unsure.With(o.Kind)
			} else {
				sure = append(sure, o)
			}
		}
		next.Unsure |= l.Unsure
		if len(sure) == 0 {
			continue
		}
		l.events, l.kinds, l.beforeLoss, l.ByName = sure, 0, 0, false
		for _, o := range sure {
			l.kinds = l.kinds.With(o.Kind)
		}
	}
}
