package traces

import (
	"math"
	"math/bits"
)

// A form is how the usual lines of one event end.
type form struct {
	name     uint64    // of the event, behind "sched_"
	pid      uint      // where the pid ends: how many columns behind the first place for that
	behind   uint64    // five columns behind it
	last     uint64    // the eight columns before the last three
	more     uint64    // the eight before those
	moreMask uint64    // which of them are compared
	digits   uint64    // which of them are digits
	key      [2]uint64 // eight columns from the eighth and from the tenth before the pid on
	keyMask  [2]uint64 // which of them are compared
	keyWidth int
	current  int32 // -1: it is about the current task as well, 0: it is not
	early    bool  // sched_waking
	found    bool
	seen     Kinds
}

// forms are those of sched_switch, sched_waking and sched_wakeup, each at the place
// that formOf tells from the name. Which of them a line is cannot be predicted, so
// there is one way for all of them, without a branch.
var forms = func() (forms [8]form) {
	const each = math.MaxUint64
	change := form{
		name: word("switch: "), pid: 10, behind: word(" next"), last: word("xt_prio="),
		key: [2]uint64{word("ext_pid="), word(" next_pi")}, keyMask: [2]uint64{each, each}, keyWidth: len(" next_pid="),
		current: -1, found: true, seen: 1<<SwitchOut | 1<<SwitchIn,
	}
	late := form{
		name: word("wakeup: "), pid: 0, behind: word(" prio"), last: word("get_cpu="),
		more: word("=\x00\x00\x00 tar"), moreMask: 0xffffffff000000ff, digits: 0xffffff00,
		key: [2]uint64{word("\x00\x00\x00 pid=")}, keyMask: [2]uint64{each &^ 0xffffff}, keyWidth: len(" pid="),
		found: true, seen: 1 << Woken,
	}
	early := late
	early.name, early.early = word("waking: "), true
	for _, f := range []form{change, late, early} {
		forms[formOf(f.name)] = f
	}
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

// usual glances at lines as long as they are what most lines are: the scheduler's,
// in ftrace's layout, with numbers of as many digits as nearly all have. It looks at
// the columns at both ends of a line, eight at once. The lines begin at from and
// have their ends, counted from at, in ends[i:]. It returns where the first line
// begins that is another, and the place of its end.
//
// What is masked by 63, 15 and 7 is not more, which spares the checks of bounds.
func (g *glancer) usual(text []byte, from, at int, ends []int32, i int, bl *block) (int, int) {
	const (
		brackets = '[' | ']'<<32
		prefix   = 0x5f6465686373203a // ": sched_"
		first    = 40                 // where a pid ends at least, in the columns on the right
	)
	least, lengths, names, watch := g.least, uint(g.lengths), g.names, g.watch
	column, n := uint(g.bracket-8)&63, uint(g.name-3)&63
	lines, seen := bl.lines, bl.seen
	for ; i < len(ends); i++ {
		end := at + int(ends[i])
		line := text[from:end]
		if uint(len(line)-least) >= lengths {
			break
		}
		left := (*[leftWidth]byte)(line)
		right := (*[rightWidth]byte)(line[len(line)-rightWidth:])

		event := eight(left[:], int(n+9))
		f := &forms[formOf(event)]
		more := eight(right[:], rightWidth-3-16)
		bad := (event ^ f.name) |
			(eight(left[:], int(n+1)) ^ prefix) |
			(eight(left[:], int(column+8))^brackets)&(0xff|0xff<<32) |
			(eight(right[:], rightWidth-3-8) ^ f.last) |
			(more^f.more)&f.moreMask |
			others((eight(right[:], rightWidth-8)^eachZero)>>40|(more^eachZero)&f.digits<<16)
		if bad != 0 || !f.found || !isDigit(left[n]) || isDigit(left[column-1&63]) {
			break
		}

		behind := f.pid&15 + first
		w := eight(right[:], int(behind-8))
		next := &names.lasts[numeralPlace(w>>40)]
		if next.columns != w {
			next.last(w)
		}
		w = eight(left[:], int(column))
		prev := &names.firsts[numeralPlace(w>>8^w>>32)]
		if prev.columns != w {
			prev.first(w)
		}
		pid := behind - uint(next.digits)&7
		bad = (eight(right[:], int(behind))^f.behind)<<24 |
			(eight(right[:], int(pid-8))^f.key[0])&f.keyMask[0] |
			(eight(right[:], int(pid-10))^f.key[1])&f.keyMask[1]
		if bad != 0 || next.digits == 0 || prev.digits == 0 && f.current != 0 {
			break
		}

		seen |= f.seen
		gl := glance{a: prev.value&f.current | next.value&^f.current, b: next.value, end: int32(end)}
		if bl.waking == 0 && f.early {
			bl.waking = len(lines) + 1
		}
		if watch.likely(gl.a) || watch.likely(gl.b) {
			key := len(line) - rightWidth + int(pid) - f.keyWidth
			if f.current != 0 {
				gl.seen = g.change(line, bl, prev.value, int(column), int(column)+int(prev.digits), next.value, key)
			} else {
				gl.seen = g.wake(line, bl, next.value, key, !f.early)
			}
		}
		lines = append(lines, gl)
		from = end + 1
	}
	bl.lines, bl.seen = lines, seen
	return from, i
}

// usualLine is usual for one line, of which the glance is returned.
func (g *glancer) usualLine(line []byte, bl *block) (gl glance, ok bool) {
	n := len(bl.lines)
	if g.usual(line, 0, 0, []int32{int32(len(line))}, 0, bl); len(bl.lines) == n {
		return gl, false
	}
	gl, bl.lines = bl.lines[n], bl.lines[:n]
	return gl, true
}

// A numeral is what eight columns say that begin, or end, with one.
type numeral struct {
	columns uint64
	value   int32
	digits  int32 // 0: there is none, or it has more than seven
}

// numerals are those of the latest lines, as most lines are about the same tasks.
type numerals [1 << 12]numeral

// numeralPlace is where a number may be found, by three of its columns. Numbers
// that are close together, as pids are, have places that are.
func numeralPlace(columns uint64) uint { return uint(columns & 0x0f0f0f * 0x1001001 >> 16 & 0xfff) }

// first makes it the number that the columns begin with, behind which there are
// but blanks.
func (n *numeral) first(w uint64) {
	x := w ^ eachZero
	o := others(x)
	width := bits.TrailingZeros64(o) &^ 7
	*n = numeral{columns: w}
	if o != 0 && width > 0 && w>>width == eachBlank>>width {
		n.value, n.digits = value(x<<(64-width)), int32(width/8)
	}
}

// last makes it the number that the columns end with.
func (n *numeral) last(w uint64) {
	v, digits := numberIn(w)
	*n = numeral{w, v, int32(digits)}
}

// pidColumn is the pid that begins eight columns before the CPU, and how many
// digits it has; 0: there is none.
func (c *nameCache) pidColumn(line []byte, bracket int) (pid int32, digits int) {
	if bracket < 8 {
		return 0, 0
	}
	w := eight(line, bracket-8)
	n := &c.firsts[numeralPlace(w>>8^w>>32)]
	if n.columns != w {
		n.first(w)
	}
	return n.value, int(n.digits)
}
