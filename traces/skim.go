package traces

// A glance is what the columns of one line show, or that some lines of a kernel
// log say nothing.
type glance struct {
	end  int32 // where the line ends in its block, its newline not included
	a, b int32 // the pids whose scheduling it is about, -1: none; a is readWhole where it is about more
	seen int32 // 1 + the index of its sighting in the block, 0: it must be read whole
}

// What a glance has in place of a pid.
const (
	readWhole = -2
	quietRun  = -3 // lines of a kernel log; seen is 1 + the index of the run in the block
)

// A skimmed block is what a skimmer finds in a text of many lines. Its slices are used
// again for the next text.
type skimmed struct {
	lines   []glance
	decoded []sighting
	nameTable
	runs   []run
	seen   Kinds // the kinds of events in lines that need not be decoded
	waking int   // the first of them with sched_waking, counted from 1; 0: none
	at     int   // the line that is looked at, counted from 1
	tail   bool  // the first line is the rest of an overlong one; for the skimmer to know
}

// reset forgets the text before.
func (out *skimmed) reset() {
	out.lines, out.decoded, out.runs, out.seen, out.waking = out.lines[:0], out.decoded[:0], out.runs[:0], 0, 0
}

// A run is some lines of a kernel log, one after the other, that say nothing:
// each is a whole message of dmesg's usual form, which begins no report of the
// kernel's, tells of no loss and is none of the pattern set's, and none has a
// lower stamp than the one before. They only count, unless a report has begun of
// which they may be a part.
type run struct {
	first, last int64 // stamps
	from        int32 // where in its block the last line begins
	n           int   // how many lines
}

// A skimmer finds out which lines of a text need not be decoded. The text ends with a
// line's end, or is the last of its input.
type skimmer interface {
	skim(text []byte, out *skimmed)
}
