package traces

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Errors of a Reader for inputs of which nothing can be used.
var (
	ErrEmpty   = errors.New("empty: nothing to check")
	ErrBinary  = errors.New("binary, not the text of a log")
	ErrUnknown = errors.New("no line of it is of a log format that is known; docs/formats.md lists them, and bare messages (dmesg -t) need --input-format bare")
)

// maxLine is the longest line that is looked at, in bytes. printk's own limit
// for a record is about 1 KiB (kernel/printk/printk.c LOG_LINE_MAX); a longer
// line is no record, and its rest is skipped.
const maxLine = 64 << 10

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
	out    output
	src    io.Reader
	plain  io.Reader // src, unpacked; nil before the first Scan
	in     *bufio.Reader
	force  string // the only format to be read; empty: whatever it is
	picks  []pick
	dec    decoder // nil while no line has decided
	alien  decoder // has claimed a line that dec did not know; said once
	held   []held  // what came before the line that decides
	weight int     // bytes held
	shed   bool    // some are held no more
	err    error

	interest *Interest // whose scheduling is asked for; nil: everybody's
	hints    *hints    // of its blocks
	// Of inputs that are read in blocks:
	blocks *blocks
	block  *block
	trace  *traceDecoder // dec, while it has a block; nil for a kernel log
	next   int           // of block.lines
	from   int           // where it begins
	raw    bool          // the latest line has been taken raw
	late   glancer       // at lines about pids that were not yet asked for

	lineByLine bool // read no blocks: what there is must be seen at once
}

// Options say how a log is to be read. The zero value reads any format line by line,
// recognises no module's messages, and leaves nothing out.
type Options struct {
	// Patterns are the messages of a module that are recognised, from the set's
	// begin line on, or, with Always, wherever they stand. nil: none.
	Patterns *Patterns
	Always   bool
	// Format is the only format that is read, by its name in Formats. Empty or
	// "auto": whatever the input is.
	Format string
	// Follow makes the Reader look at each line as soon as it is there, instead of
	// reading many of them at once.
	Follow bool
	// Interest has the pids whose scheduling is asked for; nil: all. Events of a trace
	// that are about nothing but the scheduling of others are left out, and so is the
	// SwitchIn of a thread of which a Woken has been given out that was not Late, and
	// no SwitchOut since, as that says nothing more. Stats.Seen knows all kinds
	// nevertheless.
	Interest *Interest
}

// NewReader reads from r. An error in o is what Err says after the first Scan. Who
// makes a Reader has to Close it.
func NewReader(r io.Reader, o Options) *Reader {
	n := &Reader{src: r, out: output{pats: o.Patterns, always: o.Always}, interest: o.Interest, lineByLine: o.Follow}
	if n.err = CheckFormat(o.Format); o.Format != "auto" {
		n.force = o.Format
	}
	return n
}

// CheckFormat says what is wrong with Options.Format; nil: nothing.
func CheckFormat(name string) error {
	if name == "" || name == "auto" {
		return nil
	}
	var names []string
	for _, f := range Formats() {
		if f.Name == name {
			return nil
		}
		names = append(names, f.Name)
	}
	return fmt.Errorf("no such format: want auto, %s", strings.Join(names, ", "))
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
	return r.dec.format()
}

// Scan goes to the next event. It is false at the end, and where reading fails.
func (r *Reader) Scan() bool {
	o := &r.out
	if o.at++; o.at < len(o.ready) {
		return true
	}
	o.ready, o.at = o.ready[:0], 0
	if t := r.trace; t != nil {
		if r.next = t.sightings(r.block, r.next); len(o.ready) > 0 {
			return true
		}
	}
	for r.err == nil && len(o.ready) == 0 {
		o.events = o.events[:0]
		if r.block != nil && r.block.err == nil { // the end is step's
			r.err = r.glance()
		} else {
			r.err = r.step()
		}
		if len(o.events) > 0 {
			o.ready = o.events
		}
	}
	return len(o.ready) > 0
}

// Event is the event that Scan went to, until the next Scan.
func (r *Reader) Event() *Event { return &r.out.ready[r.out.at] }

// Err is why Scan was false; nil at the end of the input.
func (r *Reader) Err() error {
	if r.err == io.EOF {
		return nil
	}
	return r.err
}

// Stats counts what has been read so far. It is the same for the Reader's life, and
// goes on counting with each Scan.
func (r *Reader) Stats() *Stats { return &r.out.stats }

