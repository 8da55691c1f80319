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

func (d *traceDecoder) line(text []byte) bool {
	before := d.t.stats.KernelLines + d.t.stats.Unusable
	d.t.line(d.out.stats.Lines, text, d.emit)
	d.count()
	return d.t.stats.KernelLines+d.t.stats.Unusable > before || len(text) == 0 || text[0] == '#' || text[0] == '\t'
}

// count takes over what the reader has counted.
func (d *traceDecoder) count() {
	s, t := &d.out.stats, &d.t.stats
	s.KernelLines, s.LastLine, s.Events, s.Lost, s.Marks = t.KernelLines, t.LastLine, t.Events, t.Lost, t.Marks
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
