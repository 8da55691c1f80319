package traces

import (
	"bytes"
	"math"
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

// A traceLayout takes events out of one way to print a trace.
type traceLayout interface {
	// unwrap looks at a line, without its end. For an event it fills rec in,
	// which is reset. It allocates nothing.
	unwrap(line []byte, rec *traceRecord) traceClass
	// loss is what the line unwrapped last says of events that are missing.
	loss() traceLoss
	// refusal says in one line why lines of class refusedLine are of no use.
	refusal() string
}

// A traceLoss is what a trace says of events that are not in it.
type traceLoss struct {
	count   int  // 0: nobody knows how many
	cpu     int  // whose events, -1: any CPU's
	start   bool // they may be anywhere before this line, not only after the CPU's last event
	began   bool // no loss of its own: from here on the events of this CPU are complete
	cpus    int  // with start: the CPUs of which the trace tells; until each of them began, events may be missing
	unplace bool // the line does not tell where they are missing
}

// A traceReader makes events of the lines of a trace.
type traceReader struct {
	name   string // as detectTrace calls the format
	layout traceLayout
	// interest says whether the scheduling of a pid matters: SwitchOut,
	// SwitchIn, Woken and Renamed of others are left out, before anything is
	// built of them. nil: all pids matter. Where order is set it is not asked:
	// lines are read before the events that stand before them are seen.
	interest func(pid int) bool

	stats *Stats
	skips *ftraceLayout // layout, where it is that
	// begins reads the left end of a line; nil where the layout's lines have none
	// that tells whether they matter.
	begins func(line []byte) (lineHead, bool)
	rec    traceRecord
	names  map[string]string // interned names of tasks
	last   []int             // by CPU: number of the line with its last event
	lossy  bool              // in a stretch at the start where some CPUs' events may be missing
	// awake are threads that have been told to be woken, and not to have left their
	// CPU since: that one of them gets a CPU says nothing. nil: that is not asked.
	awake   *pidSet
	missing int // CPUs whose events are not complete yet, in such a stretch
	began   cpuSet
	refused bool
	order   *reorderer  // of formats whose lines are not in order; else nil
	hold    func(Event) // holdBack, for those
	out     func(Event) // where holdBack's events go
	pass    func(Event) // passOn, for those
	young   map[int]int // of those: see passOn
	// pidNames are the names of tasks of which a line has only the pid.
	pidNames map[int]string
	release  string // that the trace's header names
	waking   bool   // wakingMark has been seen
	idle     bool   // trace-cmd's letters of states are those of 4.14 and later; see oldLetter
}

// maxNames bounds the names that are kept; a log with more starts anew.
const maxNames = 1 << 14

// maxCPUs bounds the CPUs for which is remembered when they were last heard of.
const maxCPUs = 1 << 13

// newTraceReader makes a reader for the format that detectTrace has named, which
// counts all but lines in stats. It is nil for a name that it does not know.
func newTraceReader(name string, stats *Stats) *traceReader {
	var l traceLayout
	switch name {
	case "ftrace", "trace-cmd":
		f := new(ftraceLayout)
		return &traceReader{name: name, layout: f, skips: f, begins: ftraceHead, names: make(map[string]string), stats: stats}
	case "perf-script":
		l = new(perfLayout)
	case "perf-trace":
		l = new(perfTraceLayout)
	case "bpftrace", "bpftrace-json":
		l = new(bpftraceLayout)
	default:
		return nil
	}
	t := &traceReader{name: name, layout: l, names: make(map[string]string), stats: stats}
	if name == "perf-script" {
		t.begins = perfHead
	}
	if name == "bpftrace" || name == "bpftrace-json" {
		t.order = new(reorderer)
		t.hold, t.pass, t.young = t.holdBack, t.passOn, make(map[int]int)
	}
	return t
}

// end gives out what is held back. It comes after the last line.
func (t *traceReader) end(emit func(Event)) {
	if t.order != nil {
		t.out = emit
		t.order.flush(t.pass)
	}
}

// holdBack passes an event on in the order of the stamps. A loss belongs where
// it is told.
func (t *traceReader) holdBack(e Event) {
	if e.Kind == Loss {
		e.Stamp, e.Since = t.order.newest, 0
	}
	if t.order.push(e, t.pass) {
		return
	}
	t.stats.diagnose(e.Line, "%v of %v comes %d ms too late: its place is not known, not used", e.Kind, e.Thread, (t.order.newest-e.Stamp)/1e6)
	t.stats.Lost++
	t.order.push(Event{Kind: Loss, Line: e.Line, Count: 1, CPU: e.CPU, Stamp: t.order.newest}, t.pass)
}

// passOn gives out an event whose turn has come. A BPF program does not run, and
// nobody counts that, in an interrupt on top of another one
// (kernel/trace/bpf_trace.c trace_call_bpf): the waking that an interrupt does
// may be missing. Where a new thread leaves its first sleep unwoken, it is.
// young has the threads that have been forked and not woken, with the line in
// which they went to sleep, 0 before.
func (t *traceReader) passOn(e Event) {
	pid := e.Thread.PID
	asleep, young := t.young[pid]
	switch {
	case e.Kind == Fork:
		if len(t.young) >= maxNames {
			clear(t.young)
		}
		t.young[pid] = 0
	case !young:
	case e.Kind == SwitchOut && e.State != 'R':
		t.young[pid] = e.Line
	case e.Kind == SwitchIn && asleep > 0 && t.stats.Seen.Has(Woken):
		t.stats.diagnose(e.Line, "the waking of %v is missing: bpftrace does not see what an interrupt does in the middle of a probe", e.Thread)
		t.stats.Lost++
		t.out(Event{Kind: Loss, Line: e.Line, Count: 1, CPU: -1, Stamp: e.Stamp, Since: asleep})
		delete(t.young, pid)
	case e.Kind == Woken, e.Kind == ProcessExit:
		delete(t.young, pid)
	}
	t.out(e)
}

// line takes a line without its end; n is its 1-based number. The events that
// it makes go to emit, which gets each one before the next is made.
func (t *traceReader) line(n int, line []byte, emit func(Event)) {
	if t.order != nil {
		t.out, emit = emit, t.hold
	}
	for len(line) > 0 && (line[len(line)-1] == '\r' || line[len(line)-1] == '\n') {
		line = line[:len(line)-1]
	}
	if t.interest != nil && t.begins != nil && t.passes(n, line) {
		return
	}
	rec := &t.rec
	*rec = traceRecord{pid: -1, cpu: -1, stamp: noStamp}
	switch t.layout.unwrap(line, rec) {
	case traceEvent:
		t.stats.KernelLines++
		t.stats.LastLine = n
		if rec.bpf != nil {
			t.bpf(n, rec, emit)
		} else {
			t.event(n, rec, emit)
		}
		t.heard(rec.cpu, n)
	case lossLine:
		t.stats.KernelLines++
		t.lose(n, t.layout.loss(), emit)
	case noEvent:
	case kernelLine:
		t.boot(n, t.skips.kernel, emit)
	case refusedLine:
		if !t.refused {
			t.refused = true
			t.stats.diagnose(n, "%s", t.layout.refusal())
		}
	default:
		t.unknown(n, line, emit)
	}
}

// passes says whether a line is about the scheduling of tasks that nobody asks
// about, as its two ends tell, and counts it then.
func (t *traceReader) passes(n int, line []byte) bool {
	h, ok := t.begins(line)
	if !ok {
		return false
	}
	e, ok := h.end(line)
	if !ok || t.wants(int(e.pid)) || e.kind == SwitchOut && t.wants(int(h.pid)) {
		return false
	}
	t.stats.Seen = t.stats.Seen.With(e.kind)
	if e.kind == SwitchOut {
		t.stats.Seen = t.stats.Seen.With(SwitchIn)
	}
	if e.early {
		t.stats.Waking = true
		if !t.waking {
			t.mark(&wakingMark, n)
		}
	}
	t.stats.KernelLines++
	t.stats.LastLine = n
	t.heard(h.cpu, n)
	return true
}

// heard notes that line n has an event of a CPU.
func (t *traceReader) heard(cpu, n int) {
	if uint(cpu) < uint(len(t.last)) && !t.lossy {
		t.last[cpu] = n
		return
	}
	t.heardNew(cpu, n)
}

// heardNew is heard for a CPU's first event, and while some CPUs' may be missing.
func (t *traceReader) heardNew(cpu, n int) {
	if uint(cpu) >= maxCPUs {
		return
	}
	for len(t.last) <= cpu {
		t.last = append(t.last, 0)
	}
	t.last[cpu] = n
	if t.lossy && t.missing > 0 && t.began.empty() {
		t.cpuBegan(cpu) // the first CPU that prints has no line of its own
	}
}

// unknown counts a line that the layout does not know. One that has something
// of an event in it may be a piece of one: a task's name can hold a newline.
func (t *traceReader) unknown(n int, line []byte, emit func(Event)) {
	piece := bytes.Contains(line, pidField) || bytes.Contains(line, schedWord) || bytes.Contains(line, kthreadWord)
	if t.order != nil { // any line of these formats may have been an event
		piece = piece || t.stats.KernelLines > 0 || hasPrefix(line, "{")
	}
	if piece {
		t.stats.diagnose(n, "a piece of an event, or of a longer line: not used")
		t.stats.Lost++
		emit(Event{Kind: Loss, Line: n, Count: 1, CPU: -1, Since: n - 1})
	}
}

var (
	pidField    = []byte("pid=")
	schedWord   = []byte("sched_")
	kthreadWord = []byte("kthread")
)

// damaged is for an event that says something of a task's life, by its name,
// and whose text cannot be understood.
func (t *traceReader) damaged(n int, rec *traceRecord, emit func(Event)) {
	if indexOf(rec.body, "pid=0x") >= 0 {
		t.stats.diagnose(n, "%s: its fields are numbers in hexadecimal, as the trace option fields prints them: not used; clear the option", rec.event)
	} else {
		t.stats.diagnose(n, "%s: its text cannot be understood: not used", rec.event)
	}
	t.stats.Lost++
	emit(Event{Kind: Loss, Line: n, Count: 1, CPU: rec.cpu, Since: n - 1})
}

// lose makes a Loss of what a line says of missing events.
func (t *traceReader) lose(n int, l traceLoss, emit func(Event)) {
	switch {
	case l.began:
		t.cpuBegan(l.cpu)
		// Until here, this CPU's events were missing.
		emit(Event{Kind: Loss, Line: n, CPU: l.cpu})
		return
	case l.start:
		t.lossy, t.missing = true, l.cpus
		t.began = cpuSet{}
	case l.unplace:
		t.stats.diagnose(n, "%d events were lost, this line does not say where: anything before it may be missing", l.count)
	}
	since := n - 1
	switch {
	case l.start || l.unplace:
		since = 0
	case l.cpu >= 0:
		since = 0
		if l.cpu < len(t.last) {
			since = t.last[l.cpu]
		}
	case l.cpu < 0:
		// Some CPU's, which has lost events because its buffer was full of others
		// that stand before: since the last of the CPU that is silent for longest.
		since = 0
		for i, last := range t.last {
			if last > 0 && (since == 0 || last < since) {
				since = t.last[i]
			}
		}
	}
	t.stats.Lost = addCount(t.stats.Lost, l.count)
	emit(Event{Kind: Loss, Line: n, Count: l.count, CPU: l.cpu, Since: since})
}

// cpuBegan notes that from here on a CPU's events are all in the trace.
func (t *traceReader) cpuBegan(cpu int) {
	if !t.lossy || t.began.has(cpu) {
		return
	}
	t.began.add(cpu)
	if t.missing--; t.missing <= 0 {
		t.lossy = false
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

// intern is the name as a string, which is made once for all lines.
func (t *traceReader) intern(b []byte) string {
	if s, ok := t.names[string(b)]; ok {
		return s
	}
	if len(t.names) >= maxNames {
		clear(t.names)
	}
	s := string(b)
	t.names[s] = s
	return s
}

// detectTrace names the format of a trace; ok is false where no line is a
// trace's. lines are some of the first of an input, without their ends.
func detectTrace(lines [][]byte) (name string, ok bool) {
	var ftrace ftraceLayout
	var perf perfLayout
	var ptrace perfTraceLayout
	var rec traceRecord
	reset := func() *traceRecord {
		rec = traceRecord{pid: -1, cpu: -1, stamp: noStamp}
		return &rec
	}
	refused := false
	for _, line := range lines {
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case hasPrefix(line, `{"kt":`):
			return "bpftrace", true
		case hasPrefix(line, `{"type": "attached_probes", "data": {`), hasPrefix(line, `{"type": "printf", "data": "`),
			hasPrefix(line, `{"type": "lost_events", "data": {`), hasPrefix(line, `{"type": "map", "data": {"@`):
			return "bpftrace-json", true
		case isAttached(line):
			return "bpftrace", true
		case hasPrefix(line, "# tracer: "):
			return "ftrace", true
		case hasPrefix(line, "cpus=") && allDigits(line[len("cpus="):]),
			hasPrefix(line, "version = ") && allDigits(line[len("version = "):]),
			hasPrefix(line, "CPU ") && hasSuffix(line, " is empty"):
			return "trace-cmd", true
		}
		switch class := ftrace.unwrap(line, reset()); class {
		case traceEvent:
			if len(rec.event) > 0 && ftrace.padded {
				return "trace-cmd", true
			}
			return "ftrace", true
		case lossLine:
			return "ftrace", true
		case refusedLine:
			refused = true
		}
		if c := perf.unwrap(line, reset()); c == traceEvent && perf.system {
			return "perf-script", true
		}
		if c := ptrace.unwrap(line, reset()); c == traceEvent || c == lossLine {
			return "perf-trace", true
		}
	}
	if refused {
		return "ftrace", true
	}
	return "", false
}

// Scanning. All of these take a position in a line and give the next one.

// skipBlanks is the position of the first byte from i on that is no blank.
func skipBlanks(b []byte, i int) int {
	for i < len(b) && b[i] == ' ' {
		i++
	}
	return i
}

// digits reads up to 18 decimal digits from i on; next is i where there is
// none, or too many.
func digits(b []byte, i int) (v int64, next int) {
	from := i
	for i < len(b) && isDigit(b[i]) {
		if i-from == 18 {
			return 0, from
		}
		v = v*10 + int64(b[i]-'0')
		i++
	}
	return v, i
}

// stampAt reads a stamp, seconds.micros, seconds.nanos, or an integer of some
// other clock, that ends in a colon; next is behind the colon.
func stampAt(b []byte, i int, rec *traceRecord) (next int, ok bool) {
	whole, j := digits(b, i)
	if j == i || j == len(b) {
		return i, false
	}
	switch b[j] {
	case ':':
		rec.stamp, rec.coarse, rec.clock = whole, 1, Ticks
		return j + 1, true
	case '.':
		frac, k := digits(b, j+1)
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
		rec.stamp, rec.clock = whole*1e9+frac*rec.coarse, Nanoseconds
		return k + 1, true
	}
	return i, false
}

// cpuAt reads "[001]".
func cpuAt(b []byte, i int) (cpu, next int, ok bool) {
	if i >= len(b) || b[i] != '[' {
		return -1, i, false
	}
	v, j := digits(b, i+1)
	if j == i+1 || j >= len(b) || b[j] != ']' || v > math.MaxInt32 {
		return -1, i, false
	}
	return int(v), j + 1, true
}

func hasPrefix(b []byte, s string) bool { return len(b) >= len(s) && string(b[:len(s)]) == s }

func hasSuffix(b []byte, s string) bool { return len(b) >= len(s) && string(b[len(b)-len(s):]) == s }

// indexOf is bytes.Index for a string that is known when compiling.
func indexOf(b []byte, s string) int {
	for i := 0; i+len(s) <= len(b); i++ {
		j := bytes.IndexByte(b[i:len(b)-len(s)+1], s[0])
		if j < 0 {
			return -1
		}
		if i += j; string(b[i:i+len(s)]) == s {
			return i
		}
	}
	return -1
}

// lastIndexOf is bytes.LastIndex for a string that is known when compiling.
func lastIndexOf(b []byte, s string) int {
	for i := len(b) - len(s); i >= 0; i-- {
		if b[i] == s[0] && string(b[i:i+len(s)]) == s {
			return i
		}
	}
	return -1
}
