package klog

import (
	"bytes"
)

// rfc5424 reads the newer form of syslog, as rsyslog's RSYSLOG_SyslogProtocol23Format writes
// it:
//
//	<6>1 2026-11-21T18:06:59.363151+00:00 host kernel - - - [   30.363151] func t1
//
// These are priority, version, time, host, program, process, kind, structured data, and
// the message.
type rfc5424 struct{}

func (rfc5424) unwrap(line []byte, rec *record) class {
	if line[0] != '<' {
		return foreign
	}
	prio, rest, ok := priority(line)
	if !ok {
		return foreign
	}
	rest, ok = bytes.CutPrefix(rest, []byte("1 "))
	if !ok {
		return foreign
	}
	var word [5][]byte // time, host, program, process, kind
	for i := range word {
		word[i], rest = cutWord(rest)
	}
	if n := isoLength(word[0], '.'); (n == 0 || n != len(word[0])) && string(word[0]) != "-" || len(rest) == 0 {
		return foreign
	}
	msg, ok := structuredData(rest)
	if !ok {
		return foreign
	}
	rec.msg = msg
	if prio>>3 != 0 || string(word[2]) != "kernel" {
		c := otherProgram(nil, rec)
		rec.msg = msg
		switch string(word[2]) {
		case "systemd-journald":
			rec.lost = journalMissed(msg)
		case "rsyslogd":
			if bytes.Contains(msg, []byte("lost")) || bytes.Contains(msg, []byte("drop")) {
				rec.lost = countBefore(msg, " messages")
			}
		}
		return c
	}
	rec.escapes = '#'
	return kernelText(bytes.TrimPrefix(msg, []byte("\xef\xbb\xbf")), rec)
}

// structuredData skips "-", or "[id key=\"value\" …]" any number of times, and the blank
// behind it. Values may have escapes by backslash.
func structuredData(text []byte) (msg []byte, ok bool) {
	if text[0] == '-' {
		rest := text[1:]
		if len(rest) > 0 && rest[0] != ' ' {
			return nil, false
		}
		return bytes.TrimPrefix(rest, []byte(" ")), true
	}
	if text[0] != '[' {
		return nil, false
	}
	in, quoted := false, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			in = true
		case c == ']':
			in = false
		case !in && c == ' ':
			return text[i+1:], true
		case !in:
			return nil, false
		}
	}
	return nil, !in && !quoted
}
