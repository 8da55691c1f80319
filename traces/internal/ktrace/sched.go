package ktrace

import (
	"bytes"
	"math"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// The texts of the scheduler's tracepoints (include/trace/events/sched.h). A field behind a
// name is searched for from the right, because a name of up to 15 bytes may hold anything,
// even " pid=1".

// MaxComm is the longest name of a task, in bytes (TASK_COMM_LEN less its NUL).
const MaxComm = 15

// event makes events of a record.
func (t *Decoder) event(n int, rec *record) {
	if len(rec.fn) > 0 {
		if f := functionOf(rec.fn); f != noFunction {
			t.function(n, rec, f, rec.fn, rec.returns, rec.body)
		}
		return
	}
	switch string(rec.event) {
	case "sched_switch":
		t.schedSwitch(n, rec)
	case "sched_waking", "sched_wakeup":
		t.schedWakeup(n, rec)
	case "sched_wakeup_new":
		// Every fork wakes the new thread: it tells nothing of the thread's life.
	case "sched_process_fork":
		t.fork(n, rec)
	case "sched_process_exit":
		t.processExit(n, rec)
	case "sched_process_free":
		if comm, pid, _, ok := CommPID(rec.body); ok {
			t.send(n, rec, traces.Event{Kind: traces.Freed, Thread: t.names.task(comm, pid)})
		} else {
			t.unreadable(n, rec)
		}
	case "sched_kthread_stop":
		if comm, pid, _, ok := CommPID(rec.body); ok {
			t.send(n, rec, traces.Event{Kind: traces.StopCall, Thread: t.names.task(comm, pid), By: t.by(rec)})
		} else {
			t.unreadable(n, rec)
		}
	case "sched_kthread_stop_ret":
		// "ret=-4"; 2.6.31 has "ret -4".
		v, ok := FieldNumber(rec.body, "ret=")
		if !ok {
			v, ok = FieldNumber(rec.body, "ret ")
		}
		if !ok { // perf trace
			v, ok = FieldNumber(rec.body, "ret: ")
			ok = ok || t.Layout.noZeros && len(rec.body) == 0
		}
		if !ok {
			t.unreadable(n, rec)
			return
		}
		t.send(n, rec, traces.Event{Kind: traces.StopReturn, By: t.by(rec), Code: ToInt(v), HasCode: true})
	case "task_rename":
		t.rename(n, rec)
	case "console":
		// A kernel message: that is for the kernel log's reader.
	case "threadfn":
		// Whoever sets a probe on a threadfn gives it this name.
		if _, ok := probeSite(rec.body); ok && rec.pid > 0 {
			t.send(n, rec, traces.Event{Kind: traces.ThreadFn, Thread: t.current(rec), By: t.by(rec), Probe: true})
		}
	default:
		t.probe(n, rec)
	}
}

// send emits an event, with the fields that all events of a record have in common.
func (t *Decoder) send(n int, rec *record, e traces.Event) {
	if t.gaps.lossy {
		// Events of another CPU may be missing before this one.
		t.emit(traces.Event{Kind: traces.Loss, Line: n, CPU: -1, Extent: traces.Extent{Since: t.stats.LastLine - 1}})
	}
	if e.By.PID == 0 && rec.pid < 0 && rec.cpu >= 0 && (e.Kind == traces.StopCall || e.Kind == traces.ParkCall) {
		t.running.of(rec.cpu).unnamed = true
	}
	t.stats.Events++
	if e.Kind != traces.StopCall || e.Thread.PID != 0 { // a stop without a pid does not prove that stops are recorded
		t.stats.Seen = t.stats.Seen.With(e.Kind)
	}
	t.emit(rec.place(n, e))
}

// place adds to an event of line n what all events of a record have in common.
func (rec *record) place(n int, e traces.Event) traces.Event {
	e.Line = n
	e.CPU, e.Stamp, e.Coarse, e.Clock = rec.cpu, rec.stamp, rec.coarse, rec.clock
	switch {
	case e.Kind == traces.SwitchOut || e.Kind == traces.SwitchIn:
		e.Context = traces.TaskContext // only a task itself calls schedule()
	case rec.pid == 0:
		e.Context = traces.InterruptContext // pid 0: the event is an interrupt's
	default:
		e.Context = rec.context
	}
	return e
}

// wants says whether the interest has a pid; it never has 0.
func (t *Decoder) wants(pid int) bool {
	return pid > 0 && t.interest.Has(pid)
}

// by is the task in whose context a record's event happened; zero where it is an idle task,
// or not known.
func (t *Decoder) by(rec *record) traces.Task {
	if rec.pid <= 0 {
		return traces.Task{}
	}
	return t.current(rec)
}

// current is the task in whose context a record's event happened, without a name where the
// trace has none.
func (t *Decoder) current(rec *record) traces.Task {
	if len(rec.comm) > 0 && rec.comm[0] == ':' && scan.IsNumber(rec.comm[1:]) { // perf, of a task that it has not seen
		return traces.Task{PID: max(rec.pid, 0)}
	}
	if len(rec.comm) == 0 || rec.pid <= 0 {
		return traces.Task{PID: max(rec.pid, 0)}
	}
	return t.names.task(rec.comm, rec.pid)
}

// A switched is a sched_switch.
type switched struct {
	prevComm, nextComm []byte
	prev, next         int
	state              []byte
	plugin             bool // printed by libtraceevent's plugin, with its letters
}

// schedSwitch emits SwitchOut and SwitchIn of a sched_switch.
func (t *Decoder) schedSwitch(n int, rec *record) {
	s, ok := parseSwitch(rec.body)
	if !ok || rec.pid >= 0 && rec.pid != s.prev { // the task that leaves is the current one
		t.unreadable(n, rec)
		return
	}
	asked := false
	if t.ftrace != nil && t.ftrace.graph.seen && rec.cpu >= 0 {
		asked = t.running.switches(rec.cpu, &s)
	}
	t.Switched(n, rec.cpu, s.prev, s.next)
	if s.plugin && len(s.state) == 1 && s.state[0] == 'W' {
		t.newLetters = true // see oldLetter
	}
	t.stats.Seen = t.stats.Seen.With(traces.SwitchOut).With(traces.SwitchIn)
	out, in := t.wants(s.prev) || asked && s.prev > 0, t.wants(s.next)
	if !out && !in {
		return
	}
	if out {
		t.send(n, rec, traces.Event{Kind: traces.SwitchOut, Thread: t.names.task(s.prevComm, s.prev), State: t.stateOf(&s)})
	}
	if in {
		t.send(n, rec, traces.Event{Kind: traces.SwitchIn, Thread: t.names.task(s.nextComm, s.next)})
	}
}

// stateOf is the letter of the state in which the task leaves its CPU; 0: not known.
func (t *Decoder) stateOf(s *switched) byte {
	state := StateLetter(s.state)
	switch {
	case s.plugin:
		state = oldLetter(state, t.newLetters)
	case state == 'x': // TASK_DEAD, as kernels to 4.13 print it
		state = 'X'
	}
	return state
}

// parseSwitch reads the text of a sched_switch, in any layout:
//
//	prev_comm=A prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=B next_pid=2 next_prio=120
func parseSwitch(b []byte) (s switched, ok bool) {
	const mid, first = " ==> next_comm=", "prev_comm="
	if !scan.HasPrefix(b, first) {
		if bytes.IndexByte(b, ':') < 0 {
			return s, false
		}
		if scan.HasPrefix(b, first[:len(first)-1]+": ") {
			return perfSwitch(b)
		}
		return pluginSwitch(b)
	}
	rest, ok := cutNumber(b, " next_prio=")
	if !ok {
		return s, false
	}
	s.next, rest, ok = cutPID(rest, " next_pid=")
	if !ok {
		return s, false
	}
	for i := len(rest) - len(mid); i >= len(first) && i >= len(rest)-len(mid)-MaxComm-1; i-- {
		if rest[i] != ' ' || !scan.HasPrefix(rest[i:], mid) {
			continue
		}
		left := rest[:i]
		eq := bytes.LastIndexByte(left, '=')
		if eq < 0 || !IsState(left[eq+1:]) {
			continue
		}
		s.state = left[eq+1:]
		left = left[:eq+1]
		if !scan.HasSuffix(left, " prev_state=") {
			continue
		}
		left, ok = cutNumber(left[:len(left)-len(" prev_state=")], " prev_prio=")
		if !ok {
			continue
		}
		if s.prev, left, ok = cutPID(left, " prev_pid="); !ok {
			continue
		}
		s.prevComm, s.nextComm = left[len(first):], rest[i+len(mid):]
		return s, len(s.prevComm) <= MaxComm
	}
	return s, false
}

// cutNumber cuts key and a number off the end of b. It is false where they are not there.
func cutNumber(b []byte, key string) (before []byte, ok bool) {
	i := len(b)
	for i > 0 && scan.IsDigit(b[i-1]) {
		i--
	}
	if i == len(b) {
		return b, false
	}
	if i > 0 && b[i-1] == '-' {
		i--
	}
	if !scan.HasSuffix(b[:i], key) {
		return b, false
	}
	return b[:i-len(key)], true
}

// cutPID is cutNumber for a pid.
func cutPID(b []byte, key string) (pid int, before []byte, ok bool) {
	i := len(b)
	for i > 0 && scan.IsDigit(b[i-1]) {
		i--
	}
	if i == len(b) || len(b)-i > 10 || !scan.HasSuffix(b[:i], key) || i < len(key) {
		return 0, b, false
	}
	v, _ := scan.Digits(b, i)
	return int(v), b[:i-len(key)], true
}

// IsState says whether b is a state as tracepoints print it: "S", "R+", "D|K".
func IsState(b []byte) bool {
	for _, c := range b {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '+' || c == '|') {
			return false
		}
	}
	return len(b) > 0
}

