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
	out      *output
	force    string
	t        *traceReader
	emit     func(Event)
	interest *Interest // whose scheduling is asked for
	// By kind: the latest event that a sighting has made, of which all but what differs
	// from one to the next is there.
	events [Freed + 1]Event
	// What the flags of a sighting have said.
	flags    flagColumns
	flagsSay Context
	anew     bool // a header may have come since
}

func newTraceDecoder(out *output, force string) *traceDecoder {
	d := &traceDecoder{out: out, force: force}
	for kind := range d.events {
		d.events[kind] = Event{Kind: Kind(kind), Coarse: 1000, Clock: Nanoseconds}
	}
	d.events[SwitchOut].Context, d.events[SwitchIn].Context = TaskContext, TaskContext
	d.emit = func(e Event) { out.events = append(out.events, e) }
	if force != "" {
		d.t = newTraceReader(force, &out.stats)
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
		d.t = newTraceReader(name, &d.out.stats)
	}
	return ok
}

// only makes the decoder leave out the scheduling of all other tasks.
func (d *traceDecoder) only(interest *Interest) {
	d.interest, d.t.interest = interest, interest.Has
	if d.t.order == nil {
		d.t.awake = new(pidSet)
	}
}

func (d *traceDecoder) line(text []byte) bool {
	s := &d.out.stats
	before := s.KernelLines + s.Unusable
	d.anew = true
	d.t.line(s.Lines, text, d.emit)
	return s.KernelLines+s.Unusable > before || len(text) == 0 || text[0] == '#' || text[0] == '\t'
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
func (d *traceDecoder) glancers(hints *hints) func() glancer {
	if d.t.name == "perf-script" {
		return func() glancer { return glancer{begins: d.t.begins} } // decoding while glancing is not possible
	}
	return func() glancer { return glancer{begins: d.t.begins, hints: hints, names: newNameCache()} }
}

// glanced notes what a block shows by a glance.
func (d *traceDecoder) glanced(b *block) {
	s := &d.out.stats
	s.Seen |= b.seen
	if b.waking > 0 {
		s.Waking = true
		if !d.t.waking {
			n := s.Lines + b.waking
			if b.tail {
				n-- // the rest of a line is not another one
			}
			d.t.mark(&wakingMark, n)
		}
	}
}

func (d *traceDecoder) damaged([]byte) bool { return true }

func (d *traceDecoder) raw([]byte) bool { return false }

func (d *traceDecoder) end() {
	d.t.end(d.emit)
}

func (d *traceDecoder) format() string { return d.t.name }
