package klog

import (
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

// A lineFormat is a logFormat and its names.
type lineFormat struct {
	logFormat
	name string // where the record has none
}

// A streamFormat takes records out of what is not written in lines.
type streamFormat interface {
	// begins says whether a piece, which begins a line, begins such a stream.
	begins(piece []byte) bool
	// feed takes the next bytes, which end at a newline or are a piece of a
	// long line. For every record it calls yield, with a class and with
	// rec.line; it is false where the stream has ended, and the next line is
	// another format's.
	feed(piece []byte, line int, rec *record, yield func(class)) bool
	// open says whether a record has begun and not ended.
	open() bool
	name() string
}

// A Format is one way to write a kernel log.
type Format struct {
	Name string // as --input-format and a report say it
	Text string // what it is, in a few words
	// New makes what takes records out of the log, a logFormat or a streamFormat: for the
	// format of a name only, or, where that is empty, for all that it knows.
	New   func(only string) any
	by    string // the format before that reads this one too
	asked bool   // read only where it is asked for
}

// Formats is in the order in which formats are tried.
var Formats = []Format{
	{Name: "dmesg", Text: "dmesg, also -x, -r, -d; a serial console: [seconds.micros] message", New: newDmesg},
	{Name: "dmesg-ctime", Text: "dmesg -T", New: newDmesg, by: "dmesg"},
	{Name: "dmesg-reltime", Text: "dmesg -e", New: newDmesg, by: "dmesg"},
	{Name: "dmesg-iso", Text: "dmesg --time-format iso", New: newDmesg, by: "dmesg"},
	{Name: "dmesg-delta", Text: "dmesg --time-format delta", New: newDmesg, by: "dmesg"},
	{Name: "journal-monotonic", Text: "journalctl -o short-monotonic", New: newDmesg, by: "dmesg"},
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
		New: func(string) any { return bare{} }, asked: true,
	},
}

// New is a decoder for one format, or, where only is empty, for all
// that can be told by their lines.
func New(only string, pats *printk.Set, always bool, stats *traces.Stats, emit func(traces.Event)) *Log {
	k := &Log{stats: stats, out: emit, pats: pats, always: always, bare: only == "bare"}
	k.yield, k.emitStack = k.fed, k.stacked
	for i := range Formats {
		f := &Formats[i]
		if only != "" && f.Name != only || only == "" && (f.asked || f.by != "") {
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

// A logFormat takes kernel messages out of one way to write a kernel log. It
// may keep state between lines, because some formats spread a record over
// several.
type logFormat interface {
	// unwrap looks at a line, without its end, quote marks and indentation. For
	// all classes but foreign it fills rec in, which is clear before, except for
	// rec.line; it allocates nothing.
	unwrap(line []byte, rec *record) class
}