// StateLetter is the first letter of a state, R of "R+", D of "D|K"; 0 where it has none.
func StateLetter(b []byte) byte {
	if c := b[0]; 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
		return c
	}
	return 0
}

// CommPID reads "comm=NAME pid=1" at the beginning of b; rest is what follows. It also
// reads the forms of perf trace, of libtraceevent's plugins, and of kernels to 2.6.32.
func CommPID(b []byte) (comm []byte, pid int, rest []byte, ok bool) {
	const first = "comm="
	if !scan.HasPrefix(b, first) {
		if scan.HasPrefix(b, "comm: ") {
			return perfCommPID(b)
		}
		if comm, pid, ok = pluginTask(b); ok {
			return comm, pid, nil, true
		}
		if scan.HasPrefix(b, "task ") {
			comm, pid, ok = namePID(b)
		}
		return comm, pid, nil, ok
	}
	const key = " pid="
	name := b[len(first):]
	for i := min(len(name)-len(key), MaxComm); i >= 0; i-- {
		if name[i] != ' ' || !scan.HasPrefix(name[i:], key) {
			continue
		}
		v, end := scan.Digits(name, i+len(key))
		if from := i + len(key); end == from || end-from > 10 || end < len(name) && name[end] != ' ' || joined(name[end:]) {
			continue
		}
		return name[:i], int(v), name[end:], true
	}
	return nil, 0, nil, false
}

