package checker

import (
	"github.com/kthread-tla/tracecheck/traces"
)

// A Life is one incarnation of one kernel thread, with all that its log says
// of it.
type Life struct {
	Thread      traces.Task
	Incarnation int // 1-based: the n-th life of that pid, or of that name
	AsOf        int // number of the last line that could have spoken of it
	Events      []traces.Event
	Set         *traces.Patterns // the messages that Events come from

	// Begun: the pattern set's begin line came before, in the same boot and
	// without loss since, so that a message that is not there was not printed.
	Begun  bool
	Since  int    // line of that begin line; 0 where there is none
	Crash  int    // line of an oops in its time, which may have been its own; 0: none
	Kernel string // the release of the boot's banner; empty: not in the log
	// Follows is the last line of an earlier thread of this name or pid, which
	// had been stopped, where this one is taken for the next thread although
	// no line says that it was created; 0 elsewhere.
	Follows int
	// Doubt: the log does not tell whether all events are about one thread.
	Doubt bool
}

// shows says whether the absence of messages of this kind means something.
func (l *Life) shows(k traces.Kind) bool { return l.Begun && l.Set.Shows.Has(k) }

// lives sorts a log's events into lives.
type lives struct {
	open   []*Life // in the order of their first events
	seen   map[traces.Task]int
	begun  bool
	since  int
	crash  int
	kernel string
}

func newLives() *lives { return &lives{seen: make(map[traces.Task]int)} }

// add takes the next event. It returns the lives that cannot go on after it.
func (ls *lives) add(e traces.Event) (ended []*Life) {
	switch e.Kind {
	case traces.Boot:
		ended = ls.end(e.Before)
		ls.begun, ls.since, ls.crash, ls.kernel = false, 0, 0, e.Kernel
	case traces.Begin:
		ended = ls.end(e.Before)
		ls.begun, ls.since, ls.crash = true, e.Line, 0
	case traces.Loss:
		ls.begun = false
		for _, l := range ls.open {
			l.Begun, l.Doubt = false, true // a begin line may be among what was lost
		}
	case traces.Crash:
		ls.crash = e.Line
		for _, l := range ls.open {
			l.Crash = e.Line
		}
	default:
		ended = ls.assign(e)
	}
	return ended
}

// end ends all lives; asOf is the last line that could have spoken of them.
func (ls *lives) end(asOf int) []*Life {
	ended := ls.open
	for _, l := range ended {
		l.AsOf = asOf
	}
	ls.open = nil
	return ended
}

// assign gives an event to the life that it is about.
func (ls *lives) assign(e traces.Event) (ended []*Life) {
	candidates := ls.candidates(e.Thread)
	if len(candidates) > 1 {
		// The name alone, and several threads have it: it may be about any of
		// them, so what none of them has printed proves nothing any more.
		for _, l := range candidates {
			l.Begun, l.Doubt = false, true
		}
		return nil
	}
	if len(candidates) == 1 {
		l := candidates[0]
		if !l.isOver(e) {
			if l.Thread.PID == 0 {
				l.Thread.PID = e.Thread.PID
			}
			if l.Thread.Comm == "" {
				l.Thread.Comm = e.Thread.Comm
			}
			l.Events = append(l.Events, e)
			return nil
		}
		l.AsOf = e.Before
		ended = []*Life{l}
		ls.remove(l)
		next := ls.born(e)
		if l.Begun && e.Set.Shows.Has(traces.Create) {
			next.Follows = l.Events[len(l.Events)-1].Line
		}
		ls.open = append(ls.open, next)
		return ended
	}
	ls.open = append(ls.open, ls.born(e))
	return ended
}

func (ls *lives) born(e traces.Event) *Life {
	key := traces.Task{PID: e.Thread.PID}
	if key.PID == 0 {
		key.Comm = e.Thread.Comm
	}
	ls.seen[key]++
	return &Life{
		Thread: e.Thread, Incarnation: ls.seen[key], Events: []traces.Event{e}, Set: e.Set,
		Begun: ls.begun, Since: ls.since, Crash: ls.crash, Kernel: ls.kernel,
		Doubt: !ls.begun,
	}
}

// candidates are the open lives that an event about t may belong to.
func (ls *lives) candidates(t traces.Task) []*Life {
	var same []*Life
	for _, l := range ls.open {
		if t.PID != 0 && l.Thread.PID == t.PID {
			return []*Life{l}
		}
		if t.Comm != "" && l.Thread.Comm == t.Comm && (t.PID == 0 || l.Thread.PID == 0) {
			same = append(same, l)
		}
	}
	return same
}

func (ls *lives) remove(l *Life) {
	for i := range ls.open {
		if ls.open[i] == l {
			ls.open = append(ls.open[:i], ls.open[i+1:]...)
			return
		}
	}
}

// created says whether the log shows the thread's creation, or its failure.
func (l *Life) created() bool {
	for _, e := range l.Events {
		if e.Kind == traces.Create || e.Kind == traces.CreateFailed {
			return true
		}
	}
	return false
}

// isOver says whether an event can only be about the next thread of the name
// or pid. A set that prints each creation tells them apart, but not at the
// line itself: a new thread may print before its creator does.
func (l *Life) isOver(e traces.Event) bool {
	if l.Thread.PID != 0 && e.Thread.PID != 0 && l.Thread.Comm != "" && e.Thread.Comm != "" && l.Thread.Comm != e.Thread.Comm {
		return true
	}
	if !e.Set.Shows.Has(traces.Create) {
		return false
	}
	stopped := stopReturned(l.Events)
	if e.Kind == traces.Create || e.Kind == traces.CreateFailed {
		return l.created() || stopped
	}
	return stopped || l.Events[0].Kind == traces.CreateFailed
}
