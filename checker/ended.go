package checker

// Threads that have ended are remembered for a while, in case that something more
// comes of them: a stop that returns, a second one.

// A room is what a traced life takes up, if it is like most.
type room struct {
	life  Life
	trace traced
	tasks [6]keptTask
	kept  [14]kept
	alone bool // the life has ended, and nobody else refers to it
}

// room is one for a life that begins.
func (ls *lives) room() *room {
	n := len(ls.rooms)
	if n == 0 {
		return new(room)
	}
	r := ls.rooms[n-1]
	ls.rooms = ls.rooms[:n-1]
	r.trace, r.alone = traced{}, false
	return r
}

// maxPast is how many lives wait. A stop that comes after that many others have
// ended is taken for one of a thread of which nothing is known.
const maxPast = 1 << 10

// retire takes note that a life's thread ends. Where too many have, the oldest end
// for good, unless somebody is still in a call of them.
func (ls *lives) retire(l *Life, line int) (over []*Life) {
	ls.past = append(ls.past, l)
	// As one comes at a time, to look at two of them is enough to keep up.
	for n := 0; len(ls.past) > maxPast && n < 2; n++ {
		old := ls.past[0]
		ls.past = ls.past[1:]
		switch {
		case old.slot < 0: // its pid has been used again
		case old.trace.calls > 0:
			ls.past = append(ls.past, old)
		default:
			old.AsOf, old.Sees = line, ls.sees()
			ls.forget(old)
			if ls.inside.get(old.Thread.PID) == nil {
				ls.watch.Remove(old.Thread.PID)
			}
			old.room.alone = len(ls.addr.of) == 0 && len(ls.addr.renamed) == 0
			over = append(over, old)
		}
	}
	return over
}