// joined says whether a text of fields shows that two lines have become one: a field has two
// values, " prio=120xt_comm=b".
func joined(b []byte) bool {
	values := 0
	for _, c := range b {
		switch c {
		case ' ':
			values = 0
		case '=':
			if values++; values > 1 {
				return true
			}
		}
	}
	return scan.IndexOf(b, "sched_") >= 0
}

// A wakeup is a sched_waking or a sched_wakeup.
type wakeup struct {
	comm       []byte
	pid        int
	success    bool
	hasSuccess bool
}

// schedWakeup emits Woken of a sched_waking or sched_wakeup.
func (t *Decoder) schedWakeup(n int, rec *record) {
	w, ok := parseWakeup(rec.body)
	if !ok {
		t.unreadable(n, rec)
		return
	}
	late := string(rec.event) == "sched_wakeup"
	if !late && !t.wakingMarked {
		t.mark(&wakingMark, n)
	}
	if w.hasSuccess {
		t.mark(&successMark, n)
	}
	t.stats.Seen = t.stats.Seen.With(traces.Woken)
	t.stats.Waking = t.stats.Waking || !late
	if !w.success || !t.wants(w.pid) {
		return
	}
	thread := t.names.task(w.comm, w.pid)
	t.send(n, rec, traces.Event{Kind: traces.Woken, Thread: thread, By: t.by(rec), Late: late})
}

