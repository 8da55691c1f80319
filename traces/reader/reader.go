package reader

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/klog"
	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
	"github.com/kthread-tla/tracecheck/traces/internal/skim"
)

// Errors of a Reader for inputs of which nothing can be used.
var (
	ErrEmpty   = errors.New("empty: nothing to check")
	ErrBinary  = errors.New("binary, not the text of a log")
	ErrUnknown = errors.New("no line of it is of a log format that is known; docs/formats.md lists them, and bare messages (dmesg -t) need --input-format bare")
)

// A Reader reads a log, in whatever format, and finds events in it. It is used
// like a bufio.Scanner.
//
// The order of the lines is the order of the events: stamps are taken before
// the record's place is reserved, so they tie and may run backwards
// (kernel/printk/printk.c vprintk_store).
//
// Its work has three steps. The Reader makes lines of bytes. A decoder, which
// the first line that decides has chosen, makes events of lines. Of the
// decoders one, kernelLog, stands for all formats of kernel logs, because
// these may change from line to line.
type Reader struct {
	stats         traces.Stats
	events        []traces.Event // what the latest line says
	ready         []traces.Event // the same, or what the latest decoded line says
	at            int            // the current one of these
	opts          Options
	src           io.Reader
	plain         io.Reader // src, unpacked; nil before the first Scan
	in            *bufio.Reader
	force         string // the only format to be read; empty: whatever it is
	picks         []pick
	dec           decoder // nil while no line has decided
	kind          *pick   // what dec is of; nil: of bare messages that nobody has asked for
	foreignFormat bool    // a line has been claimed that dec did not know; said once
	held          []held  // what came before the line that decides
	weight        int     // bytes held
	shed          bool    // some are held no more
	err           error

	hints *skim.Hints // of its blocks
	// Of inputs that are read in blocks:
	blocks *blocks
	block  *block
	trace  *ktrace.Decoder // dec, while it has a block; nil for a kernel log
	next   int             // of block.lines
	from   int             // where it begins
	raw    bool            // the latest line has been taken raw
	late   *skim.Scanner   // at lines about pids that were not yet asked for

}

// NewReader reads from r. An error in o is what Err says after the first Scan. Who
// makes a Reader has to Close it.
func New(r io.Reader, o Options) *Reader {
	n := &Reader{src: r, opts: o}
	if n.err = CheckFormat(o.Format); o.Format != "auto" {
		n.force = o.Format
	}
	return n
}

// Close ends what reads ahead. The Reader is of no use afterwards.
func (r *Reader) Close() {
	if r.blocks != nil {
		r.blocks.close()
	}
}

// Format names what the input has been taken for so far: names of Formats,
// joined by "+" in the order in which they came. It is empty where no line has
// decided.
func (r *Reader) Format() string {
	if r.dec == nil {
		return ""
	}
	return r.dec.Format()
}

// Scan goes to the next event. It is false at the end, and where reading fails.
func (r *Reader) Scan() bool {
	if r.at++; r.at < len(r.ready) {
		return true
	}
	r.ready, r.at = r.ready[:0], 0
	if r.trace != nil {
		if r.next = r.decoded(r.block, r.next); len(r.ready) > 0 {
			return true
		}
	}
	for r.err == nil && len(r.ready) == 0 {
		r.events = r.events[:0]
		if r.block != nil && r.block.err == nil { // the end is step's
			r.err = r.nextInBlock()
		} else {
			r.err = r.step()
		}
		if len(r.events) > 0 {
			r.ready = r.events
		}
	}
	return len(r.ready) > 0
}

// Event is the event that Scan went to, until the next Scan.
func (r *Reader) Event() *traces.Event { return &r.ready[r.at] }

// Err is why Scan was false; nil at the end of the input.
func (r *Reader) Err() error {
	if r.err == io.EOF {
		return nil
	}
	return r.err
}

// Stats counts what has been read so far. It is the same for the Reader's life, and
// goes on counting with each Scan.
func (r *Reader) Stats() *traces.Stats { return &r.stats }

// step reads a line and has it decoded.
func (r *Reader) step() error {
	if r.in == nil {
		var err error
		if r.plain, err = Unpack(r.src); err != nil {
			return err
		}
		r.in = bufio.NewReaderSize(r.plain, skim.MaxLine)
		r.picks = r.makePicks()
	}
	err := r.advance()
	switch {
	case err != io.EOF:
		return err
	case r.stats.Lines == 0:
		return ErrEmpty
	}
	if r.dec == nil && r.force == "" && !r.shed {
		r.bareReports()
	}
	if r.dec != nil {
		r.dec.End()
	}
	switch {
	case r.stats.KernelLines > 0 || r.Format() != "":
	case r.force != "":
		return fmt.Errorf("no line of it is of the format %s", r.force)
	default:
		return ErrUnknown
	}
	return io.EOF
}

