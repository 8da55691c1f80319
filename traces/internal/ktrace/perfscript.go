package ktrace

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// perfLayout reads what `perf script` prints of tracepoints:
//
//	perf   485 [000]   184.144569:           sched:sched_wakeup: comm=migration/0 pid=21 …
//	bash   486/486 [000]   184.144569123:  1 sched:sched_wakeup: …     -F +pid,+tid,+period --ns
//	bash   486   184.144569: sched:sched_wakeup: …                     -F without cpu
//	 :-1    -1 [001]   184.410275: sched:sched_switch: …               a task that has gone
//
// A stack follows an event in lines that begin with a tab (or blanks and an
// address), up to a blank line.
type perfLayout struct {
	lost   traceLoss
	system bool // the latest event had a system ("sched:") before it, as perf always prints it
}

func (p *perfLayout) loss() traceLoss { return p.lost }

func (p *perfLayout) refusal() string { return "" }

func (p *perfLayout) unwrap(line []byte, rec *record) traceClass {
	i := scan.SkipBlanks(line, 0)
	if i == len(line) || line[0] == '#' || line[0] == '\t' {
		return noEvent
	}
	// The name has 16 columns, unless blanks have been trimmed.
	const width = 16
	if len(line) > width && line[width] == ' ' && line[width-1] != ' ' {
		if class := p.taskAt(line, width, rec); class != unknownLine {
			return class
		}
	}
	// Otherwise the name ends before the first blank behind which pid, CPU and stamp stand.
	for ; i < len(line) && i < 64; i++ {
		if line[i] == ' ' && (i == 0 || line[i-1] != ' ') {
			if class := p.taskAt(line, i, rec); class != unknownLine {
				return class
			}
		}
	}
	// -F without comm
	if class := p.taskAt(line, 0, rec); class != unknownLine {
		return class
	}
	if n, ok := perfLost(line); ok {
		p.lost = traceLoss{cpu: -1, count: n}
		return lossLine
	}
	if isStackLine(line) {
		return noEvent
	}
	return unknownLine
}

// taskAt reads a line from end on, where the task's name ends.
func (p *perfLayout) taskAt(line []byte, end int, rec *record) traceClass {
	i := scan.SkipBlanks(line, end)
	neg := i < len(line) && line[i] == '-'
	if neg {
		i++
	}
	pid, j := scan.Digits(line, i)
	if j == i || j-i > 10 || j >= len(line) {
		return unknownLine
	}
	if line[j] == '/' { // pid/tid
		neg = j+1 < len(line) && line[j+1] == '-'
		if neg {
			j++
		}
		tid, k := scan.Digits(line, j+1)
		if k == j+1 || k-j > 11 || k >= len(line) {
			return unknownLine
		}
		pid, j = tid, k
	}
	if line[j] != ' ' {
		return unknownLine
	}
	i = scan.SkipBlanks(line, j)
	cpu := -1
	if c, k, ok := cpuAt(line, i); ok {
		cpu, i = c, scan.SkipBlanks(line, k)
	}
	at, stamped := stampAt(line, i, rec)
	if !stamped && cpu < 0 || stamped && rec.clock == traces.Ticks {
		return unknownLine
	}
	if stamped {
		i = at
	}
	rec.comm, rec.pid, rec.cpu = line[scan.SkipBlanks(line[:end], 0):end], int(pid), cpu
	if neg {
		rec.pid = -1
	}
	i = scan.SkipBlanks(line, i)
	if _, k := scan.Digits(line, i); k > i && k < len(line) && line[k] == ' ' { // the period
		i = scan.SkipBlanks(line, k)
	}
	name := i
	for i < len(line) && line[i] != ' ' {
		i++
	}
	if n, ok := perfRecordLost(line[name:]); ok {
		p.lost = traceLoss{cpu: -1, count: n}
		return lossLine
	}
	word := line[name:i]
	if len(word) < 2 || word[len(word)-1] != ':' {
		return unknownLine
	}
	word = word[:len(word)-1]
	colon := bytes.LastIndexByte(word, ':')
	p.system = colon > 0
	rec.event = word[colon+1:]
	rec.body = line[scan.SkipBlanks(line, i):]
	return traceEvent
}

// perfRecordLost reads "PERF_RECORD_LOST lost 12", which --show-lost-events prints.
func perfRecordLost(b []byte) (n int, ok bool) {
	if !scan.HasPrefix(b, "PERF_RECORD_LOST") {
		return 0, false
	}
	if i := scan.IndexOf(b, " lost "); i >= 0 {
		v, _ := scan.Digits(b, i+len(" lost "))
		return int(v), true
	}
	return 0, true
}

// perfLost reads "LOST 12 events!".
func perfLost(b []byte) (n int, ok bool) {
	i := scan.IndexOf(b, "LOST ")
	if i < 0 || i > 0 && b[i-1] != ' ' {
		return 0, false
	}
	v, j := scan.Digits(b, i+len("LOST "))
	if j == i+len("LOST ") || !scan.HasPrefix(b[j:], " events!") {
		return 0, false
	}
	return int(v), true
}

// isStackLine says whether b is "     ffffffffa06d3e80 kthread_stop+0x0 (…)".
func isStackLine(b []byte) bool {
	i := scan.SkipBlanks(b, 0)
	end := scan.SkipHex(b, i)
	return i > 0 && end-i >= 6 && (end == len(b) || b[end] == ' ')
}
