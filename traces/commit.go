package traces

import (
	"encoding/binary"
	"math"
)

// A sighting is what the lines that matter most often come to: those of the
// scheduler's tracepoints in ftrace's usual layout, about a thread that is likely
// to be watched. It is made while a block is glanced at, so that it costs the
// Reader, which has to go through the lines in their order, next to nothing. The
// rest is for traceReader, which makes the same of the same line.
type sighting struct {
	stamp  int64 // nanoseconds
	thread named
	other  named // sched_switch: the next task; sched_process_fork: who forks; else in whose context it happened
	more   int32 // SwitchOut: the state; StopReturn: the value; else see below
	cpu    uint16
	flags  uint8 // in the block's flags; inIdle: it happened in an idle task's context
	kind   Kind
}

// What sighting.more is, where it is not 0.
const (
	wokenLate = 1 // Woken: by sched_wakeup
	ofNobody  = 1 // Fork: of no kernel thread
	groupDead = 1 // ProcessExit: the event has that field
)

// The flagColumns of an event are "d..2."; it may have none.
type flagColumns struct {
	columns uint64 // eight that begin with them
	n       uint8  // how many of these they are
}

// inIdle is in place of the flags of what an idle task has not done: it happened to it.
const inIdle = math.MaxUint8

// A named is a task in few bytes.
type named struct {
	pid  int32
	name uint16 // in the block's names
}

// A nameTable has what decoded lines refer to.
type nameTable struct {
	names []string      // of tasks; the first is that of a task that has none
	flags []flagColumns // of events
}

// The latest events that lines decoded ahead have made. All but what differs from one to
// the next of a kind is there.
type latestEvents struct {
	events  [Freed + 1]Event // by kind
	flags   flagColumns      // what context was taken from
	context Context
	stale   bool // a header may have come since
}

func newLatestEvents() (l latestEvents) {
	for kind := range l.events {
		l.events[kind] = Event{Kind: Kind(kind), Coarse: 1000, Clock: Nanoseconds}
	}
	l.events[SwitchOut].Context, l.events[SwitchIn].Context = TaskContext, TaskContext
	return l
}

// commit makes of a decoded line, which is line n, the events that read makes of it.
// They are good until the next line.
func (t *traceReader) commit(n int, s *sighting, b *nameTable) []Event {
	stats := t.stats
	stats.KernelLines++
	stats.LastLine = n
	t.heard(int(s.cpu), n)
	if s.kind == SwitchOut {
		from, to := SwitchIn, SwitchIn
		stats.Seen |= 1<<SwitchOut | 1<<SwitchIn
		if s.thread.pid > 0 && t.interest.Has(int(s.thread.pid)) {
			t.wakePending.Remove(int(s.thread.pid))
			t.committed(SwitchOut, n, s, b, s.thread).State = byte(s.more)
			from = SwitchOut
		}
		if s.other.pid > 0 && t.interest.Has(int(s.other.pid)) {
			if t.isWakePending(int(s.other.pid)) {
				stats.Events++
			} else {
				t.committed(SwitchIn, n, s, b, s.other)
				to++
			}
		}
		return t.latest.events[from:to] // they are next to each other
	}
	thread, by := s.thread, s.other
	switch s.kind {
	case Woken:
		stats.Seen |= 1 << Woken
		late := s.more == wokenLate
		if !late && !t.waking {
			t.mark(&wakingMark, n)
		}
		stats.Waking = stats.Waking || !late
		if thread.pid <= 0 || !t.interest.Has(int(thread.pid)) {
			return nil
		}
		if !late && thread.name != 0 {
			t.wakePending.Add(int(thread.pid))
		}
	case Fork:
		if s.more == ofNobody {
			return nil
		}
		if thread.name == 0 {
			t.mark(&unnamedMark, n)
		}
		t.wakePending.Remove(int(thread.pid))
	case StopReturn:
		thread = named{}
	case ProcessExit:
		if s.more == groupDead {
			t.mark(&groupDeadMark, n)
		}
		if by.pid == thread.pid {
			by = thread
		}
	case Freed:
		by = named{}
	}
	e := t.committed(s.kind, n, s, b, thread)
	e.By.Comm, e.By.PID = b.names[by.name], int(by.pid)
	e.Context = t.flagged(s, b)
	switch s.kind {
	case Woken:
		e.Late = s.more == wokenLate
	case StopReturn:
		e.Code, e.HasCode = int(s.more), true
	}
	return t.latest.events[s.kind : s.kind+1]
}

// context says in whose context the event of a sighting happened.
func (t *traceReader) flagged(s *sighting, b *nameTable) Context {
	if s.flags == inIdle {
		return InterruptContext
	}
	if f := b.flags[s.flags]; f != t.latest.flags || t.latest.stale {
		var columns [8]byte
		binary.LittleEndian.PutUint64(columns[:], f.columns)
		t.latest.flags, t.latest.stale, t.latest.context = f, false, UnknownContext
		if f.n > 0 {
			t.latest.context = t.ftrace.context(columns[:f.n])
		}
	}
	return t.latest.context
}

// committed makes of the latest event of its kind the next one, as traceReader.send does.
// An idle task has no name.
func (t *traceReader) committed(kind Kind, n int, s *sighting, b *nameTable, thread named) *Event {
	stats := t.stats
	stats.Events++
	stats.Seen |= 1 << kind
	e := &t.latest.events[kind]
	e.Line, e.CPU, e.Stamp = n, int(s.cpu), s.stamp
	e.Thread.Comm, e.Thread.PID = b.names[thread.name], int(thread.pid)
	return e
}

// note takes account of lines that need not be decoded: they had events of these kinds,
// and the first with sched_waking is on a line, 0 for none.
func (t *traceReader) note(kinds Kinds, waking int) {
	t.stats.Seen |= kinds
	if waking > 0 {
		t.stats.Waking = true
		if !t.waking {
			t.mark(&wakingMark, waking)
		}
	}
}
