package traces

import "encoding/binary"

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
func (t *traceReader) commit(n int, s *sighting, b *block) []Event {
	stats := t.stats
	stats.KernelLines++
	stats.LastLine = n
	t.heard(int(s.cpu), n)
	if s.kind == SwitchOut {
		from, to := SwitchIn, SwitchIn
		stats.Seen |= 1<<SwitchOut | 1<<SwitchIn
		if s.thread.pid > 0 && t.interest.Has(int(s.thread.pid)) {
			t.wakePending.remove(int(s.thread.pid))
			t.committed(SwitchOut, n, s, b, s.thread).State = byte(s.more)
			from = SwitchOut
		}
		if s.other.pid > 0 && t.interest.Has(int(s.other.pid)) {
			if t.wakePending.has(int(s.other.pid)) {
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
			t.wakePending.add(int(thread.pid))
		}
	case Fork:
		if s.more == ofNobody {
			return nil
		}
		if thread.name == 0 {
			t.mark(&unnamedMark, n)
		}
		t.wakePending.remove(int(thread.pid))
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
func (t *traceReader) flagged(s *sighting, b *block) Context {
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
func (t *traceReader) committed(kind Kind, n int, s *sighting, b *block, thread named) *Event {
	stats := t.stats
	stats.Events++
	stats.Seen |= 1 << kind
	e := &t.latest.events[kind]
	e.Line, e.CPU, e.Stamp = n, int(s.cpu), s.stamp
	e.Thread.Comm, e.Thread.PID = b.names[thread.name], int(thread.pid)
	return e
}

// glanced notes what a block shows by a glance.
func (t *traceReader) glanced(b *block) {
	s := t.stats
	s.Seen |= b.seen
	if b.waking > 0 {
		s.Waking = true
		if !t.waking {
			n := s.Lines + b.waking
			if b.tail {
				n-- // the rest of a line is not another one
			}
			t.mark(&wakingMark, n)
		}
	}
}
