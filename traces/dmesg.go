package traces

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Errors of a Reader for inputs of which nothing can be used.
var (
	ErrEmpty   = errors.New("empty: nothing to check")
	ErrBinary  = errors.New("binary, not the text of a kernel log")
	ErrUnknown = errors.New("no line of it is a kernel log line, [seconds.micros] message, as dmesg prints them without -T, -t, -x or -r")
)

// maxLine is the longest line that is looked at, in bytes. printk's own limit
// for a record is about 1 KiB (kernel/printk/printk.c LOG_LINE_MAX); a longer
// line is no record, and its rest is skipped.
const maxLine = 64 << 10

// A Reader reads the text of `dmesg`, one record a line, and finds events in
// it. It is used like a bufio.Scanner.
//
// The order of the lines is the order of the events: stamps are taken before
// the record's place is reserved, so they tie and may run backwards
// (kernel/printk/printk.c vprintk_store).
type Reader struct {
	in     *bufio.Reader
	pats   *Patterns
	always bool // use pats before their begin line too
	begun  bool // the begin line has been seen, and no other boot since
	unused bool // the record just read could not be used
	stats  Stats
	event  Event
	err    error
}

// NewReader reads from r. Messages are recognised by pats from their begin
// line on, or, with always, wherever they stand.
func NewReader(r io.Reader, pats *Patterns, always bool) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, maxLine), pats: pats, always: always}
}

// Scan goes to the next event. It is false at the end, and where reading fails.
func (r *Reader) Scan() bool {
	if r.err != nil {
		return false
	}
	for {
		line, err := r.readLine()
		if err == io.EOF {
			switch {
			case r.stats.Lines == 0:
				r.err = ErrEmpty
			case r.stats.KernelLines == 0:
				r.err = ErrUnknown
			default:
				r.err = io.EOF
			}
			return false
		}
		if err != nil {
			r.err = err
			return false
		}
		if line != nil && r.recognise(line) {
			return true
		}
		if r.unused {
			// A message that cannot be used may be any of the set's: that it
			// is missing must not count as silence.
			r.unused = false
			r.lose(0, nil)
			return true
		}
	}
}

// Event is the event that Scan went to.
func (r *Reader) Event() Event { return r.event }

// Err is why Scan was false; nil at the end of the input.
func (r *Reader) Err() error {
	if r.err == io.EOF {
		return nil
	}
	return r.err
}

// Stats counts what has been read so far.
func (r *Reader) Stats() Stats { return r.stats }

// readLine returns a line without its end; nil for one that cannot be used.
// The bytes are good until the next call.
func (r *Reader) readLine() ([]byte, error) {
	line, err := r.in.ReadSlice('\n')
	if err == io.EOF && len(line) == 0 {
		return nil, io.EOF
	}
	r.stats.Lines++
	n := r.stats.Lines
	nul := bytes.IndexByte(line, 0) >= 0
	if nul && r.stats.KernelLines == 0 {
		return nil, ErrBinary
	}
	_, record := body(line)
	long := err == bufio.ErrBufferFull
	for err == bufio.ErrBufferFull {
		_, err = r.in.ReadSlice('\n')
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case long:
		r.stats.diagnose(n, "longer than %d bytes: not used", maxLine)
	case nul:
		r.stats.diagnose(n, "holds NUL bytes: not used")
	case err == io.EOF:
		if record {
			r.stats.KernelLines++
		}
		r.stats.diagnose(n, "the last line does not end in a newline and may be cut: not used as evidence")
		return nil, nil
	default:
		return bytes.TrimRight(line, "\r\n"), nil
	}
	if record {
		r.stats.KernelLines++
		r.unused = true
	}
	return nil, nil
}

