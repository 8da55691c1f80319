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

// A Log makes events of a kernel log. It decides for every line which format it has,
// because the log of a console may have several: the format of the line before is tried
// first, then the others in their order.
type Log struct {
	stats       *traces.Stats
	out         func(traces.Event)
	pats        *printk.Set
	beforeBegin bool // pats match before their begin lines too, but for built-in ones
	// TestHook is called with every kernel message 'm', continuation 'f' and unusable
	// record 'u'; nil: there is no test.
	TestHook func(kind rune, line int, stamp int64, text []byte)

	lines
	streaming
	order
	continued

	bare  bool          // every line is a message
	begun []*printk.Set // whose begin lines have been seen, and no other boot since
	rec   record        // of the latest line
	text  []byte        // the latest message decoded, where it had any escapes
	used  []string      // the formats that records have had, each once
	last  string        // the format of the latest record
	depth int           // the number of quote marks before the latest record

	reports     kreport.Parser     // of the kernel, in the messages
	reportEnded func(traces.Event) // Log.emitReport
}

// lines has what is needed to read lines.
type lines struct {
	formats []lineFormat
	cur     int    // index of the latest line's format
	plain   []byte // the latest line without colours, where it had any
	wrapped bool   // the latest line is quoted, and so long that a mailer may have cut it
}

// streaming has what is needed to read a log that is not written in lines.
type streaming struct {
	streams []streamFormat
	stream  streamFormat // the one that the input is in; nil: the input is in lines
	yield   func(class)  // Log.takeFromStream
	latest  int          // line of the latest record
}

// order has what the order of the records shows.
type order struct {
	stamp int64 // of the latest record that has one, in microseconds
	// falling counts the latest records in a row whose stamp is below the one before.
	falling       int
	boot          []byte // boot id of the latest record that has one
	discontinuity bool   // the next message may be from another log
	elided        int    // the line that stands for some that were left out, before the next message; 0: there is none
}

// continued says how the next lines must be indented to continue the latest message.
type continued struct {
	column, runes int   // bytes and runes before the message's text; column 0: it cannot continue
	columnOf      class // of the message's first line
	escapes       byte  // of the record
}

// Format names the formats that records have had, joined by "+".
func (k *Log) Format() string { return strings.Join(k.used, "+") }

// Detect says whether a line is of a kernel log.
func (k *Log) Detect(line []byte) bool {
	if k.beginsStream(line) != nil {
		return true
	}
	c := k.classify(line)
	return c == message || c == other || c == unusable
}

// beginsStream is the streamFormat that a piece begins, nil where it begins none.
func (k *Log) beginsStream(piece []byte) streamFormat {
	for _, s := range k.streams {
		if s.begins(piece) {
			return s
		}
	}
	return nil
}

// Raw takes bytes of a log that is not written in lines. It is false, and takes nothing,
// where the log is in lines.
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

// takeFromStream takes a record of a streamFormat. In a document on one line record n
// counts as line n, because the order of the lines is the order of the events.
func (k *Log) takeFromStream(c class) {
	s := k.stats
	k.latest = max(k.rec.line, k.latest+1)
	k.rec.line = k.latest
	s.Lines = max(s.Lines, k.latest)
	k.rec.format = k.stream.name()
	k.take(c)
}

// Line takes a line without its end. It is false where the line is of no known kind.
func (k *Log) Line(text []byte) bool {
	c := k.classify(text)
	k.rec.line = k.stats.Lines
	if c != foreign {
		k.take(c)
		return true
	}
	// A console prints without a stamp how many messages it has dropped.
	text = bytes.TrimLeft(text, " \t>")
	if scan.IsElision(text) {
		k.elided = k.rec.line
		return true
	}
	if lost, ok := dropped(text); ok {
		k.gap(lost, overwritten(text), text)
		return true
	}
	if holdsStamp(text) {
		k.reports.Flush(k.reportEnded)
		k.unusable(text, "a kernel message behind other text: not used")
		return true
	}
	return false
}

// Damaged says whether a line that is not whole may be a message.
func (k *Log) Damaged(text []byte) bool {
	switch k.classify(bytes.TrimRight(text, "\n")) {
	case message, continuation, unusable:
		return true
	}
	return false
}

// End emits the reports that are open. Call it after the last line.
func (k *Log) End() {
	defer k.reports.Flush(k.reportEnded)
	if k.stream != nil && k.stream.open() {
		k.stats.Diagnose(k.stats.Lines, "the last record is not whole: not used as evidence")
	}
}

// classify finds the format and the class of a line, and fills k.rec in.
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
		// A message can have further lines where it is the end of its line, which it is
		// not where the format escapes newlines.
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

