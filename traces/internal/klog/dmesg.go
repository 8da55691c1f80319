package klog

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// dmesg reads what dmesg prints, with any flags, and what a console shows:
//
//	[10914.046211] Thread Creating...                  dmesg; a serial console
//	<6>[10914.046211] Thread Creating...               -r; pstore; /proc/kmsg
//	kern  :info  : [10914.046211] Thread Creating...   -x
//	[10914.046211 <    0.000857>] Thread Creating...   -d
//	[10914.046211][  T310] Thread Creating...          CONFIG_PRINTK_CALLER
//	[10914.046211] [  T310] Thread Creating...         the same by util-linux from 2.40 on
//	[Sat Nov 21 18:06:58 2026] Thread Creating...      -T
//	[Nov21 18:06] …, then [  +0.000857] …              -e
//	2026-11-21T18:06:58,363151+00:00 Thread Creating…  --time-format iso
//	[<    0.000857>] Thread Creating...                --time-format delta
//
// (util-linux sys-utils/dmesg.c print_record; kernel/printk/printk.c print_time,
// print_caller). Several times may stand in a row; without the time since boot a record
// has no stamp.
//
// A line of journalctl -o short-monotonic looks like a message in dmesg that begins with
// the host and "kernel:". It is taken for the journal's if the line before begins with the
// same host, or if no line is before it.
//
// A paste may lack its first bracket. Some consoles print no fraction: "[  240.] ".
type dmesg struct {
	only    string // lines of other formats are foreign; empty: none are
	seen    bool   // a line of a kernel log has come
	host    []byte // the first word of the message of the line before
	journal bool   // host is what the journal prints
}

func newDmesg(only string) any { return &dmesg{only: only} }

func (d *dmesg) unwrap(line []byte, rec *record) class {
	c := d.parse(line, rec)
	if c == foreign || d.only != "" && rec.format != d.only {
		return foreign
	}
	d.seen = true
	if rec.format != "journal-monotonic" {
		rec.escapes = '\\'
	}
	return c
}

// parse is unwrap for lines of any of dmesg's formats.
func (d *dmesg) parse(line []byte, rec *record) class {
	msg, facility, ok := level(line)
	levelled := ok
	if levelled {
		rec.format = "dmesg"
	}
	stamped, any := false, false
	for {
		rest, kind, micros := timeMark(msg)
		if kind == noTime || stamped && kind == sinceBoot {
			break
		}
		msg, any = rest, true
		switch kind {
		case sinceBoot:
			stamped, rec.stamp, rec.format = true, micros, "dmesg"
			if delta, kind, _ := timeMark(msg); kind == deltaTime {
				msg = delta
			}
		case wallTime:
			if !stamped {
				rec.format = "dmesg-ctime"
			}
		case shortTime, sinceLast:
			if !stamped {
				rec.format = "dmesg-reltime"
			}
		case isoTime:
			if !stamped {
				rec.format = "dmesg-iso"
			}
		case deltaTime:
			if !stamped {
				rec.format = "dmesg-delta"
			}
		}
	}
	switch {
	case any:
	case levelled:
		if len(msg) == 0 || isSyslog(msg) {
			return foreign
		}
	default:
		rest, ok := headless(line)
		if !ok {
			return foreign
		}
		rec.msg, rec.format = rest, "dmesg"
		if d.seen {
			rec.problem = "the line has lost its beginning: not used"
			return unusable
		}
		return message
	}
	msg, rec.caller = caller(msg)
	rec.msg = msg
	if facility > 0 {
		// A program has written it to /dev/kmsg: messages of the kernel have facility 0
		// (kernel/printk/printk.c devkmsg_write).
		return other
	}
	if stamped && !levelled && d.only != "dmesg" {
		return d.hosted(rec)
	}
	return message
}

// journalTag is what the journal prints between the host and a kernel's message.
const journalTag = "kernel:"

