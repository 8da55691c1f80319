package life

// Threads that have ended are remembered for a while, in case that something more
// comes of them: a stop that returns, a second one.

// A lifeSlot is what a traced life takes up, if it is like most. It has an odd number of
// lines of the CPU's cache, so that what every event asks for is not in the same few of
// its sets for all lives.
type lifeSlot struct {
	unshared bool // the life has ended, and nobody else refers to it
	_        [63]byte
	life     Life // with what every event asks for at the beginning of a line of the cache: TestLifeSlot
	tasks    [6]task
	compact  [13]CompactEvent
}

// slotsAtOnce are as many as fill 40 KiB: they are made together, as of one by itself
// the allocator says where it begins.
const slotsAtOnce = 37

// A lifePool has the slots that lives may use.
type lifePool struct {
	fresh []lifeSlot  // that no life has had yet
	free  []*lifeSlot // of lives that nobody needs any more
}

// take is a slot for a life that begins.
func (p *lifePool) take() *lifeSlot {
	if n := len(p.free); n > 0 {
		s := p.free[n-1]
		p.free = p.free[:n-1]
		s.unshared = false
		return s
	}
	if len(p.fresh) == 0 {
		p.fresh = make([]lifeSlot, slotsAtOnce)
	}
	s := &p.fresh[0]
	p.fresh = p.fresh[1:]
	return s
}

// Share notes that somebody keeps a life that Add has returned.
func (l *Life) Share() { l.slot.unshared = false }

// Release takes back a life that Add has returned and nobody has kept.
func (a *Assembler) Release(l *Life) {
	if l.slot.unshared {
		a.traced.pool.free = append(a.traced.pool.free, l.slot)
	}
}

// A Grace is how many lives wait before they are judged and no more than a tombstone
// of them is kept. What can still come of a thread that has left its CPU for good and
// whose stop has returned is another stop, which is a mistake; one that has ended by
// itself may be stopped at any time.
type Grace struct{ Stopped, Unstopped int }

var usualGrace = Grace{Stopped: 1 << 5, Unstopped: 1 << 8}

// SetGrace is for tests: lives wait as long as g says, and not as long as usual.
func (a *Assembler) SetGrace(g Grace) { a.traced.grace = g }

// retire takes note that a life's thread ends. Where too many have, the oldest end
// for good, unless somebody is still in a call of them.
// What it returns is good until it is called again.
func (a *Assembler) retire(l *Life, line int) (gone []*Life) {
	a.traced.ended.add(l)
	old := a.traced.ended.oldest(a.traced.grace.Stopped)
	if old != nil && !(old.traceMore.stopped && old.Trace.gone) {
		a.traced.mayStop.add(old)
		old = a.traced.mayStop.oldest(a.traced.grace.Unstopped)
	}
	if old == nil {
		return nil
	}
	old.AsOf, old.Sees = line, a.sees()
	a.forget(old)
	if a.traced.calls.get(old.Thread.PID) == nil {
		a.interest.Remove(old.Thread.PID)
	}
	old.slot.unshared = len(a.traced.addr.lives) == 0 && len(a.traced.addr.renamed) == 0
	a.traced.retired[0] = old
	return a.traced.retired[:]
}

// An endedQueue is lives in the order in which they came.
type endedQueue struct {
	lives []*Life
	taken int // how many of the first have been taken
}

func (q *endedQueue) add(l *Life) {
	if q.taken > 64 && q.taken > len(q.lives)/2 {
		n := copy(q.lives, q.lives[q.taken:])
		clear(q.lives[n:])
		q.lives, q.taken = q.lives[:n], 0
	}
	q.lives = append(q.lives, l)
}

// oldest takes the first of more than so many lives, which has not ended for good;
// nil: there are no more, or it must wait on.
func (q *endedQueue) oldest(most int) *Life {
	// As one comes at a time, to look at two of them is enough to keep up.
	for n := 0; len(q.lives)-q.taken > most && n < 2; n++ {
		l := q.lives[q.taken]
		q.lives[q.taken] = nil
		q.taken++
		switch {
		case l.openAt < 0: // its pid has been used again
		case l.traceMore.calls > 0:
			q.add(l)
		default:
			return l
		}
	}
	return nil
}
