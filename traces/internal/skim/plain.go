package skim

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
)

// Plain is the Skimmer that all others are held against: one line after the other, without
// state and without decoding ahead.
type Plain struct {
	// Head reads the left end of a line; nil: every line must be decoded.
	Head func(line []byte) (ktrace.LineHead, bool)
}

// Skim implements Skimmer.
func (p *Plain) Skim(text []byte, out *Block) {
	out.Reset()
	for from := 0; from < len(text); {
		l := Line{End: int32(len(text)), Prev: Whole, Next: -1}
		if i := bytes.IndexByte(text[from:], '\n'); i >= 0 {
			l.End = int32(from + i)
			if line := text[from:l.End]; len(line) < MaxLine && bytes.IndexByte(line, 0) < 0 && !(from == 0 && out.Tail) {
				p.lookUp(bytes.TrimRight(line, "\r"), &l, out)
			}
		}
		out.Lines = append(out.Lines, l)
		from = int(l.End) + 1
	}
}

// lookUp finds out whose scheduling a line is about.
func (p *Plain) lookUp(line []byte, l *Line, out *Block) {
	if p.Head == nil {
		return
	}
	h, ok := p.Head(line)
	if !ok {
		return
	}
	e, ok := h.End(line)
	switch {
	case !ok:
	case e.Kind == traces.SwitchOut:
		l.Prev, l.Next, l.Decoded = h.PID, e.PID, -1-int32(h.CPU)
		out.Seen |= 1<<traces.SwitchOut | 1<<traces.SwitchIn
	default:
		l.Prev, l.Next = e.PID, e.PID
		out.Seen |= 1 << traces.Woken
		out.Waking = out.Waking || e.Early
	}
}
