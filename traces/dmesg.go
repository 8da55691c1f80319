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
	always bool  // use pats before their begin line too
	begun  bool  // the begin line has been seen, and no other boot since
	stamp  int64 // of the latest record, in microseconds
	stats  Stats
	events []Event // what the latest line says, the current event first
	err    error
}

// NewReader reads from r. Messages are recognised by pats from their begin
// line on, or, with always, wherever they stand.
func NewReader(r io.Reader, pats *Patterns, always bool) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, maxLine), pats: pats, always: always}
}

// Scan goes to the next event. It is false at the end, and where reading fails.
func (r *Reader) Scan() bool {
	if len(r.events) > 1 {
		r.events = append(r.events[:0], r.events[1:]...)
		return true
	}
	r.events = r.events[:0]
	for r.err == nil && len(r.events) == 0 {
		line, err := r.readLine()
		switch {
		case err == io.EOF && r.stats.Lines == 0:
			r.err = ErrEmpty
		case err == io.EOF && r.stats.KernelLines == 0:
			r.err = ErrUnknown
		case err != nil:
			r.err = err
		case line != nil:
			r.recognise(line)
		}
	}
	return len(r.events) > 0
}

// Event is the event that Scan went to.
func (r *Reader) Event() Event { return r.events[0] }

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
	_, _, record := body(line)
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
		return bytes.TrimRight(line, " \t\r\n"), nil
	}
	if record {
		r.stats.KernelLines++
		r.lose(0, nil)
	}
	return nil, nil
}

// body splits the stamp off a kernel log line, and gives it in microseconds:
//
//	[10914.046211] Thread Creating...
//
// ok is false for every other line.
func body(line []byte) (msg []byte, stamp int64, ok bool) {
	if len(line) == 0 || line[0] != '[' {
		return nil, 0, false
	}
	i := 1
	for i < len(line) && line[i] == ' ' {
		i++
	}
	number := func() (n int64, digits int) {
		from := i
		for i < len(line) && isDigit(line[i]) && i-from < 12 {
			n = n*10 + int64(line[i]-'0')
			i++
		}
		return n, i - from
	}
	seconds, digits := number()
	if digits == 0 || i == len(line) || line[i] != '.' {
		return nil, 0, false
	}
	i++
	micros, digits := number()
	if digits != 6 || i == len(line) || line[i] != ']' {
		return nil, 0, false
	}
	i++
	if i < len(line) && line[i] == ' ' {
		i++
	}
	return line[i:], seconds*1e6 + micros, true
}

// holdsStamp says whether text has a kernel log's stamp somewhere in it, as
// where a console has put a message behind a prompt.
func holdsStamp(text []byte) bool {
	for {
		i := bytes.IndexByte(text, '[')
		if i < 0 {
			return false
		}
		text = text[i:]
		if _, _, ok := body(text); ok {
			return true
		}
		text = text[1:]
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// recognise appends to r.events what a line says.
func (r *Reader) recognise(line []byte) {
	n := r.stats.Lines
	// A message that cannot be used may be any of the set's: that it is missing
	// must not count as silence, so it is a loss.
	unusable := func(msg []byte, format string, args ...any) {
		r.stats.diagnose(n, format, args...)
		r.lose(0, msg)
	}
	msg, stamp, ok := body(line)
	if !ok {
		// A console prints its losses without a stamp.
		if lost, ok := dropped(line); ok {
			r.lose(lost, line)
		} else if holdsStamp(line) {
			unusable(line, "a kernel message behind other text: not used")
		}
		return
	}
	r.stats.KernelLines++
	before := r.stats.LastLine
	r.stats.LastLine = n
	event := func(e Event) {
		e.Line, e.Before, e.Text = n, before, string(msg)
		r.events = append(r.events, e)
	}
	if release, ok := bytes.CutPrefix(msg, []byte("Linux version ")); ok {
		if end := bytes.IndexByte(release, ' '); end >= 0 {
			release = release[:end]
		}
		r.begun, r.stamp = false, stamp
		event(Event{Kind: Boot, Kernel: string(release)})
		return
	}
	if stamp < r.stamp-backwards {
		unusable(msg, "the stamp goes back by more than a second: another boot, or lines from elsewhere")
	}
	r.stamp = stamp
	if lost, ok := dropped(msg); ok {
		r.lose(lost, msg)
		return
	}
	if isCrash(msg) {
		event(Event{Kind: Crash})
		return
	}
	if holdsStamp(msg) {
		unusable(msg, "another message's stamp in the middle of it: not used")
		return
	}
	if r.pats == nil {
		return
	}
	p, m, ambiguous := r.pats.find(msg)
	if p == nil || !r.begun && !r.always && p.kind != Begin {
		return
	}
	if ambiguous {
		unusable(msg, "can be read in two ways (pattern %q): not used", p.text)
		return
	}
	e, problem, usable := p.event(r.pats, m)
	switch {
	case !usable:
		unusable(msg, "%s", problem)
		return
	case problem != "":
		r.stats.diagnose(n, "%s", problem)
	}
	if e.Kind == Begin {
		r.begun = true
	} else {
		r.stats.Events++
		e.OrNames = r.pats.otherNames(msg, p)
	}
	event(e)
}

func (r *Reader) lose(n int, msg []byte) {
	r.stats.Lost += n
	r.events = append(r.events, Event{Kind: Loss, Line: r.stats.Lines, Count: n, Text: string(msg)})
}

// backwards is by how much stamps may run backwards between CPUs, in
// microseconds; far more than was ever seen.
const backwards = 1e6

// dropped recognises how printk says that messages are missing:
//
//	** 12 printk messages dropped **          kernel/printk/printk.c
//	__report_bad_page: 3 callbacks suppressed lib/ratelimit.c
//	Lost 3 message(s)!                        kernel/printk/printk_safe.c, to 5.14
func dropped(msg []byte) (n int, ok bool) {
	if rest, ok := bytes.CutPrefix(msg, []byte("** ")); ok {
		num, what, _ := bytes.Cut(rest, []byte(" "))
		if bytes.HasPrefix(what, []byte("printk messages dropped")) {
			n, err := strconv.Atoi(string(num))
			return n, err == nil
		}
		return 0, false
	}
	if rest, ok := bytes.CutPrefix(msg, []byte("Lost ")); ok {
		if num, ok := bytes.CutSuffix(rest, []byte(" message(s)!")); ok {
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
	// "Kernel bug detected[#1]:" and others count the deaths.
	if i := bytes.Index(msg, []byte("[#")); i >= 0 && i+2 < len(msg) && isDigit(msg[i+2]) {
		return true
	}
	return false
}

// String names a diagnostic's place as an error does.
func (d Diagnostic) String() string { return fmt.Sprintf("%d: %s", d.Line, d.Message) }
