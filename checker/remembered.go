package checker

import (
	"encoding/binary"
	"slices"
	"sync"

	"github.com/kthread-tla/tracecheck/traces"
)

// Most lives in a long trace went like others before them. What was said of one
// is said of the next that tracers saw in the same way, with its own lines and
// values; looking that up is all that such a life costs.

// A remembered verdict is that of one life, with places in its events instead
// of lines.
type remembered struct {
	verdict Verdict // of the first life that went so; Life, Stops, Findings are filled in anew
	stops   []call
	lines   [][]int // by finding: the events whose lines it names
	code    int     // the event that shows the exit code, -1: none
}

// memory is a map of remembered verdicts. It may be used by several goroutines.
type memory struct {
	mu    sync.Mutex
	known map[string]*remembered
	off   bool // tests: remember nothing
}

// maxRemembered bounds the map; a log with more ways of going begins anew.
const maxRemembered = 1 << 13

// course is all that a verdict on a traced life depends on; nil where that
// is not put into so few bytes.
func (l *Life) course(buf []byte) []byte {
	if l.trace == nil || l.Kernel != "" || l.Crash > 0 || len(l.kept) > maxCourse || len(l.Suspected) > 0 {
		return nil
	}
	flag := func(b bool, bit byte) byte {
		if b {
			return bit
		}
		return 0
	}
	var from, to [maxCourse]byte
	l.ranks(&from, &to)
	var tasks, values [maxCourse]int32
	known, seen := 1, 0
	tasks[0] = int32(l.Thread.PID)
	task := func(pid int32) byte {
		for i, t := range tasks[:known] {
			if t == pid {
				return byte(i)
			}
		}
		tasks[known%maxCourse] = pid
		known = min(known+1, maxCourse)
		return byte(known - 1)
	}
	value := func(v int32) byte {
		for i, w := range values[:seen] {
			if w == v {
				return byte(i)
			}
		}
		values[seen] = v
		seen++
		return byte(seen - 1)
	}
	key := append(buf[:0], flag(l.trace.forked, 1)|flag(l.trace.lossy, 2), l.trace.asleep)
	key = binary.LittleEndian.AppendUint32(key, uint32(l.Sees))
	for i := range l.kept {
		k := &l.kept[i]
		if known > maxCourse-4 {
			return nil
		}
		code := byte(0)
		if k.hasCode {
			code = 1 + value(k.code)
			if k.code == eintr {
				code |= 64
			}
			if k.kind == traces.ParkReturn || k.kind == traces.ShouldStop {
				key = binary.AppendVarint(key, int64(k.code))
			}
		}
		key = append(key, byte(k.kind), k.state, task(k.thread), task(k.by), code,
			flag(k.probe, 1)|flag(k.late, 2)|byte(k.context)<<2, from[i], to[i])
	}
	return key
}

// maxCourse is how many events a life may have that is remembered.
const maxCourse = 64

// ranks gives the earliest and the latest moment of each event by its rank among
// all of them.
func (l *Life) ranks(from, to *[maxCourse]byte) {
	inOrder := true
	for i := range l.kept {
		k := &l.kept[i]
		if k.clock != traces.Nanoseconds || k.stamp >= last-slack || i > 0 && k.stamp < l.kept[i-1].stamp {
			inOrder = false
			break
		}
	}
	if inOrder {
		// The early ends are in order, and so are the late ones.
		f, t, rank, before := 0, 0, -1, int64(0)
		for t < len(l.kept) {
			late := l.kept[t].stamp + slack
			next, early := late, false
			if f < len(l.kept) && l.kept[f].stamp-slack <= late {
				next, early = l.kept[f].stamp-slack, true
			}
			if rank < 0 || next != before {
				rank, before = rank+1, next
			}
			if early {
				from[f] = byte(rank)
				f++
			} else {
				to[t] = byte(rank)
				t++
			}
		}
		return
	}
	var ends [2 * maxCourse]int64
	n := 0
	for i := range l.kept {
		k := &l.kept[i]
		ends[n], ends[n+1] = notBefore(k.clock, k.stamp), notAfter(k.clock, k.stamp)
		n += 2
	}
	sorted := ends
	slices.Sort(sorted[:n])
	unique := slices.Compact(sorted[:n])
	rank := func(t int64) byte {
		i, _ := slices.BinarySearch(unique, t)
		return byte(i)
	}
	for i := range l.kept {
		from[i], to[i] = rank(ends[2*i]), rank(ends[2*i+1])
	}
}

// remember keeps a verdict, if it can be said again of another life.
func (m *memory) remember(key []byte, v *Verdict) {
	r := &remembered{verdict: *v, code: -1, stops: pair(v.Life, traces.StopCall, traces.StopReturn)}
	r.verdict.Life, r.verdict.Stops, r.verdict.Findings = nil, nil, nil
	at := func(line int) int {
		return slices.IndexFunc(v.Life.Events(), func(e traces.Event) bool { return e.Line == line })
	}
	if v.Fits != FitsYes || slices.ContainsFunc(v.Findings, func(f Finding) bool { return f.Rule == ruleBackport }) {
		return // its words name what it saw
	}
	r.verdict.Findings = slices.Clone(v.Findings)
	for _, f := range v.Findings {
		var places []int
		for _, line := range f.Lines {
			i := at(line)
			if i < 0 {
				return
			}
			places = append(places, i)
		}
		r.lines = append(r.lines, places)
	}
	if v.ExitCodeFrom == "observed" {
		r.code = slices.IndexFunc(v.Life.Events(), func(e traces.Event) bool { return e.HasCode && e.Code == v.ExitCode && e.Kind != traces.ShouldStop })
		if r.code < 0 {
			return
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.off {
		return
	}
	if m.known == nil || len(m.known) >= maxRemembered {
		m.known = make(map[string]*remembered)
	}
	m.known[string(key)] = r
}

// recall says of a life what was said of another one that went the same way.
func (m *memory) recall(key []byte, l *Life) (v Verdict, ok bool) {
	m.mu.Lock()
	r := m.known[string(key)]
	m.mu.Unlock()
	if r == nil {
		return v, false
	}
	v = r.verdict
	v.Life = l
	v.Stops = l.stopsKept(r.stops)
	if r.code >= 0 {
		v.ExitCode = int(l.kept[r.code].code)
	}
	if len(v.Findings) > 0 {
		v.Findings = slices.Clone(v.Findings)
		for i, places := range r.lines {
			lines := make([]int, len(places))
			for n, p := range places {
				lines[n] = l.kept[p].line
			}
			v.Findings[i].Lines = lines
		}
	}
	return v, true
}

// stopsKept is stopsOf without making events of what is kept.
func (l *Life) stopsKept(calls []call) []Stop {
	stops := make([]Stop, len(calls))
	for i, s := range calls {
		out := &stops[i]
		if s.call >= 0 {
			k := &l.kept[s.call]
			out.By, out.CalledAt = k.caller(), k.line
		}
		if s.ret >= 0 {
			k := &l.kept[s.ret]
			if out.By == (traces.Task{}) {
				out.By = k.caller()
			}
			out.ReturnedAt, out.Result, out.HasResult = k.line, int(k.code), k.hasCode
		}
	}
	return stops
}
