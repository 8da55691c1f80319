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
	heads                [1 << 6]stampHead
	// Lines about these are decoded, as it is likely that the Reader asks for
	// them: it has done so, or, as it is some blocks behind and has not yet heard
	// of them, they have just been forked or are about to be stopped. nil: nothing
	// is decoded.
	watch *PIDs
	names *nameCache
	one   block         // of a line by itself
	found [window]found // in the usual lines of a window, see columns

	log  bool      // lines are a kernel log's
	pats *Patterns // the messages that say something there
}

// window is how many bytes are searched for newlines in one go: few enough to
// stay in the CPU's nearest cache.
const window = 4 << 10

func (g *glancer) block(bl *block) {
	bl.lines, bl.sights, bl.runs, bl.seen, bl.waking = bl.lines[:0], bl.sights[:0], bl.runs[:0], 0, 0
	g.bound()
	text := bl.text
	odd := g.log && bytes.IndexByte(text, '\x1b') >= 0
	from := 0
	var ends [window]int32
	for at := 0; at < len(text); at += window {
		n, zero := newlines(ends[:], text[at:min(at+window, len(text))])
		odd = odd || zero
		if !g.log {
			from = g.scheduling(text, from, at, ends[:n], odd, bl)
			continue
		}
		for _, e := range ends[:n] {
			end := at + int(e)
			g.message(text, from, end, odd, bl)
			from = end + 1
		}
	}
	if from < len(text) {
		bl.lines = append(bl.lines, glance{a: readWhole, b: -1, end: int32(len(text))})
	}
	if g.names != nil {
		bl.names, bl.flags = g.names.list, g.names.flags
	}
}

// message glances at a line of a kernel log, which is between two places of a block.
func (g *glancer) message(text []byte, from, end int, odd bool, bl *block) {
	line := text[from:end]
	if len(line) < maxLine && !(odd && bytes.ContainsAny(line, "\x00\x1b")) && !(from == 0 && bl.tail) && g.quiet(line, from, bl) {
		return
	}
	bl.lines = append(bl.lines, glance{a: readWhole, b: -1, end: int32(end)})
}

// line glances at one line. Whatever is not just as it knows it must be read
// whole. Usual lines have been tried, but for those with carriage returns, which
// terminals, or another system's editor, have written.
func (g *glancer) line(line []byte, bl *block) glance {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = bytes.TrimRight(line, "\r")
		if gl, ok := g.usualLine(line, bl); ok {
			return gl
		}
	}
	return g.unusual(line, bl)
}

const nameWidth = len("sched_switch: ") // and of sched_waking and sched_wakeup

// unusual is line for any line whose columns can be found.
func (g *glancer) unusual(line []byte, bl *block) glance {
	whole := glance{a: readWhole, b: -1}
	if !g.fits(line) && !g.find(line) {
		return whole
	}
	name := g.name
	event := line[name+len("sched_") : name+nameWidth]
	switch {
	case string(event) == "switch: ":
		prev, from, end := pidLeft(line, g.bracket)
		if from == end {
			return whole
		}
		next, at, ok := nextPID(line)
		if !ok {
			return whole
		}
		return g.switched(line, bl, prev, from, end, next, at)
	case string(event) == "waking: ", string(event) == "wakeup: ":
		pid, at, ok := wokenPID(line)
		if !ok {
			return whole
		}
		return g.woken(line, bl, pid, at)
	case g.watch != nil:
		if s := bl.sighting(); g.lifecycle(line, s) {
			whole.seen = bl.sighted()
		}
	}
	return whole
}

// switched is what a sched_switch comes to. The current task's pid has been found,
// with where it begins and ends, and the next one's, and where " next_pid=" is.
func (g *glancer) switched(line []byte, bl *block, prev int32, from, end int, next int32, at int) glance {
	bl.seen |= 1<<SwitchOut | 1<<SwitchIn
	gl := glance{a: prev, b: next}
	if g.watch.likely(prev) || g.watch.likely(next) {
		gl.seen = g.change(line, bl, prev, from, end, next, at)
	}
	return gl
}

// change makes the sighting of a sched_switch, if it can.
func (g *glancer) change(line []byte, bl *block, prev int32, from, end int, next int32, at int) (seen int32) {
	if s := bl.sighting(); g.head(line, s, prev, from) && g.switches(line, s, prev, end, next, at) {
		seen = bl.sighted()
	}
	return seen
}

// woken is what a sched_waking or sched_wakeup comes to, whose pid has been found,
// and where " pid=" is.
func (g *glancer) woken(line []byte, bl *block, pid int32, at int) glance {
	bl.seen |= 1 << Woken
	late := line[g.name+len("sched_wak")] == 'e'
	if bl.waking == 0 && !late {
		bl.waking = bl.at
	}
	gl := glance{a: pid, b: pid}
	if g.watch.likely(pid) {
		gl.seen = g.wake(line, bl, pid, at, late)
	}
	return gl
}

// wake makes the sighting of a sched_waking or, late, sched_wakeup, if it can.
func (g *glancer) wake(line []byte, bl *block, pid int32, at int, late bool) (seen int32) {
	if s := bl.sighting(); g.wakes(line, s, pid, at) {
		if s.more = 0; late {
			s.more = wokenLate
		}
		seen = bl.sighted()
	}
	return seen
}

// fits says whether a line has its CPU and one of the scheduler's events at the
// columns of a line before.
func (g *glancer) fits(line []byte) bool {
	n, br := g.name, g.bracket
	return n > 0 && len(line) > n+nameWidth && string(line[n:n+len("sched_")]) == "sched_" && (line[n-1] == ' ' || line[n-1] == ':') &&
		line[br] == '[' && line[br+4] == ']' && line[g.stamp] == ':' && isDigit(line[g.stamp-1])
}

