package traces

import (
	"fmt"
)

// A Diagnostic is something in an input that could not be used.
type Diagnostic struct {
	Line    int // 1-based; 0: the input as a whole
	Message string
}

// Stats counts what a reader has seen of one input.
type Stats struct {
	Lines       int          // lines of any kind
	KernelLines int          // lines that are kernel log records
	LastLine    int          // number of the last kernel log record that is complete, 0: none
	Events      int          // events that speak of a kernel thread
	Lost        int          // messages lost, by the log's own count
	Diagnostics []Diagnostic // the first MaxDiagnostics of them
	Unusable    int          // how many diagnostics there were in all
	Seen        Kinds        // the kinds of a trace's events, those that were left out included
	Waking      bool         // sched_waking is among them, not only sched_wakeup
	Marks       []Mark       // what the text of a trace tells of its kernel's age
}

// MaxDiagnostics bounds the diagnostics that are kept, not those that are
// counted.
const MaxDiagnostics = 20

// Diagnose notes that something in a line could not be used.
func (s *Stats) Diagnose(line int, format string, args ...any) {
	s.Unusable++
	if len(s.Diagnostics) < MaxDiagnostics {
		s.Diagnostics = append(s.Diagnostics, Diagnostic{line, fmt.Sprintf(format, args...)})
	}
}

// String names a diagnostic's place as an error does.
func (d Diagnostic) String() string { return fmt.Sprintf("%d: %s", d.Line, d.Message) }
