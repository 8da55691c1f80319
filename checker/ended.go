package checker

// Threads that have ended are remembered for a while, in case that something more
// comes of them: a stop that returns, a second one.

// A room is what a traced life takes up, if it is like most. It has an odd number of
// lines of the CPU's cache, so that what every event asks for is not in the same few of
// its sets for all lives.
type room struct {
	alone bool // the life has ended, and nobody else refers to it
	_     [63]byte
	life  Life // with what every event asks for at the beginning of a line of the cache: TestRoom
	tasks [6]keptTask
	kept  [13]kept
}

// roomsAtOnce are as many as fill 40 KiB: they are made together, as of one by itself
// the allocator says where it begins.
const roomsAtOnce = 37

// room is one for a life that begins.
func (ls *lives) room() *room {
	if n := len(ls.rooms); n > 0 {
		r := ls.rooms[n-1]
		ls.rooms = ls.rooms[:n-1]
		r.alone = false
		return r
	}
	if len(ls.fresh) == 0 {
		ls.fresh = make([]room, roomsAtOnce)
	}
	r := &ls.fresh[0]
	ls.fresh = ls.fresh[1:]
	return r
}

// Patience says how many lives wait before they are judged and no more than a record
// of them is kept. What can still come of a thread that has left its CPU for good and
// whose stop has returned is another stop, which is a mistake; one that has ended by
// itself may be stopped at any time.
type patience struct{ over, ended int }

var usualPatience = patience{over: 1 << 5, ended: 1 << 8}

// retire takes note that a life's thread ends. Where too many have, the oldest end
// for good, unless somebody is still in a call of them.
// What it returns is good until it is called again.
func (ls *lives) retire(l *Life, line int) (over []*Life) {
	ls.past.add(l)
	old := ls.past.oldest(ls.patience.over)
	if old != nil && !(old.more.stopped && old.trace.gone) {
		ls.waiting.add(old)
		old = ls.waiting.oldest(ls.patience.ended)
	}
	if old == nil {
		return nil
	}
	old.AsOf, old.Sees = line, ls.sees()
	ls.forget(old)
	if ls.inside.get(old.Thread.PID) == nil {
		ls.interest.Remove(old.Thread.PID)
	}
	old.room.alone = len(ls.addr.of) == 0 && len(ls.addr.renamed) == 0
	ls.over[0] = old
	return ls.over[:]
}

// An endedQueue is lives in the order in which they came.
type endedQueue struct {
	of   []*Life
	gone int // how many of the first have been taken
}

func (q *endedQueue) add(l *Life) {
	if q.gone > 64 && q.gone > len(q.of)/2 {
		n := copy(q.of, q.of[q.gone:])
		clear(q.of[n:])
		q.of, q.gone = q.of[:n], 0
	}
	q.of = append(q.of, l)
}

// oldest takes the first of more than so many lives, which has not ended for good;
// nil: there are no more, or it must wait on.
func (q *endedQueue) oldest(most int) *Life {
	// As one comes at a time, to look at two of them is enough to keep up.
	for n := 0; len(q.of)-q.gone > most && n < 2; n++ {
		l := q.of[q.gone]
		q.of[q.gone] = nil
		q.gone++
		switch {
		case l.slot < 0: // its pid has been used again
		case l.more.calls > 0:
			q.add(l)
		default:
			return l
		}
	}
	return nil
}