// try reads a line as one of format i.
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
		// Two formats are two logs, or one log printed twice: their lines have no common
		// order.
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
			k.begun, k.stamp, k.falling, k.discontinuity = nil, 0, 0, false
			k.emit(traces.Event{Kind: traces.Boot, Line: rec.line, Before: k.stats.LastLine})
		}
		k.boot = append(k.boot[:0], rec.boot...)
	}
	if rec.lost != 0 {
		k.gap(rec.lost, rec.lostHere, rec.msg)
	}
	switch c {
	case other:
		return
	case unusable:
		k.stats.KernelLines++
		k.reports.Flush(k.reportEnded)
		k.unusable(rec.msg, "%s", rec.problem)
		k.callTestHook(c)
		return
	case message:
		if k.discontinuity && k.stats.LastLine > 0 {
			k.reports.Flush(k.reportEnded)
			k.unusable(nil, "another log, or another view of the one before, begins here")
		}
		k.discontinuity = false
		if k.elided > 0 && k.stats.LastLine > 0 {
			k.stats.Diagnose(k.elided, "no message, but between messages: what stood here may be missing")
			k.lose(k.elided, 0, true, nil)
		}
		k.elided = 0
	}
	if rec.escapes != 0 && bytes.IndexByte(rec.msg, rec.escapes) >= 0 {
		k.text = appendPrinted(k.text[:0], rec.msg, rec.escapes)
		k.text = appendPlain(k.text[:0], k.text)
		rec.msg = k.text
	}
	// Lines of a message behind its first one are continuations.
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

// unusable diagnoses a record that cannot be used. It may have been any message, so it
// counts as lost: nothing may be concluded from the absence of a message.
func (k *Log) unusable(msg []byte, format string, args ...any) {
	k.stats.Diagnose(k.rec.line, format, args...)
	k.lose(k.rec.line, 0, true, msg)
}

// disorder diagnoses lines that are in another order than they were printed in. Earlier
// lines may be so too, so the loss may be anywhere before.
func (k *Log) disorder(msg []byte, problem string) {
	k.stats.Diagnose(k.rec.line, "%s", problem)
	k.lose(k.rec.line, 0, false, msg)
}

// gap is lose for missing messages that may have been part of a report: it ends all open
// reports.
func (k *Log) gap(n int, here bool, msg []byte) {
	k.reports.Flush(k.reportEnded)
	k.lose(k.rec.line, n, here, msg)
}

// emit emits an event. An event without a line gets the current one.
func (k *Log) emit(e traces.Event) {
	if e.Line == 0 {
		e.Line = k.stats.Lines
	}
	k.out(e)
}

// lose emits a Loss of n messages, 0 or less where nobody knows how many. here: they are
// missing right before the line. Otherwise the line reports a loss that may be anywhere
// before it.
func (k *Log) lose(line, n int, here bool, msg []byte) {
	n = max(n, 0)
	k.stats.Lost += n
	e := traces.Event{Kind: traces.Loss, Line: line, Count: n, Text: string(msg)}
	if here {
		e.Since = line - 1
	}
	k.out(e)
}

// LeftOut emits a Cut where tracecheck --shrink has left out n lines.
func (k *Log) LeftOut(n int) {
	k.reports.Flush(k.reportEnded)
	k.column = 0
	for _, f := range k.formats {
		if f, ok := f.logFormat.(numberedFormat); ok {
			f.skipNumbers(n)
		}
	}
	k.stats.Lost += n
	k.emit(traces.Event{Kind: traces.Cut, Count: n})
}

// callTestHook calls TestHook, if there is one, with k.rec.
func (k *Log) callTestHook(c class) {
	if k.TestHook != nil {
		k.TestHook(map[class]rune{message: 'm', continuation: 'f', unusable: 'u'}[c], k.rec.line, k.rec.stamp, k.rec.msg)
	}
}

// emitReport emits the event of a kernel report.
func (k *Log) emitReport(e traces.Event) {
	e.Before = k.stats.LastLine
	if e.Stack != nil && slices.ContainsFunc(e.Stack.Frames, func(f traces.Frame) bool {
		return f.Func == "kthread" || strings.HasPrefix(f.Func, "kthread_") || strings.HasPrefix(f.Func, "__kthread_")
	}) {
		k.stats.Events++
	}
	k.emit(e)
}

// recognise makes events of the message in k.rec, or of a continuation of one.
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
	k.callTestHook(c)
	if c == message {
		if release, ok := bytes.CutPrefix(msg, []byte(banner)); ok {
			if end := bytes.IndexByte(release, ' '); end >= 0 {
				release = release[:end]
			}
			k.reports.Flush(k.reportEnded)
			k.begun, k.stamp, k.falling = nil, max(rec.stamp, 0), 0
			event(traces.Event{Kind: traces.Boot, Kernel: string(release)})
			return
		}
	}
	// A CPU whose clock does not run yet stamps 0, even in the middle of a boot.
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
	k.reports.Message(&kreport.Message{Line: n, Text: msg, Stamp: rec.stamp, Lost: rec.lost, Caller: rec.caller}, k.reportEnded)
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
	if !ok || m.Kind() != traces.Begin && (m.Builtin || !k.beforeBegin) && !slices.Contains(k.begun, m.Set()) {
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
		if !slices.Contains(k.begun, m.Set()) {
			k.begun = append(k.begun, m.Set())
		}
	} else {
		k.stats.Events++
	}
	event(e)
}

// banner begins the first message of a boot (init/version.c linux_banner).
const banner = "Linux version "

// backwards is by how much the stamps of two CPUs may differ, in microseconds: far more
// than has ever been seen.
const backwards = 1e6

// reversed is how many stamps in a row must be below the one before for the log to be in
// reverse order (journalctl -r, tac).
const reversed = 3

// BeginsReport says whether a line, taken for a message, can only be the beginning of a
// kernel report.
func BeginsReport(line []byte) bool { return kreport.Unmistakable(scan.TrimEnd(line)) }
