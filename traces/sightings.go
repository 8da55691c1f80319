package traces

import (
	"bytes"
	"math"
)

// A sighting is what the lines that matter most often come to: those of the
// scheduler's tracepoints in ftrace's usual layout, about a thread that is likely
// to be watched. It is made while a block is glanced at, so that it costs the
// Reader, which has to go through the lines in their order, next to nothing. The
// rest is for traceReader, which makes the same of the same line.
type sighting struct {
	stamp     int64
	thread    named
	other     named // sched_switch: the next task; sched_process_fork: who forks
	current   named // in whose context it happened
	code      int32
	coarse    int32
	flags     [8]byte
	flagged   uint8 // how many of flags there are
	cpu       uint16
	kind      Kind
	state     byte
	clock     Clock
	late      bool
	groupDead bool // sched_process_exit has that field
	nobody    bool // not about a kernel thread
}

// A named is a task in fewer bytes.
type named struct {
	comm string
	pid  int32
}

func (n *named) task() Task { return Task{Comm: n.comm, PID: int(n.pid)} }

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
	s.late, s.groupDead, s.nobody, s.flagged = false, false, false, 0
	n := g.name
	// "            comm-123     [001] d..2.    36.824876: sched_…"
	if g.bracket < dash+3 || line[0] != ' ' || line[dash] != '-' || g.stamp != n-2 || line[n-1] != ' ' {
		return false
	}
	for len(line) > 0 && line[len(line)-1] == '\r' {
		line = line[:len(line)-1]
	}
	pid, i := digits(line, dash+1)
	if i == dash+1 || pid > math.MaxInt32 || skipBlanks(line, i) != g.bracket || line[i] != ' ' {
		return false
	}
	cpu, i, ok := cpuAt(line, g.bracket)
	if !ok || line[i] != ' ' || cpu >= maxCPUs {
		return false
	}
	s.cpu = uint16(cpu)
	i = skipBlanks(line, i)
	at, ok := g.micros(line, s)
	if !ok {
		return false
	}
	if i != at {
		end := i
		for line[end] != ' ' && end < at {
			end++
		}
		if end-i > len(s.flags) || skipBlanks(line, end) != at || !isFlags(line[i:end]) {
			return false
		}
		s.flagged = uint8(copy(s.flags[:], line[i:end]))
	}
	g.names.current(&s.current, line[skipBlanks(line, 0):dash], int(pid))

	colon := n + bytes.IndexByte(line[n:], ':')
	if colon+2 >= len(line) || line[colon+1] != ' ' || line[colon+2] == ' ' {
		return false
	}
	body := line[colon+2:]
	switch string(line[n:colon]) {
	case "sched_switch":
		w, ok := parseSwitch(body)
		if !ok || w.plugin || w.prev != int(pid) || w.next > math.MaxInt32 {
			return false
		}
		s.kind, s.state = SwitchOut, stateLetter(w.state)
		if s.state == 'x' {
			s.state = 'X'
		}
		g.names.task(&s.thread, w.prevComm, w.prev)
		g.names.task(&s.other, w.nextComm, w.next)
		if s.state == 'X' || s.state == 'Z' {
			g.young.Remove(w.prev)
		}
	case "sched_waking", "sched_wakeup":
		if !hasPrefix(body, "comm=") {
			return false
		}
		w, ok := parseWakeup(body)
		if !ok || w.hasSuccess || w.pid > math.MaxInt32 {
			return false
		}
		s.kind, s.late = Woken, line[colon-1] == 'p'
		g.names.task(&s.thread, w.comm, w.pid)
	case "sched_process_fork":
		if !hasPrefix(body, "comm=") {
			return false
		}
		comm, parent, child, pid, ok := parseFork(body)
		if !ok || min(parent, pid) == 0 || max(parent, pid) > math.MaxInt32 {
			return false
		}
		s.kind, s.nobody = Fork, parent != 2 && string(comm) != "kthreadd"
		g.names.task(&s.thread, child, pid)
		g.names.task(&s.other, comm, parent)
		if !s.nobody {
			g.young.Add(pid)
		}
	case "sched_kthread_stop_ret":
		v, ok := fieldNumber(body, "ret=")
		if !ok {
			return false
		}
		s.kind, s.code = StopReturn, int32(toInt(v))
		g.young.Remove(int(s.current.pid))
	case "sched_process_exit", "sched_process_free", "sched_kthread_stop":
		comm, pid, rest, ok := commPID(body)
		if !ok || !hasPrefix(body, "comm=") || pid == 0 || pid > math.MaxInt32 {
			return false
		}
		g.names.task(&s.thread, comm, pid)
		switch line[colon-1] {
		case 't':
			s.kind, s.groupDead = ProcessExit, indexOf(rest, " group_dead=") >= 0
		case 'e':
			s.kind = Freed
		default:
			s.kind = StopCall
			g.young.Add(pid)
			g.young.Add(int(s.current.pid)) // it goes to sleep there
		}
	default:
		return false
	}
	return true
}