// step reads a line and has it decoded.
func (r *Reader) step() error {
	if r.in == nil {
		var err error
		if r.plain, err = Unpack(r.src); err != nil {
			return err
		}
		r.in = bufio.NewReaderSize(r.plain, maxLine)
		r.picks = picks(&r.out, r.force)
	}
	err := r.advance()
	switch {
	case err != io.EOF:
		return err
	case r.out.stats.Lines == 0:
		return ErrEmpty
	}
	if r.dec == nil && r.force == "" && !r.shed {
		r.bareReports()
	}
	if r.dec != nil {
		r.dec.end()
	}
	switch {
	case r.out.stats.KernelLines > 0 || r.Format() != "":
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
		glancers := r.glancers()
		if glancers == nil {
			return r.line()
		}
		r.blocks, r.late = newBlocks(r.in, glancers), glancers()
	}
	if r.block == nil {
		if r.block = r.blocks.next(); r.block == nil {
			return io.EOF
		}
		r.next, r.from = 0, 0
		if t, ok := r.dec.(*traceDecoder); ok {
			r.trace = t
			t.glanced(r.block)
		}
	}
	return r.glance()
}

// glancers makes glancers at what the input's lines are; nil where these must be
// read one by one.
func (r *Reader) glancers() func() glancer {
	if r.interest == nil || r.lineByLine {
		return nil
	}
	switch d := r.dec.(type) {
	case *traceDecoder:
		if d.glances() {
			if r.hints == nil {
				r.hints = new(hints)
			}
			return d.glancers(r.hints)
		}
	case *kernelLog:
		return d.glancer
	}
	return nil
}

