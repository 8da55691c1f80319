package klog

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// A form is a way to write what stands before a message that can be boring.
type form uint8

const (
	noForm    form = iota
	stamped        // [10914.046211] …                               dmesg
	levelled       // <6>[10914.046211] …                            dmesg -r, pstore
	clocked        // [Sat Nov 21 18:06:58 2026] …                   dmesg -T
	monotonic      // [10914.046211] host kernel: …                  journalctl -o short-monotonic
	tag            // Nov 21 18:06:59 host kernel: …                 journalctl, a syslog daemon
	tagStamp       // Nov 21 18:06:59 host kernel: [10914.046211] …  a syslog daemon
)

// format is the name of the format that the form is of.
func (f form) format() string {
	return [...]string{
		noForm: "", stamped: "dmesg", levelled: "dmesg", clocked: "dmesg-ctime", monotonic: "journal-monotonic", tag: "syslog", tagStamp: "syslog",
	}[f]
}

// A head is what stands before a message.
type head struct {
	form   form
	prefix int    // of so many bytes, before a stamp or the message
	stamp  int64  // in microseconds, noStamp where the form has none
	host   []byte // and the tag, of monotonic: "host kernel: "
	msg    []byte
}

// splitHead splits a line in the way in which its format does. The form is noForm for
// those of which that is not certain without the lines before, and for what is no message.
func splitHead(line []byte) (h head) {
	line = scan.TrimEnd(line)
	if len(line) == 0 {
		return head{}
	}
	switch line[0] {
	case '[':
		h.form = stamped
		if rest, kind, _ := timeMark(line); kind == wallTime {
			h.form, h.prefix, h.stamp, h.msg = clocked, len(line)-len(rest), noStamp, rest
		}
	case '<':
		rest, facility, ok := level(line)
		if !ok || facility > 0 {
			return head{}
		}
		h.form, h.prefix = levelled, len(line)-len(rest)
	default:
		rest, ok := wallClock(line)
		if !ok || len(rest) == 0 || rest[0] == '[' {
			return head{}
		}
		rec, kernel := record{stamp: noStamp}, false
		if tagged(rest, &rec, &kernel) != message || !kernel {
			return head{}
		}
		h.form, h.prefix, h.stamp, h.msg = tag, len(line)-len(rec.msg), noStamp, rec.msg
		if rec.stamp >= 0 {
			h.form, h.prefix = tagStamp, bytes.IndexByte(line, '[')
		} else if rec.caller != nil {
			return head{}
		}
	}
	if h.form != clocked && h.form != tag {
		ok := false
		if h.msg, h.stamp, ok = body(line[h.prefix:]); !ok || h.stamp == 0 {
			return head{}
		}
	}
	if h.form != tag && len(h.msg) > 0 && h.msg[0] == '[' {
		var who []byte
		if h.msg, who = caller(h.msg); who == nil {
			return head{}
		}
	} else if i := bytes.IndexByte(h.msg, ' '); h.form == stamped && i > 0 && h.msg[i-1] != ':' && scan.HasPrefix(h.msg[i+1:], journalTag+" ") {
		at := i + 1 + len(journalTag+" ")
		h.form, h.host, h.msg = monotonic, h.msg[:at], h.msg[at:]
	}
	if len(h.msg) == 0 || h.msg[0] == '[' || h.msg[0] == '<' || scan.IsDigit(h.msg[0]) {
		return head{} // another time, perhaps, or level
	}
	return h
}

// samePrefix says whether a line, which is no shorter, begins with such a prefix as that
// of a line of a form, but for the level and for the digits of the clock.
func samePrefix(line, prefix []byte, f form) bool {
	if f == levelled {
		return len(prefix) == len("<6>") && line[0] == '<' && '0' <= line[1] && line[1] <= '7' && line[2] == '>' // of the kernel
	}
	from := max(bytes.IndexByte(prefix, ':')-2, 0)
	end := from
	for end < len(prefix) && prefix[end] != ' ' {
		end++
	}
	if end-from < len("18:06:59") || prefix[from+5] != ':' || string(line[:from]) != string(prefix[:from]) || string(line[end:len(prefix)]) != string(prefix[end:]) {
		return false
	}
	for i := from; i < end; i++ {
		if line[i] != prefix[i] && !(scan.IsDigit(line[i]) && scan.IsDigit(prefix[i])) {
			return false
		}
	}
	return true
}
