package ktrace

import (
	"encoding/binary"
	"math"

	"github.com/kthread-tla/tracecheck/traces"
)

// A Decoded is a line that was decoded ahead, while its block was skimmed: a tracepoint of
// the scheduler in ftrace's columns, about a thread that the interest is likely to have.
// Decoder.Commit then makes the line's events at little cost; Decoder.Line would make the
// same.
type Decoded struct {
	Stamp  int64 // nanoseconds
	Thread TaskRef
	Other  TaskRef // sched_switch: the next task; sched_process_fork: the parent; else the current task
	Extra  int32   // SwitchOut: the state; StopReturn: the value; else one of the constants below, or 0
	CPU    uint16
	Flags  uint8 // an index in Names.Flags, or InIdle
	Kind   traces.Kind
}

// Values of Decoded.Extra.
const (
	WokenLate = 1 // Woken: by sched_wakeup
	OtherFork = 1 // Fork: of no kernel thread
	GroupDead = 1 // ProcessExit: the event has that field
)

// FlagColumns are the flags of an event, "d..2.".
type FlagColumns struct {
	Columns uint64 // eight columns from the first flag on
	N       uint8  // how many flags there are; 0: the event has none
}

// InIdle is Decoded.Flags where pid 0 is current: the event is an interrupt's.
const InIdle = math.MaxUint8

// A TaskRef is a task in few bytes.
type TaskRef struct {
	PID  int32
	Name uint16 // an index in Names.Comms; 0: no name
}

// Names has the names and flags to which Decoded lines refer.
type Names struct {
	Comms []string      // names of tasks; the first is empty
	Flags []FlagColumns // of events
}

// latestEvents are the latest events of lines decoded ahead, one of each kind. The next one
// of a kind differs in few fields, and only these are set.
type latestEvents struct {
	events  [traces.Freed + 1]traces.Event // by kind
	flags   FlagColumns                    // the latest flags
	context traces.Context                 // what they mean
	stale   bool                           // a header may have changed what flags mean since
}

func newLatestEvents() (l latestEvents) {
	for kind := range l.events {
		l.events[kind] = traces.Event{Kind: traces.Kind(kind), Time: traces.Time{Coarse: 1000, Clock: traces.Nanoseconds}}
	}
	l.events[traces.SwitchOut].Context, l.events[traces.SwitchIn].Context = traces.TaskContext, traces.TaskContext
	return l
}

// Commit returns the events that Line would emit of line n, which was decoded ahead. They
// are valid until the next line.
func (t *Decoder) Commit(n int, s *Decoded, b *Names) []traces.Event {
	stats := t.stats
	stats.KernelLines++
	stats.LastLine = n
	if s.Kind == traces.SwitchOut {
		from, to := traces.SwitchIn, traces.SwitchIn
		stats.Seen |= 1<<traces.SwitchOut | 1<<traces.SwitchIn
		t.Switched(n, int(s.CPU), int(s.Thread.PID), int(s.Other.PID))
		out, in := t.wants(int(s.Thread.PID)), t.wants(int(s.Other.PID))
		if !out && !in {
			return nil
		}
		t.sawDecoded(s, n)
		if out {
			t.nextEvent(traces.SwitchOut, n, s, b, s.Thread).State = byte(s.Extra)
			from = traces.SwitchOut
		}
		if in {
			t.nextEvent(traces.SwitchIn, n, s, b, s.Other)
			to++
		}
		return t.latest.events[from:to] // SwitchIn is the kind behind SwitchOut
	}
	thread, by := s.Thread, s.Other
	if s.Kind != traces.Woken {
		t.sawDecoded(s, n)
	}
	switch s.Kind {
	case traces.Woken:
		stats.Seen |= 1 << traces.Woken
		late := s.Extra == WokenLate
		if !late && !t.wakingMarked {
			t.mark(&wakingMark, n)
		}
		stats.Waking = stats.Waking || !late
		if !t.wants(int(thread.PID)) {
			return nil
		}
		t.sawDecoded(s, n)
	case traces.Fork:
		if s.Extra == OtherFork {
			if !t.wants(int(thread.PID)) {
				return nil
			}
			break
		}
		if thread.Name == 0 {
			t.mark(&unnamedMark, n)
		}
	case traces.StopReturn:
		thread = TaskRef{}
	case traces.ProcessExit:
		if s.Extra == GroupDead {
			t.mark(&groupDeadMark, n)
		}
		if by.PID == thread.PID {
			by = thread
		}
	case traces.Freed:
		by = TaskRef{}
	}
	e := t.nextEvent(s.Kind, n, s, b, thread)
	e.By.Comm, e.By.PID = b.Comms[by.Name], int(by.PID)
	e.Context = t.contextOf(s, b)
	switch s.Kind {
	case traces.Woken:
		e.Late = s.Extra == WokenLate
	case traces.StopReturn:
		e.Code, e.HasCode = int(s.Extra), true
	}
	return t.latest.events[s.Kind : s.Kind+1]
}

// sawDecoded is sawCPU for a line that was decoded ahead.
func (t *Decoder) sawDecoded(s *Decoded, n int) {
	t.gaps.clock = traces.Nanoseconds
	t.sawCPU(int(s.CPU), n, s.Stamp)
}

// contextOf is the context of a decoded line's event.
func (t *Decoder) contextOf(s *Decoded, b *Names) traces.Context {
	if s.Flags == InIdle {
		return traces.InterruptContext
	}
	if f := b.Flags[s.Flags]; f != t.latest.flags || t.latest.stale {
		var columns [8]byte
		binary.LittleEndian.PutUint64(columns[:], f.Columns)
		t.latest.flags, t.latest.stale, t.latest.context = f, false, traces.UnknownContext
		if f.N > 0 {
			t.latest.context = t.ftrace.context(columns[:f.N])
		}
	}
	return t.latest.context
}

// nextEvent counts an event as Decoder.send does, and makes it of the latest one of its
// kind.
func (t *Decoder) nextEvent(kind traces.Kind, n int, s *Decoded, b *Names, thread TaskRef) *traces.Event {
	stats := t.stats
	stats.Events++
	stats.Seen |= 1 << kind
	e := &t.latest.events[kind]
	e.Line, e.CPU, e.Stamp = n, int(s.CPU), s.Stamp
	e.Thread.Comm, e.Thread.PID = b.Comms[thread.Name], int(thread.PID)
	return e
}
