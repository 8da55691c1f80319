package ktrace

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces"
)

// Clocks of CPUs may differ, so lines of a new thread on one CPU may stand before the line
// of its fork on another. When they are read nobody asks about its pid yet, so they are
// left out. They are decoded again when the fork has come: "late".

// IsKthreadFork says whether an event is the fork of a kernel thread.
func IsKthreadFork(e *traces.Event) bool {
	return e.Kind == traces.Fork && (e.By.PID == 2 || e.By.Comm == "kthreadd")
}

// A LateDecoder decodes lines of a new thread that stand before its fork.
type LateDecoder struct {
	t     *Decoder
	lines lineReader
	fork  traces.Event
	out   []traces.Event
}

// Late makes a LateDecoder for a fork that is in the latest line. ok is false where no line
// before it can be of the new thread.
func (t *Decoder) Late(fork *traces.Event) (l LateDecoder, ok bool) {
	if fork.CPU < 0 || fork.Clock != traces.Nanoseconds || t.gaps.disordered {
		return l, false
	}
	l = LateDecoder{t: t, fork: *fork}
	if f := t.ftrace; f != nil {
		l.lines = &ftraceLayout{contextRow: f.contextRow, flagRows: f.flagRows}
	} else {
		l.lines = t.Layout.New()
	}
	return l, true
}

var processWord = []byte("sched_process_")

// Line takes line n, which stands before the fork and behind those that were given before.
func (l *LateDecoder) Line(n int, line []byte) {
	if !bytes.Contains(line, schedWord) || bytes.IndexByte(line, 0) >= 0 {
		return
	}
	rec := newRecord()
	if l.lines.unwrap(bytes.TrimRight(line, "\r"), &rec) != traceEvent || len(rec.fn) > 0 {
		return
	}
	t, pid := l.t, l.fork.Thread.PID
	var events [2]traces.Event
	count := 0
	add := func(e traces.Event) {
		events[count] = rec.place(n, e)
		count++
	}
	switch string(rec.event) {
	case "sched_switch":
		s, ok := parseSwitch(rec.body)
		if !ok || rec.pid >= 0 && rec.pid != s.prev {
			return
		}
		if s.prev == pid {
			add(traces.Event{Kind: traces.SwitchOut, Thread: t.names.task(s.prevComm, pid), State: t.stateOf(&s)})
		}
		if s.next == pid {
			add(traces.Event{Kind: traces.SwitchIn, Thread: t.names.task(s.nextComm, pid)})
		}
	case "sched_waking", "sched_wakeup":
		if w, ok := parseWakeup(rec.body); ok && w.success && w.pid == pid {
			add(traces.Event{Kind: traces.Woken, Thread: t.names.task(w.comm, pid), By: t.by(&rec), Late: string(rec.event) == "sched_wakeup"})
		}
	default:
		if bytes.HasPrefix(rec.event, processWord) && l.isOfPID(&rec) {
			l.out = l.out[:0] // so far it was of an earlier thread
		}
		return
	}
	switch {
	case count == 0:
	case rec.cpu == l.fork.CPU || events[0].State == 'X' || events[0].State == 'Z':
		// On the fork's CPU the order of the lines is certain.
		l.out = l.out[:0]
	case rec.cpu >= 0 && rec.clock == l.fork.Clock && rec.stamp >= l.fork.Stamp-maxSkew:
		l.out = append(l.out, events[:count]...)
	}
}

// isOfPID says whether a fork, an exit or a free is of the fork's pid.
func (l *LateDecoder) isOfPID(rec *record) bool {
	if _, _, _, child, ok := ParseFork(rec.body); ok {
		return child == l.fork.Thread.PID
	}
	_, pid, _, ok := CommPID(rec.body)
	return ok && pid == l.fork.Thread.PID
}

// Events are what the lines say of the new thread, in their order.
func (l *LateDecoder) Events() []traces.Event {
	l.t.stats.Events += len(l.out)
	return l.out
}
