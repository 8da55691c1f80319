package reader

import (
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
	"github.com/kthread-tla/tracecheck/traces/internal/skim"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

// Options say how a log is to be read. The zero value reads any format,
// recognises no module's messages, and leaves nothing out.
type Options struct {
	// Patterns are the messages of a module that are recognised, from their set's
	// begin line on, or, with Always, wherever they stand. Those that
	// printk.WithBuiltins has added need their begin line always. nil: none.
	Patterns *printk.Set
	Always   bool
	// Format is the only format that is read, by its name in Formats. Empty or
	// "auto": whatever the input is.
	Format string
	// Follow makes the Reader look at each line as soon as it is there, instead of
	// reading many of them at once.
	Follow bool
	// Interest has the pids whose scheduling is needed; nil: all. Events of a trace that
	// are only about the scheduling of other pids are left out. Stats.Seen has the kinds of
	// all events, left out or not.
	Interest *traces.Interest

	// skimmer makes the Skimmer, for tests; nil: the usual one.
	skimmer  func(head func([]byte) (ktrace.LineHead, bool)) skim.Skimmer
	testHook func(kind rune, line int, stamp int64, text []byte) // see klog.Log
}