// parseWakeup reads the text of a sched_waking or sched_wakeup, in any layout.
func parseWakeup(b []byte) (w wakeup, ok bool) {
	if !scan.HasPrefix(b, "comm=") && !scan.HasPrefix(b, "comm: ") {
		return pluginWakeup(b)
	}
	w.success = true
	var rest []byte
	if w.comm, w.pid, rest, ok = CommPID(b); !ok || b[len("comm")] == '=' && !areFields(rest) {
		return w, false
	}
	if len(rest) > 0 && bytes.IndexByte(rest, 's') >= 0 { // " prio=120 target_cpu=001" has none
		if v, ok := FieldNumber(rest, " success="); ok {
			w.hasSuccess, w.success = true, v != 0
		}
	}
	return w, true
}

// areFields says whether b may be fields with numbers, as an event prints them behind its
// names. It is false where two lines have become one.
func areFields(b []byte) bool {
	for _, c := range b {
		if !(c == ' ' || c == '=' || c == '_' || c == '-' || scan.IsDigit(c) || 'a' <= c && c <= 'z') {
			return false
		}
	}
	return true
}

// fork emits Fork where kthreadd forks, of a kernel thread, and where another task gets a
// pid that somebody asks about.
func (t *Decoder) fork(n int, rec *record) {
	parentComm, parent, childComm, child, ok := ParseFork(rec.body)
	switch {
	case !ok:
		t.unreadable(n, rec)
	case parent == 2 || string(parentComm) == "kthreadd":
		thread := t.names.task(childComm, child)
		if thread.Comm == "" {
			t.mark(&unnamedMark, n)
		}
		t.send(n, rec, traces.Event{Kind: traces.Fork, Thread: thread, By: t.names.task(parentComm, parent)})
	case t.wants(child):
		t.send(n, rec, traces.Event{Kind: traces.Fork, Thread: t.names.task(childComm, child), By: t.names.task(parentComm, parent)})
	}
}

// ParseFork reads the text of a sched_process_fork, "comm=A pid=1 child_comm=B child_pid=2";
// kernels to 2.6.32 print "parent A:1 child B:2".
func ParseFork(b []byte) (parentComm []byte, parent int, childComm []byte, child int, ok bool) {
	if rest, cut := bytes.CutPrefix(b, []byte("parent ")); cut {
		for i := len(rest) - 1; i > 0; i-- {
			if rest[i] == ' ' && scan.HasPrefix(rest[i:], " child ") {
				c1, p1, ok1 := namePID(bytes.TrimRight(rest[:i], " "))
				c2, p2, ok2 := namePID(rest[i+len(" child "):])
				if ok1 && ok2 {
					return c1, p1, c2, p2, true
				}
			}
		}
		return nil, 0, nil, 0, false
	}
	if scan.HasPrefix(b, "parent_comm: ") {
		return perfFork(b)
	}
	child, left, ok := cutPID(b, " child_pid=")
	if !ok {
		return nil, 0, nil, 0, false
	}
	const mid = " child_comm="
	for i := len(left) - len(mid); i > 0 && i >= len(left)-len(mid)-MaxComm-1; i-- {
		if left[i] != ' ' || !scan.HasPrefix(left[i:], mid) {
			continue
		}
		comm, pid, rest, ok := CommPID(left[:i])
		if ok && len(rest) == 0 {
			return comm, pid, left[i+len(mid):], child, true
		}
	}
	return nil, 0, nil, 0, false
}