var schedPrefix = []byte("sched_")

// find finds the columns of a line: a name behind a stamp, "36.824876: ", and a
// CPU before it.
func (g *glancer) find(line []byte) bool {
	n := bytes.Index(line, schedPrefix)
	if n < 20 || len(line) <= n+nameWidth {
		return false
	}
	stamp := n
	if line[stamp-1] == ':' { // perf's "sched:sched_switch"
		if stamp -= len("sched:"); stamp < 20 || string(line[stamp:n]) != "sched:" {
			return false
		}
	}
	for stamp > 0 && line[stamp-1] == ' ' {
		stamp--
	}
	if stamp < 20 || line[stamp-1] != ':' || !isDigit(line[stamp-2]) {
		return false
	}
	br := bytes.LastIndexByte(line[:stamp], '[')
	if br < 4 || line[br+4] != ']' {
		return false
	}
	g.bracket, g.stamp, g.name = br, stamp-1, n
	g.simple, g.heads = g.headed(), [1 << 6]stampHead{}
	g.usualLengths()
	return true
}

// pidLeft is the pid that stands, with blanks, left of a column, and where it
// begins and ends: "comm-123   [001]", "comm  123 [001]".
func pidLeft(line []byte, column int) (pid int32, from, end int) {
	if column >= 8 {
		if o := eight(line, column-8) ^ eachBlank; o != 0 {
			column -= bits.LeadingZeros64(o) / 8
		}
	}
	pid, from = numberLeft(line, column)
	return pid, from, column
}

// nextPID is the pid of the task that a sched_switch gives the CPU to:
// "… next_pid=338 next_prio=120", or "… ==> kt_ok:338 [120]". at is where
// " next_pid=" begins, 0 in the second form.
func nextPID(line []byte) (pid int32, at int, ok bool) {
	const prioKey, pidKey = " next_prio=", " next_pid="
	i := prioLeft(line, len(line))
	if i == len(line) || i < len(prioKey) || string(line[i-len(prioKey):i]) != prioKey {
		if i == len(line) && i > 0 && line[i-1] == ']' {
			pid, ok = pluginPID(line, i-1)
		}
		return pid, 0, ok
	}
	i -= len(prioKey)
	pid, from := numberLeft(line, i)
	if from == i || from < len(pidKey) || string(line[from-len(pidKey):from]) != pidKey {
		return 0, 0, false
	}
	return pid, from - len(pidKey), true
}

// pluginPID is the pid in "kt_ok:338 [120", which ends at a column.
func pluginPID(line []byte, end int) (pid int32, ok bool) {
	i := digitsLeft(line, end)
	if i == end || i < 2 || string(line[i-2:i]) != " [" {
		return 0, false
	}
	i -= len(" [")
	pid, from := numberLeft(line, i)
	return pid, from < i && from > 0 && line[from-1] == ':'
}

// wokenPID is the pid of the task that a sched_waking or sched_wakeup is about:
// "… pid=338 prio=120 target_cpu=001", or "kt_ok:338 [120] CPU:001". at is where
// " pid=" begins, 0 in the second form.
func wokenPID(line []byte) (pid int32, at int, ok bool) {
	const cpuKey, prioKey, pidKey, plugin = " target_cpu=", " prio=", " pid=", "] CPU:"
	i := prioLeft(line, len(line))
	switch {
	case i == len(line) || i < len(cpuKey):
		return 0, 0, false
	case string(line[i-len(cpuKey):i]) == cpuKey:
	case string(line[i-len(plugin):i]) == plugin:
		pid, ok = pluginPID(line, i-len(plugin))
		return pid, 0, ok
	default:
		return 0, 0, false
	}
	i -= len(cpuKey)
	j := prioLeft(line, i)
	if j == i || j < len(prioKey) || string(line[j-len(prioKey):j]) != prioKey {
		return 0, 0, false
	}
	j -= len(prioKey)
	pid, from := numberLeft(line, j)
	if from == j || from < len(pidKey) || string(line[from-len(pidKey):from]) != pidKey {
		return 0, 0, false
	}
	return pid, from - len(pidKey), true
}

// prioLeft is where a number that ends at a column begins, with its minus sign;
// it is that column where there is none. Nearly all priorities, and CPUs as the
// kernel prints them, have three digits.
func prioLeft(line []byte, end int) int {
	if end >= 4 && isDigit(line[end-1]) && isDigit(line[end-2]) && isDigit(line[end-3]) && line[end-4] == '=' {
		return end - 3
	}
	return signedLeft(line, end)
}

// Numbers are read eight columns at once: a column's byte is '0' to '9' where,
// with '0' taken off each, its nibbles say at most 9.

const (
	eachZero  = 0x3030303030303030
	eachBlank = 0x2020202020202020
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
	v, digits := numberIn(eight(line, end-8))
	return v, end - digits
}

// numberIn is the number of at most seven digits at the end of eight columns, and
// how many it has; 0: there is none.
func numberIn(w uint64) (v int32, digits int) {
	x := w ^ eachZero
	o := others(x)
	if o == 0 {
		return 0, 0
	}
	n := bits.LeadingZeros64(o) // eight for each digit
	return value(x & (math.MaxUint64 << (63 - n) << 1)), n / 8
}

// value is the number that eight columns say, of at most seven digits, with '0'
// taken off each.
func value(x uint64) int32 {
	const pairs = 0x000000ff000000ff
	x = x*10 + x>>8
	return int32((x&pairs*(100+1000000<<32) + x>>16&pairs*(1+10000<<32)) >> 32)
}