// advance reads what comes next: a line, or a block of them at a glance.
func (r *Reader) advance() error {
	if r.blocks == nil {
		skimmers := r.skimmers()
		if skimmers == nil {
			return r.line()
		}
		r.blocks = newBlocks(r.in, skimmers)
		r.late, _ = skimmers().(*skim.Scanner)
	}
	if r.block == nil {
		if r.block = r.blocks.next(); r.block == nil {
			return io.EOF
		}
		r.next, r.from = 0, 0
		if t, ok := r.dec.(*ktrace.Decoder); ok {
			r.trace = t
			waking := r.block.FirstWaking
			if waking > 0 {
				if waking += r.stats.Lines; r.block.Tail {
					waking-- // the rest of a line is not another one
				}
			}
			t.Note(r.block.Seen, waking)
		}
	}
	return r.nextInBlock()
}

// skimmers makes skimmers of the input's lines; nil where these must be read one by
// one.
func (r *Reader) skimmers() func() skim.Skimmer {
	if r.opts.Interest == nil || r.opts.Follow {
		return nil
	}
	switch d := r.dec.(type) {
	case *ktrace.Decoder:
		switch head := d.Layout.Head; {
		case head == nil:
			return nil
		case !d.Layout.Ahead:
			return func() skim.Skimmer { return skim.NewScanner(head, nil) } // decoding while skimming is not possible
		default:
			r.hints = new(skim.Hints)
			return func() skim.Skimmer { return skim.NewScanner(head, r.hints) }
		}
	case *klog.Log:
		return func() skim.Skimmer { return klog.NewBoringLines(r.opts.Patterns) }
	}
	return nil
}

// glance goes through a block, up to a line that makes events.
func (r *Reader) nextInBlock() error {
	b, s, trace := r.block, &r.stats, r.trace
	log, _ := r.dec.(*klog.Log)
	for r.next < len(b.Lines) {
		if trace != nil {
			if r.next = r.decoded(b, r.next); len(r.ready) > 0 {
				return nil
			}
			if r.next == len(b.Lines) {
				break
			}
			if r.next > 0 {
				r.from = int(b.Lines[r.next-1].End) + 1
			}
		}
		gl := b.Lines[r.next]
		end := int(gl.End)
		r.next++
		switch {
		case gl.Prev == skim.Boring:
			quiet := &b.Spans[gl.Decoded-1]
			if log.SkipSpan(quiet, b.text[quiet.From:end]) {
				r.from = end + 1
				continue
			}
			if end = r.from + bytes.IndexByte(b.text[r.from:], '\n'); quiet.N > 1 {
				klog.DropFirst(quiet, b.text[end+1:end+1+bytes.IndexByte(b.text[end+1:], '\n')])
				r.next-- // there is more of it
			}
		case trace != nil && !trace.Lossy() && gl.Prev != skim.Whole:
			// From the next block on its thread's lines are glanced at in time.
			for _, pid := range []int32{gl.Prev, gl.Next} {
				if r.hints != nil && r.opts.Interest.Has(int(pid)) {
					r.hints.Set(pid)
				}
			}
			seen, names := r.late.Decode(b.text[r.from:end])
			if seen == nil {
				break
			}
			s.Lines++
			r.from = end + 1
			if r.ready = trace.Commit(s.Lines, seen, names); len(r.ready) > 0 {
				return nil
			}
			continue
		}
		line := b.text[r.from:min(end+1, len(b.text))]
		first := r.from == 0
		if r.from = end + 1; first && b.Tail {
			r.restOfLine(line)
		} else {
			s.Lines++
			r.wholeLine(line, b)
		}
		if len(r.events) > 0 {
			return nil
		}
	}
	err := b.err
	r.blocks.done(b)
	r.block, r.trace = nil, nil
	if err != nil {
		return r.broken(err)
	}
	return nil
}

// skipUnwatched is how many of the first lines are about the scheduling of tasks that
// nobody is interested in.
func skipUnwatched(interest *traces.Interest, lines []skim.Line) (n int) {
	for i := range lines {
		gl := &lines[i]
		if gl.Prev < 0 || interest.MayHave(uint32(gl.Prev)) || interest.MayHave(uint32(gl.Next)) {
			return i
		}
	}
	return len(lines)
}

