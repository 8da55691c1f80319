package ktrace

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// A Layout is one way to print a trace.
type Layout struct {
	Name string // as --input-format and a report say it
	Text string // what it is, in a few words
	// Detect says whether a line, without its end, shows that it is of this layout. It
	// may get the beginning of a long line.
	Detect func(line []byte) bool
	// New makes what takes events out of the lines.
	New func() lineReader
	// Head reads the left end of a line; nil where the layout's lines have none that
	// tells whether they matter.
	Head     func(line []byte) (LineHead, bool)
	Ahead    bool // lines can be decoded ahead: they are in ftrace's columns
	unsorted bool // the lines are not in the order of the events
}

// Layouts are the ways to print a trace that are known.
var Layouts = []Layout{
	{
		Name: "ftrace", Text: "ftrace's trace and trace_pipe",
		Detect: isFtrace, New: func() lineReader { return new(ftraceLayout) }, Head: FtraceHead, Ahead: true,
	}, {
		Name: "trace-cmd", Text: "trace-cmd report",
		Detect: isTraceCmd, New: func() lineReader { return new(ftraceLayout) }, Head: FtraceHead, Ahead: true,
	}, {
		Name: "perf-script", Text: "perf script",
		Detect: isPerfScript, New: func() lineReader { return new(perfLayout) }, Head: perfHead,
	}, {
		Name: "perf-trace", Text: "perf trace",
		Detect: isPerfTrace, New: func() lineReader { return new(perfTraceLayout) },
	}, {
		Name: "bpftrace", Text: "the output of traces/bpf/kthread.bt, or of another tracer in its format (docs/events.md)",
		Detect: isBpftrace, New: func() lineReader { return new(bpftraceLayout) }, unsorted: true,
	}, {
		Name: "bpftrace-json", Text: "the same by bpftrace -f json",
		Detect: isBpftraceJSON, New: func() lineReader { return new(bpftraceLayout) }, unsorted: true,
	},
}

// isFtrace also knows lines that are of no use, to say why.
func isFtrace(line []byte) bool {
	if scan.HasPrefix(line, "# tracer: ") {
		return true
	}
	class, padded := ftraceLine(line)
	return class == lossLine || class == refusedLine || class == traceEvent && !padded
}

func isTraceCmd(line []byte) bool {
	if scan.HasPrefix(line, "cpus=") && scan.AllDigits(line[len("cpus="):]) ||
		scan.HasPrefix(line, "version = ") && scan.AllDigits(line[len("version = "):]) ||
		scan.HasPrefix(line, "CPU ") && scan.HasSuffix(line, " is empty") {
		return true
	}
	class, padded := ftraceLine(line)
	return class == traceEvent && padded
}

// ftraceLine is the class of a line by itself. trace-cmd pads an event's name.
func ftraceLine(line []byte) (class traceClass, padded bool) {
	if scan.HasPrefix(line, "{") {
		return unknownLine, false
	}
	var f ftraceLayout
	rec := newRecord()
	class = f.unwrap(line, &rec)
	return class, len(rec.event) > 0 && f.padded
}

func isPerfScript(line []byte) bool {
	var p perfLayout
	rec := newRecord()
	return !scan.HasPrefix(line, "{") && p.unwrap(line, &rec) == traceEvent && p.system
}

func isPerfTrace(line []byte) bool {
	var p perfTraceLayout
	rec := newRecord()
	class := p.unwrap(line, &rec)
	return !scan.HasPrefix(line, "{") && (class == traceEvent || class == lossLine)
}

func isBpftrace(line []byte) bool { return scan.HasPrefix(line, `{"kt":`) || isAttached(line) }

func isBpftraceJSON(line []byte) bool {
	return scan.HasPrefix(line, `{"type": "attached_probes", "data": {`) || scan.HasPrefix(line, `{"type": "printf", "data": "`) ||
		scan.HasPrefix(line, `{"type": "lost_events", "data": {`) || scan.HasPrefix(line, `{"type": "map", "data": {"@`)
}

// Detect is the layout of a line, which may have its end; nil: of none.
func Detect(line []byte) *Layout {
	line = bytes.TrimRight(line, "\r\n")
	for i := range Layouts {
		if l := &Layouts[i]; l.Detect(line) {
			return l
		}
	}
	return nil
}