// micros reads the stamp, "36.824876:", from its colon to the left, and returns
// where it begins.
func (g *glancer) micros(line []byte, s *sighting) (at int, ok bool) {
	const decimals = 6
	point := g.stamp - decimals - 1
	if line[point] != '.' {
		return 0, false
	}
	v := int64(0)
	for _, c := range line[point+1 : g.stamp] {
		if !isDigit(c) {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	at = point
	for unit := int64(1e6); isDigit(line[at-1]); unit *= 10 {
		if at--; point-at > 9 {
			return 0, false
		}
		v += int64(line[at]-'0') * unit
	}
	s.stamp, s.coarse, s.clock = v*1000, 1000, Nanoseconds
	return at, at < point && line[at-1] == ' '
}

// sighted makes of a sighting what traceReader.line makes of its line, which is
// line n.
func (d *traceDecoder) sighted(n int, s *sighting) {
	t := d.t
	t.stats.Lines++
	t.stats.KernelLines++
	t.stats.LastLine = n
	var by Task
	if s.current.pid != 0 { // an idle task does nothing
		by = s.current.task()
	}
	switch s.kind {
	case SwitchOut:
		if t.wants(int(s.thread.pid)) {
			e := d.event(n, s, SwitchOut)
			e.Thread, e.State, e.Context = s.thread.task(), s.state, TaskContext
		}
		if t.wants(int(s.other.pid)) {
			e := d.event(n, s, SwitchIn)
			e.Thread, e.Context = s.other.task(), TaskContext
		}
		t.stats.Seen = t.stats.Seen.With(SwitchOut).With(SwitchIn)
	case Woken:
		t.stats.Seen = t.stats.Seen.With(Woken)
		if !s.late && !t.waking {
			t.mark(&wakingMark, n)
		}
		t.stats.Waking = t.stats.Waking || !s.late
		if t.wants(int(s.thread.pid)) {
			e := d.event(n, s, Woken)
			e.Thread, e.By, e.Late = s.thread.task(), by, s.late
		}
	case Fork:
		if s.nobody {
			break
		}
		if s.thread.comm == "" {
			t.mark(&unnamedMark, n)
		}
		e := d.event(n, s, Fork)
		e.Thread, e.By = s.thread.task(), s.other.task()
	case StopReturn:
		e := d.event(n, s, StopReturn)
		e.By, e.Code, e.HasCode = by, int(s.code), true
	case ProcessExit:
		if s.groupDead {
			t.mark(&groupDeadMark, n)
		}
		e := d.event(n, s, ProcessExit)
		if e.Thread, e.By = s.thread.task(), s.thread.task(); s.current.pid != s.thread.pid {
			e.By = by
		}
	case StopCall:
		e := d.event(n, s, StopCall)
		e.Thread, e.By = s.thread.task(), by
	case Freed:
		d.event(n, s, Freed).Thread = s.thread.task()
	}
	t.heard(int(s.cpu), n)
	o := &d.out.stats
	o.KernelLines++
	o.LastLine, o.Events = n, t.stats.Events
	o.Seen |= t.stats.Seen
	o.Waking = o.Waking || t.stats.Waking
	o.Marks = t.stats.Marks
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
	*e = Event{Kind: kind, Line: n, CPU: int(s.cpu), Stamp: s.stamp, Coarse: int64(s.coarse), Clock: s.clock}
	if s.current.pid == 0 {
		e.Context = InterruptContext
	} else if s.flagged > 0 {
		e.Context = d.t.skips.context(s.flags[:s.flagged])
	}
	return e
}

// A nameCache makes strings of the names of tasks, mostly those that it has
// made before.
type nameCache struct {
	tasks [1 << 11]named // by pid
}

// task is traceReader.task.
func (c *nameCache) task(t *named, comm []byte, pid int) {
	t.pid = int32(pid)
	if pid == 0 {
		t.comm = "" // an idle task, of which there are no events
		return
	}
	known := &c.tasks[uint(pid)%uint(len(c.tasks))]
	if known.pid == int32(pid) && known.comm == string(comm) {
		t.comm = known.comm
		return
	}
	switch string(comm) {
	case "<...>", ":-1":
		t.comm = ""
		return
	case "kthreadd":
		if pid != 2 {
			t.comm = ""
			return
		}
	}
	known.comm, known.pid = string(comm), int32(pid)
	t.comm = known.comm
}

// current is traceReader.current.
func (c *nameCache) current(t *named, comm []byte, pid int) {
	if pid == 0 || len(comm) == 0 || comm[0] == ':' && isNumber(comm[1:]) {
		t.comm, t.pid = "", int32(pid)
		return
	}
	c.task(t, comm, pid)
}
