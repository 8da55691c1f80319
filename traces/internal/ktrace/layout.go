package ktrace

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// A Layout is one way to print a trace. A new one is a file with a lineReader, and a row in
// Layouts.
type Layout struct {
	Name string // as --input-format and a report say it
	Text string // what it is, in a few words
	// Detect says whether a line, without its end, shows that the trace has this layout.
	// Of a long line it may get the beginning only.
	Detect func(line []byte) bool
	// New makes the reader of the layout's lines.
	New func() lineReader
	// Head reads the left end of a line with an event of the scheduler; false for any
	// other line. nil: the layout has no such end, so every line is decoded.
	Head     func(line []byte) (LineHead, bool)
	Ahead    bool // lines are in ftrace's columns, so that skim can decode them ahead
	unsorted bool // lines are not in the order of their events
	noZeros  bool // fields that are zero are left out
}

// Layouts are the known ways to print a trace, in the order in which Detect tries them.
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
		Detect: isPerfTrace, New: func() lineReader { return new(perfTraceLayout) }, noZeros: true,
	}, {
		Name: "bpftrace", Text: "the output of traces/bpf/kthread.bt, or of another tracer in its format (docs/events.md)",
		Detect: isBpftrace, New: func() lineReader { return new(bpftraceLayout) }, unsorted: true,
	}, {
		Name: "bpftrace-json", Text: "the same by bpftrace -f json",
		Detect: isBpftraceJSON, New: func() lineReader { return new(bpftraceLayout) }, unsorted: true,
	},
}

// isFtrace is also true for lines that cannot be used, so that a diagnostic can say why.
func isFtrace(line []byte) bool {
	if scan.HasPrefix(line, "# tracer: ") {
		return true
	}
	class, padded := ftraceLine(line)
	return class == lossLine || class == refusedLine || class == traceEvent && !padded
}

// isTraceCmd knows the lines that trace-cmd alone prints.
func isTraceCmd(line []byte) bool {
	if scan.HasPrefix(line, "cpus=") && scan.AllDigits(line[len("cpus="):]) ||
		scan.HasPrefix(line, "version = ") && scan.AllDigits(line[len("version = "):]) ||
		scan.HasPrefix(line, "CPU ") && scan.HasSuffix(line, " is empty") {
		return true
	}
	class, padded := ftraceLine(line)
	return class == traceEvent && padded
}

// ftraceLine is the class of a line without those before it. padded says that blanks
// follow the event's name, which only trace-cmd prints.
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

// Detect is the layout that a line, with its end or without, shows; nil where it shows
// none.
func Detect(line []byte) *Layout {
	line = bytes.TrimRight(line, "\r\n")
	for i := range Layouts {
		if l := &Layouts[i]; l.Detect(line) {
			return l
		}
	}
	return nil
}
