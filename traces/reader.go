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
	stats  Stats
	events []Event // what the latest line says
	ready  []Event // the same, or what the latest decoded line says
	at     int     // the current one of these
	opts   Options
	src    io.Reader
	plain  io.Reader // src, unpacked; nil before the first Scan
	in     *bufio.Reader
	force  string // the only format to be read; empty: whatever it is
	picks  []pick
	dec    decoder // nil while no line has decided
	kind   *pick   // what dec is of; nil: of bare messages that nobody has asked for
	alien  bool    // a line has been claimed that dec did not know; said once
	held   []held  // what came before the line that decides
	weight int     // bytes held
	shed   bool    // some are held no more
	err    error

	hints *hints // of its blocks
	// Of inputs that are read in blocks:
	blocks *blocks
	block  *block
	trace  *traceReader // dec, while it has a block; nil for a kernel log
	next   int          // of block.lines
	from   int          // where it begins
	raw    bool         // the latest line has been taken raw
	late   *glancer     // at lines about pids that were not yet asked for

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

	testHook func(kind rune, line int, stamp int64, text []byte) // see klog.Log
}

// NewReader reads from r. An error in o is what Err says after the first Scan. Who
// makes a Reader has to Close it.
func NewReader(r io.Reader, o Options) *Reader {
	n := &Reader{src: r, opts: o}
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
			r.err = r.glance()
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
func (r *Reader) Event() *Event { return &r.ready[r.at] }

// Err is why Scan was false; nil at the end of the input.
func (r *Reader) Err() error {
	if r.err == io.EOF {
		return nil
	}
	return r.err
}

// Stats counts what has been read so far. It is the same for the Reader's life, and
// goes on counting with each Scan.
func (r *Reader) Stats() *Stats { return &r.stats }

// step reads a line and has it decoded.
func (r *Reader) step() error {
	if r.in == nil {
		var err error
		if r.plain, err = Unpack(r.src); err != nil {
			return err
		}
		r.in = bufio.NewReaderSize(r.plain, maxLine)
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
		r.dec.end()
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
		r.late, _ = skimmers().(*glancer)
	}
	if r.block == nil {
		if r.block = r.blocks.next(); r.block == nil {
			return io.EOF
		}
		r.next, r.from = 0, 0
		if t, ok := r.dec.(*traceReader); ok {
			r.trace = t
			waking := r.block.waking
			if waking > 0 {
				if waking += r.stats.Lines; r.block.tail {
					waking-- // the rest of a line is not another one
				}
			}
			t.note(r.block.seen, waking)
		}
	}
	return r.glance()
}

// skimmers makes skimmers of the input's lines; nil where these must be read one by
// one.
func (r *Reader) skimmers() func() skimmer {
	if r.opts.Interest == nil || r.opts.Follow {
		return nil
	}
	switch d := r.dec.(type) {
	case *traceReader:
		switch head := d.layout.Head; {
		case head == nil:
			return nil
		case !d.layout.Ahead:
			return func() skimmer { return newGlancer(head, nil) } // decoding while skimming is not possible
		default:
			r.hints = new(hints)
			return func() skimmer { return newGlancer(head, r.hints) }
		}
	case *kernelLog:
		return func() skimmer { return newQuietLines(r.opts.Patterns) }
	}
	return nil
}

// glance goes through a block, up to a line that makes events.
func (r *Reader) glance() error {
	b, s, trace := r.block, &r.stats, r.trace
	log, _ := r.dec.(*kernelLog)
	for r.next < len(b.lines) {
		if trace != nil {
			if r.next = r.decoded(b, r.next); len(r.ready) > 0 {
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
				dropFirst(quiet, b.text[end+1:end+1+bytes.IndexByte(b.text[end+1:], '\n')])
				r.next-- // there is more of it
			}
		case trace != nil && !trace.lossy() && gl.a != readWhole:
			// From the next block on its thread's lines are glanced at in time.
			for _, pid := range []int32{gl.a, gl.b} {
				if r.hints != nil && r.opts.Interest.Has(int(pid)) {
					r.hints.set(pid)
				}
			}
			seen, names := r.late.sight(b.text[r.from:end])
			if seen == nil {
				break
			}
			s.Lines++
			r.from = end + 1
			if r.ready = trace.commit(s.Lines, seen, names); len(r.ready) > 0 {
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
func skipUnwatched(interest *Interest, lines []glance) (n int) {
	for i := range lines {
		gl := &lines[i]
		if gl.a < 0 || interest.MayHave(uint32(gl.a)) || interest.MayHave(uint32(gl.b)) {
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
	for i < len(b.lines) && !t.lossy() {
		if seen := b.lines[i].seen; seen > 0 {
			i++
			stats.Lines++
			if r.ready = t.commit(stats.Lines, &b.decoded[seen-1], &b.nameTable); len(r.ready) > 0 {
				break
			}
			continue
		}
		passed := skipUnwatched(r.opts.Interest, b.lines[i:])
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
func (r *Reader) whole(text []byte, b *block) {
	if r.raw = r.dec.raw(text); r.raw {
		return
	}
	s := &r.stats
	damaged := func(format string, args ...any) {
		s.Diagnose(s.Lines, format, args...)
		if r.dec.damaged(text[:min(len(text), maxLine)]) {
			s.KernelLines++
			r.lose(s.Lines)
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
		s.Diagnose(s.Lines, "the last line does not end in a newline and may be cut: not used as evidence")
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
		s.Diagnose(n, format, args...)
		if record {
			s.KernelLines++
			r.lose(n)
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
	if !slices.ContainsFunc(r.held, func(h held) bool { return unmistakable(trimEnd(h.text)) }) {
		return
	}
	r.use(newKernelLog("bare", r.opts.Patterns, r.opts.Always, &r.stats, r.emit))
}

// use gives a decoder what came before the line that has decided: that may be
// its header.
func (r *Reader) use(d decoder) {
	r.dec = d
	n := r.stats.Lines
	for _, h := range r.held {
		r.stats.Lines = h.n
		if !d.raw(h.text) {
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
		r.dec.leftOut(n)
		return
	}
	if r.dec.line(text) || r.alien {
		return
	}
	for i := range r.picks {
		if p := &r.picks[i]; p != r.kind && p.detect(text) {
			r.alien = true
			r.stats.Diagnose(r.stats.Lines, "looks like %s in the middle of %s: not used, give it in a file of its own", p.name, r.Format())
			return
		}
	}
}

// emit adds an event of the current line.
func (r *Reader) emit(e Event) { r.events = append(r.events, e) }

// lose adds the loss of what a damaged line could have said.
func (r *Reader) lose(line int) { r.emit(Event{Kind: Loss, Line: line, Since: line - 1}) }

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
	detect  func(line []byte) bool
	decoder func() decoder // for the line that detect has seen last
}

// makePicks are the decoders to choose from, the first that detects its own wins.
func (r *Reader) makePicks() []pick {
	log := func(stats *Stats, emit func(Event)) *kernelLog {
		k := newKernelLog(r.force, r.opts.Patterns, r.opts.Always, stats, emit)
		k.testHook = r.opts.testHook
		return k
	}
	probe := log(new(Stats), func(Event) {})
	probe.testHook = nil
	var layout *Layout
	trace := func(line []byte) bool {
		if r.force == "" {
			layout = detectTrace(line)
		}
		return layout != nil
	}
	for i := range Layouts {
		if Layouts[i].Name == r.force {
			layout = &Layouts[i]
		}
	}
	return []pick{
		{"a trace", trace, func() decoder { return newTraceReader(layout, &r.stats, r.opts.Interest, r.emit) }},
		{"a kernel log", probe.detect, func() decoder { return log(&r.stats, r.emit) }},
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
	for _, f := range LogFormats {
		list = append(list, Format{f.Name, f.Text})
	}
	for _, l := range Layouts {
		list = append(list, Format{l.Name, l.Text})
	}
	return list
}
