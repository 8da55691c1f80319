package traces

import (
	"slices"
)

// A Stack is what a report of the kernel says of one task.
type Stack struct {
	Report     Report
	Task       Task
	State      byte    // D, S, R …; 0 where the report does not say
	Blocked    int     // seconds, by a hung-task report; 0 elsewhere
	Frames     []Frame // innermost first; unreliable ones ("? fn") are not there
	Last       int     // number of the report's last line
	Cut        bool    // the report may lack frames: cut off, or mixed with other lines
	Address    uint64  // of an oops: the bad address, where the report says; valid where HasAddress
	HasAddress bool
	Title      string // the report's first line
	// Above: an interrupt on top of the task made the report. Its frames are not
	// there, and of the task it says only where it was.
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

// Index is where on the stack fn is, 0 for the innermost frame; -1 where it is
// not.
func (s *Stack) Index(fn string) int {
	return slices.IndexFunc(s.Frames, func(f Frame) bool { return f.Func == fn })
}

// Has says whether fn is on the stack.
func (s *Stack) Has(fn string) bool { return s.Index(fn) >= 0 }