// hosted decides whether a line is the journal's or dmesg's.
func (d *dmesg) hosted(rec *record) class {
	word := hostOf(rec.msg)
	rest := rec.msg[min(len(word)+1, len(rec.msg)):]
	if word == nil {
		rest = nil
	}
	same := len(word) > 0 && bytes.Equal(word, d.host)
	msg, kernel := bytes.CutPrefix(rest, []byte(journalTag))
	kernel = kernel && (len(msg) == 0 || msg[0] == ' ')
	tagged := word != nil && !bytes.HasSuffix(word, []byte(":"))
	switch {
	case d.journal && same:
	case tagged && kernel && (same || !d.seen || d.journal || d.only != ""):
		d.journal = true
	default:
		d.journal = false
	}
	d.host = append(d.host[:0], word...)
	if !d.journal {
		return message
	}
	rec.format = "journal-monotonic"
	if !kernel {
		rec.stamp = noStamp
		return otherProgram(rest, rec)
	}
	rec.msg = bytes.TrimPrefix(msg, []byte(" "))
	return message
}

// hostOf is a message's first word, which is the host in a line of the journal; nil where
// the message has only one word.
func hostOf(msg []byte) []byte {
	i := bytes.IndexByte(msg, ' ')
	if i < 0 {
		return nil
	}
	return msg[:i]
}

// level splits off the level as dmesg -r, dmesg -x and /proc/kmsg print it. facility is
// syslog's number, 0 for the kernel.
func level(line []byte) (rest []byte, facility int, ok bool) {
	if len(line) == 0 {
		return line, 0, false
	}
	if line[0] == '<' {
		n, rest, ok := priority(line)
		if !ok {
			return line, 0, false
		}
		return rest, n >> 3, true
	}
	if line[0] < 'a' || line[0] > 'u' {
		return line, 0, false
	}
	// "%-6s:%-6s: "
	name, rest, ok := bytes.Cut(line[:min(len(line), 32)], []byte(":"))
	if !ok || len(name) < 6 {
		return line, 0, false
	}
	lev, _, ok := bytes.Cut(rest, []byte(": "))
	if !ok || len(lev) < 6 || !isLevel(bytes.TrimRight(lev, " ")) {
		return line, 0, false
	}
	facility = facilityOf(bytes.TrimRight(name, " "))
	if facility < 0 {
		return line, 0, false
	}
	return line[len(name)+1+len(lev)+2:], facility, true
}

// isSyslog says whether the text behind "<6>" is a syslog daemon's.
func isSyslog(rest []byte) bool {
	if newer, ok := bytes.CutPrefix(rest, []byte("1 ")); ok {
		rest = newer
	}
	_, ok := wallClock(rest)
	return ok
}

// priority reads "<6>": syslog's facility*8 + level, 0 to 191.
func priority(line []byte) (n int, rest []byte, ok bool) {
	i := 1
	for i < len(line) && i < 4 && scan.IsDigit(line[i]) {
		n = n*10 + int(line[i]-'0')
		i++
	}
	if i == 1 || i == len(line) || line[i] != '>' || n > 191 {
		return 0, line, false
	}
	return n, line[i+1:], true
}

// facilityOf is syslog's number of the facility of a name, -1 where there is none.
func facilityOf(name []byte) int {
	// By their numbers (RFC 5424 6.2.1).
	for i, f := range [...]string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news",
		"uucp", "cron", "authpriv", "ftp", "res0", "res1", "res2", "res3",
		"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"} {
		if string(name) == f {
			return i
		}
	}
	return -1
}

// isLevel says whether name is a level, as util-linux or syslog names it.
func isLevel(name []byte) bool {
	switch string(name) {
	case "emerg", "alert", "crit", "err", "error", "warn", "warning", "notice", "info", "debug", "panic":
		return true
	}
	return false
}

// caller splits off the caller that printed the message: "[  T310] " is a task, "[    C0] "
// a CPU in an interrupt (kernel/printk/printk.c print_caller). who is nil where there is
// none.
func caller(msg []byte) (rest, who []byte) {
	if len(msg) < 4 || msg[0] != '[' {
		return msg, nil
	}
	i := 1
	for i < len(msg) && msg[i] == ' ' {
		i++
	}
	from := i
	if i == len(msg) || msg[i] != 'T' && msg[i] != 'C' {
		return msg, nil
	}
	i++
	for i < len(msg) && scan.IsDigit(msg[i]) {
		i++
	}
	if i-from < 2 || i-from > 11 || i == len(msg) || msg[i] != ']' {
		return msg, nil
	}
	rest = msg[i+1:]
	if len(rest) > 0 && rest[0] != ' ' {
		return msg, nil
	}
	return bytes.TrimPrefix(rest, []byte(" ")), msg[from:i]
}
