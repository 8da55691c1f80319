package traces

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
)

// A glancer looks at lines of a trace by the columns of the lines before, or at
// those of a kernel log.
type glancer struct {
	bracket, stamp, name int  // where "[001]", the colon behind the stamp, and the event's name are; 0: not known
	least, lengths       int  // of the lines there that may be usual; lengths is how many there are
	simple               bool // head reads what is there
	begins               func(line []byte) (lineHead, bool)
	heads                [1 << 6]stampHead
	// Lines about these pids are decoded: the Reader has asked for them, or, as it
	// is some blocks behind and has not yet heard of them, they have just been forked
	// or are about to be stopped. nil: nothing is decoded.
	hints *hints
	names *nameCache
	one   skimmed       // of a line by itself
	found [window]found // in the usual lines of a window, see columns
}

// window is how many bytes are searched for newlines in one go: few enough to
// stay in the CPU's nearest cache.
const window = 4 << 10

// newGlancer makes a skimmer of lines of which head reads the left end. Without hints
// nothing is decoded ahead.
func newGlancer(head func(line []byte) (lineHead, bool), h *hints) *glancer {
	g := &glancer{begins: head, hints: h}
	if h != nil {
		g.names = newNameCache()
	}
	return g
}

// hinted says whether a line about a pid is to be decoded.
func (g *glancer) hinted(pid int32) bool { return g.hints != nil && g.hints.mayHave(uint32(pid)) }

func (g *glancer) skim(text []byte, out *skimmed) {
	out.reset()
	g.bound()
	from, zeroes := 0, false
	var ends [window]int32
	for at := 0; at < len(text); at += window {
		n, zero := newlines(ends[:], text[at:min(at+window, len(text))])
		zeroes = zeroes || zero
		from = g.scheduling(text, from, at, ends[:n], zeroes, out)
	}
	if from < len(text) {
		out.lines = append(out.lines, glance{a: readWhole, b: -1, end: int32(len(text))})
	}
	if g.names != nil {
		out.nameTable = g.names.nameTable
	}
}

// line glances at one line. Whatever is not just as it knows it must be read
// whole. Usual lines have been tried, but for those with carriage returns, which
// terminals, or another system's editor, have written.
func (g *glancer) line(line []byte, out *skimmed) glance {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = bytes.TrimRight(line, "\r")
		if gl, ok := g.usualLine(line, out); ok {
			return gl
		}
	}
	return g.unusual(line, out)
}

// unusual is line for any line whose two ends can be read.
func (g *glancer) unusual(line []byte, out *skimmed) glance {
	whole := glance{a: readWhole, b: -1}
	h, ok := g.begins(line)
	if !ok {
		return whole
	}
	g.learn(&h)
	e, ok := h.end(line)
	switch {
	case ok && e.kind == SwitchOut:
		return g.switched(line, out, h.pid, h.pidAt, h.pidEnd, e.pid, e.pidKey)
	case ok:
		return g.woken(line, out, e.pid, e.pidKey)
	case g.hints != nil:
		if s := out.sighting(); g.lifecycle(line, s) {
			whole.seen = out.sighted()
		}
	}
	return whole
}

// learn takes over the columns of a line.
func (g *glancer) learn(h *lineHead) {
	if h.bracket != g.bracket || h.colon != g.stamp || h.name != g.name {
		g.bracket, g.stamp, g.name = h.bracket, h.colon, h.name
		g.simple, g.heads = g.headed(), [1 << 6]stampHead{}
		g.usualLengths()
	}
}

// switched is what a sched_switch comes to. The current task's pid has been found,
// with where it begins and ends, and the next one's, and where " next_pid=" is.
func (g *glancer) switched(line []byte, out *skimmed, prev int32, from, end int, next int32, at int) glance {
	out.seen |= 1<<SwitchOut | 1<<SwitchIn
	gl := glance{a: prev, b: next}
	if g.hinted(prev) || g.hinted(next) {
		gl.seen = g.change(line, out, prev, from, end, next, at)
	}
	return gl
}

