package life

import (
	"iter"
	"slices"

	"github.com/kthread-tla/tracecheck/traces"
)

// An index finds the lives that have not ended, and counts the lives of each pid and name.
type index struct {
	open  []*Life // in the order of their first events; nil where one has ended
	ended int     // how many of open are nil
	// intact are those of them in whose time nothing was lost yet, and some that have ended.
	intact []*Life
	byPID  pidMap[Life]
	byName map[string][]*Life // by commKey

	incarnations      [pidLimit / partSize]*[partSize]uint32 // by pid: how many lives it has had
	namedIncarnations map[traces.Task]int                    // the same by name, where there is no pid
}

// alive are the lives that have not ended.
func (x *index) alive() iter.Seq[*Life] {
	return func(yield func(*Life) bool) {
		for _, l := range x.open {
			if l != nil && !yield(l) {
				return
			}
		}
	}
}

// losing are the lives of whose time something is lost. Once all that is missing came
// behind a line, another such loss says nothing new of them, so they come once. everything:
// anything before may be missing, so they come again.
func (x *index) losing(everything bool) iter.Seq[*Life] {
	return func(yield func(*Life) bool) {
		if everything {
			x.alive()(yield)
		} else {
			for _, l := range x.intact {
				if l.openAt >= 0 && !yield(l) {
					return
				}
			}
		}
		x.intact = x.intact[:0]
	}
}

// incarnation counts another life of a pid, or of a name without one.
func (x *index) incarnation(t traces.Task) int {
	if uint(t.PID-1) >= pidLimit-1 {
		if t.PID != 0 {
			t.Comm = ""
		}
		x.namedIncarnations[t]++
		return x.namedIncarnations[t]
	}
	p := &x.incarnations[t.PID/partSize]
	if *p == nil {
		*p = new([partSize]uint32)
	}
	(*p)[t.PID%partSize]++
	return int((*p)[t.PID%partSize])
}

func (x *index) insert(l *Life) { x.put(l, false) }

// put is insert. beside: the pid is found to be another life's.
func (x *index) put(l *Life, beside bool) {
	l.openAt = len(x.open)
	x.open = append(x.open, l)
	if n := len(x.intact); n > 64 && n > 2*(len(x.open)-x.ended) {
		x.intact = slices.DeleteFunc(x.intact, func(o *Life) bool { return o.openAt < 0 })
	}
	x.intact = append(x.intact, l)
	if l.Thread.PID != 0 && !beside {
		x.byPID.set(l.Thread.PID, l)
	}
	if l.Thread.Comm != "" && !l.Trace.on {
		key := commKey(l.Thread.Comm)
		x.byName[key] = append(x.byName[key], l)
	}
}

func (x *index) remove(l *Life) {
	x.open[l.openAt], l.openAt = nil, -1
	if x.ended++; x.ended > 64 && x.ended > len(x.open)/2 {
		x.open = slices.DeleteFunc(x.open, func(o *Life) bool { return o == nil })
		for i, o := range x.open {
			o.openAt = i
		}
		x.ended = 0
	}
	if x.byPID.get(l.Thread.PID) == l {
		x.byPID.remove(l.Thread.PID)
	}
	if l.Trace.on {
		return // its name is in no event
	}
	x.unname(l)
}

// unname forgets which life has its name.
func (x *index) unname(l *Life) {
	key := commKey(l.Thread.Comm)
	if rest := slices.DeleteFunc(x.byName[key], func(o *Life) bool { return o == l }); len(rest) > 0 {
		x.byName[key] = rest
	} else {
		delete(x.byName, key)
	}
}

// alike says whether two names may belong to one thread: they are equal, or one is the
// other one cut to the 15 bytes that a task's comm holds (TASK_COMM_LEN).
func alike(a, b string) bool {
	const comm = 15
	if len(a) > len(b) {
		a, b = b, a
	}
	return a == b || len(a) == comm && b[:comm] == a
}

// commKey maps all names that may be one thread's to the same key.
func commKey(name string) string { return name[:min(len(name), 15)] }
