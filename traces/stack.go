package traces

import (
	"slices"
)

// A Stack is what a report of the kernel says about one task.
type Stack struct {
	Report     Report
	Task       Task
	State      byte    // D, S, R …; 0: the report does not say
	Blocked    int     // HungTask: for how many seconds; else 0
	Frames     []Frame // innermost first, without unreliable ones ("? fn")
	Last       int     // number of the report's last line
	Cut        bool    // frames may be missing: the report is cut off, or mixed with other lines
	Address    uint64  // Oops: the bad address; valid where HasAddress
	HasAddress bool
	Title      string // the report's first line
	// Above says that an interrupt on top of the task has caused the report. Its frames
	// are left out: the report only shows where the task was.
	Above bool
}

// A Frame is one function on a stack.
type Frame struct {
	Func   string // without offset
	Module string // without brackets; empty for the kernel itself
}

// A Report is a kind of kernel report.
type Report uint8

const (
	HungTask Report = iota // khungtaskd: blocked for more than N seconds
	TaskDump               // sysrq-t, sysrq-w, /proc/PID/stack
	Lockup                 // soft lockup, RCU stall
	Oops                   // oops, BUG, GPF
	Warning                // WARN, refcount_t
)

// Index is the index in Frames of the innermost frame of fn, -1 where there is none.
func (s *Stack) Index(fn string) int {
	return slices.IndexFunc(s.Frames, func(f Frame) bool { return f.Func == fn })
}

// Has says whether fn is on the stack.
func (s *Stack) Has(fn string) bool { return s.Index(fn) >= 0 }