// processExit emits ProcessExit of a sched_process_exit.
func (t *Decoder) processExit(n int, rec *record) {
	comm, pid, rest, ok := CommPID(rec.body)
	if !ok {
		t.unreadable(n, rec)
		return
	}
	if scan.IndexOf(rest, " group_dead=") >= 0 || scan.IndexOf(rest, ", group_dead: ") >= 0 {
		t.mark(&groupDeadMark, n)
	}
	e := traces.Event{Kind: traces.ProcessExit, Thread: t.names.task(comm, pid)}
	if e.By = e.Thread; rec.pid != pid {
		e.By = t.by(rec)
	}
	t.send(n, rec, e)
}

// rename emits Renamed of a task_rename, "pid=1 oldcomm=A newcomm=B oom_score_adj=0".
func (t *Decoder) rename(n int, rec *record) {
	b := rec.body
	if !scan.HasPrefix(b, "pid=") {
		return // perf trace prints it otherwise; no verdict needs it
	}
	v, i := scan.Digits(b, len("pid="))
	if i == len("pid=") || i-len("pid=") > 10 {
		t.unreadable(n, rec)
		return
	}
	if !t.wants(int(v)) {
		return
	}
	left, ok := cutNumber(b, " oom_score_adj=")
	if ok {
		const mid = " newcomm="
		for j := len(left) - len(mid); j > 0 && j >= len(left)-len(mid)-MaxComm-1; j-- {
			if scan.HasPrefix(left[j:], mid) && j-i-len(" oldcomm=") <= MaxComm {
				t.send(n, rec, traces.Event{Kind: traces.Renamed, Thread: t.names.task(left[j+len(mid):], int(v)), By: t.by(rec)})
				return
			}
		}
	}
	t.unreadable(n, rec)
}

// FieldNumber is the number behind the first key in b; ok is false where there is none.
func FieldNumber(b []byte, key string) (v uint64, ok bool) {
	i := scan.IndexOf(b, key)
	if i < 0 {
		return 0, false
	}
	b = b[i+len(key):]
	end := 0
	for end < len(b) && b[end] != ' ' && b[end] != ',' && b[end] != ')' {
		end++
	}
	return printedNumber(b[:end])
}

// printedNumber reads an integer as tracers print it: -4, 4294967292, 0xfffffffc. A
// negative number is returned in two's complement.
func printedNumber(b []byte) (v uint64, ok bool) {
	neg := len(b) > 0 && b[0] == '-'
	if neg {
		b = b[1:]
	}
	if len(b) == 0 {
		return 0, false
	}
	if scan.HasPrefix(b, "0x") {
		b = b[2:]
		if len(b) == 0 || len(b) > 16 {
			return 0, false
		}
		for _, c := range b {
			d, ok := scan.HexDigit(c)
			if !ok {
				return 0, false
			}
			v = v<<4 | uint64(d)
		}
	} else {
		for _, c := range b {
			d := uint64(c - '0')
			if !scan.IsDigit(c) || v > (math.MaxUint64-d)/10 {
				return 0, false
			}
			v = v*10 + d
		}
	}
	if neg {
		v = -v
	}
	return v, true
}

// ToInt is the kernel's int that a tracer has printed as v: the low 32 bits, whatever type
// the tracer took it for (4294967292 is -4).
func ToInt(v uint64) int { return int(int32(uint32(v))) }
