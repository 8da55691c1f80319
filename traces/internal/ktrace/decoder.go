// Package ktrace reads ftrace, trace-cmd, perf and bpftrace, one file a layout.
package ktrace

import (
	"math"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// A traceClass says what a line is in a layout.
type traceClass uint8

const (
	unknownLine traceClass = iota // not of this layout
	noEvent                       // of this layout, and no event: a header, a stack, a blank line
	traceEvent                    // an event: the record is filled in
	lossLine                      // reports missing events: see traceLoss
	kernelLine                    // names the kernel's release; only ftraceLayout has it
	refusedLine                   // of this layout, but it cannot be used: refusal says why
)

// A lineReader takes events out of the lines of one layout.
type lineReader interface {
	// unwrap reads a line without its end. Of an event it fills rec in, which newRecord
	// has made. It allocates nothing.
	unwrap(line []byte, rec *record) traceClass
	// loss is what the latest line, of class lossLine, says of missing events.
	loss() traceLoss
	// refusal says in one line why the latest line, of class refusedLine, cannot be used.
	refusal() string
}

// A traceLoss is what a line of a trace says of missing events.
type traceLoss struct {
	count     int  // how many are missing; 0: nobody knows
	cpu       int  // of which CPU; -1: of any
	fromStart bool // they may be missing anywhere before this line, not only since the CPU's last event
	complete  bool // nothing is missing any more: from here on the trace has all events of the CPU
	cpus      int  // with fromStart: the CPUs in the trace; events may be missing until each of them is complete
	unplaced  bool // the line does not say where they are missing
}

// A Decoder makes events of the lines of a trace. It takes the lines in their order.
type Decoder struct {
	Layout *Layout
	lines  lineReader
	ftrace *ftraceLayout // lines, where the layout is ftrace's; else nil
	stats  *traces.Stats
	// interest has the pids whose scheduling matters: the Decoder leaves out SwitchOut,
	// SwitchIn, Woken and Renamed of others. nil: all pids matter. An unsorted layout does
	// not use it, because lines are read before the checker has seen earlier events.
	interest     *traces.Interest
	emit         func(traces.Event)
	rec          record
	names        taskNames
	gaps         traceGaps // gaps.go
	unsorted     *unsorted // sorts the events of an unsorted layout; else nil
	chains       chains    // by CPU: chain.go
	latest       latestEvents
	running      running // who runs where, for lines without their task
	refused      bool    // a diagnostic has said why lines cannot be used
	whole        bool    // the trace has had its end, whatever its last line is
	release      string  // the release that the trace's header names; empty: none
	wakingMarked bool    // stats.Marks has wakingMark
	newLetters   bool    // states are printed with the letters of 4.14 and later; see oldLetter
}

// New makes a Decoder for one layout. It counts in stats, leaves out the scheduling of
// pids outside of interest (nil: leaves nothing out), and calls emit with every event.
func New(l *Layout, stats *traces.Stats, interest *traces.Interest, emit func(traces.Event)) *Decoder {
	t := &Decoder{Layout: l, lines: l.New(), stats: stats, interest: interest, emit: emit, latest: newLatestEvents()}
	t.ftrace, _ = t.lines.(*ftraceLayout)
	t.chainEnds(-1)
	if l.unsorted {
		stats.ThreadsOnly = true // as traces/bpf/kthread.bt does
		t.unsorted = &unsorted{stats: stats, out: emit, unwoken: make(map[int]int)}
		t.emit = t.unsorted.hold
	}
	return t
}

// Line takes a line without its end. It is false where the line is of no known kind.
func (t *Decoder) Line(text []byte) bool {
	s := t.stats
	before := s.KernelLines + s.Unusable
	t.latest.stale = true
	t.read(s.Lines, text)
	return s.KernelLines+s.Unusable > before || len(text) == 0 || text[0] == '#' || text[0] == '\t'
}

// Damaged says whether a line that is not whole may be an event: any line may.
func (t *Decoder) Damaged([]byte) bool { return true }

// Raw is false: traces are written in lines.
func (t *Decoder) Raw([]byte) bool { return false }

// LeftOut emits a Loss where tracecheck --shrink has left out n lines.
func (t *Decoder) LeftOut(n int) {
	line := t.stats.Lines
	t.stats.Lost = addCount(t.stats.Lost, n)
	t.running.forget(-1)
	t.chainEnds(-1)
	t.emit(traces.Event{Kind: traces.Loss, Line: line, Count: n, CPU: -1, Extent: traces.Extent{Since: line - 1}})
}

// RestLeftOut notes that tracecheck --shrink has left out the lines from here to the end.
func (t *Decoder) RestLeftOut() { t.whole = true }

// End emits the events that are held back. Call it after the last line.
func (t *Decoder) End() {
	if t.unsorted == nil {
		return
	}
	if b, ok := t.lines.(*bpftraceLayout); ok && !b.ended && !t.whole {
		t.unsorted.cutShort(t.stats.Lines)
	}
	t.unsorted.flush()
}

// Format is the layout's name.
func (t *Decoder) Format() string { return t.Layout.Name }

// read takes line n, counted from 1, without its end.
func (t *Decoder) read(n int, line []byte) {
	for len(line) > 0 && (line[len(line)-1] == '\r' || line[len(line)-1] == '\n') {
		line = line[:len(line)-1]
	}
	if t.interest != nil && t.Layout.Head != nil && t.skipUnwatched(n, line) {
		return
	}
	rec := &t.rec
	*rec = newRecord()
	switch t.lines.unwrap(line, rec) {
	case traceEvent:
		t.stats.KernelLines++
		t.stats.LastLine = n
		t.inPlace(n, rec)
		if rec.pid < 0 && rec.cpu >= 0 {
			t.running.fill(rec)
		}
		if rec.bpf != nil {
			t.bpf(n, rec)
		} else {
			t.event(n, rec)
		}
		t.sawCPU(rec.cpu, n, rec.stamp)
	case lossLine:
		t.seeCPUs()
		t.stats.KernelLines++
		t.lose(n, t.lines.loss())
	case noEvent:
		t.seeCPUs()
		t.noEvent(n, line)
	case kernelLine:
		t.boot(n, t.ftrace.kernel)
	case refusedLine:
		if !t.refused {
			t.refused = true
			t.stats.Diagnose(n, "%s", t.lines.refusal())
		}
		if scan.IsElision(line) {
			t.leftOutHere(n)
		}
	default:
		t.unknown(n, line)
	}
}

// skipUnwatched counts a line whose two ends show that it is about the scheduling of tasks
// outside of interest. It is false for any other line.
func (t *Decoder) skipUnwatched(n int, line []byte) bool {
	h, ok := t.Layout.Head(line)
	if !ok {
		return false
	}
	e, ok := h.End(line)
	if !ok || t.wants(int(e.PID)) || e.Kind == traces.SwitchOut && t.wants(int(h.PID)) {
		return false
	}
	t.stats.Seen = t.stats.Seen.With(e.Kind)
	if e.Kind == traces.SwitchOut {
		t.stats.Seen = t.stats.Seen.With(traces.SwitchIn)
	}
	if e.Early {
		t.stats.Waking = true
		if !t.wakingMarked {
			t.mark(&wakingMark, n)
		}
	}
	t.stats.KernelLines++
	t.stats.LastLine = n
	if t.gaps.prose > 0 {
		t.lostBetween()
	}
	if e.Kind == traces.SwitchOut {
		t.Switched(n, h.CPU, int(h.PID), int(e.PID))
	}
	if t.gaps.lossy {
		t.sawCPU(h.CPU, n, unstamped) // the start of the trace ends once every CPU has printed
	}
	return true
}

// unreadable takes an event whose name says that it matters, and whose text cannot be
// read: it is a loss.
func (t *Decoder) unreadable(n int, rec *record) {
	if scan.IndexOf(rec.body, "pid=0x") >= 0 {
		t.stats.Diagnose(n, "%s: its fields are numbers in hexadecimal, as the trace option fields prints them: not used; clear the option", rec.event)
	} else {
		t.stats.Diagnose(n, "%s: its text cannot be understood: not used", rec.event)
	}
	t.stats.Lost++
	t.running.forget(rec.cpu)
	t.running.forget(-1)
	t.emit(traces.Event{Kind: traces.Loss, Line: n, Count: 1, CPU: rec.cpu, Extent: traces.Extent{Since: n - 1}})
}

// addCount adds two counts; the sum stops at the largest int.
func addCount(a, b int) int {
	if b > 0 && a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

// stampAt reads a stamp that ends in a colon: seconds with 3, 6 or 9 decimals, or an
// integer of another clock. next is behind the colon.
func stampAt(b []byte, i int, rec *record) (next int, ok bool) {
	whole, j := scan.Digits(b, i)
	if j == i || j == len(b) {
		return i, false
	}
	switch b[j] {
	case ':':
		rec.stamp, rec.coarse, rec.clock = whole, 1, traces.Ticks
		return j + 1, true
	case '.':
		frac, k := scan.Digits(b, j+1)
		if k >= len(b) || b[k] != ':' || whole > 9_000_000_000 {
			return i, false
		}
		switch k - (j + 1) {
		case 3:
			rec.coarse = 1e6
		case 6:
			rec.coarse = 1e3
		case 9:
			rec.coarse = 1
		default:
			return i, false
		}
		rec.stamp, rec.clock = whole*1e9+frac*rec.coarse, traces.Nanoseconds
		return k + 1, true
	}
	return i, false
}

// cpuAt reads "[001]". next is behind the bracket.
func cpuAt(b []byte, i int) (cpu, next int, ok bool) {
	if i >= len(b) || b[i] != '[' {
		return -1, i, false
	}
	v, j := scan.Digits(b, i+1)
	if j == i+1 || j >= len(b) || b[j] != ']' || v > math.MaxInt32 {
		return -1, i, false
	}
	return int(v), j + 1, true
}
