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
	if l.trace == nil || l.Kernel != "" || l.Crash > 0 || len(l.Events) > 64 || len(l.Suspected) > 0 {
		return nil
	}
	flag := func(b bool, bit byte) byte {
		if b {
			return bit
		}
		return 0
	}
	var ends [128]int64
	n := 0
	for i := range l.Events {
		e := &l.Events[i]
		ends[n], ends[n+1] = notBefore(*e), notAfter(*e)
		n += 2
	}
	sorted := ends
	slices.Sort(sorted[:n])
	unique := slices.Compact(sorted[:n])
	rank := func(t int64) byte {
		i, _ := slices.BinarySearch(unique, t)
		return byte(i)
	}
	var tasks, values [64]int
	known, seen := 1, 0
	tasks[0] = l.Thread.PID
	task := func(pid int) byte {
		for i := range known {
			if tasks[i] == pid {
				return byte(i)
			}
		}
		tasks[known%64] = pid
		known = min(known+1, 64)
		return byte(known - 1)
	}
	value := func(v int) byte {
		for i := range seen {
			if values[i] == v {
				return byte(i)
			}
		}
		values[seen] = v
		seen++
		return byte(seen - 1)
	}
	key := append(buf[:0], flag(l.trace.forked, 1)|flag(l.trace.lossy, 2), l.trace.asleep)
	key = binary.LittleEndian.AppendUint32(key, uint32(l.Sees))
	for i := range l.Events {
		e := &l.Events[i]
		if known > 60 {
			return nil
		}
		code := byte(0)
		if e.HasCode {
			code = 1 + value(e.Code)
			if e.Code == eintr {
				code |= 64
			}
			if e.Kind == traces.ParkReturn || e.Kind == traces.ShouldStop {
				key = binary.AppendVarint(key, int64(e.Code))
			}
		}
		key = append(key, byte(e.Kind), e.State, task(e.Thread.PID), task(e.By.PID), code,
			flag(e.Probe, 1)|flag(e.Late, 2)|byte(e.Context)<<2, rank(ends[2*i]), rank(ends[2*i+1]))
	}
	return key
}

// remember keeps a verdict, if it can be said again of another life.
func (m *memory) remember(key []byte, v *Verdict) {
	r := &remembered{verdict: *v, code: -1, stops: pair(v.Life, traces.StopCall, traces.StopReturn)}
	r.verdict.Life, r.verdict.Stops, r.verdict.Findings = nil, nil, nil
	at := func(line int) int {
		return slices.IndexFunc(v.Life.Events, func(e traces.Event) bool { return e.Line == line })
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
		r.code = slices.IndexFunc(v.Life.Events, func(e traces.Event) bool { return e.HasCode && e.Code == v.ExitCode && e.Kind != traces.ShouldStop })
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
	v.Stops = stopsOf(l, &history{stops: r.stops})
	if r.code >= 0 {
		v.ExitCode = l.Events[r.code].Code
	}
	if len(v.Findings) > 0 {
		v.Findings = slices.Clone(v.Findings)
		for i, places := range r.lines {
			lines := make([]int, len(places))
			for n, p := range places {
				lines[n] = l.Events[p].Line
			}
			v.Findings[i].Lines = lines
		}
	}
	return v, true
}
