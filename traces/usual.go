package traces

import (
	"bytes"
	"math"
	"math/bits"
	"slices"
)

// A form is how the usual lines of one event end.
type form struct {
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
	seen             Kinds
	place            uint8 // in forms
	early            bool  // sched_waking
	keyWidth         int   // how many columns before the pid have a meaning
}

// forms are those of sched_switch, sched_waking and sched_wakeup, each at the place
// that formOf tells from the name. Which of them a line is cannot be predicted, so
// there is one way for all of them, without a branch.
var forms = func() (forms [8]form) {
	const each = math.MaxUint64
	for i := range forms {
		forms[i].name = word("\n\n\n\n\n\n\n\n") // no line has that
	}
	change := form{
		name: word("switch: "), pid: 10, behind: word(" next"), key: word("ext_pid="), keyMask: each, key10: word(" next_pi"), key10Mask: each,
		current: -1, seen: 1<<SwitchOut | 1<<SwitchIn,
		last: word("xt_prio="), keyWidth: len(" next_pid="),
	}
	late := form{
		name: word("wakeup: "), pid: 0, behind: word(" prio"), key: word("\x00\x00\x00 pid="), keyMask: each &^ 0xffffff,
		seen: 1 << Woken,
		last: word("get_cpu="), more: word("=\x00\x00\x00 tar"), moreMask: 0xffffffff000000ff, digits: 0xffffff00, keyWidth: len(" pid="),
	}
	early := late
	early.name, early.early = word("waking: "), true
	for _, f := range []form{change, late, early} {
		f.place = uint8(formOf(f.name))
		forms[f.place] = f
	}
	return forms
}()

// formsToWaking are the forms while no sched_waking has been seen in a block, whose
// first is not usual.
var formsToWaking = func() [8]form {
	forms := forms
	forms[formOf(word("waking: "))] = forms[0]
	return forms
}()

// formOf is a different number for each of the names that matter here.
func formOf(name uint64) uint64 { return name >> 24 & 7 }

// word is a text of at most eight columns.
func word(s string) uint64 {
	var b [8]byte
	copy(b[:], s)
	return eight(b[:], 0)
}

// Of a usual line some columns at both ends are looked at.
const (
	leftWidth  = 96
	rightWidth = 64
	firstPID   = 40 // where a pid ends at least, in the columns on the right
)

// usualLengths finds out which lengths usual lines can have, now that their
// columns are known.
func (g *glancer) usualLengths() {
	n, br := g.name, g.bracket
	// Where the columns before the CPU are those of the pid, and few enough are behind
	// it, nothing that is not looked at can be another event's name.
	if g.least, g.lengths = 0, 0; g.hints != nil && br == dash+1+8 && n >= br+afterCPU+8+8 && n <= br+afterCPU+26 {
		g.least = max(n+nameWidth+rightWidth/2, leftWidth)
		g.lengths = maxLine - g.least
	}
}

