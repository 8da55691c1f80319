package klog

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// logcat reads Android's log, of which the buffer "kernel" holds the kernel's
// messages:
//
//	--------- beginning of kernel
//	11-21 18:06:59.363     0     0 I func t1             -v threadtime
//	11-21 18:06:59.363     0     0 I usb 1-1 : New device
//	I/usb 1-1 (    0): New device                        -v brief
//
// logd makes a tag of the text before a message's first colon (system/logging
// logd/LogKlog.cpp), so logcat puts the tag back. Process 0 is the kernel. A tag "kernel" is
// logd's own and no part of the message. The time is that of the wall clock.
type logcat struct {
	text []byte // the latest message, with its tag
}

func (l *logcat) unwrap(line []byte, rec *record) class {
	if bytes.HasPrefix(line, []byte("--------- beginning of ")) || bytes.HasPrefix(line, []byte("--------- switch to ")) {
		return other
	}
	pid, tag, msg, ok := threadtime(line)
	if !ok {
		if pid, tag, msg, ok = brief(line); !ok {
			return foreign
		}
	}
	rec.msg = msg
	if string(tag) == "chatty" {
		// "uid=0(root) logd expire 12 lines", "… identical 3 lines"
		rec.lost = countBefore(msg, " line")
		return other
	}
	if pid != 0 {
		return other
	}
	if len(tag) > 0 && string(tag) != "kernel" {
		l.text = append(append(append(l.text[:0], tag...), ": "...), msg...)
		msg = l.text
	}
	return kernelText(msg, rec)
}

// threadtime reads "11-21 18:06:59.363     0     0 I tag     : message". A year may stand
// before the date.
func threadtime(line []byte) (pid int64, tag, msg []byte, ok bool) {
	date, rest := cutWord(line)
	if len(date) == 10 && isDate(date) {
		date = date[5:]
	}
	if len(date) != 5 || date[2] != '-' || !scan.AllDigits(date[:2]) || !scan.AllDigits(date[3:]) {
		return 0, nil, nil, false
	}
	clock, rest := cutWord(rest)
	if !isClock(clock) || len(clock) < 12 {
		return 0, nil, nil, false
	}
	word, rest := cutWord(rest)
	pid, left, ok := scan.Number(word)
	if !ok || len(left) > 0 {
		return 0, nil, nil, false
	}
	word, rest = cutWord(rest)
	if _, left, ok := scan.Number(word); !ok || len(left) > 0 {
		return 0, nil, nil, false
	}
	if len(rest) < 2 || !isPriority(rest[0]) || rest[1] != ' ' {
		return 0, nil, nil, false
	}
	tag, msg, ok = cutTag(rest[2:])
	return pid, tag, msg, ok
}

// cutTag splits "tag     : message". The tag ends at the first colon with a blank behind
// it.
func cutTag(text []byte) (tag, msg []byte, ok bool) {
	i := bytes.Index(text, []byte(": "))
	if i < 0 {
		if rest, ok := bytes.CutSuffix(text, []byte(":")); ok {
			return bytes.Trim(rest, " "), nil, true
		}
		return nil, nil, false
	}
	return bytes.Trim(text[:i], " "), text[i+2:], true
}

// brief reads "I/tag     (    0): message".
func brief(line []byte) (pid int64, tag, msg []byte, ok bool) {
	if len(line) < 4 || !isPriority(line[0]) || line[1] != '/' {
		return 0, nil, nil, false
	}
	for from := 2; ; {
		i := bytes.IndexByte(line[from:], '(')
		if i < 0 {
			return 0, nil, nil, false
		}
		i += from
		num, rest, ok := bytes.Cut(line[i+1:], []byte(")"))
		if ok && len(rest) > 0 && rest[0] == ':' {
			pid, left, ok := scan.Number(bytes.TrimLeft(num, " "))
			if ok && len(left) == 0 {
				return pid, bytes.Trim(line[2:i], " "), bytes.TrimPrefix(rest[1:], []byte(" ")), true
			}
		}
		from = i + 1
	}
}

// isPriority says whether c stands for verbose, debug, info, warn, error, fatal or silent.
func isPriority(c byte) bool { return bytes.IndexByte([]byte("VDIWEFS"), c) >= 0 }
