// Package ktrace reads ftrace, trace-cmd, perf and bpftrace, one file a layout.
package ktrace

import (
	"bytes"
	"math"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// A traceClass says what a line is to a trace's layout.
type traceClass uint8

const (
	unknownLine traceClass = iota // not of this layout
	noEvent                       // of this layout, and no event: a header, a stack, a blank line
	traceEvent                    // an event: the record is filled in
	lossLine                      // says that events are missing: see traceLoss
	kernelLine                    // names the kernel's release; only ftraceLayout has it
	refusedLine                   // of this layout, and of no use: refusal says why
)

// A lineReader takes events out of one way to print a trace.
type lineReader interface {
	// unwrap looks at a line, without its end. For an event it fills rec in,
	// which is reset. It allocates nothing.
	unwrap(line []byte, rec *record) traceClass
	// loss is what the line unwrapped last says of events that are missing.
	loss() traceLoss
	// refusal says in one line why lines of class refusedLine are of no use.
	refusal() string
}

// A traceLoss is what a trace says of events that are not in it.
type traceLoss struct {
	count    int  // 0: nobody knows how many
	cpu      int  // whose events, -1: any CPU's
	start    bool // they may be anywhere before this line, not only after the CPU's last event
	began    bool // no loss of its own: from here on the events of this CPU are complete
	cpus     int  // with start: the CPUs of which the trace tells; until each of them began, events may be missing
	unplaced bool // the line does not tell where they are missing
}

// A Decoder makes events of the lines of a trace.
type Decoder struct {
	Layout *Layout
	lines  lineReader
	ftrace *ftraceLayout // lines, where it is that
	stats  *traces.Stats
	// interest has the pids whose scheduling matters: SwitchOut, SwitchIn, Woken and
	// Renamed of others are left out, before anything is built of them. nil: all pids
	// matter. Where unsorted is set it is not asked: lines are read before the events
	// that stand before them are seen.
	interest *traces.Interest
	emit     func(traces.Event)
	rec      record
	names    taskNames
	gaps     traceGaps
	unsorted *unsorted // of formats whose lines are not in order; else nil
	// wakePending are threads of which Woken was emitted, and no SwitchOut since: their
	// SwitchIn is suppressed. nil: none is.
	wakePending *traces.Interest
	latest      latestEvents
	refused     bool   // a diagnostic says why lines are of no use
	release     string // that the trace's header names
	waking      bool   // wakingMark has been seen
	idle        bool   // trace-cmd's letters of states are those of 4.14 and later; see oldLetter
}

// traceGaps is what is known of where events are missing.
type traceGaps struct {
	last    []int // by CPU: number of the line with its last event
	lossy   bool  // in a stretch at the start where some CPUs' events may be missing
	missing int   // CPUs whose events are not complete yet, in such a stretch
	began   cpuSet
}

// maxCPUs bounds the CPUs for which is remembered when they were last heard of.
const maxCPUs = 1 << 13

// New makes a decoder for one layout, which counts in stats, leaves out what
// nobody is interested in, and gives emit the events.
func New(l *Layout, stats *traces.Stats, interest *traces.Interest, emit func(traces.Event)) *Decoder {
	t := &Decoder{Layout: l, lines: l.New(), stats: stats, interest: interest, emit: emit, latest: newLatestEvents()}
	t.ftrace, _ = t.lines.(*ftraceLayout)
	switch {
	case l.unsorted:
		t.unsorted = &unsorted{stats: stats, out: emit, unwoken: make(map[int]int)}
		t.emit = t.unsorted.hold
	case interest != nil:
		t.wakePending = traces.NewInterest()
	}
	return t
}

// Lossy says whether some CPUs' events may be missing here, at the start.
func (t *Decoder) Lossy() bool { return t.gaps.lossy }

// Line takes a line without its end.
func (t *Decoder) Line(text []byte) bool {
	s := t.stats
	before := s.KernelLines + s.Unusable
	t.latest.stale = true
	t.read(s.Lines, text)
	return s.KernelLines+s.Unusable > before || len(text) == 0 || text[0] == '#' || text[0] == '\t'
}

// Damaged says that any line may be an event.
func (t *Decoder) Damaged([]byte) bool { return true }

// Raw says that traces are in lines.
func (t *Decoder) Raw([]byte) bool { return false }

// LeftOut makes a Loss where tracecheck --shrink has left out n lines.
func (t *Decoder) LeftOut(n int) {
	line := t.stats.Lines
	t.stats.Lost = addCount(t.stats.Lost, n)
	t.emit(traces.Event{Kind: traces.Loss, Line: line, Count: n, CPU: -1, Since: line - 1})
}

// End gives out what is held back. It comes after the last line.
func (t *Decoder) End() {
	if t.unsorted != nil {
		t.unsorted.flush()
	}
}

// Format is the layout's name.
func (t *Decoder) Format() string { return t.Layout.Name }

// read takes a line without its end; n is its 1-based number.
func (t *Decoder) read(n int, line []byte) {
	for len(line) > 0 && (line[len(line)-1] == '\r' || line[len(line)-1] == '\n') {
		line = line[:len(line)-1]
	}
	if t.interest != nil && t.Layout.Head != nil && t.passes(n, line) {
		return
	}
	rec := &t.rec
	*rec = newRecord()
	switch t.lines.unwrap(line, rec) {
	case traceEvent:
		t.stats.KernelLines++
		t.stats.LastLine = n
		if rec.bpf != nil {
			t.bpf(n, rec)
		} else {
			t.event(n, rec)
		}
		t.heard(rec.cpu, n)
	case lossLine:
		t.stats.KernelLines++
		t.lose(n, t.lines.loss())
	case noEvent:
	case kernelLine:
		t.boot(n, t.ftrace.kernel)
	case refusedLine:
		if !t.refused {
			t.refused = true
			t.stats.Diagnose(n, "%s", t.lines.refusal())
		}
	default:
		t.unknown(n, line)
	}
}

// passes says whether a line is about the scheduling of tasks that nobody asks
// about, as its two ends tell, and counts it then.
func (t *Decoder) passes(n int, line []byte) bool {
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
		if !t.waking {
			t.mark(&wakingMark, n)
		}
	}
	t.stats.KernelLines++
	t.stats.LastLine = n
	if t.gaps.lossy {
		t.heard(h.CPU, n) // else a line that nobody asks about is not counted on
	}
	return true
}

