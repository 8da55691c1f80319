// Package reader turns a log, whatever its format, into Events.
package reader

import (
	"errors"
	"fmt"
	"io"

	"github.com/kthread-tla/tracecheck/traces"
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
// Its work has four steps. It reads blocks of many lines. A Skimmer says which lines of a
// block need not be decoded. A decoder makes events of the other lines, in their order; it
// is chosen by the first line that shows the format. The Reader merges the results of the
// two in the order of the lines.
type Reader struct {
	opts   Options
	src    io.Reader
	err    error
	stats  traces.Stats
	events []traces.Event // what the latest line says
	ready  []traces.Event // the same, or what the latest line says that was decoded ahead
	at     int            // the current one of these

	choice choice
	dec    decoder         // nil while no line has decided
	trace  *ktrace.Decoder // dec, where lines of it can be skipped; else nil
	late   *skim.Scanner   // decodes lines about pids that were not yet asked for; nil: none can be
	hints  *skim.Hints     // of all scanners

	blocks *blocks // nil before the first Scan
	block  *block  // nil between two
	next   int     // of block.Lines
	from   int     // where it begins
	tail   tail    // of the blocks before
	raw    bool    // the latest line has been taken raw
}

// New makes a Reader of r. If o has an error, the first Scan is false and Err returns it. The
// caller must Close the Reader.
func New(r io.Reader, o Options) *Reader {
	n := &Reader{src: r, opts: o, err: CheckFormat(o.Format)}
	n.choice.init(n)
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
	r.ready, r.events, r.at = r.ready[:0], r.events[:0], 0
	if r.trace != nil && r.block != nil {
		r.skipOrCommit()
	}
	for r.err == nil && len(r.ready) == 0 {
		r.events = r.events[:0]
		r.err = r.advance()
		if len(r.events) > 0 {
			r.ready = r.events
		}
	}
	if r.trace != nil && len(r.ready) > 0 {
		r.addLate()
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

// emit adds an event of the current line.
func (r *Reader) emit(e traces.Event) { r.events = append(r.events, e) }

// finish is called behind the last line. err is what reading on came to, io.EOF at the
// input's end. A compressed input that is cut is good as far as it goes.
func (r *Reader) finish(err error) error {
	s := &r.stats
	if errors.Is(err, io.ErrUnexpectedEOF) {
		s.Diagnose(s.Lines, "the compressed input is cut off here")
		err = io.EOF
	}
	switch {
	case err != io.EOF:
		return err
	case s.Lines == 0:
		return ErrEmpty
	}
	if r.dec == nil {
		r.choice.bareReports(r)
	}
	if r.dec != nil {
		r.dec.End()
	}
	switch {
	case s.KernelLines > 0 || r.Format() != "":
		return io.EOF
	case r.choice.force != "":
		return fmt.Errorf("no line of it is of the format %s", r.choice.force)
	}
	return ErrUnknown
}
