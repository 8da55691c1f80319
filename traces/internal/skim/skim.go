package skim

import (
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
)

// maxLine is the longest line that is looked at, in bytes. printk's own limit
// for a record is about 1 KiB (kernel/printk/printk.c LOG_LINE_MAX); a longer
// line is no record, and its rest is skipped.
const MaxLine = 64 << 10

// A glance is what the columns of one line show, or that some lines of a kernel
// log say nothing.
type Line struct {
	End        int32 // where the line ends in its block, its newline not included
	Prev, Next int32 // the pids whose scheduling it is about, -1: none; a is readWhole where it is about more
	Decoded    int32 // 1 + the index of its sighting in the block, 0: it must be read whole
}

// What a glance has in place of a pid.
const (
	Whole  = -2
	Boring = -3 // lines of a kernel log; seen is 1 + the index of the run in the block
)

// A skimmed block is what a skimmer finds in a text of many lines. Its slices are used
// again for the next text.
type Block struct {
	Lines   []Line
	Decoded []ktrace.Decoded
	ktrace.Names
	Spans  []Span
	Seen   traces.Kinds // the kinds of events in lines that need not be decoded
	Waking bool         // sched_waking is among them
	Tail   bool         // the first line is the rest of an overlong one; for the skimmer to know
}

// reset forgets the text before.
func (out *Block) Reset() {
	out.Lines, out.Decoded, out.Spans, out.Seen, out.Waking = out.Lines[:0], out.Decoded[:0], out.Spans[:0], 0, false
}

// A run is some lines of a kernel log, one after the other, that say nothing:
// each is a whole message of the same form, which begins no report of the
// kernel's, tells of no loss and is none of the pattern set's, and none has a
// lower stamp than the one before. They only count, unless a report has begun of
// which they may be a part.
type Span struct {
	Form  uint8 // how the lines are written, as klog counts the ways
	First int64 // the first line's stamp, negative where they have none
	From  int32 // where in its block the last line begins
	N     int   // how many lines
}

// A skimmer finds out which lines of a text need not be decoded. The text ends with a
// line's end, or is the last of its input.
type Skimmer interface {
	Skim(text []byte, out *Block)
}
