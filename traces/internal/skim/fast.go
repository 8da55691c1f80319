package skim

import (
	"bytes"
	"math"
	"slices"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// A template is how the usual lines of one event end. A uint64 has eight columns, the first
// in its lowest byte.
type template struct {
	name    uint64 // of the event, behind "sched_"
	pid     uint   // where the pid ends: so many columns behind firstPID
	behind  uint64 // the five columns behind the pid
	key     uint64 // the eight columns before the pid
	keyMask uint64 // those of key that are compared
	// key10 are the eight columns from the tenth before the pid on.
	key10, key10Mask uint64
	last             uint64 // the eight columns before the line's last three
	more             uint64 // the eight before those
	moreMask         uint64 // those of more that are compared
	digits           uint64 // those of more that are digits
	current          int32  // -1: the line is about the current task as well, 0: it is not
	seen             traces.Kinds
	early            bool // sched_waking
	keyWidth         int  // how many columns the pid's key has: " next_pid=" has 10
}

// templates are those of sched_switch, sched_waking and sched_wakeup, each at the index
// that templateOf tells from the name. Which of them a line is cannot be predicted, so
// there is one way for all of them, without a branch.
var templates = func() (all [8]template) {
	const each = math.MaxUint64
	for i := range all {
		all[i].name = word("\n\n\n\n\n\n\n\n") // no line has that
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
		all[templateOf(f.name)] = f
	}
	return all
}()

// wakingSeen stands beside the kinds of events: sched_waking has been seen.
const wakingSeen traces.Kinds = 1 << 31

// templateOf is a different number for each of the names that matter here.
func templateOf(name uint64) uint64 { return name >> 24 & 7 }

// word is a text of at most eight columns as one number.
func word(s string) uint64 {
	var b [8]byte
	copy(b[:], s)
	return scan.Eight(b[:], 0)
}

// What is compared of a line with a template.
const (
	leftWidth  = 96 // columns at the left end
	rightWidth = 64 // columns at the right end
	firstPID   = 40 // in which of these a pid ends that stands furthest left
)

// setLengths finds out which lengths lines that match can have, now that their columns are
// known.
//
// A line is matched only where its pid stands right before the CPU, and where few columns
// are between the CPU and the name: then no column that is not compared can hold another
// event's name, and the line's two ends are those that ktrace.LineHead finds.
func (g *Scanner) setLengths() {
	n, br := g.name, g.bracket
	if g.least, g.lengths = 0, 0; g.hints != nil && br == dash+1+8 && n >= br+ktrace.AfterCPU+8+8 && n <= br+ktrace.AfterCPU+26 {
		g.least = max(n+ktrace.NameWidth+rightWidth/2, leftWidth)
		g.lengths = MaxLine - g.least
	}
}

// lines looks at the lines of a chunk, which begin at from and have their ends, counted
// from at, in ends. odd: some may hold NULs. It returns where the next line begins.
func (g *Scanner) lines(text []byte, from, at int, ends []int32, odd bool, out *Block) int {
	if from == 0 && out.Tail && len(ends) > 0 {
		end := at + int(ends[0])
		out.Lines = append(out.Lines, Line{Prev: Whole, Next: -1, End: int32(end)})
		from, ends = end+1, ends[1:]
	}
	first := len(out.Lines)
	out.Lines = slices.Grow(out.Lines, len(ends))[:first+len(ends)]
	lines := out.Lines[first:]
	if odd {
		for i, e := range ends {
			lines[i] = Line{Prev: Whole, Next: -1, End: int32(at) + e}
		}
	} else {
		g.matchLines(text, from, at, ends, lines, out)
	}
	matched := g.columns // a line by the slow path may change them
	for i := 0; i < len(lines); i++ {
		l := &lines[i]
		end := int(l.End)
		switch {
		case l.Prev >= 0 && !g.hinted(l.Prev) && !g.hinted(l.Next):
			if g.hints == nil {
				break
			}
			if n := g.hints.skipUnhinted(lines[i+1:]); n > 0 {
				i += n
				end = int(lines[i].End)
			}
		case l.Prev >= 0 && g.columns == matched:
			if d := g.decodeMatched(text[from:end], *l, out); d > 0 {
				l.Decoded = d
			}
		case end-from < MaxLine && !(odd && bytes.IndexByte(text[from:end], 0) >= 0):
			skimmed := g.line(text[from:end], out)
			l.Prev, l.Next, l.Decoded = skimmed.Prev, skimmed.Next, skimmed.Decoded
		}
		from = end + 1
	}
	return from
}

// matchLines compares lines with the templates: the scheduler's lines in ftrace's layout,
// with numbers of as many digits as nearly all have. It compares columns at both ends of a
// line, eight at once. Lines that do not match it leaves Whole.
//
// A number masked by 63, 15 or 7 is no larger, which spares the checks of bounds.
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
		l := &lines[i]
		*l = Line{Prev: Whole, Next: -1, End: int32(end)}
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
		number := cpu ^ scan.EachZero
		l.Prev, l.Next = prev&f.current|next&^f.current, next
		l.Decoded = ^int32(number>>8&0xff*100+number>>16&0xff*10+number>>24&0xff) & f.current
	}
	out.Seen |= seen &^ wakingSeen
	out.Waking = out.Waking || seen&wakingSeen != 0
}

// decodeMatched decodes a line that matchLines has matched, if it can.
func (g *Scanner) decodeMatched(line []byte, l Line, out *Block) (seen int32) {
	f := &templates[templateOf(scan.Eight(line, g.name+len("sched_")))]
	behind := len(line) - rightWidth + firstPID + int(f.pid)
	_, digits := scan.NumberIn(scan.Eight(line, behind-8))
	key := behind - digits - f.keyWidth
	if f.current == 0 {
		return g.decodeWake(line, out, l.Next, key, !f.early)
	}
	const column = dash + 1
	_, width := scan.NumberFirst(scan.Eight(line, column))
	return g.decodeSwitch(line, out, l.Prev, column, column+width/8, l.Next, key)
}

// fastPath is line for a line that matches a template.
func (g *Scanner) fastPath(line []byte, out *Block) (l Line, ok bool) {
	var lines [1]Line
	g.matchLines(line, 0, 0, []int32{int32(len(line))}, lines[:], out)
	if l = lines[0]; l.Prev < 0 {
		return l, false
	}
	if g.hinted(l.Prev) || g.hinted(l.Next) {
		if d := g.decodeMatched(line, l, out); d > 0 {
			l.Decoded = d
		}
	}
	return l, true
}
