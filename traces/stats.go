package traces

import (
	"fmt"
)

// A Diagnostic is about a part of the input that could not be used.
type Diagnostic struct {
	Line    int // 1-based; 0: the input as a whole
	Message string
}

// Stats has what a reader has counted in one input.
type Stats struct {
	Lines       int          // lines of any kind
	KernelLines int          // lines that are messages of the kernel, or events
	LastLine    int          // number of the line with the latest complete message or event; 0: none
	Events      int          // events about a kernel thread
	Lost        int          // messages and events that are missing, as far as the log counts them
	Diagnostics []Diagnostic // the first MaxDiagnostics
	Unusable    int          // how many diagnostics there have been
	Seen        Kinds        // traces: the kinds of all events, also of those that were left out
	Waking      bool         // traces: sched_waking is among them, not only sched_wakeup
	ThreadsOnly bool         // traces: the tracer leaves out what the scheduler does with tasks that are no kernel threads
	Marks       []Mark       // traces: hints at the kernel's release
	OneCPU      bool         // traces: by its header the trace is of several CPUs, but only one's lines about threads have come so far
}

// MaxDiagnostics bounds how many diagnostics are kept; all are counted.
const MaxDiagnostics = 20

// Diagnose notes that a line could not be used.
func (s *Stats) Diagnose(line int, format string, args ...any) {
	s.Unusable++
	if len(s.Diagnostics) < MaxDiagnostics {
		s.Diagnostics = append(s.Diagnostics, Diagnostic{line, fmt.Sprintf(format, args...)})
	}
}

// String is "line: message".
func (d Diagnostic) String() string { return fmt.Sprintf("%d: %s", d.Line, d.Message) }
