package reader

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/klog"
	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
	"github.com/kthread-tla/tracecheck/traces/internal/skim"
)

// advance goes on in the input, up to a line that makes events or to the end of a block.
func (r *Reader) advance() error {
	if r.blocks == nil {
		plain, err := Unpack(r.src)
		if err != nil {
			return err
		}
		r.blocks = newBlocks(plain, r.opts.Follow)
	}
	if r.block == nil {
		r.block, r.next, r.from = r.blocks.next(), 0, 0
	}
	for r.next < len(r.block.Lines) {
		if err := r.mergeLine(); err != nil || len(r.ready)+len(r.events) > 0 {
			return err
		}
	}
	err := r.block.err
	if r.trace != nil {
		r.tail.keep(r.block)
	}
	r.blocks.done(r.block)
	r.block = nil
	if err != nil {
		return r.finish(err)
	}
	return nil
}

// mergeLine goes through some lines of a block that need not be decoded, or through one
// that must be.
func (r *Reader) mergeLine() error {
	b := r.block
	if r.trace != nil {
		if r.skipOrCommit(); len(r.ready) > 0 || r.next == len(b.Lines) {
			return nil
		}
	}
	l := b.Lines[r.next]
	end := int(l.End)
	r.next++
	switch {
	case l.Prev == skim.Boring:
		span, log := &b.Spans[l.Decoded-1], r.dec.(*klog.Log)
		if log.SkipSpan(span, b.text[span.From:end]) {
			r.from = end + 1
			return nil
		}
		if end = r.from + bytes.IndexByte(b.text[r.from:], '\n'); span.N > 1 {
			klog.DropFirst(span, b.text[end+1:end+1+bytes.IndexByte(b.text[end+1:], '\n')])
			r.next-- // there is more of it
		}
	case l.Prev >= 0 && r.decodeLate(&l):
		return nil
	}
	text := b.text[r.from:min(end+1, len(b.text))]
	first := r.from == 0
	if r.from = end + 1; first && b.Tail {
		if r.raw {
			r.dec.Raw(text) // a further piece of an overlong line
		}
		return nil
	}
	return r.line(text)
}

// skipOrCommit goes through the lines of a block that need no decoder: it skips them, or
// commits lines that were decoded ahead, up to one that makes events. It goes through no
// line while some CPU's events may be missing, or if the block has a kind of event that is
// new in the log, because the decoder must note the first line of each kind.
func (r *Reader) skipOrCommit() {
	b, s := r.block, &r.stats
	if r.trace.Lossy() || b.Seen&^s.Seen != 0 || b.Waking && !s.Waking {
		return
	}
	for r.next < len(b.Lines) {
		if at := b.Lines[r.next].Decoded; at > 0 {
			if !r.trace.InOrder(&b.Decoded[at-1]) {
				break
			}
			r.next++
			s.Lines++
			if r.ready = r.trace.Commit(s.Lines, &b.Decoded[at-1], &b.Names); len(r.ready) > 0 {
				break
			}
			continue
		}
		n := r.skipUnwatched(b.Lines[r.next:])
		if n == 0 {
			break
		}
		r.next += n
		s.Lines += n
		s.KernelLines += n
		s.LastLine = s.Lines
		if r.ready = r.events; len(r.ready) > 0 {
			break
		}
	}
	if r.next > 0 {
		r.from = int(b.Lines[r.next-1].End) + 1
	}
}

// skipUnwatched is how many of the first lines are about the scheduling of tasks that
// nobody is interested in. It ends behind a line that shows that others are missing, which
// makes an event.
func (r *Reader) skipUnwatched(lines []skim.Line) (n int) {
	interest, walk, at := r.opts.Interest, r.trace.ChainWalk(), r.stats.Lines+1
	for i := range lines {
		l := &lines[i]
		if l.Prev < 0 || l.Decoded > 0 || interest.MayHave(uint32(l.Prev)) || interest.MayHave(uint32(l.Next)) {
			return i
		}
		if walk.Switched(at+i, l.Decoded, l.Prev, l.Next) {
			continue
		}
		if r.trace.Switched(at+i, int(^l.Decoded), int(l.Prev), int(l.Next)); len(r.events) > 0 {
			return i + 1
		}
		walk = r.trace.ChainWalk()
	}
	return len(lines)
}

