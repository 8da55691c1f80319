// Package skim says which lines of a block need not be decoded. All cleverness lives here.
package skim

import (
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
)

// MaxLine is the longest line that is looked at, in bytes. printk's own limit
// for a record is about 1 KiB (kernel/printk/printk.c LOG_LINE_MAX); a longer
// line is no record, and its rest is skipped.
const MaxLine = 64 << 10

// A Line is one line of a block, or a Span of lines.
type Line struct {
	End int32 // where it ends in the block's text, its newline not included
	// Prev and Next are the pids of the tasks whose scheduling the line is about: a
	// sched_switch is from Prev to Next, and with a waking both are the task that is
	// woken. If nobody asks about either, the line only counts. Prev may also be Whole or
	// Boring.
	Prev, Next int32
	// Decoded is 1 + an index in Block.Decoded; of Boring, 1 + an index in Block.Spans. It is
	// -1 - the CPU where the line is a sched_switch that is not decoded, and 0 of other lines.
	Decoded int32
}

// What Line.Prev is where it is no pid.
const (
	Whole  = -2 // hand the line to the decoder
	Boring = -3 // a Span of lines
)

// A Block is what a Skimmer finds in a text of many lines. Its slices are used again for
// the next text.
type Block struct {
	Lines        []Line
	Decoded      []ktrace.Decoded // lines that were decoded ahead
	ktrace.Names                  // what these refer to
	Spans        []Span
	Seen         traces.Kinds // the kinds of events in lines that need not be decoded
	Waking       bool         // sched_waking is among them, not only sched_wakeup
	Tail         bool         // set by the caller: the first line is the rest of an overlong one, so it is Whole
}

// Reset forgets the text before.
func (out *Block) Reset() {
	out.Lines, out.Decoded, out.Spans, out.Seen, out.Waking = out.Lines[:0], out.Decoded[:0], out.Spans[:0], 0, false
}

// A Span is some lines of a kernel log, one after the other, that say nothing of
// threads. Each is a whole message, and all are of one form. None begins a report of the
// kernel, tells of a loss, or is one of the pattern set's, and none has a lower stamp
// than the one before. They only count, unless a report has begun of which they may be
// a part.
type Span struct {
	Form  uint8 // the lines' form, a number of klog's
	First int64 // the first line's stamp, negative where they have none
	From  int32 // where in its block the last line begins
	N     int   // how many lines
}

// A Skimmer finds out which lines of a text need not be decoded. It appends a Line for
// every line of the text, which ends with a line's end or is the last of its input. It
// may say Whole of any line. If it says anything else, decoding the line must give the same
// result: FuzzSkim in traces/reader tests that.
type Skimmer interface {
	Skim(text []byte, out *Block)
}
