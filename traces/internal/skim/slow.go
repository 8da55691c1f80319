package skim

import (
	"bytes"
	"slices"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// A Scanner is the Skimmer of traces. It matches lines of the usual form with templates, at
// the columns of an earlier line (fast.go). It reads both ends of all other lines (this
// file). It decodes lines ahead if there is a hint for their pid (decode.go).
type Scanner struct {
	columns
	least, lengths int  // a line that matches a template has least to least+lengths-1 bytes
	simple         bool // readHead can read lines with these columns
	head           func(line []byte) (ktrace.LineHead, bool)
	heads          [1 << 6]stampHead
	hints          *Hints // nil: no line is decoded
	names          *nameCache
	one            Block // Decode's, of a single line
}

// columns are the places of things in a line, from 0. All are 0 if they are not known.
type columns struct {
	bracket int // "[001]"
	stamp   int // the colon behind the stamp
	name    int // the event's name
}

// Chunk is how many bytes are searched for newlines in one go: few enough to
// stay in the CPU's nearest cache.
const Chunk = 4 << 10

// NewScanner skims lines of which head reads the left end. Lines about pids for which there
// is a hint are decoded ahead; without h none are.
func NewScanner(head func(line []byte) (ktrace.LineHead, bool), h *Hints) *Scanner {
	g := &Scanner{head: head, hints: h}
	if h != nil {
		g.names = newNameCache()
	}
	return g
}

// hinted says whether a line about a pid is to be decoded.
func (g *Scanner) hinted(pid int32) bool { return g.hints != nil && g.hints.mayHave(uint32(pid)) }

// Skim implements Skimmer.
func (g *Scanner) Skim(text []byte, out *Block) {
	out.Reset()
	out.Lines = slices.Grow(out.Lines, len(text)/100) // likely as many as there are
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

// line looks at one line that matches no template. The fast path is tried again for those
// with carriage returns at the end, which terminals and other systems' editors write.
func (g *Scanner) line(line []byte, out *Block) Line {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = bytes.TrimRight(line, "\r")
		if l, ok := g.fastPath(line, out); ok {
			return l
		}
	}
	return g.slowPath(line, out)
}

// slowPath reads the two ends of a line. If they cannot be read, the line is Whole.
func (g *Scanner) slowPath(line []byte, out *Block) Line {
	whole := Line{Prev: Whole, Next: -1}
	if g.simple && g.hints != nil && g.lifecycleHere(line) {
		if d := out.next(); g.readLifecycle(line, d) {
			whole.Decoded = out.keep()
			return whole
		}
	}
	h, ok := g.head(line)
	if !ok {
		return whole
	}
	g.learn(&h)
	e, ok := h.End(line)
	switch {
	case ok && e.Kind == traces.SwitchOut:
		return g.switchLine(line, out, &h, &e)
	case ok:
		return g.wakeLine(line, out, e.PID, e.PIDKey)
	case g.hints != nil:
		if s := out.next(); g.readLifecycle(line, s) {
			whole.Decoded = out.keep()
		}
	}
	return whole
}

// lifecycleHere says whether a line with the columns of the one before may be a fork, an
// exit, a free or a stop; readHead then looks at all of them.
func (g *Scanner) lifecycleHere(line []byte) bool {
	n := g.name
	if g.bracket != dash+1+8 || len(line) <= n+ktrace.NameWidth || string(line[n-2:n+len("sched_")]) != ": sched_" {
		return false
	}
	_, width := scan.NumberFirst(scan.Eight(line, dash+1)) // nothing but the pid stands before the CPU
	event := line[n+len("sched_")]
	return width > 0 && (event == 'p' || event == 'k')
}

// learn makes the columns of a line those at which later lines are matched.
func (g *Scanner) learn(h *ktrace.LineHead) {
	if c := (columns{h.Bracket, h.Colon, h.Name}); c != g.columns {
		g.columns = c
		g.simple, g.heads = g.headKnown(), [1 << 6]stampHead{}
		g.setLengths()
	}
}

// switchLine is the Line of a sched_switch, of which both ends have been read.
func (g *Scanner) switchLine(line []byte, out *Block, h *ktrace.LineHead, e *ktrace.LineEnd) Line {
	out.Seen |= 1<<traces.SwitchOut | 1<<traces.SwitchIn
	l := Line{Prev: h.PID, Next: e.PID, Decoded: -1 - int32(h.CPU)}
	if g.hinted(h.PID) || g.hinted(e.PID) {
		if d := g.decodeSwitch(line, out, h.PID, h.PIDAt, h.PIDEnd, e.PID, e.PIDKey); d > 0 {
			l.Decoded = d
		}
	}
	return l
}

// decodeSwitch decodes a sched_switch. It returns Line.Decoded: 0 where it cannot.
func (g *Scanner) decodeSwitch(line []byte, out *Block, prev int32, from, end int, next int32, at int) (seen int32) {
	if s := out.next(); g.readHead(line, s, prev, from) && g.readSwitch(line, s, prev, end, next, at) {
		seen = out.keep()
	}
	return seen
}

// wakeLine is the Line of a sched_waking or sched_wakeup. Known are the pid of the task that
// is woken, and where " pid=" begins.
func (g *Scanner) wakeLine(line []byte, out *Block, pid int32, at int) Line {
	out.Seen |= 1 << traces.Woken
	late := line[g.name+len("sched_wak")] == 'e'
	out.Waking = out.Waking || !late
	l := Line{Prev: pid, Next: pid}
	if g.hinted(pid) {
		l.Decoded = g.decodeWake(line, out, pid, at, late)
	}
	return l
}

// decodeWake decodes a sched_waking or, late, a sched_wakeup. It returns Line.Decoded.
func (g *Scanner) decodeWake(line []byte, out *Block, pid int32, at int, late bool) (seen int32) {
	if s := out.next(); g.readWake(line, s, pid, at) {
		if s.Extra = 0; late {
			s.Extra = ktrace.WokenLate
		}
		seen = out.keep()
	}
	return seen
}
