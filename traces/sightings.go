package traces

import "bytes"

// A sighting is what the lines that matter most often come to: those of the
// scheduler's tracepoints in ftrace's usual layout, about a thread that is likely
// to be watched. It is made while a block is glanced at, so that it costs the
// Reader, which has to go through the lines in their order, next to nothing. The
// rest is for traceReader, which makes the same of the same line.
type sighting struct {
	stamp        int64
	coarse       int64
	thread       Task
	other        Task // sched_switch: the next task; sched_process_fork: who forks
	current      Task
	code         int32
	cpu          int32
	kind         Kind
	state        byte
	clock        Clock
	late         bool
	groupDead    bool // sched_process_exit has that field
	nobody       bool // not about a kernel thread
	flags        [8]byte
	flagsPresent uint8 // how many of flags there are
}

// sight makes a sighting of a line whose columns are known, and returns 1 + its
// index. It is 0 where the line must be read whole.
func (g *glancer) sight(line []byte, bl *block) int32 {
	if g.watch == nil {
		return 0
	}
	if len(bl.sights) == cap(bl.sights) {
		bl.sights = append(bl.sights, sighting{})[:len(bl.sights)]
	}
	bl.sights = bl.sights[:len(bl.sights)+1]
	s := &bl.sights[len(bl.sights)-1]
	if !g.see(line, s) {
		bl.sights = bl.sights[:len(bl.sights)-1]
		return 0
	}
	return int32(len(bl.sights))
}

func (g *glancer) see(line []byte, s *sighting) bool {
	const dash = 16
	*s = sighting{}
	n := g.name
	// "            comm-123     [001] d..2.    36.824876: sched_…"
	if g.bracket < dash+3 || line[0] != ' ' || line[dash] != '-' || g.stamp != n-2 || line[n-1] != ' ' {
		return false
	}
	for len(line) > 0 && line[len(line)-1] == '\r' {
		line = line[:len(line)-1]
	}
	pid, i := digits(line, dash+1)
	if i == dash+1 || i-dash > 11 || skipBlanks(line, i) != g.bracket || line[i] != ' ' {
		return false
	}
	cpu, i, ok := cpuAt(line, g.bracket)
	if !ok || line[i] != ' ' {
		return false
	}
	s.cpu = int32(cpu)
	var rec traceRecord
	i = skipBlanks(line, i)
	if !isDigit(line[i]) {
		end := i
		for line[end] != ' ' && end < n {
			end++
		}
		if end-i > len(s.flags) || !isFlags(line[i:end]) {
			return false
		}
		s.flagsPresent = uint8(copy(s.flags[:], line[i:end]))
		i = skipBlanks(line, end)
	}
	if next, ok := stampAt(line, i, &rec); !ok || next != n-1 {
		return false
	}
	s.stamp, s.coarse, s.clock = rec.stamp, rec.coarse, rec.clock
	s.current = g.names.current(bytes.TrimLeft(line[:dash], " "), int(pid))

	colon := n + bytes.IndexByte(line[n:], ':')
	if colon+2 >= len(line) || line[colon+1] != ' ' || line[colon+2] == ' ' {
		return false
	}
	body := line[colon+2:]
	switch string(line[n:colon]) {
	case "sched_switch":
		w, ok := parseSwitch(body)
		if !ok || w.plugin {
			return false
		}
		s.kind, s.state = SwitchOut, stateLetter(w.state)
		if s.state == 'x' {
			s.state = 'X'
		}
		s.thread, s.other = g.names.task(w.prevComm, w.prev), g.names.task(w.nextComm, w.next)
	case "sched_waking", "sched_wakeup":
		if !hasPrefix(body, "comm=") {
			return false
		}
		w, ok := parseWakeup(body)
		if !ok || w.hasSuccess {
			return false
		}
		s.kind, s.late = Woken, line[colon-1] == 'p'
		s.thread = g.names.task(w.comm, w.pid)
	case "sched_process_fork":
		if !hasPrefix(body, "comm=") {
			return false
		}
		comm, parent, child, pid, ok := parseFork(body)
		if !ok {
			return false
		}
		s.kind, s.nobody = Fork, parent != 2 && string(comm) != "kthreadd"
		s.thread, s.other = g.names.task(child, pid), g.names.task(comm, parent)
	case "sched_kthread_stop_ret":
		v, ok := fieldNumber(body, "ret=")
		if !ok {
			return false
		}
		s.kind, s.code = StopReturn, int32(toInt(v))
	case "sched_process_exit", "sched_process_free", "sched_kthread_stop":
		comm, pid, rest, ok := commPID(body)
		if !ok || !hasPrefix(body, "comm=") {
			return false
		}
		s.thread = g.names.task(comm, pid)
		switch line[colon-1] {
		case 't':
			s.kind, s.groupDead = ProcessExit, indexOf(rest, " group_dead=") >= 0
		case 'e':
			s.kind = Freed
		default:
			s.kind = StopCall
		}
	default:
		return false
	}
	return true
}

