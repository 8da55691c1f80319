package life

import "slices"

// Lives of threads that have ended are kept for a while, because more may come of them: a
// stop that returns, or a second stop.

// A lifeSlot is the memory of a traced life of usual size. It is an odd number of cache
// lines long, so that the fields that every event uses are spread over all sets of the
// CPU's cache.
type lifeSlot struct {
	unshared bool // the life has ended, and nobody else refers to it
	_        [63]byte
	life     Life // the fields that every event uses begin a cache line: TestLifeSlot
	tasks    [7]task
	_        [24]byte
	compact  [19]CompactEvent
}

// slotsAtOnce is how many slots are made together: some 40 KiB. A single one would be
// placed by the allocator, perhaps not at a cache line's beginning.
const slotsAtOnce = 27

// A lifePool has the slots that lives may use.
type lifePool struct {
	fresh []lifeSlot  // that no life has had yet
	free  []*lifeSlot // of lives that nobody needs any more
}

// take returns a slot for a life that begins.
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

// A Grace is how many ended lives wait before the oldest is judged and only its tombstone
// is kept. A thread that is gone and whose stop has returned can only be stopped once
// more, by mistake: Stopped is for those. A thread that has ended by itself may still be
// stopped at any time: Unstopped is for those.
type Grace struct{ Stopped, Unstopped int }

var usualGrace = Grace{Stopped: 1 << 5, Unstopped: 1 << 8}

// SetGrace changes the grace, for tests.
func (a *Assembler) SetGrace(g Grace) { a.traced.grace = g }

// retire notes that a life's thread has ended. If too many lives wait, it returns the
// oldest, which has ended for good, unless a stop or a park of it is under way. The list
// may be used until the next call.
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
	a.mayLackCPUs(old)
	a.forget(old)
	if a.traced.calls.get(old.Thread.PID) == nil && a.byPID.get(old.Thread.PID) == nil {
		a.interest.Remove(old.Thread.PID)
	}
	old.slot.unshared = len(a.traced.addr.lives) == 0 && len(a.traced.addr.renamed) == 0
	a.traced.retired[0] = old
	return a.traced.retired[:]
}

// mayLackCPUs weakens a life that cannot wait longer. Where a trace has one CPU's lines after
// another's, what the other CPUs say of the life comes too late.
func (a *Assembler) mayLackCPUs(l *Life) {
	if a.stats.OneCPU && l.Trace.on {
		l.doubt()
		l.Trace.Lossy = true
	}
}

// An endedQueue has lives in the order in which they were added.
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

// waiting are the lives in the queue.
func (q *endedQueue) waiting() []*Life { return q.lives[q.taken:] }

// drop takes a life out of the queue.
func (q *endedQueue) drop(l *Life) {
	if i := slices.Index(q.waiting(), l); i >= 0 {
		q.lives = slices.Delete(q.lives, q.taken+i, q.taken+i+1)
	}
}

// pop takes the first life out of a queue of more than most lives; nil: it is short enough.
func (q *endedQueue) pop(most int) *Life {
	if len(q.lives)-q.taken <= most {
		return nil
	}
	l := q.lives[q.taken]
	q.lives[q.taken] = nil
	q.taken++
	return l
}

// oldest takes the first life out of a queue of more than most lives. It skips lives that
// have ended for good already. nil: the queue is short enough, or the first lives must
// wait longer, because a call of them is under way.
func (q *endedQueue) oldest(most int) *Life {
	// One life is added at a time, so to look at two keeps the queue short.
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
