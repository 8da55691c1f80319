package skim

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
)

// A glancer looks at lines of a trace by the columns of the lines before, or at
// those of a kernel log.
type Scanner struct {
	bracket, stamp, name int  // where "[001]", the colon behind the stamp, and the event's name are; 0: not known
	least, lengths       int  // of the lines there that may be usual; lengths is how many there are
	simple               bool // head reads what is there
	head                 func(line []byte) (ktrace.LineHead, bool)
	heads                [1 << 6]stampHead
	// Lines about these pids are decoded: the Reader has asked for them, or, as it
	// is some blocks behind and has not yet heard of them, they have just been forked
	// or are about to be stopped. nil: nothing is decoded.
	hints *Hints
	names *nameCache
	one   Block // of a line by itself
}

// window is how many bytes are searched for newlines in one go: few enough to
// stay in the CPU's nearest cache.
const Chunk = 4 << 10

// newGlancer makes a skimmer of lines of which head reads the left end. Without hints
// nothing is decoded ahead.
func NewScanner(head func(line []byte) (ktrace.LineHead, bool), h *Hints) *Scanner {
	g := &Scanner{head: head, hints: h}
	if h != nil {
		g.names = newNameCache()
	}
	return g
}

// hinted says whether a line about a pid is to be decoded.
func (g *Scanner) hinted(pid int32) bool { return g.hints != nil && g.hints.mayHave(uint32(pid)) }

func (g *Scanner) Skim(text []byte, out *Block) {
	out.Reset()
	g.bound()
	from, zeroes := 0, false
	var ends [Chunk]int32
	for at := 0; at < len(text); at += Chunk {
		n, zero := Newlines(ends[:], text[at:min(at+Chunk, len(text))])
		zeroes = zeroes || zero
		from = g.lines(text, from, at, ends[:n], zeroes, out)
	}
	if from < len(text) {
		out.Lines = append(out.Lines, Line{Prev: Whole, Next: -1, End: int32(len(text))})
	}
	if g.names != nil {
		out.Names = g.names.Names
	}
}

// line glances at one line. Whatever is not just as it knows it must be read
// whole. Usual lines have been tried, but for those with carriage returns, which
// terminals, or another system's editor, have written.
func (g *Scanner) line(line []byte, out *Block) Line {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = bytes.TrimRight(line, "\r")
		if gl, ok := g.fastPath(line, out); ok {
			return gl
		}
	}
	return g.slowPath(line, out)
}

// unusual is line for any line whose two ends can be read.
func (g *Scanner) slowPath(line []byte, out *Block) Line {
	whole := Line{Prev: Whole, Next: -1}
	h, ok := g.head(line)
	if !ok {
		return whole
	}
	g.learn(&h)
	e, ok := h.End(line)
	switch {
	case ok && e.Kind == traces.SwitchOut:
		return g.switchLine(line, out, h.PID, h.PIDAt, h.PIDEnd, e.PID, e.PIDKey)
	case ok:
		return g.wakeLine(line, out, e.PID, e.PIDKey)
	case g.hints != nil:
		if s := out.next(); g.readLifecycle(line, s) {
			whole.Decoded = out.keep()
		}
	}
	return whole
}

// learn takes over the columns of a line.
func (g *Scanner) learn(h *ktrace.LineHead) {
	if h.Bracket != g.bracket || h.Colon != g.stamp || h.Name != g.name {
		g.bracket, g.stamp, g.name = h.Bracket, h.Colon, h.Name
		g.simple, g.heads = g.headKnown(), [1 << 6]stampHead{}
		g.setLengths()
	}
}

// switched is what a sched_switch comes to. The current task's pid has been found,
// with where it begins and ends, and the next one's, and where " next_pid=" is.
func (g *Scanner) switchLine(line []byte, out *Block, prev int32, from, end int, next int32, at int) Line {
	out.Seen |= 1<<traces.SwitchOut | 1<<traces.SwitchIn
	gl := Line{Prev: prev, Next: next}
	if g.hinted(prev) || g.hinted(next) {
		gl.Decoded = g.decodeSwitch(line, out, prev, from, end, next, at)
	}
	return gl
}

// change makes the sighting of a sched_switch, if it can.
func (g *Scanner) decodeSwitch(line []byte, out *Block, prev int32, from, end int, next int32, at int) (seen int32) {
	if s := out.next(); g.readHead(line, s, prev, from) && g.readSwitch(line, s, prev, end, next, at) {
		seen = out.keep()
	}
	return seen
}

// woken is what a sched_waking or sched_wakeup comes to, whose pid has been found,
// and where " pid=" is.
func (g *Scanner) wakeLine(line []byte, out *Block, pid int32, at int) Line {
	out.Seen |= 1 << traces.Woken
	late := line[g.name+len("sched_wak")] == 'e'
	out.Waking = out.Waking || !late
	gl := Line{Prev: pid, Next: pid}
	if g.hinted(pid) {
		gl.Decoded = g.decodeWake(line, out, pid, at, late)
	}
	return gl
}

// wake makes the sighting of a sched_waking or, late, sched_wakeup, if it can.
func (g *Scanner) decodeWake(line []byte, out *Block, pid int32, at int, late bool) (seen int32) {
	if s := out.next(); g.readWake(line, s, pid, at) {
		if s.Extra = 0; late {
			s.Extra = ktrace.WokenLate
		}
		seen = out.keep()
	}
	return seen
}