// heard notes that line n has an event of a CPU.
func (t *Decoder) heard(cpu, n int) {
	if uint(cpu) < uint(len(t.gaps.last)) && !t.gaps.lossy {
		t.gaps.last[cpu] = n
		return
	}
	t.heardNew(cpu, n)
}

// heardNew is heard for a CPU's first event, and while some CPUs' may be missing.
func (t *Decoder) heardNew(cpu, n int) {
	if uint(cpu) >= maxCPUs {
		return
	}
	for len(t.gaps.last) <= cpu {
		t.gaps.last = append(t.gaps.last, 0)
	}
	t.gaps.last[cpu] = n
	if t.gaps.lossy && t.gaps.missing > 0 && t.gaps.began.empty() {
		t.cpuBegan(cpu) // the first CPU that prints has no line of its own
	}
}

// unknown counts a line that the layout does not know. One that has something
// of an event in it may be a piece of one: a task's name can hold a newline.
func (t *Decoder) unknown(n int, line []byte) {
	piece := bytes.Contains(line, pidField) || bytes.Contains(line, schedWord) || bytes.Contains(line, kthreadWord)
	if t.unsorted != nil { // any line of these formats may have been an event
		piece = piece || t.stats.KernelLines > 0 || scan.HasPrefix(line, "{")
	}
	if piece {
		t.stats.Diagnose(n, "a piece of an event, or of a longer line: not used")
		t.stats.Lost++
		t.emit(traces.Event{Kind: traces.Loss, Line: n, Count: 1, CPU: -1, Since: n - 1})
	}
}

var (
	pidField    = []byte("pid=")
	schedWord   = []byte("sched_")
	kthreadWord = []byte("kthread")
)

// unreadable is for an event that says something of a task's life, by its name,
// and whose text cannot be understood.
func (t *Decoder) unreadable(n int, rec *record) {
	if scan.IndexOf(rec.body, "pid=0x") >= 0 {
		t.stats.Diagnose(n, "%s: its fields are numbers in hexadecimal, as the trace option fields prints them: not used; clear the option", rec.event)
	} else {
		t.stats.Diagnose(n, "%s: its text cannot be understood: not used", rec.event)
	}
	t.stats.Lost++
	t.emit(traces.Event{Kind: traces.Loss, Line: n, Count: 1, CPU: rec.cpu, Since: n - 1})
}

// lose makes a Loss of what a line says of missing events.
func (t *Decoder) lose(n int, l traceLoss) {
	switch {
	case l.began:
		t.cpuBegan(l.cpu)
		// Until here, this CPU's events were missing.
		t.emit(traces.Event{Kind: traces.Loss, Line: n, CPU: l.cpu})
		return
	case l.start:
		t.gaps.lossy, t.gaps.missing = true, l.cpus
		t.gaps.began = cpuSet{}
	case l.unplaced:
		t.stats.Diagnose(n, "%d events were lost, this line does not say where: anything before it may be missing", l.count)
	}
	since := n - 1
	switch {
	case l.start || l.unplaced:
		since = 0
	case l.cpu >= 0:
		since = 0
		if l.cpu < len(t.gaps.last) {
			since = t.gaps.last[l.cpu]
		}
	case l.cpu < 0:
		// Some CPU's, which has lost events because its buffer was full of others
		// that stand before: since the last of the CPU that is silent for longest.
		since = 0
		for i, last := range t.gaps.last {
			if last > 0 && (since == 0 || last < since) {
				since = t.gaps.last[i]
			}
		}
	}
	t.stats.Lost = addCount(t.stats.Lost, l.count)
	t.emit(traces.Event{Kind: traces.Loss, Line: n, Count: l.count, CPU: l.cpu, Since: since})
}

// cpuBegan notes that from here on a CPU's events are all in the trace.
func (t *Decoder) cpuBegan(cpu int) {
	if !t.gaps.lossy || t.gaps.began.has(cpu) {
		return
	}
	t.gaps.began.add(cpu)
	if t.gaps.missing--; t.gaps.missing <= 0 {
		t.gaps.lossy = false
	}
}

// A cpuSet is a set of CPUs.
type cpuSet struct {
	bits [maxCPUs / 64]uint64
	n    int
}

func (s *cpuSet) empty() bool { return s.n == 0 }

func (s *cpuSet) has(cpu int) bool {
	return uint(cpu) < maxCPUs && s.bits[cpu/64]&(1<<(cpu%64)) != 0
}

func (s *cpuSet) add(cpu int) {
	if uint(cpu) < maxCPUs && !s.has(cpu) {
		s.bits[cpu/64] |= 1 << (cpu % 64)
		s.n++
	}
}

// addCount adds counts that a log tells; it stays at the largest int.
func addCount(a, b int) int {
	if b > 0 && a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

// stampAt reads a stamp, seconds.micros, seconds.nanos, or an integer of some
// other clock, that ends in a colon; next is behind the colon.
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

// cpuAt reads "[001]".
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