// scheduling glances at lines of a trace, which begin at from and have their ends,
// counted from at, in ends. odd: some may hold NULs. It returns where the next line
// begins.
func (g *glancer) scheduling(text []byte, from, at int, ends []int32, odd bool, out *skimmed) int {
	if from == 0 && out.tail && len(ends) > 0 {
		end := at + int(ends[0])
		out.lines = append(out.lines, glance{a: readWhole, b: -1, end: int32(end)})
		from, ends = end+1, ends[1:]
	}
	first := len(out.lines)
	if cap(out.lines) < first+len(ends) {
		out.lines = slices.Grow(out.lines, len(ends))
	}
	out.lines = out.lines[:first+len(ends)]
	lines := out.lines[first:]
	if odd {
		for i, e := range ends {
			lines[i] = glance{a: readWhole, b: -1, end: int32(at) + e}
		}
	} else {
		g.columns(text, from, at, ends, lines, out)
	}
	for i := 0; i < len(lines); i++ {
		gl := &lines[i]
		end := int(gl.end)
		switch {
		case gl.a >= 0 && !g.hinted(gl.a) && !g.hinted(gl.b):
			if g.hints == nil {
				break
			}
			if n := g.hints.skip(lines[i+1:]); n > 0 {
				i += n
				end = int(lines[i].end)
			}
		case gl.a >= 0:
			gl.seen = g.sighting(text[from:end], g.found[i%len(g.found)], *gl, out)
		case end-from < maxLine && !(odd && bytes.IndexByte(text[from:end], 0) >= 0):
			out.at = first + i + 1
			l := g.line(text[from:end], out)
			gl.a, gl.b, gl.seen = l.a, l.b, l.seen
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
func (g *glancer) columns(text []byte, from, at int, ends []int32, lines []glance, out *skimmed) {
	const (
		frame  = '[' | ']'<<32 | ' '<<40 // "[001] "
		frames = 0xff | 0xff<<32 | 0xff<<40
		prefix = 0x5f6465686373203a // ": sched_"
		column = dash + 1
	)
	forms, stamp, least, lengths := &forms, uint(g.name-3)&63, g.least, uint(g.lengths)
	if out.waking == 0 {
		forms = &formsToWaking
	}
	lines, hows := lines[:len(ends)], g.found[:len(ends)]
	var seen Kinds
	for i, e := range ends {
		end := at + int(e)
		line := text[from:end]
		from = end + 1
		gl := &lines[i]
		*gl = glance{a: readWhole, b: -1, end: int32(end)}
		if uint(len(line)-least) >= lengths {
			continue
		}
		left := (*[leftWidth]byte)(line)
		right := (*[rightWidth]byte)(line[len(line)-rightWidth:])
		event := eight(left[:], int(stamp+9))
		f := &forms[formOf(event)]
		if event != f.name {
			continue
		}
		behind := f.pid&15 + firstPID
		cpu := eight(left[:], column+8)
		more := eight(right[:], rightWidth-3-16)
		digits := (eight(right[:], rightWidth-8)^eachZero)>>40 | (more^eachZero)&f.digits<<16 | uint64(left[stamp]^'0')<<48
		next, nextDigits := numberIn(eight(right[:], int(behind-8)))
		prev, prevDigits := numberFirst(eight(left[:], column))
		pid := behind - uint(nextDigits)&7
		bad := (eight(left[:], int(stamp+1)) ^ prefix) |
			(cpu^frame)&frames |
			others((cpu^eachZero)>>8&0xffffff) |
			uint64(left[dash]^'-') |
			colons(eight(left[:], column+8+afterCPU)) |
			colons(eight(left[:], int(stamp-15)&63)) |
			(eight(right[:], int(behind))^f.behind)<<24 |
			(eight(right[:], int(pid-8))^f.key)&f.keyMask |
			(eight(right[:], int(pid-10))^f.key10)&f.key10Mask |
			(eight(right[:], rightWidth-3-8) ^ f.last) |
			(more^f.more)&f.moreMask |
			others(digits)
		if bad != 0 || nextDigits == 0 || prevDigits == 0 {
			continue
		}
		seen |= f.seen
		gl.a, gl.b = prev&f.current|next&^f.current, next
		hows[i] = found{f.place, uint8(nextDigits), uint8(prevDigits), 0}
	}
	out.seen |= seen
}

// found is what columns has found in a line, besides a glance.
type found struct {
	form        uint8
	right, left uint8 // how many digits the pids there have
	_           uint8
}

// sighting makes the sighting of a line that columns has looked at, if it can.
func (g *glancer) sighting(line []byte, how found, gl glance, out *skimmed) (seen int32) {
	f := &forms[how.form&7]
	key := len(line) - rightWidth + firstPID + int(f.pid) - int(how.right) - f.keyWidth
	if f.current == 0 {
		return g.wake(line, out, gl.b, key, !f.early)
	}
	column := g.bracket - 8
	return g.change(line, out, gl.a, column, column+int(how.left), gl.b, key)
}

// usualLine glances at a line, if columns can.
func (g *glancer) usualLine(line []byte, out *skimmed) (gl glance, ok bool) {
	var lines [1]glance
	g.columns(line, 0, 0, []int32{int32(len(line))}, lines[:], out)
	if gl = lines[0]; gl.a < 0 {
		return gl, false
	}
	if g.hinted(gl.a) || g.hinted(gl.b) {
		gl.seen = g.sighting(line, g.found[0], gl, out)
	}
	return gl, true
}

// colons are the colons among eight columns, by the top bit of each; above the first
// there may be more bits.
func colons(w uint64) uint64 {
	x := w ^ eachColon
	return (x - eachZero/'0') &^ x & eachTop
}

// numberFirst is the number of at most seven digits that eight columns begin with, if
// there are but blanks behind it, and how many digits it has; 0: there is none.
func numberFirst(w uint64) (v int32, digits int) {
	x := w ^ eachZero
	width := bits.TrailingZeros64(others(x)|1<<63) &^ 7
	if width == 0 || (w^eachBlank)>>(width&63) != 0 {
		return 0, 0
	}
	return value(x << ((64 - width) & 63)), width / 8
}
