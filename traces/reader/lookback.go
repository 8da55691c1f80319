package reader

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
	"github.com/kthread-tla/tracecheck/traces/internal/skim"
)

// lookBack is how many lines before the line of a thread's fork may have lines of the
// thread.
const lookBack = 256

// longestLook is the longest line, in bytes, that is looked at again. A name has 15 bytes,
// so lines of the scheduler are shorter.
const longestLook = 512

// A tail has the last lines of the blocks before the current one: at least lookBack, or all
// since the trace has begun.
type tail struct {
	text  []byte
	lines []skim.Line // End is counted in text; Decoded > 0: the line was decoded ahead
}

// keep adds the last lines of a block.
func (t *tail) keep(b *block) {
	lines, from := countedLines(b)
	if n := len(lines) - lookBack; n > 0 {
		from, lines = int(lines[n-1].End)+1, lines[n:]
	}
	if n := len(t.lines) - lookBack; n > lookBack || n > 0 && len(lines) == lookBack {
		was := int(t.lines[n-1].End)
		t.text = append(t.text[:0], t.text[was:]...)
		t.lines = append(t.lines[:0], t.lines[n:]...)
		for i := range t.lines {
			t.lines[i].End -= int32(was)
		}
	}
	for _, l := range lines {
		end := min(int(l.End), len(b.text))
		t.add(l, b.text[from:end])
		from = end + 1
	}
}

// add adds a line; text is without its end.
func (t *tail) add(l skim.Line, text []byte) {
	if len(text) <= longestLook {
		t.text = append(t.text, text...)
	}
	l.End = int32(len(t.text))
	t.lines = append(t.lines, l)
}

// countedLines are the lines of a block that begin in it. from is where the first begins.
func countedLines(b *block) (lines []skim.Line, from int) {
	if b.Tail && len(b.Lines) > 0 {
		return b.Lines[1:], int(b.Lines[0].End) + 1
	}
	return b.Lines, 0
}

// addLate adds to the latest line's events, if one is a kernel thread's fork, what lines
// before it say of the new thread: see ktrace.LateDecoder.
func (r *Reader) addLate() {
	at := slices.IndexFunc(r.ready, func(e traces.Event) bool { return ktrace.IsKthreadFork(&e) })
	if at < 0 || r.next == 0 || r.block == nil {
		return
	}
	fork := r.ready[at]
	lines, from := countedLines(r.block)
	lines = lines[:len(lines)-(len(r.block.Lines)-r.next)-1]
	if n := len(lines) - lookBack; n > 0 {
		from, lines = int(lines[n-1].End)+1, lines[n:]
	}
	before := r.tail.lines[max(0, len(r.tail.lines)-(lookBack-len(lines))):]
	fromTail := 0
	if n := len(r.tail.lines) - len(before); n > 0 {
		fromTail = int(r.tail.lines[n-1].End)
	}
	var digits [20]byte
	q := question{pid: int32(fork.Thread.PID), digits: strconv.AppendInt(digits[:0], int64(fork.Thread.PID), 10)}
	q.first = r.stats.Lines - len(lines) - len(before)
	if !q.mayBeIn(r.tail.text, fromTail, 0, before) && !q.mayBeIn(r.block.text, from, 1, lines) {
		return
	}
	late, ok := r.trace.Late(&fork)
	if !ok {
		return
	}
	q.ask(&late, r.tail.text, fromTail, 0, before)
	q.first += len(before)
	q.ask(&late, r.block.text, from, 1, lines)
	if events := late.Events(); len(events) > 0 {
		r.events = append(append(r.events[:0], r.ready...), events...)
		r.ready = r.events
	}
}

// A question is which of some lines are about a pid.
type question struct {
	pid    int32
	digits []byte // pid as lines have it
	first  int    // the number of the first line
}

// mayBeIn says whether one of the lines may be of the scheduler and about the pid. The first
// begins at from, and there are gap bytes between two.
func (q *question) mayBeIn(text []byte, from, gap int, lines []skim.Line) bool {
	for i := range lines {
		l := &lines[i]
		// Nearly no line is, so there is one test before the others.
		if (l.Prev-q.pid)*(l.Next-q.pid)*(l.Prev^skim.Whole|l.Decoded) != 0 {
			continue
		}
		if l.Prev == q.pid || l.Next == q.pid {
			return true
		}
		if l.Prev == skim.Whole && l.Decoded == 0 {
			if i > 0 {
				from = int(lines[i-1].End) + gap
			}
			if bytes.Contains(text[from:l.End], q.digits) {
				return true
			}
		}
	}
	return false
}

// ask gives to late the lines that may be about the pid.
func (q *question) ask(late *ktrace.LateDecoder, text []byte, from, gap int, lines []skim.Line) {
	for i := range lines {
		end := int(lines[i].End)
		if line := text[from:end]; len(line) <= longestLook && bytes.Contains(line, q.digits) {
			late.Line(q.first+i, line)
		}
		from = end + gap
	}
}