// decoded goes through lines of a block, from the one at i on, as long as a glance
// at them is enough: up to one that makes events, which are then ready. It returns
// which is the next.
func (r *Reader) decoded(b *block, i int) int {
	t, stats := r.trace, &r.stats
	for i < len(b.Lines) && !t.Lossy() {
		if seen := b.Lines[i].Decoded; seen > 0 {
			i++
			stats.Lines++
			if r.ready = t.Commit(stats.Lines, &b.Decoded[seen-1], &b.Names); len(r.ready) > 0 {
				break
			}
			continue
		}
		passed := skipUnwatched(r.opts.Interest, b.Lines[i:])
		if passed == 0 {
			break
		}
		i += passed
		stats.Lines += passed
		stats.KernelLines += passed
		stats.LastLine = stats.Lines
	}
	return i
}

// whole hands a line of a block, with its newline where it has one, to the
// decoder, unless it is damaged: a piece of an overlong one, without its end, or
// with NULs.
func (r *Reader) wholeLine(text []byte, b *block) {
	if r.raw = r.dec.Raw(text); r.raw {
		return
	}
	s := &r.stats
	damaged := func(format string, args ...any) {
		s.Diagnose(s.Lines, format, args...)
		if r.dec.Damaged(text[:min(len(text), skim.MaxLine)]) {
			s.KernelLines++
			r.lose(s.Lines)
		}
	}
	ends := text[len(text)-1] == '\n'
	switch {
	case b.long || len(text) > skim.MaxLine || !ends && len(text) == skim.MaxLine:
		damaged("longer than %d bytes: not used", skim.MaxLine)
	case !ends:
		if r.dec.Damaged(text) {
			s.KernelLines++
		}
		s.Diagnose(s.Lines, "the last line does not end in a newline and may be cut: not used as evidence")
	case bytes.IndexByte(text, 0) >= 0:
		damaged("holds NUL bytes: not used")
	default:
		r.decode(text[:len(text)-1])
	}
}

// more takes a further piece of an overlong line.
func (r *Reader) restOfLine(text []byte) {
	if r.raw {
		r.dec.Raw(text)
	}
}

// line reads a line, or a piece of a long one, and hands it to the decoder.
func (r *Reader) line() error {
	s := &r.stats
	text, err := r.in.ReadSlice('\n')
	if len(text) == 0 && err != nil {
		return r.broken(err)
	}
	s.Lines++
	n := s.Lines
	if n == 1 {
		text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) // a byte order mark
	}
	if r.dec == nil {
		r.decide(text)
	}
	// A format without lines of its own takes all bytes as they come.
	if r.dec != nil && r.dec.Raw(text) {
		for err == bufio.ErrBufferFull {
			if text, err = r.in.ReadSlice('\n'); len(text) > 0 {
				r.dec.Raw(text)
			}
		}
		if err != nil {
			return r.broken(err)
		}
		return nil
	}
	nul := bytes.IndexByte(text, 0) >= 0
	if nul && r.dec == nil {
		return ErrBinary
	}
	// What a damaged line could have said is missing.
	damaged := func(format string, args ...any) {
		record := r.dec != nil && r.dec.Damaged(text)
		s.Diagnose(n, format, args...)
		if record {
			s.KernelLines++
			r.lose(n)
		}
	}
	switch {
	case err == bufio.ErrBufferFull:
		damaged("longer than %d bytes: not used", skim.MaxLine)
		for err == bufio.ErrBufferFull {
			_, err = r.in.ReadSlice('\n')
		}
		if err != nil {
			return r.broken(err)
		}
	case err != nil:
		if r.dec != nil && r.dec.Damaged(text) {
			s.KernelLines++
		}
		s.Diagnose(n, "the last line does not end in a newline and may be cut: not used as evidence")
		return r.broken(err)
	case nul:
		damaged("holds NUL bytes: not used")
	case r.dec == nil:
		r.hold(text)
	default:
		r.decode(text[:len(text)-1])
	}
	return nil
}

// broken is what a failure to read on comes to. A compressed input that is cut
// is good as far as it goes.
func (r *Reader) broken(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		r.stats.Diagnose(r.stats.Lines, "the compressed input is cut off here")
		return io.EOF
	}
	return err
}

// decide chooses the decoder, if text is a line that tells; text may be the
// beginning of a long one.
func (r *Reader) decide(text []byte) {
	for i := range r.picks {
		p := &r.picks[i]
		if !p.detect(bytes.TrimRight(text, "\r\n")) {
			continue
		}
		r.kind = p
		r.use(p.decoder())
		return
	}
}

