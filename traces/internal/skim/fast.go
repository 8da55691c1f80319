package skim

import (
	"bytes"
	"math"
	"slices"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// A form is how the usual lines of one event end.
type template struct {
	name    uint64 // of the event, behind "sched_"
	pid     uint   // where the pid ends: how many columns behind the first place for that
	behind  uint64 // five columns behind it
	key     uint64 // eight columns before it
	keyMask uint64 // which of them are compared
	// The same for the eight columns from the tenth before it on.
	key10, key10Mask uint64
	last             uint64 // the eight columns before the last three
	more             uint64 // the eight before those
	moreMask         uint64 // which of them are compared
	digits           uint64 // which of them are digits
	current          int32  // -1: it is about the current task as well, 0: it is not
	seen             traces.Kinds
	early            bool // sched_waking
	keyWidth         int  // how many columns before the pid have a meaning
}

// forms are those of sched_switch, sched_waking and sched_wakeup, each at the place
// that formOf tells from the name. Which of them a line is cannot be predicted, so
// there is one way for all of them, without a branch.
var templates = func() (forms [8]template) {
	const each = math.MaxUint64
	for i := range forms {
		forms[i].name = word("\n\n\n\n\n\n\n\n") // no line has that
	}
	change := template{
		name: word("switch: "), pid: 10, behind: word(" next"), key: word("ext_pid="), keyMask: each, key10: word(" next_pi"), key10Mask: each,
		current: -1, seen: 1<<traces.SwitchOut | 1<<traces.SwitchIn,
		last: word("xt_prio="), keyWidth: len(" next_pid="),
	}
	late := template{
		name: word("wakeup: "), pid: 0, behind: word(" prio"), key: word("\x00\x00\x00 pid="), keyMask: each &^ 0xffffff,
		seen: 1 << traces.Woken,
		last: word("get_cpu="), more: word("=\x00\x00\x00 tar"), moreMask: 0xffffffff000000ff, digits: 0xffffff00, keyWidth: len(" pid="),
	}
	early := late
	early.name, early.early = word("waking: "), true
	early.seen |= wakingSeen
	for _, f := range []template{change, late, early} {
		forms[templateOf(f.name)] = f
	}
	return forms
}()

// wakingSeen is set beside the kinds of events where sched_waking has been seen.
const wakingSeen traces.Kinds = 1 << 31

// formOf is a different number for each of the names that matter here.
func templateOf(name uint64) uint64 { return name >> 24 & 7 }

// word is a text of at most eight columns.
func word(s string) uint64 {
	var b [8]byte
	copy(b[:], s)
	return scan.Eight(b[:], 0)
}

// Of a usual line some columns at both ends are looked at.
const (
	leftWidth  = 96
	rightWidth = 64
	firstPID   = 40 // where a pid ends at least, in the columns on the right
)

// usualLengths finds out which lengths usual lines can have, now that their
// columns are known.
func (g *Scanner) setLengths() {
	n, br := g.name, g.bracket
	// Where the columns before the CPU are those of the pid, and few enough are behind
	// it, nothing that is not looked at can be another event's name.
	if g.least, g.lengths = 0, 0; g.hints != nil && br == dash+1+8 && n >= br+ktrace.AfterCPU+8+8 && n <= br+ktrace.AfterCPU+26 {
		g.least = max(n+ktrace.NameWidth+rightWidth/2, leftWidth)
		g.lengths = MaxLine - g.least
	}
}

// scheduling glances at lines of a trace, which begin at from and have their ends,
// counted from at, in ends. odd: some may hold NULs. It returns where the next line
// begins.
func (g *Scanner) lines(text []byte, from, at int, ends []int32, odd bool, out *Block) int {
	if from == 0 && out.Tail && len(ends) > 0 {
		end := at + int(ends[0])
		out.Lines = append(out.Lines, Line{Prev: Whole, Next: -1, End: int32(end)})
		from, ends = end+1, ends[1:]
	}
	first := len(out.Lines)
	if cap(out.Lines) < first+len(ends) {
		out.Lines = slices.Grow(out.Lines, len(ends))
	}
	out.Lines = out.Lines[:first+len(ends)]
	lines := out.Lines[first:]
	if odd {
		for i, e := range ends {
			lines[i] = Line{Prev: Whole, Next: -1, End: int32(at) + e}
		}
	} else {
		g.matchLines(text, from, at, ends, lines, out)
	}
	for i := 0; i < len(lines); i++ {
		gl := &lines[i]
		end := int(gl.End)
		switch {
		case gl.Prev >= 0 && !g.hinted(gl.Prev) && !g.hinted(gl.Next):
			if g.hints == nil {
				break
			}
			if n := g.hints.skip(lines[i+1:]); n > 0 {
				i += n
				end = int(lines[i].End)
			}
		case gl.Prev >= 0:
			gl.Decoded = g.decodeMatched(text[from:end], *gl, out)
		case end-from < MaxLine && !(odd && bytes.IndexByte(text[from:end], 0) >= 0):
			l := g.line(text[from:end], out)
			gl.Prev, gl.Next, gl.Decoded = l.Prev, l.Next, l.Decoded
		}
		from = end + 1
	}
	return from
}

// columns glances at what most lines are: the scheduler's, in ftrace's layout, with
// numbers of as many digits as nearly all have. It looks at the columns at both ends of
// a line, eight at once. What is another line it leaves to be read whole.
//
// What is masked by 63, 15 and 7 is not more, which spares the checks of bounds.
func (g *Scanner) matchLines(text []byte, from, at int, ends []int32, lines []Line, out *Block) {
	const (
		frame  = '[' | ']'<<32 | ' '<<40 // "[001] "
		frames = 0xff | 0xff<<32 | 0xff<<40
		prefix = 0x5f6465686373203a // ": sched_"
		column = dash + 1
	)
	stamp, least, lengths := uint(g.name-3)&63, g.least, uint(g.lengths)
	lines = lines[:len(ends)]
	var seen traces.Kinds
	for i, e := range ends {
		end := at + int(e)
		line := text[from:end]
		from = end + 1
		gl := &lines[i]
		*gl = Line{Prev: Whole, Next: -1, End: int32(end)}
		if uint(len(line)-least) >= lengths {
			continue
		}
		left := (*[leftWidth]byte)(line)
		right := (*[rightWidth]byte)(line[len(line)-rightWidth:])
		event := scan.Eight(left[:], int(stamp+9))
		f := &templates[templateOf(event)]
		if event != f.name {
			continue
		}
		cpu := scan.Eight(left[:], column+8)
		bad := (scan.Eight(left[:], int(stamp+1)) ^ prefix) |
			(cpu^frame)&frames |
			scan.Others((cpu^scan.EachZero)>>8&0xffffff) |
			uint64(left[dash]^'-') |
			scan.Colons(scan.Eight(left[:], column+8+ktrace.AfterCPU)) |
			scan.Colons(scan.Eight(left[:], int(stamp-15)&63))
		more := scan.Eight(right[:], rightWidth-3-16)
		digits := (scan.Eight(right[:], rightWidth-8)^scan.EachZero)>>40 | (more^scan.EachZero)&f.digits<<16 | uint64(left[stamp]^'0')<<48
		bad |= (scan.Eight(right[:], rightWidth-3-8) ^ f.last) |
			(more^f.more)&f.moreMask |
			scan.Others(digits)
		behind := f.pid&15 + firstPID
		next, nextDigits := scan.NumberIn(scan.Eight(right[:], int(behind-8)))
		pid := behind - uint(nextDigits)&7
		bad |= (scan.Eight(right[:], int(behind))^f.behind)<<24 |
			(scan.Eight(right[:], int(pid-8))^f.key)&f.keyMask |
			(scan.Eight(right[:], int(pid-10))^f.key10)&f.key10Mask
		prev, prevDigits := scan.NumberFirst(scan.Eight(left[:], column))
		if bad != 0 || nextDigits == 0 || prevDigits == 0 {
			continue
		}
		seen |= f.seen
		gl.Prev, gl.Next = prev&f.current|next&^f.current, next
	}
	out.Seen |= seen &^ wakingSeen
	out.Waking = out.Waking || seen&wakingSeen != 0
}

// decodeMatched decodes a line that matchLines has matched, if it can.
func (g *Scanner) decodeMatched(line []byte, gl Line, out *Block) (seen int32) {
	f := &templates[templateOf(scan.Eight(line, g.name+len("sched_")))]
	behind := len(line) - rightWidth + firstPID + int(f.pid)
	_, digits := scan.NumberIn(scan.Eight(line, behind-8))
	key := behind - digits - f.keyWidth
	if f.current == 0 {
		return g.decodeWake(line, out, gl.Next, key, !f.early)
	}
	const column = dash + 1
	_, width := scan.NumberFirst(scan.Eight(line, column))
	return g.decodeSwitch(line, out, gl.Prev, column, column+width/8, gl.Next, key)
}

// usualLine glances at a line, if columns can.
func (g *Scanner) fastPath(line []byte, out *Block) (gl Line, ok bool) {
	var lines [1]Line
	g.matchLines(line, 0, 0, []int32{int32(len(line))}, lines[:], out)
	if gl = lines[0]; gl.Prev < 0 {
		return gl, false
	}
	if g.hinted(gl.Prev) || g.hinted(gl.Next) {
		gl.Decoded = g.decodeMatched(line, gl, out)
	}
	return gl, true
}
