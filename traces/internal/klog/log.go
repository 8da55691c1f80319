// Package klog reads kernel logs, one file a format.
package klog

import (
	"bytes"
	"slices"
	"strings"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/kreport"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

// A Log makes events of a kernel log. It knows every way to write one,
// and which of them a line is it decides by the line, because a console's log
// may hold several: the format of the line before is tried first, then the
// others in their order.
type Log struct {
	stats  *traces.Stats
	out    func(traces.Event)
	pats   *printk.Set
	always bool // use pats before their begin line too
	// TestHook is told of every kernel message 'm', further line of one 'f' and unusable
	// record 'u'; nil: there is no test.
	TestHook func(kind rune, line int, stamp int64, text []byte)

	lines
	streaming
	order
	continued

	bare  bool   // every line is a message
	begun bool   // the set's begin line has been seen, and no other boot since
	rec   record // of the latest line
	text  []byte // the latest message, where it had any escapes
	used  []string
	last  string // the format of the latest record
	depth int    // the number of quote marks before the latest record

	reports   kreport.Parser     // the kernel's reports that its messages come to
	emitStack func(traces.Event) // stacked
}

// lines is how a log's lines are read.
type lines struct {
	formats []lineFormat
	cur     int    // the one of the latest line
	plain   []byte // the latest line without colours, where it had any
	wrapped bool   // it is quoted and so long that a mailer may have cut it
}

// streaming is how a log is read that is not written in lines.
type streaming struct {
	streams []streamFormat
	stream  streamFormat // the one that the input is in; nil: in lines
	yield   func(class)  // fed
	latest  int          // line of the latest record
}

// order is what the records' order shows of what is missing.
type order struct {
	stamp int64 // of the latest record that has one, in microseconds
	// falling counts the latest records of which each has a lower stamp than
	// the one before.
	falling       int
	boot          []byte // of the latest record that has one
	discontinuity bool   // what comes may be of elsewhere
}

// continued is a message of which the latest line is one of several: so many columns
// are blank in front of its text.
type continued struct {
	column, runes int
	columnOf      class
	escapes       byte // of the record
}

// Format names the formats that records have had, joined by "+".
func (k *Log) Format() string { return strings.Join(k.used, "+") }

// Detect says whether a line is one of a kernel log.
func (k *Log) Detect(line []byte) bool {
	if k.beginsStream(line) != nil {
		return true
	}
	c := k.classify(line)
	return c == message || c == other || c == unusable
}

func (k *Log) beginsStream(piece []byte) streamFormat {
	for _, s := range k.streams {
		if s.begins(piece) {
			return s
		}
	}
	return nil
}

// Raw takes bytes of a stream; it is false where the input is in lines.
func (k *Log) Raw(piece []byte) bool {
	if k.stream == nil {
		if k.stream = k.beginsStream(piece); k.stream == nil {
			return false
		}
	}
	if !k.stream.feed(piece, k.stats.Lines, &k.rec, k.yield) {
		k.stream = nil
	}
	return true
}

// fed takes a record out of a stream. In a document on one line the n-th record
// counts as line n: the order of the lines is the order of the events.
func (k *Log) fed(c class) {
	s := k.stats
	k.latest = max(k.rec.line, k.latest+1)
	k.rec.line = k.latest
	s.Lines = max(s.Lines, k.latest)
	k.rec.format = k.stream.name()
	k.take(c)
}

// Line takes a line without its end. It is false where it knows none of it.
func (k *Log) Line(text []byte) bool {
	c := k.classify(text)
	k.rec.line = k.stats.Lines
	if c != foreign {
		k.take(c)
		return true
	}
	// A console prints its losses without a stamp.
	text = bytes.TrimLeft(text, " \t>")
	if lost, ok := dropped(text); ok {
		k.gap(lost, overwritten(text), text)
		return true
	}
	if holdsStamp(text) {
		k.reports.Flush(k.emitStack)
		k.unusable(text, "a kernel message behind other text: not used")
		return true
	}
	return false
}

// Damaged says whether what there is of a line that is not whole may be a message.
func (k *Log) Damaged(text []byte) bool {
	switch k.classify(bytes.TrimRight(text, "\n")) {
	case message, continuation, unusable:
		return true
	}
	return false
}

// End comes after the last line.
func (k *Log) End() {
	defer k.reports.Flush(k.emitStack)
	if k.stream != nil && k.stream.open() {
		k.stats.Diagnose(k.stats.Lines, "the last record is not whole: not used as evidence")
	}
}

// classify finds the format of a line, and fills k.rec in.
func (k *Log) classify(text []byte) class {
	k.rec.clear()
	text = scan.TrimEnd(text)
	if bytes.IndexByte(text, '\x1b') >= 0 {
		k.plain = appendPlain(k.plain[:0], text)
		text = scan.TrimEnd(k.plain)
	}
	depth := 0
	indented := text
	if !k.bare {
		text, depth = unquote(text)
		indented = text
		text = scan.TrimStart(text)
	}
	indent := len(indented) - len(text)
	if len(text) == 0 {
		k.column = 0
		return foreign
	}
	k.wrapped = depth > 0 && len(text) >= wrapColumn
	if k.column > 0 && indent >= k.runes && depth == k.depth {
		if k.columnOf == other {
			return other
		}
		from := k.column
		if indent < from {
			from = k.runes
		}
		k.rec.msg, k.rec.escapes = indented[from:], k.escapes
		return continuation
	}
	k.column = 0
	if fence(text) {
		k.discontinuity = true
		return foreign
	}
	if boot, ok := journalMark(text); ok {
		k.rec.reboot = boot
		return other
	}
	c := k.try(k.cur, text)
	for i := 0; i < len(k.formats) && c == foreign; i++ {
		if i == k.cur {
			continue
		}
		if c = k.try(i, text); c != foreign {
			k.cur = i
		}
	}
	if c == foreign {
		return c
	}
	if c == message || c == other {
		// The message is the end of its line; an escaped one is not, and has no
		// lines of its own.
		if at := len(text) - len(k.rec.msg); at > 0 && len(k.rec.msg) > 0 && &text[len(text)-1] == &k.rec.msg[len(k.rec.msg)-1] {
			k.column, k.columnOf, k.escapes = indent+at, c, k.rec.escapes
			k.runes = indent + runes(text[:at])
		}
	}
	if depth != k.depth {
		k.depth, k.discontinuity = depth, true
	}
	return c
}

func (k *Log) try(i int, text []byte) class {
	if i >= len(k.formats) {
		return foreign
	}
	c := k.formats[i].unwrap(text, &k.rec)
	switch {
	case c == foreign:
		k.rec.clear()
	case k.rec.format == "":
		k.rec.format = k.formats[i].name
	}
	return c
}

// take makes events of k.rec.
func (k *Log) take(c class) {
	rec := &k.rec
	if rec.format != "" && rec.format != k.last {
		// Two formats are two views of one log, or two logs: either way their
		// lines have no common order.
		if k.last != "" {
			k.discontinuity = true
		}
		k.last = rec.format
		if !slices.Contains(k.used, rec.format) {
			k.used = append(k.used, rec.format)
		}
	}
	if rec.reboot || len(rec.boot) > 0 && !bytes.Equal(rec.boot, k.boot) {
		if rec.reboot || len(k.boot) > 0 {
			k.begun, k.stamp, k.falling, k.discontinuity = false, 0, 0, false
			k.emit(traces.Event{Kind: traces.Boot, Line: rec.line, Before: k.stats.LastLine})
		}
		k.boot = append(k.boot[:0], rec.boot...)
	}
	if rec.lost != 0 {
		k.gap(rec.lost, rec.gap, rec.msg)
	}
	switch c {
	case other:
		return
	case unusable:
		k.stats.KernelLines++
		k.reports.Flush(k.emitStack)
		k.unusable(rec.msg, "%s", rec.why)
		k.tell(c)
		return
	case message:
		if k.discontinuity && k.stats.LastLine > 0 {
			k.reports.Flush(k.emitStack)
			k.unusable(nil, "another log, or another view of the one before, begins here")
		}
		k.discontinuity = false
	}
	if rec.escapes != 0 && bytes.IndexByte(rec.msg, rec.escapes) >= 0 {
		k.text = appendPrinted(k.text[:0], rec.msg, rec.escapes)
		k.text = appendPlain(k.text[:0], k.text)
		rec.msg = k.text
	}
	// A message of several lines is its first line, and further ones.
	msg := scan.TrimEnd(rec.msg)
	for {
		first, rest, more := bytes.Cut(msg, []byte("\n"))
		rec.msg = scan.TrimEnd(first)
		k.recognise(c)
		if !more {
			return
		}
		c, msg = continuation, rest
	}
}

// unusable says that a record cannot be used. It may have been any of the
// set's messages: that it is missing must not count as silence, so it is a
// loss.
func (k *Log) unusable(msg []byte, format string, args ...any) {
	k.stats.Diagnose(k.rec.line, format, args...)
	k.lose(k.rec.line, 0, true, msg)
}

// disorder says that the lines are in another order than they were printed in.
// Those before this one may be so too.
func (k *Log) disorder(msg []byte, why string) {
	k.stats.Diagnose(k.rec.line, "%s", why)
	k.lose(k.rec.line, 0, false, msg)
}

// gap says that n messages are missing, 0 or less if nobody knows how many; here:
// right here. A report may lack what they said.
func (k *Log) gap(n int, here bool, msg []byte) {
	k.reports.Flush(k.emitStack)
	k.lose(k.rec.line, n, here, msg)
}

// emit adds an event. Its line is the current one unless it has one.
func (k *Log) emit(e traces.Event) {
	if e.Line == 0 {
		e.Line = k.stats.Lines
	}
	k.out(e)
}

// lose adds a loss of n messages, 0 or less where it is not known how many,
// in front of a line. here: nothing is missing before that; otherwise a line
// tells of it that comes later than the loss.
func (k *Log) lose(line, n int, here bool, msg []byte) {
	n = max(n, 0)
	k.stats.Lost += n
	e := traces.Event{Kind: traces.Loss, Line: line, Count: n, Text: string(msg)}
	if here {
		e.Since = line - 1
	}
	k.out(e)
}

// LeftOut says that n lines were left out here; see LeftOut.
func (k *Log) LeftOut(n int) {
	k.reports.Flush(k.emitStack)
	k.column = 0
	for _, f := range k.formats {
		if f, ok := f.logFormat.(*kmsg); ok {
			f.out = n
		}
	}
	k.stats.Lost += n
	k.emit(traces.Event{Kind: traces.Cut, Count: n})
}

// tell passes a message on to who listens.
func (k *Log) tell(c class) {
	if k.TestHook != nil {
		k.TestHook(map[class]rune{message: 'm', continuation: 'f', unusable: 'u'}[c], k.rec.line, k.rec.stamp, k.rec.msg)
	}
}

// stacked passes on what the kernel's own reports in the messages come to: hung
// tasks, dumps of stacks, lock-ups, oopses.
func (k *Log) stacked(e traces.Event) {
	e.Before = k.stats.LastLine
	if e.Stack != nil && slices.ContainsFunc(e.Stack.Frames, func(f traces.Frame) bool {
		return f.Func == "kthread" || strings.HasPrefix(f.Func, "kthread_") || strings.HasPrefix(f.Func, "__kthread_")
	}) {
		k.stats.Events++
	}
	k.emit(e)
}

// recognise makes events of the message in k.rec, or of a further line of one.
func (k *Log) recognise(c class) {
	rec := &k.rec
	msg, n := rec.msg, rec.line
	before := k.stats.LastLine
	if c == message {
		k.stats.KernelLines++
		k.stats.LastLine = n
	}
	event := func(e traces.Event) {
		e.Line, e.Before, e.Text = n, before, string(msg)
		k.emit(e)
	}
	k.tell(c)
	if c == message {
		if release, ok := bytes.CutPrefix(msg, []byte(banner)); ok {
			if end := bytes.IndexByte(release, ' '); end >= 0 {
				release = release[:end]
			}
			k.reports.Flush(k.emitStack)
			k.begun, k.stamp, k.falling = false, max(rec.stamp, 0), 0
			event(traces.Event{Kind: traces.Boot, Kernel: string(release)})
			return
		}
	}
	// A CPU whose clock is not up yet stamps 0, in the middle of a boot too.
	if rec.stamp > 0 {
		if rec.stamp < k.stamp-backwards {
			k.disorder(msg, "the stamp goes back by more than a second: another boot, or lines from elsewhere")
		}
		switch {
		case rec.stamp < k.stamp:
			k.falling++
		case rec.stamp > k.stamp:
			k.falling = 0
		}
		k.stamp = rec.stamp
	}
	if c == message && k.falling >= reversed {
		k.disorder(msg, "the stamps fall from line to line: the log is in reverse order")
		return
	}
	k.reports.Message(&kreport.Message{Line: n, Text: msg, Stamp: rec.stamp, Lost: rec.lost, Caller: rec.caller}, k.emitStack)
	if lost, ok := dropped(msg); ok {
		k.lose(n, lost, overwritten(msg), msg)
		return
	}
	if isCrash(msg) {
		event(traces.Event{Kind: traces.Crash})
		return
	}
	if holdsStamp(msg) {
		k.unusable(msg, "another message's stamp in the middle of it: not used")
		return
	}
	m, ok := k.pats.Match(msg)
	if !ok || !k.begun && !k.always && m.Kind() != traces.Begin {
		return
	}
	switch {
	case c == continuation:
		k.unusable(msg, "in the middle of a message of several lines: not used")
		return
	case k.wrapped:
		k.unusable(msg, "quoted, and so long that it may have been cut: not used")
		return
	case m.Ambiguous:
		k.unusable(msg, "can be read in two ways (pattern %q): not used", m.Pattern())
		return
	}
	e, problem, usable := m.Event()
	switch {
	case !usable:
		k.unusable(msg, "%s", problem)
		return
	case problem != "":
		k.stats.Diagnose(n, "%s", problem)
	}
	if e.Kind == traces.Begin {
		k.begun = true
	} else {
		k.stats.Events++
	}
	event(e)
}

// banner is what a boot's first message begins with (init/version.c linux_banner).
const banner = "Linux version "

// backwards is by how much stamps may run backwards between CPUs, in
// microseconds; far more than was ever seen.
const backwards = 1e6

// reversed is how many stamps in a row are each below the one before only
// where the lines are in reverse order (journalctl -r, tac).
const reversed = 3

// BeginsReport says whether a line is a message that can only begin a report of the
// kernel.
func BeginsReport(line []byte) bool { return kreport.Unmistakable(scan.TrimEnd(line)) }