// bareReports reads as bare messages what no line has decided about, if a
// report of the kernel begins in it: a few lines of dmesg -t that somebody has
// pasted, or the output of `grep . /proc/*/stack`.
func (r *Reader) bareReports() {
	if !slices.ContainsFunc(r.held, func(h held) bool { return klog.BeginsReport(h.text) }) {
		return
	}
	r.use(klog.New("bare", r.opts.Patterns, r.opts.Always, &r.stats, r.emit))
}

// use gives a decoder what came before the line that has decided: that may be
// its header.
func (r *Reader) use(d decoder) {
	r.dec = d
	n := r.stats.Lines
	for _, h := range r.held {
		r.stats.Lines = h.n
		if !d.Raw(h.text) {
			r.decode(h.text[:len(h.text)-1])
		}
	}
	r.stats.Lines, r.held = n, nil
}

// maxHeld bounds the bytes that are kept of the lines before the one that
// decides: a tracer's header is far shorter.
const maxHeld = 64 << 10

// held is a line, with its newline, that waits for a decoder.
type held struct {
	n    int
	text []byte
}

func (r *Reader) hold(text []byte) {
	for len(r.held) > 0 && r.weight+len(text) > maxHeld {
		r.weight -= len(r.held[0].text)
		r.held, r.shed = r.held[1:], true
	}
	r.held = append(r.held, held{r.stats.Lines, bytes.Clone(text)})
	r.weight += len(text)
}

// decode hands a whole line to the decoder. A line of quite another kind of
// log is said once: two logs in one input have no common order.
func (r *Reader) decode(text []byte) {
	if n, ok := leftOut(text); ok {
		r.dec.LeftOut(n)
		return
	}
	if r.dec.Line(text) || r.foreignFormat {
		return
	}
	for i := range r.picks {
		if p := &r.picks[i]; p != r.kind && p.detect(text) {
			r.foreignFormat = true
			r.stats.Diagnose(r.stats.Lines, "looks like %s in the middle of %s: not used, give it in a file of its own", p.name, r.Format())
			return
		}
	}
}

// emit adds an event of the current line.
func (r *Reader) emit(e traces.Event) { r.events = append(r.events, e) }

// lose adds the loss of what a damaged line could have said.
func (r *Reader) lose(line int) { r.emit(traces.Event{Kind: traces.Loss, Line: line, Since: line - 1}) }

// A decoder makes events of the lines of one input. It appends them to an
// output, which also knows the number of the line.
type decoder interface {
	// line takes a whole line, without its newline. It is false where the line
	// is not of a format that the decoder knows.
	Line(text []byte) bool
	// damaged looks at what there is of a line that is not whole, and says
	// whether it is, or may be, one of those that count. It makes no events.
	Damaged(text []byte) bool
	// raw is offered every line first, with its newline, or the first piece of
	// a long one. If it takes it, it gets the other pieces as well, and line
	// and damaged do not see it.
	Raw(piece []byte) bool
	// leftOut says that n lines were left out here; see LeftOut.
	LeftOut(n int)
	// end is called once, behind the last line.
	End()
	// format names what the lines have been.
	Format() string
}

// A pick is a decoder that may be the input's. detect says whether a line, by
// itself, shows that it is; it may get the beginning of a long line.
type pick struct {
	name    string
	detect  func(line []byte) bool
	decoder func() decoder // for the line that detect has seen last
}

// makePicks are the decoders to choose from, the first that detects its own wins.
func (r *Reader) makePicks() []pick {
	log := func(stats *traces.Stats, emit func(traces.Event)) *klog.Log {
		k := klog.New(r.force, r.opts.Patterns, r.opts.Always, stats, emit)
		k.TestHook = r.opts.testHook
		return k
	}
	probe := log(new(traces.Stats), func(traces.Event) {})
	probe.TestHook = nil
	var layout *ktrace.Layout
	trace := func(line []byte) bool {
		if r.force == "" {
			layout = ktrace.Detect(line)
		}
		return layout != nil
	}
	for i := range ktrace.Layouts {
		if ktrace.Layouts[i].Name == r.force {
			layout = &ktrace.Layouts[i]
		}
	}
	return []pick{
		{"a trace", trace, func() decoder { return ktrace.New(layout, &r.stats, r.opts.Interest, r.emit) }},
		{"a kernel log", probe.Detect, func() decoder { return log(&r.stats, r.emit) }},
	}
}