// body splits the stamp off a kernel log line:
//
//	[10914.046211] Thread Creating...
//
// ok is false for every other line.
func body(line []byte) (msg []byte, ok bool) {
	if len(line) == 0 || line[0] != '[' {
		return nil, false
	}
	i := 1
	for i < len(line) && line[i] == ' ' {
		i++
	}
	seconds := i
	for i < len(line) && isDigit(line[i]) {
		i++
	}
	if i == seconds || i == len(line) || line[i] != '.' {
		return nil, false
	}
	i++
	micros := i
	for i < len(line) && isDigit(line[i]) {
		i++
	}
	if i-micros != 6 || i == len(line) || line[i] != ']' {
		return nil, false
	}
	i++
	if i < len(line) && line[i] == ' ' {
		i++
	}
	return line[i:], true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// recognise sets r.event where a line says something.
func (r *Reader) recognise(line []byte) bool {
	msg, ok := body(line)
	if !ok {
		// A console prints its losses without a stamp.
		n, lost := dropped(line)
		if lost {
			r.lose(n, line)
		}
		return lost
	}
	r.stats.KernelLines++
	before := r.stats.LastLine
	r.stats.LastLine = r.stats.Lines
	if n, lost := dropped(msg); lost {
		r.lose(n, msg)
		return true
	}
	if release, ok := bytes.CutPrefix(msg, []byte("Linux version ")); ok {
		if end := bytes.IndexByte(release, ' '); end >= 0 {
			release = release[:end]
		}
		r.begun = false
		r.event = Event{Kind: Boot, Line: r.stats.Lines, Before: before, Text: string(msg), Kernel: string(release)}
		return true
	}
	if isCrash(msg) {
		r.event = Event{Kind: Crash, Line: r.stats.Lines, Text: string(msg)}
		return true
	}
	if r.pats == nil {
		return false
	}
	p, m, ambiguous := r.pats.find(msg)
	if p == nil || !r.begun && !r.always && p.kind != Begin {
		return false
	}
	if ambiguous {
		r.stats.diagnose(r.stats.Lines, "can be read in two ways (pattern %q): not used", p.text)
		r.unused = true
		return false
	}
	e, problem, usable := p.event(r.pats, m)
	if problem != "" {
		r.stats.diagnose(r.stats.Lines, "%s", problem)
	}
	switch {
	case !usable:
		r.unused = true
		return false
	case e.Kind == Begin:
		r.begun = true
	default:
		r.stats.Events++
	}
	e.Line, e.Before, e.Text = r.stats.Lines, before, string(msg)
	r.event = e
	return true
}

func (r *Reader) lose(n int, msg []byte) {
	r.stats.Lost += n
	r.event = Event{Kind: Loss, Line: r.stats.Lines, Count: n, Text: string(msg)}
}

// dropped recognises how printk says that messages are missing:
//
//	** 12 printk messages dropped **          kernel/printk/printk.c
//	__report_bad_page: 3 callbacks suppressed lib/ratelimit.c
func dropped(msg []byte) (n int, ok bool) {
	if rest, ok := bytes.CutPrefix(msg, []byte("** ")); ok {
		num, what, _ := bytes.Cut(rest, []byte(" "))
		if bytes.HasPrefix(what, []byte("printk messages dropped")) {
			n, err := strconv.Atoi(string(num))
			return n, err == nil
		}
		return 0, false
	}
	if rest, ok := bytes.CutSuffix(msg, []byte(" callbacks suppressed")); ok {
		num := rest[bytes.LastIndexByte(rest, ' ')+1:]
		n, err := strconv.Atoi(string(num))
		return n, err == nil
	}
	return 0, false
}

// crashes is how the kernel's reports of a task's death begin: x86, arm, arm64
// and others, kernel/panic.c and the architectures' traps.
var crashes = [][]byte{
	[]byte("BUG: "), []byte("kernel BUG at "), []byte("Oops: "), []byte("Oops["), []byte("Internal error: "),
	[]byte("Unable to handle kernel "), []byte("general protection fault"), []byte("divide error: "),
	[]byte("invalid opcode: "), []byte("Kernel panic "), []byte("stack segment: "), []byte("Oops - "),
}

func isCrash(msg []byte) bool {
	for _, c := range crashes {
		if bytes.HasPrefix(msg, c) {
			return true
		}
	}
	return false
}

// String names a diagnostic's place as an error does.
func (d Diagnostic) String() string { return fmt.Sprintf("%d: %s", d.Line, d.Message) }
