package ktrace

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// graphLayout reads the lines of the tracer function_graph:
//
//	# CPU  TASK/PID         DURATION                  FUNCTION CALLS
//	# |     |    |           |   |                     |   |   |   |
//	 0)  guest.s-294   |               |  kthread_stop() {
//	 0)  guest.s-294   |               |    /* sched_kthread_stop: comm=kt_ok pid=338 */
//	 0)  guest.s-294   |   1.234 us    |  } /* kthread_stop = 0xfffffffc */
//	 ------------------------------------------
//	 0)  guest.s-294   =>   kt_ok-338
//	 ------------------------------------------
//
// Names are cut to 7 bytes (kernel/trace/trace_functions_graph.c print_graph_proc), so only
// pids are used. Of the call graph only those functions are used that kprobes are set on.
type graphLayout struct {
	seen bool        // a header or a line of the graph has come
	pids map[int]int // by CPU: the current task, by the latest task switch
}

func (g *graphLayout) header(line []byte) {
	if scan.IndexOf(line, "FUNCTION CALLS") >= 0 {
		g.seen = true
	}
}

func (g *graphLayout) unwrap(line []byte, rec *record) traceClass {
	i := scan.SkipBlanks(line, 0)
	if scan.HasPrefix(line[i:], "------------") {
		for _, c := range line[i:] {
			if c != '-' && c != ' ' {
				return unknownLine
			}
		}
		return noEvent
	}
	// [TIME |] CPU) …
	if j, ok := graphTime(line, i, rec); ok {
		i = j
	}
	cpu, j := scan.Digits(line, i)
	if j == i || j >= len(line) || line[j] != ')' || cpu >= maxCPUs {
		return unknownLine
	}
	rec.cpu = int(cpu)
	rest := line[j+1:]
	if arrow := scan.IndexOf(rest, "=>"); arrow >= 0 && bytes.IndexByte(rest, '|') < 0 {
		pid, ok := lastPID(bytes.TrimRight(rest[arrow+2:], " "))
		if !ok {
			return unknownLine
		}
		if g.pids == nil {
			g.pids = make(map[int]int)
		}
		g.pids[rec.cpu], g.seen = pid, true
		return noEvent
	}
	bar := bytes.LastIndexByte(rest, '|')
	// A comment may have bars in it; the graph's bar is the last one before it.
	if c := scan.IndexOf(rest, "/* "); c >= 0 {
		bar = bytes.LastIndexByte(rest[:c], '|')
	}
	if bar < 0 {
		return unknownLine
	}
	g.seen = true
	rec.pid = -1
	if pid, ok := g.pids[rec.cpu]; ok {
		rec.pid = pid
	}
	if first := bytes.IndexByte(rest, '|'); first < bar {
		if pid, ok := lastPID(bytes.TrimRight(rest[:first], " ")); ok {
			rec.pid = pid
		}
	}
	g.call(bytes.TrimSpace(rest[bar+1:]), rec)
	return traceEvent
}

// graphTime reads "36.824876 |".
func graphTime(line []byte, i int, rec *record) (next int, ok bool) {
	sec, j := scan.Digits(line, i)
	if j == i || j >= len(line) || line[j] != '.' || sec > 9_000_000_000 {
		return i, false
	}
	frac, k := scan.Digits(line, j+1)
	if k != j+7 {
		return i, false
	}
	next = scan.SkipBlanks(line, k)
	if next >= len(line) || line[next] != '|' {
		return i, false
	}
	rec.stamp, rec.coarse, rec.clock = sec*1e9+frac*1e3, 1000, traces.Nanoseconds
	return scan.SkipBlanks(line, next+1), true
}

// lastPID is the number behind the last dash, at the end of "guest.s-294".
func lastPID(b []byte) (pid int, ok bool) {
	dash := bytes.LastIndexByte(b, '-')
	if dash < 0 || dash+1 == len(b) || len(b)-dash > 11 || !scan.AllDigits(b[dash+1:]) {
		return 0, false
	}
	v, _ := scan.Digits(b, dash+1)
	return int(v), true
}

// call reads the last column: a call, a return, or an event in a comment.
func (g *graphLayout) call(text []byte, rec *record) {
	if rest, ok := bytes.CutPrefix(text, []byte("/* ")); ok {
		rest = bytes.TrimSuffix(rest, []byte(" */"))
		if i := scan.IndexOf(rest, ": "); i > 0 && bytes.IndexByte(rest[:i], ' ') < 0 {
			rec.event, rec.body = rest[:i], rest[i+2:]
		}
		return
	}
	comment := []byte(nil)
	if i := scan.IndexOf(text, "/* "); i >= 0 {
		comment = bytes.TrimSuffix(bytes.TrimSpace(text[i+3:]), []byte("*/"))
		comment = bytes.TrimSpace(comment)
		text = bytes.TrimSpace(text[:i])
	}
	switch {
	case scan.HasPrefix(text, "}"):
		// "} /* fn = 0x0 */", "} /* fn ret=0x0 */"; without the comment nobody knows which
		// function returns.
		end := 0
		for end < len(comment) && comment[end] != ' ' {
			end++
		}
		rec.fn, rec.returns, rec.body = comment[:end], true, graphValue(comment[end:])
	default:
		// "fn() {", "fn(k=0x…) {", and "fn();" of a leaf, which has returned as well.
		open := bytes.IndexByte(text, '(')
		if open <= 0 || bytes.IndexByte(text[:open], ' ') >= 0 {
			return
		}
		rec.fn = text[:open]
		if scan.HasSuffix(text, ";") {
			if v := graphValue(comment); v != nil {
				rec.returns, rec.body = true, v
				return
			}
		}
		if closing := bytes.LastIndexByte(text, ')'); closing > open {
			rec.body = text[open+1 : closing]
		}
	}
}

// graphValue is the value in "= 0xfffffffc" or "ret=0xfffffffc", nil where
// there is none.
func graphValue(b []byte) []byte {
	i := bytes.IndexByte(b, '=')
	if i < 0 {
		return nil
	}
	b = b[scan.SkipBlanks(b, i+1):]
	if end := bytes.IndexByte(b, ' '); end >= 0 {
		b = b[:end]
	}
	if len(b) == 0 {
		return nil
	}
	return b
}