// glance goes through a block, up to a line that makes events.
func (r *Reader) glance() error {
	b, s, trace := r.block, &r.out.stats, r.trace
	log, _ := r.dec.(*kernelLog)
	for r.next < len(b.lines) {
		if trace != nil {
			if r.next = trace.sightings(b, r.next); len(r.out.ready) > 0 {
				return nil
			}
			if r.next == len(b.lines) {
				break
			}
			if r.next > 0 {
				r.from = int(b.lines[r.next-1].end) + 1
			}
		}
		gl := b.lines[r.next]
		end := int(gl.end)
		r.next++
		switch {
		case gl.a == quietRun:
			quiet := &b.runs[gl.seen-1]
			if log.skip(quiet, b.text[quiet.from:end]) {
				r.from = end + 1
				continue
			}
			if end = r.from + bytes.IndexByte(b.text[r.from:], '\n'); quiet.n > 1 {
				quiet.rest(b.text[end+1 : end+1+bytes.IndexByte(b.text[end+1:], '\n')])
				r.next-- // there is more of it
			}
		case trace != nil && !trace.t.lossy && gl.a != readWhole:
			// From the next block on its thread's lines are glanced at in time.
			for _, pid := range []int32{gl.a, gl.b} {
				if r.hints != nil && r.interest.Has(int(pid)) {
					r.hints.set(pid)
				}
			}
			seen := r.late.sight(b.text[r.from:end])
			if seen == nil {
				break
			}
			s.Lines++
			r.from = end + 1
			if trace.sighted(s.Lines, seen, &r.late.one) {
				return nil
			}
			continue
		}
		line := b.text[r.from:min(end+1, len(b.text))]
		first := r.from == 0
		if r.from = end + 1; first && b.tail {
			r.more(line)
		} else {
			s.Lines++
			r.whole(line, b)
		}
		if len(r.out.events) > 0 {
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

// whole hands a line of a block, with its newline where it has one, to the
// decoder, unless it is damaged: a piece of an overlong one, without its end, or
// with NULs.
func (r *Reader) whole(text []byte, b *block) {
	if r.raw = r.dec.raw(text); r.raw {
		return
	}
	s := &r.out.stats
	damaged := func(format string, args ...any) {
		s.diagnose(s.Lines, format, args...)
		if r.dec.damaged(text[:min(len(text), maxLine)]) {
			s.KernelLines++
			r.out.lose(s.Lines, 0, true, nil)
		}
	}
	ends := text[len(text)-1] == '\n'
	switch {
	case b.long || len(text) > maxLine || !ends && len(text) == maxLine:
		damaged("longer than %d bytes: not used", maxLine)
	case !ends:
		if r.dec.damaged(text) {
			s.KernelLines++
		}
		s.diagnose(s.Lines, "the last line does not end in a newline and may be cut: not used as evidence")
	case bytes.IndexByte(text, 0) >= 0:
		damaged("holds NUL bytes: not used")
	default:
		r.decode(text[:len(text)-1])
	}
}

// more takes a further piece of an overlong line.
func (r *Reader) more(text []byte) {
	if r.raw {
		r.dec.raw(text)
	}
}

// line reads a line, or a piece of a long one, and hands it to the decoder.
func (r *Reader) line() error {
	s := &r.out.stats
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
	if r.dec != nil && r.dec.raw(text) {
		for err == bufio.ErrBufferFull {
			if text, err = r.in.ReadSlice('\n'); len(text) > 0 {
				r.dec.raw(text)
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
		record := r.dec != nil && r.dec.damaged(text)
		s.diagnose(n, format, args...)
		if record {
			s.KernelLines++
			r.out.lose(n, 0, true, nil)
		}
	}
	switch {
	case err == bufio.ErrBufferFull:
		damaged("longer than %d bytes: not used", maxLine)
		for err == bufio.ErrBufferFull {
			_, err = r.in.ReadSlice('\n')
		}
		if err != nil {
			return r.broken(err)
		}
	case err != nil:
		if r.dec != nil && r.dec.damaged(text) {
			s.KernelLines++
		}
		s.diagnose(n, "the last line does not end in a newline and may be cut: not used as evidence")
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
		r.out.stats.diagnose(r.out.stats.Lines, "the compressed input is cut off here")
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
		if t, ok := p.decoder.(*traceDecoder); ok && r.interest != nil {
			t.only(r.interest)
		}
		r.use(p.decoder)
		return
	}
}

// bareReports reads as bare messages what no line has decided about, if a
// report of the kernel begins in it: a few lines of dmesg -t that somebody has
// pasted, or the output of `grep . /proc/*/stack`.
func (r *Reader) bareReports() {
	if !slices.ContainsFunc(r.held, func(h held) bool { return unmistakable(begins(trimEnd(h.text))) }) {
		return
	}
	r.use(newKernelLog(&r.out, "bare"))
}

// use gives a decoder what came before the line that has decided: that may be
// its header.
func (r *Reader) use(d decoder) {
	r.dec = d
	n := r.out.stats.Lines
	for _, h := range r.held {
		r.out.stats.Lines = h.n
		if !d.raw(h.text) {
			r.decode(h.text[:len(h.text)-1])
		}
	}
	r.out.stats.Lines, r.held = n, nil
}

// unmistakable says whether nothing but a report of the kernel begins so.
func unmistakable(s source) bool {
	switch s {
	case hungLine, taskLine, nmiLine, procLine, lockupLine, deathLine:
		return true
	}
	return false
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
	r.held = append(r.held, held{r.out.stats.Lines, bytes.Clone(text)})
	r.weight += len(text)
}

// decode hands a whole line to the decoder. A line of quite another kind of
// log is said once: two logs in one input have no common order.
func (r *Reader) decode(text []byte) {
	if n, ok := leftOut(text); ok {
		r.dec.leftOut(n)
		return
	}
	if r.dec.line(text) || r.alien != nil {
		return
	}
	for _, p := range r.picks {
		if p.decoder != r.dec && p.detect(text) {
			r.alien = p.decoder
			r.out.stats.diagnose(r.out.stats.Lines, "looks like %s in the middle of %s: not used, give it in a file of its own", p.name, r.Format())
			return
		}
	}
}

// A decoder makes events of the lines of one input. It appends them to an
// output, which also knows the number of the line.
type decoder interface {
	// line takes a whole line, without its newline. It is false where the line
	// is not of a format that the decoder knows.
	line(text []byte) bool
	// damaged looks at what there is of a line that is not whole, and says
	// whether it is, or may be, one of those that count. It makes no events.
	damaged(text []byte) bool
	// raw is offered every line first, with its newline, or the first piece of
	// a long one. If it takes it, it gets the other pieces as well, and line
	// and damaged do not see it.
	raw(piece []byte) bool
	// leftOut says that n lines were left out here; see LeftOut.
	leftOut(n int)
	// end is called once, behind the last line.
	end()
	// format names what the lines have been.
	format() string
}

// A pick is a decoder that may be the input's. detect says whether a line, by
// itself, shows that it is; it may get the beginning of a long line.
type pick struct {
	name    string
	decoder decoder
	detect  func(line []byte) bool
}

// picks are the decoders to choose from, the first that detects its own wins.
func picks(out *output, force string) []pick {
	logs := newKernelLog(out, force)
	probe := newKernelLog(&output{}, force)
	trace := newTraceDecoder(out, force)
	return []pick{
		{"a trace", trace, trace.detect},
		{"a kernel log", logs, probe.detect},
	}
}

// A Format is a way to write a log that a Reader knows.
type Format struct {
	Name string // as --input-format and a report say it
	Text string // what it is, in a few words
}

// Formats lists what can be read.
func Formats() []Format {
	var list []Format
	for _, f := range kernelFormats {
		for _, name := range f.names {
			list = append(list, Format{name.name, name.text})
		}
	}
	return append(list, traceFormats...)
}

// An output collects what decoders find.
type output struct {
	pats   *Patterns
	always bool                 // use pats before their begin line too
	tap    func(class, *record) // where not nil, is told every kernel message, further line, and unusable record
	stats  Stats
	events []Event // what the latest line says
	ready  []Event // the same, or what the latest sighting says
	at     int     // the current one of these
}

// emit adds an event. Its line is the current one unless it has one.
func (o *output) emit(e Event) {
	if e.Line == 0 {
		e.Line = o.stats.Lines
	}
	o.events = append(o.events, e)
}

// lose adds a loss of n messages, 0 or less where it is not known how many,
// in front of a line. here: nothing is missing before that; otherwise a line
// tells of it that comes later than the loss.
func (o *output) lose(line, n int, here bool, msg []byte) {
	n = max(n, 0)
	o.stats.Lost += n
	e := Event{Kind: Loss, Line: line, Count: n, Text: string(msg)}
	if here {
		e.Since = line - 1
	}
	o.events = append(o.events, e)
}