// sighted makes of a sighting what traceReader.line makes of its line, which is
// line n.
func (d *traceDecoder) sighted(n int, s *sighting) {
	t := d.t
	t.stats.Lines++
	t.stats.KernelLines++
	t.stats.LastLine = n
	by := s.current
	if by.PID == 0 {
		by = Task{} // an idle task does nothing
	}
	switch s.kind {
	case SwitchOut:
		if t.wants(s.thread.PID) {
			e := d.event(n, s, SwitchOut)
			e.Thread, e.State, e.Context = s.thread, s.state, TaskContext
		}
		if t.wants(s.other.PID) {
			e := d.event(n, s, SwitchIn)
			e.Thread, e.Context = s.other, TaskContext
		}
		t.stats.Seen = t.stats.Seen.With(SwitchOut).With(SwitchIn)
	case Woken:
		t.stats.Seen = t.stats.Seen.With(Woken)
		if !s.late && !t.waking {
			t.mark(&wakingMark, n)
		}
		t.stats.Waking = t.stats.Waking || !s.late
		if t.wants(s.thread.PID) {
			e := d.event(n, s, Woken)
			e.Thread, e.By, e.Late = s.thread, by, s.late
		}
	case Fork:
		if s.nobody {
			break
		}
		if s.thread.Comm == "" {
			t.mark(&unnamedMark, n)
		}
		e := d.event(n, s, Fork)
		e.Thread, e.By = s.thread, s.other
	case StopReturn:
		e := d.event(n, s, StopReturn)
		e.By, e.Code, e.HasCode = by, int(s.code), true
	case ProcessExit:
		if s.groupDead {
			t.mark(&groupDeadMark, n)
		}
		e := d.event(n, s, ProcessExit)
		if e.Thread, e.By = s.thread, s.thread; s.current.PID != s.thread.PID {
			e.By = by
		}
	case StopCall:
		e := d.event(n, s, StopCall)
		e.Thread, e.By = s.thread, by
	case Freed:
		d.event(n, s, Freed).Thread = s.thread
	}
	t.heard(int(s.cpu), n)
	d.count()
}

// event adds an event with what all events of a sighting have in common, as
// traceReader.send does.
func (d *traceDecoder) event(n int, s *sighting, kind Kind) *Event {
	d.t.stats.Events++
	d.t.stats.Seen = d.t.stats.Seen.With(kind)
	o := d.out
	if len(o.events) == cap(o.events) {
		o.events = append(o.events, Event{})[:len(o.events)]
	}
	o.events = o.events[:len(o.events)+1]
	e := &o.events[len(o.events)-1]
	*e = Event{Kind: kind, Line: n, CPU: int(s.cpu), Stamp: s.stamp, Coarse: s.coarse, Clock: s.clock}
	if s.current.PID == 0 {
		e.Context = InterruptContext
	} else if s.flagsPresent > 0 {
		e.Context = d.t.skips.context(s.flags[:s.flagsPresent])
	}
	return e
}

// A nameCache makes strings of the names of tasks, mostly those that it has
// made before.
type nameCache struct {
	tasks [1 << 11]Task // by pid
}

// task is traceReader.task.
func (c *nameCache) task(comm []byte, pid int) Task {
	known := &c.tasks[uint(pid)%uint(len(c.tasks))]
	if known.PID == pid && known.Comm == string(comm) {
		return *known
	}
	switch string(comm) {
	case "<...>", ":-1":
		return Task{PID: pid}
	case "kthreadd":
		if pid != 2 {
			return Task{PID: pid}
		}
	}
	*known = Task{Comm: string(comm), PID: pid}
	return *known
}

// current is traceReader.current.
func (c *nameCache) current(comm []byte, pid int) Task {
	if pid <= 0 || len(comm) == 0 || comm[0] == ':' && isNumber(comm[1:]) {
		return Task{PID: pid}
	}
	return c.task(comm, pid)
}
