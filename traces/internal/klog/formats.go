package klog

import (
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

// A logFormat takes kernel messages out of lines. It may keep state between lines, because
// in some formats a record has several.
type logFormat interface {
	// unwrap reads a line without its end, quote marks and indentation. It fills rec in,
	// except for rec.line and where the line is foreign; rec is clear before. It allocates
	// nothing.
	unwrap(line []byte, rec *record) class
}

// A numberedFormat is a logFormat whose records are numbered.
type numberedFormat interface {
	logFormat
	// skipNumbers says that n lines were left out here on purpose, so that up to n missing
	// numbers are no loss.
	skipNumbers(n int)
}

// A lineFormat is a logFormat with the name that its records have unless they name another.
type lineFormat struct {
	logFormat
	name string
}

// A streamFormat takes kernel messages out of a log that is not written in lines.
type streamFormat interface {
	// begins says whether a piece, which begins a line, begins a log of this format.
	begins(piece []byte) bool
	// feed takes the next bytes, up to a newline or the next piece of a long line. It calls
	// yield for every record, after filling rec in, rec.line too. It is false where the
	// stream has ended: the next line is of another format.
	feed(piece []byte, line int, rec *record, yield func(class)) bool
	// open says whether a record has begun and not ended.
	open() bool
	// name is the format's.
	name() string
}

// A Format is one way to write a kernel log.
type Format struct {
	Name string // as --input-format and a report say it
	Text string // what it is, in a few words
	// New makes the format's reader, a logFormat or a streamFormat. A reader that knows
	// several formats reads the one named only, or all of them where only is empty.
	New       func(only string) any
	readBy    string // the format whose reader reads this one too; empty: it has its own
	onRequest bool   // read only where the user names it
}

// Formats are the known ways to write a kernel log, in the order in which a line is tried.
// A new one is a file with a logFormat or a streamFormat, and a row here.
var Formats = []Format{
	{Name: "dmesg", Text: "dmesg, also -x, -r, -d; a serial console: [seconds.micros] message", New: newDmesg},
	{Name: "dmesg-ctime", Text: "dmesg -T", New: newDmesg, readBy: "dmesg"},
	{Name: "dmesg-reltime", Text: "dmesg -e", New: newDmesg, readBy: "dmesg"},
	{Name: "dmesg-iso", Text: "dmesg --time-format iso", New: newDmesg, readBy: "dmesg"},
	{Name: "dmesg-delta", Text: "dmesg --time-format delta", New: newDmesg, readBy: "dmesg"},
	{Name: "journal-monotonic", Text: "journalctl -o short-monotonic", New: newDmesg, readBy: "dmesg"},
	{Name: "kmsg", Text: "the records of /dev/kmsg", New: func(string) any { return new(kmsg) }},
	{Name: "rfc5424", Text: "syslog by RFC 5424", New: func(string) any { return rfc5424{} }},
	{Name: "syslog", Text: "a syslog daemon's files; journalctl -o short, short-iso and the like", New: func(string) any { return new(syslog) }},
	{Name: "logread", Text: "OpenWrt's logread", New: func(string) any { return logread{} }},
	{Name: "logcat", Text: "Android's logcat, threadtime or brief", New: func(string) any { return new(logcat) }},
	{Name: "journal-json", Text: "journalctl -o json", New: func(string) any { return new(journalJSON) }},
	{Name: "journal-export", Text: "journalctl -o export", New: func(string) any { return new(journalExport) }},
	{Name: "dmesg-json", Text: "dmesg -J", New: func(string) any { return new(dmesgJSON) }},
	{
		Name: "bare", Text: "nothing but messages (dmesg -t, journalctl -o cat); must be asked for",
		New: func(string) any { return bare{} }, onRequest: true,
	},
}

// New makes a decoder for the format named only, or, where that is empty, for all formats
// that a line shows. Messages that match pats become events: after their set's begin line,
// or, with beforeBegin, anywhere, but for those of sets that nobody asked for. pats may be
// nil. The decoder counts in stats, and calls
// emit with every event.
func New(only string, pats *printk.Set, beforeBegin bool, stats *traces.Stats, emit func(traces.Event)) *Log {
	k := &Log{stats: stats, out: emit, pats: pats, beforeBegin: beforeBegin, bare: only == "bare"}
	k.yield, k.reportEnded = k.takeFromStream, k.emitReport
	for i := range Formats {
		f := &Formats[i]
		if only != "" && f.Name != only || only == "" && (f.onRequest || f.readBy != "") {
			continue
		}
		switch r := f.New(only).(type) {
		case logFormat:
			k.formats = append(k.formats, lineFormat{r, f.Name})
		case streamFormat:
			k.streams = append(k.streams, r)
		}
	}
	return k
}