// change makes the sighting of a sched_switch, if it can.
func (g *glancer) change(line []byte, out *skimmed, prev int32, from, end int, next int32, at int) (seen int32) {
	if s := out.sighting(); g.head(line, s, prev, from) && g.switches(line, s, prev, end, next, at) {
		seen = out.sighted()
	}
	return seen
}

// woken is what a sched_waking or sched_wakeup comes to, whose pid has been found,
// and where " pid=" is.
func (g *glancer) woken(line []byte, out *skimmed, pid int32, at int) glance {
	out.seen |= 1 << Woken
	late := line[g.name+len("sched_wak")] == 'e'
	if out.waking == 0 && !late {
		out.waking = out.at
	}
	gl := glance{a: pid, b: pid}
	if g.hinted(pid) {
		gl.seen = g.wake(line, out, pid, at, late)
	}
	return gl
}

// wake makes the sighting of a sched_waking or, late, sched_wakeup, if it can.
func (g *glancer) wake(line []byte, out *skimmed, pid int32, at int, late bool) (seen int32) {
	if s := out.sighting(); g.wakes(line, s, pid, at) {
		if s.more = 0; late {
			s.more = wokenLate
		}
		seen = out.sighted()
	}
	return seen
}

// Numbers are read eight columns at once: a column's byte is '0' to '9' where,
// with '0' taken off each, its nibbles say at most 9.

const (
	eachZero  = 0x3030303030303030
	eachBlank = 0x2020202020202020
	eachColon = 0x3a3a3a3a3a3a3a3a
	eachTop   = 0x8080808080808080
)

// eight are the eight columns from i on.
func eight(line []byte, i int) uint64 { return binary.LittleEndian.Uint64(line[i : i+8]) }

// others are those of eight columns that are no digits, by the top bit of each; x
// has '0' taken off each column.
func others(x uint64) uint64 {
	return (x&^uint64(eachTop) + 0x7676767676767676 | x) & eachTop
}

// digitsLeft is where the digits that end at a column begin; it is that column
// where there is none, or there are more than seven.
func digitsLeft(line []byte, end int) (from int) {
	if end < 8 {
		return end
	}
	if o := others(eight(line, end-8) ^ eachZero); o != 0 {
		return end - bits.LeadingZeros64(o)/8
	}
	return end
}

// signedLeft is digitsLeft with a minus sign before the digits.
func signedLeft(line []byte, end int) (from int) {
	from = digitsLeft(line, end)
	if from > 0 && from < end && line[from-1] == '-' {
		from--
	}
	return from
}

// numberLeft is the number of at most seven digits that ends at a column, and
// where it begins, which is that column where there is none. No pid has more
// (include/linux/threads.h PID_MAX_LIMIT).
func numberLeft(line []byte, end int) (v int32, from int) {
	if end < 8 {
		return 0, end
	}
	if isDigit(line[end-8]) && digitsLeft(line, end) == end {
		return 0, end
	}
	v, digits := numberIn(eight(line, end-8))
	return v, end - digits
}

// numberIn is the number of at most seven digits at the end of eight columns, and
// how many it has; 0: there is none. Of more digits it is the last seven.
func numberIn(w uint64) (v int32, digits int) {
	x := w ^ eachZero
	n := bits.LeadingZeros64(others(x) | 0x80) // eight for each digit
	return value(x & (math.MaxUint64 << ((63 - n) & 63) << 1)), n / 8
}

// value is the number that eight columns say, of at most seven digits, with '0'
// taken off each.
func value(x uint64) int32 {
	const pairs = 0x000000ff000000ff
	x = x*10 + x>>8
	return int32((x&pairs*(100+1000000<<32) + x>>16&pairs*(1+10000<<32)) >> 32)
}
