package traces

// traceFormats are the formats of traces, as a report and --input-format say
// them.
var traceFormats = []Format{
	{"ftrace", "ftrace's trace and trace_pipe"},
	{"trace-cmd", "trace-cmd report"},
	{"perf-script", "perf script"},
	{"perf-trace", "perf trace"},
	{"bpftrace", "the output of traces/bpf/kthread.bt, or of another tracer in its format (docs/events.md)"},
	{"bpftrace-json", "the same by bpftrace -f json"},
}

// A traceDecoder is the decoder of all traces: a reader for the layout that the
// first telling line shows.
type traceDecoder struct {
	out   *output
	force string
	t     *traceReader
	emit  func(Event)
	seen  int // lines that were but glanced at
	last  int // the last of them
}

func newTraceDecoder(out *output, force string) *traceDecoder {
	d := &traceDecoder{out: out, force: force}
	d.emit = func(e Event) { out.events = append(out.events, e) }
	if force != "" {
		d.t = newTraceReader(force)
	}
	return d
}

// detect says whether a line shows that it is a trace's, and notes which.
func (d *traceDecoder) detect(line []byte) bool {
	if d.force != "" {
		return d.t != nil
	}
	name, ok := detectTrace([][]byte{line})
	if ok && d.t == nil {
		d.t = newTraceReader(name)
	}
	return ok
}

// only makes the decoder leave out the scheduling of tasks that are not watched.
func (d *traceDecoder) only(watch *PIDs) { d.t.interest = watch.Has }

func (d *traceDecoder) line(text []byte) bool {
	before := d.t.stats.KernelLines + d.t.stats.Unusable
	d.t.line(d.out.stats.Lines, text, d.emit)
	d.count()
	return d.t.stats.KernelLines+d.t.stats.Unusable > before || len(text) == 0 || text[0] == '#' || text[0] == '\t'
}

// glances says whether lines of this layout can be told by a glance.
func (d *traceDecoder) glances() bool {
	switch d.t.name {
	case "ftrace", "trace-cmd", "perf-script":
		return d.t.interest != nil
	}
	return false
}

// glancers makes glancers at lines of this layout.
func (d *traceDecoder) glancers(watch *PIDs) func() glancer {
	if d.t.name == "perf-script" {
		return func() glancer { return glancer{} } // decoding while glancing is not possible
	}
	return func() glancer { return glancer{watch: watch, names: new(nameCache)} }
}

// glanced notes what a block shows by a glance.
func (d *traceDecoder) glanced(b *block) {
	d.out.stats.Seen |= b.seen
	if b.waking > 0 {
		d.out.stats.Waking = true
		if !d.t.waking {
			d.t.mark(&wakingMark, d.out.stats.Lines+b.waking)
			d.out.stats.Marks = d.t.stats.Marks
		}
	}
}

// skipped counts a line that is about tasks which nobody asks about.
func (d *traceDecoder) skipped(n int) {
	d.seen++
	d.last = n
	d.out.stats.KernelLines++
	d.out.stats.LastLine = n
}

// count takes over what the reader has counted.
func (d *traceDecoder) count() {
	s, t := &d.out.stats, &d.t.stats
	s.KernelLines, s.LastLine = t.KernelLines+d.seen, max(t.LastLine, d.last)
	s.Events, s.Lost, s.Marks = t.Events, t.Lost, t.Marks
	s.Seen |= t.Seen
	s.Waking = s.Waking || t.Waking
	for len(t.Diagnostics) > 0 && len(s.Diagnostics) < MaxDiagnostics {
		s.Diagnostics = append(s.Diagnostics, t.Diagnostics[0])
		t.Diagnostics = t.Diagnostics[1:]
	}
	s.Unusable += t.Unusable
	t.Unusable, t.Diagnostics = 0, nil
}

func (d *traceDecoder) damaged([]byte) bool { return true }

func (d *traceDecoder) raw([]byte) bool { return false }

func (d *traceDecoder) end() {
	d.t.end(d.emit)
	d.count()
}

func (d *traceDecoder) format() string { return d.t.name }
