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
	if g.least, g.lengths = 0, 0; g.watch != nil && br > 8 && br-8 < 64 && n >= br+8 && n-3 < 64 {
		g.least = max(n+nameWidth+rightWidth/2, leftWidth)
		g.lengths = maxLine - g.least
	}
}

// scheduling glances at lines of a trace, which begin at from and have their ends,
// counted from at, in ends. odd: some may hold NULs. It returns where the next line
// begins.
func (g *glancer) scheduling(text []byte, from, at int, ends []int32, odd bool, bl *block) int {
	if from == 0 && bl.tail && len(ends) > 0 {
		end := at + int(ends[0])
		bl.lines = append(bl.lines, glance{a: readWhole, b: -1, end: int32(end)})
		from, ends = end+1, ends[1:]
	}
	first := len(bl.lines)
	if cap(bl.lines) < first+len(ends) {
		bl.lines = slices.Grow(bl.lines, max(len(ends), bl.likely()))
	}
	bl.lines = bl.lines[:first+len(ends)]
	lines := bl.lines[first:]
	if odd {
		for i, e := range ends {
			lines[i] = glance{a: readWhole, b: -1, end: int32(at) + e}
		}
	} else {
		g.columns(text, from, at, ends, lines, bl)
	}
	watch := g.watch
	for i := 0; i < len(lines); i++ {
		gl := &lines[i]
		end := int(gl.end)
		switch {
		case gl.a >= 0 && !watch.maybe(uint32(gl.a)) && !watch.maybe(uint32(gl.b)):
			if n := watch.unlikely(lines[i+1:]); n > 0 {
				i += n
				end = int(lines[i].end)
			}
		case gl.a >= 0:
			gl.seen = g.sighting(text[from:end], g.found[i%len(g.found)], *gl, bl)
		case end-from < maxLine && !(odd && bytes.IndexByte(text[from:end], 0) >= 0):
			bl.at = first + i + 1
			l := g.line(text[from:end], bl)
			gl.a, gl.b, gl.seen = l.a, l.b, l.seen
		}
		from = end + 1
	}
	return from
}

// columns glances at what most lines are: the scheduler's, in ftrace's layout, with
// numbers of as many digits as nearly all have. It looks at the columns at both ends of
// a line, eight at once. What is another line it leaves to be read whole.
func (g *glancer) columns(text []byte, from, at int, ends []int32, lines []glance, bl *block) {
	c := g.begin(text, from, at, ends, lines, bl)
	c.run()
	bl.seen |= c.seen
}

// begin is where columns begins.
func (g *glancer) begin(text []byte, from, at int, ends []int32, lines []glance, bl *block) columns {
	c := columns{
		text: text, from: from, at: at, ends: ends, lines: lines[:len(ends)], found: g.found[:len(ends)],
		column: uint(g.bracket-8) & 63, stamp: uint(g.name-3) & 63, least: g.least, lengths: uint(g.lengths), forms: &forms,
	}
	if bl.waking == 0 {
		c.forms = &formsToWaking
	}
	return c
}

// one is columns for the next line.
//
// What is masked by 63, 15 and 7 is not more, which spares the checks of bounds.
func (c *columns) one() {
	const (
		brackets = '[' | ']'<<32
		prefix   = 0x5f6465686373203a // ": sched_"
	)
	line := c.text[c.from : c.at+int(c.ends[c.i])]
	gl, how := &c.lines[c.i], &c.found[c.i]
	c.i++
	c.from += len(line) + 1
	*gl = glance{a: readWhole, b: -1, end: int32(c.from - 1)}
	if uint(len(line)-c.least) >= c.lengths {
		return
	}
	left := (*[leftWidth]byte)(line)
	right := (*[rightWidth]byte)(line[len(line)-rightWidth:])
	column, stamp := c.column&63, c.stamp&63
	event := eight(left[:], int(stamp+9))
	f := &c.forms[formOf(event)]
	if event != f.name {
		return
	}
	behind := f.pid&15 + firstPID
	more := eight(right[:], rightWidth-3-16)
	digits := (eight(right[:], rightWidth-8)^eachZero)>>40 | (more^eachZero)&f.digits<<16 | uint64(left[stamp]^'0')<<48
	next, nextDigits := numberIn(eight(right[:], int(behind-8)))
	prev, prevDigits := numberFirst(eight(left[:], int(column)))
	pid := behind - uint(nextDigits)&7
	bad := (eight(left[:], int(stamp+1)) ^ prefix) |
		(eight(left[:], int(column+8))^brackets)&(0xff|0xff<<32) |
		(eight(right[:], int(behind))^f.behind)<<24 |
		(eight(right[:], int(pid-8))^f.key)&f.keyMask |
		(eight(right[:], int(pid-10))^f.key10)&f.key10Mask |
		(eight(right[:], rightWidth-3-8) ^ f.last) |
		(more^f.more)&f.moreMask |
		others(digits)
	if bad != 0 || nextDigits == 0 || isDigit(left[(column-1)&63]) || prevDigits == 0 && f.current != 0 {
		return
	}
	c.seen |= f.seen
	gl.a, gl.b = prev&f.current|next&^f.current, next
	*how = found{f.place, uint8(nextDigits), uint8(prevDigits), 0}
}

// Columns are where columns is in a window, and what it needs to know.
type columns struct {
	i             int // which line is next
	from          int // where it begins
	seen          Kinds
	text          []byte
	at            int
	ends          []int32
	lines         []glance
	found         []found
	column, stamp uint
	least         int
	lengths       uint
	forms         *[8]form
}

// found is what columns has found in a line, besides a glance.
type found struct {
	form        uint8
	right, left uint8 // how many digits the pids there have
	_           uint8
}

// sighting makes the sighting of a line that columns has looked at, if it can.
func (g *glancer) sighting(line []byte, how found, gl glance, bl *block) (seen int32) {
	f := &forms[how.form&7]
	key := len(line) - rightWidth + firstPID + int(f.pid) - int(how.right) - f.keyWidth
	if f.current == 0 {
		return g.wake(line, bl, gl.b, key, !f.early)
	}
	column := g.bracket - 8
	return g.change(line, bl, gl.a, column, column+int(how.left), gl.b, key)
}

// usualLine glances at a line, if columns can.
func (g *glancer) usualLine(line []byte, bl *block) (gl glance, ok bool) {
	var lines [1]glance
	g.columns(line, 0, 0, []int32{int32(len(line))}, lines[:], bl)
	if gl = lines[0]; gl.a < 0 {
		return gl, false
	}
	if g.watch.likely(gl.a) || g.watch.likely(gl.b) {
		gl.seen = g.sighting(line, g.found[0], gl, bl)
	}
	return gl, true
}

// numberFirst is the number of at most seven digits that eight columns begin with, if
// there are but blanks behind it, and how many digits it has; 0: there is none.
func numberFirst(w uint64) (v int32, digits int) {
	x := w ^ eachZero
	width := bits.TrailingZeros64(others(x)) &^ 7
	if width == 0 || width == 64 || w>>width != eachBlank>>width {
		return 0, 0
	}
	return value(x << (64 - width)), width / 8
}