// decodeLate decodes a line about the scheduling of a pid that nobody was interested in
// when the line was skimmed. It is false where the line has to be read whole.
func (r *Reader) decodeLate(l *skim.Line) bool {
	if r.late == nil || r.trace.Lossy() || l.Decoded > 0 {
		return false
	}
	// From the next block on the thread's lines are decoded in time.
	for _, pid := range []int32{l.Prev, l.Next} {
		if r.opts.Interest.Has(int(pid)) {
			r.hints.Set(pid)
		}
	}
	decoded, names := r.late.Decode(r.block.text[r.from:l.End])
	if decoded == nil || !r.trace.InOrder(decoded) {
		return false
	}
	r.stats.Lines++
	r.from = int(l.End) + 1
	r.ready = r.trace.Commit(r.stats.Lines, decoded, names)
	return true
}

// line takes a line, with its newline where it has one, or the first piece of an overlong
// one.
func (r *Reader) line(text []byte) error {
	s := &r.stats
	s.Lines++
	if s.Lines == 1 {
		text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) // a byte order mark
	}
	head := text[:min(len(text), skim.MaxLine)]
	undecided := r.dec == nil
	if undecided {
		r.choice.decide(r, head)
	}
	// A format without lines of its own takes all bytes as they come.
	if r.raw = r.dec != nil && r.dec.Raw(text); !r.raw {
		if err := r.wholeLine(text, head); err != nil {
			return err
		}
	}
	if undecided && r.dec != nil {
		r.choose()
	}
	return nil
}

// wholeLine hands a line to the decoder, unless it is damaged: longer than any, without
// its end, or with NULs. What such a line could have said is missing.
func (r *Reader) wholeLine(text, head []byte) error {
	s := &r.stats
	record := func() bool {
		if r.dec == nil || !r.dec.Damaged(head) {
			return false
		}
		s.KernelLines++
		return true
	}
	damaged := func(format string, args ...any) {
		s.Diagnose(s.Lines, format, args...)
		if record() {
			r.emit(traces.Event{Kind: traces.Loss, Line: s.Lines, Extent: traces.Extent{Since: s.Lines - 1}})
		}
	}
	ended := len(text) > 0 && text[len(text)-1] == '\n'
	nul := bytes.IndexByte(head, 0) >= 0
	switch {
	case nul && r.dec == nil:
		return ErrBinary
	case r.block.long || len(text) > skim.MaxLine || !ended && len(text) == skim.MaxLine:
		damaged("longer than %d bytes: not used", skim.MaxLine)
	case !ended:
		record()
		s.Diagnose(s.Lines, "the last line does not end in a newline and may be cut: not used as evidence")
	case nul:
		damaged("holds NUL bytes: not used")
	case r.dec == nil:
		r.choice.hold(s.Lines, text)
	default:
		r.decode(text[:len(text)-1])
	}
	return nil
}

// decode hands a whole line to the decoder. A line of another kind of log gets a diagnostic,
// once: two logs in one input have no common order.
func (r *Reader) decode(text []byte) {
	if n, ok := leftOut(text); ok {
		r.dec.LeftOut(n)
		return
	}
	if t, ok := r.dec.(*ktrace.Decoder); ok && string(bytes.TrimRight(text, " \r")) == RestLeftOut {
		t.RestLeftOut()
		return
	}
	if r.dec.Line(text) {
		return
	}
	if name, ok := r.choice.foreign(text); ok {
		r.stats.Diagnose(r.stats.Lines, "looks like %s in the middle of %s: not used, give it in a file of its own", name, r.Format())
	}
}
