package ktrace

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// perfTraceLayout reads what `perf trace` prints of tracepoints. Stamps are milliseconds
// since perf began:
//
//	 0.000 bash/486 sched:sched_kthread_stop(comm: "kt_ok", pid: 488)
//	12.345 (         ): bash/486 sched:sched_kthread_stop_ret(ret: 4294967292)
//	12.345 sched:sched_kthread_stop:comm=kt_ok pid=488)        older ones
type perfTraceLayout struct {
	lost traceLoss
}

func (p *perfTraceLayout) loss() traceLoss { return p.lost }

func (p *perfTraceLayout) refusal() string { return "" }

func (p *perfTraceLayout) unwrap(line []byte, rec *record) traceClass {
	i := scan.SkipBlanks(line, 0)
	if i == len(line) || line[0] == '#' || line[0] == '\t' {
		return noEvent
	}
	if n, ok := perfLost(line); ok {
		p.lost = traceLoss{cpu: -1, count: n}
		return lossLine
	}
	ms, j := scan.Digits(line, i)
	if j == i || j >= len(line) || line[j] != '.' || ms > 9_000_000_000_000 {
		return unknownLine
	}
	frac, k := scan.Digits(line, j+1)
	if k != j+4 || k >= len(line) || line[k] != ' ' {
		return unknownLine
	}
	rec.stamp, rec.coarse, rec.clock = ms*1e6+frac*1e3, 1000, traces.Nanoseconds
	i = scan.SkipBlanks(line, k)
	if i < len(line) && line[i] == '(' { // how long a system call took
		closing := scan.IndexOf(line[i:], "):")
		if closing < 0 {
			return unknownLine
		}
		i = scan.SkipBlanks(line, i+closing+2)
	}
	// The event is the first word with a system, a name, and a parenthesis or a colon
	// behind them. The task stands before it.
	for at := i; at < len(line); {
		end := at
		for end < len(line) && isWordByte(line[end]) {
			end++
		}
		if end > at && end < len(line) && line[end] == ':' && (at == i || line[at-1] == ' ') {
			from := end + 1
			stop := from
			for stop < len(line) && isWordByte(line[stop]) {
				stop++
			}
			if stop > from && stop < len(line) && (line[stop] == '(' || line[stop] == ':') {
				rec.event = line[from:stop]
				rec.body = bytes.TrimSuffix(bytes.TrimRight(line[stop+1:], " "), []byte(")"))
				p.task(bytes.TrimRight(line[i:at], " "), rec)
				return traceEvent
			}
		}
		for at < len(line) && line[at] != ' ' {
			at++
		}
		at = scan.SkipBlanks(line, at)
	}
	return noEvent // a system call
}

// task reads "bash/486".
func (p *perfTraceLayout) task(b []byte, rec *record) {
	slash := bytes.LastIndexByte(b, '/')
	if slash < 0 || len(b)-slash > 11 || !scan.AllDigits(b[slash+1:]) {
		return
	}
	v, _ := scan.Digits(b, slash+1)
	rec.comm, rec.pid = b[:slash], int(v)
}

func isWordByte(c byte) bool {
	return c == '_' || scan.IsDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// perf trace prints the fields of an event's record by their names, and leaves out those
// that are zero: prev_pid of an idle task, ret of a stop that returned 0. Behind a pid it
// prints the name that it knows for the pid.
//
//	prev_comm: "A", prev_pid: 1 (A), prev_prio: 120, prev_state: 1, next_comm: "B", next_pid: 2 (B), next_prio: 120

// perfString reads a key and a quoted name at the beginning of b. The name may have quotes
// and commas in it.
func perfString(b []byte, key string) (name, rest []byte, ok bool) {
	if !scan.HasPrefix(b, key) || len(b) < len(key)+2 || b[len(key)] != '"' {
		return nil, b, false
	}
	b = b[len(key)+1:]
	for i := min(MaxComm, len(b)-1); i >= 0; i-- {
		if b[i] == '"' && (i+1 == len(b) || b[i+1] == ',') {
			return b[:i], b[i+1:], true
		}
	}
	return nil, b, false
}

// perfNumber reads a key and a number at the beginning of b, and a name in parentheses that
// may follow, ", pid: 1 (kt_ok)". A missing field is zero.
func perfNumber(b []byte, key string) (v int64, rest []byte) {
	if !scan.HasPrefix(b, key) {
		return 0, b
	}
	i := len(key)
	neg := i < len(b) && b[i] == '-'
	if neg {
		i++
	}
	v, end := scan.Digits(b, i)
	if neg {
		v = -v
	}
	if scan.HasPrefix(b[end:], " (") {
		for j := min(end+len(" (")+MaxComm, len(b)-1); j > end; j-- {
			if b[j] == ')' && (j+1 == len(b) || b[j+1] == ',') {
				end = j + 1
				break
			}
		}
	}
	return v, b[end:]
}

// perfPID is perfNumber for a pid.
func perfPID(b []byte, key string) (pid int, rest []byte, ok bool) {
	v, rest := perfNumber(b, key)
	return int(v), rest, 0 <= v && v <= maxPID
}

// perfCommPID reads `comm: "kt_ok", pid: 488 (kt_ok), prio: 120`.
func perfCommPID(b []byte) (comm []byte, pid int, rest []byte, ok bool) {
	if comm, rest, ok = perfString(b, "comm: "); !ok {
		return nil, 0, nil, false
	}
	pid, rest, ok = perfPID(rest, ", pid: ")
	return comm, pid, rest, ok
}

// perfSwitch reads a sched_switch.
func perfSwitch(b []byte) (s switched, ok bool) {
	if s.prevComm, b, ok = perfString(b, "prev_comm: "); !ok {
		return s, false
	}
	if s.prev, b, ok = perfPID(b, ", prev_pid: "); !ok {
		return s, false
	}
	_, b = perfNumber(b, ", prev_prio: ")
	bits, b := perfNumber(b, ", prev_state: ")
	if s.nextComm, b, ok = perfString(b, ", next_comm: "); !ok {
		return s, false
	}
	s.next, b, ok = perfPID(b, ", next_pid: ")
	_, b = perfNumber(b, ", next_prio: ")
	// The bits are those that libtraceevent's plugin translates.
	s.state, s.plugin = pluginStates[:1], true
	for i := 1; i < len(pluginStates); i++ {
		if bits&(1<<(i-1)) != 0 {
			s.state = pluginStates[i : i+1]
			break
		}
	}
	return s, ok && (len(b) == 0 || b[0] == ',')
}

// pluginStates are the letters of libtraceevent's plugin: that of no bit, then those of the
// bits from the lowest on.
var pluginStates = []byte("RSDTtZXxW")

// perfFork reads `parent_comm: "A", parent_pid: 1 (A), child_comm: "B", child_pid: 2 (B)`.
func perfFork(b []byte) (parentComm []byte, parent int, childComm []byte, child int, ok bool) {
	if parentComm, b, ok = perfString(b, "parent_comm: "); !ok {
		return nil, 0, nil, 0, false
	}
	if parent, b, ok = perfPID(b, ", parent_pid: "); !ok {
		return nil, 0, nil, 0, false
	}
	if childComm, b, ok = perfString(b, ", child_comm: "); !ok {
		return nil, 0, nil, 0, false
	}
	child, b, ok = perfPID(b, ", child_pid: ")
	return parentComm, parent, childComm, child, ok && child > 0 && (len(b) == 0 || b[0] == ',')
}
