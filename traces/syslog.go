package traces

import (
	"bytes"
	"math"
)

// syslog reads the lines of a syslog daemon's files, and of journalctl's short
// formats, which follow them:
//
//	Nov 21 18:06:59 host kernel: [   30.363151] func t1              RFC 3164; rsyslog, syslog-ng
//	Nov 21 18:06:59 host kernel: func t1                             journalctl -o short
//	Nov 21 18:06:59.363151 host kernel: func t1                      short-precise
//	2026-11-21T18:06:59.363151+00:00 host kernel: [   30.363151] …   rsyslog's default; short-iso, short-iso-precise
//	Sat 2026-11-21 18:06:59 CET host kernel: func t1                 short-full, with-unit
//	1795285019.363151 host kernel: func t1                           short-unix
//	Nov 21 18:06:59 host kern.info kernel: [   30.363151] func t1    busybox syslogd
//	<6>Nov 21 18:06:59 host kernel: func t1                          from the network
//	Nov 21 18:06:59 [   30.363151] func t1                           a console through ts(1), a CI job's log
//
// Month and weekday are in the locale's words ("Dez", "févr."), or order
// ("21. Nov"). The tag decides: only "kernel:" is the kernel. The stamp at the
// beginning is when the daemon got the message, and is not used; the one since
// boot, if it is still there, is.
type syslog struct {
	kernel bool // the line before is the kernel's
}

func (s *syslog) unwrap(line []byte, rec *record) class {
	facility := 0
	if line[0] == '<' {
		n, rest, ok := priority(line)
		if !ok {
			return foreign
		}
		facility, line = n>>3, rest
	}
	rest, ok := wallClock(line)
	if !ok {
		return foreign
	}
	if len(rest) > 0 && rest[0] == '[' {
		if msg, stamp, ok := body(rest); ok && facility == 0 {
			rec.stamp = stamp
			rec.msg, rec.caller = caller(msg)
			return message
		}
		if bytes.HasPrefix(rest, []byte("[s=")) {
			rec.why = "an entry of journalctl -o verbose, which is not read; -o short-monotonic is"
			return unusable
		}
	}
	c := tagged(rest, rec, &s.kernel)
	if facility > 0 && c == message {
		return other
	}
	return c
}

// tagged reads "host facility.level tag: message", of which all but tag and
// message may be missing. kernel says whether the line before is the kernel's.
func tagged(text []byte, rec *record, kernel *bool) class {
	was := *kernel
	*kernel = false
	rec.msg = text
	word, rest := cutWord(text)
	if len(word) == 0 {
		return other
	}
	if !endsTag(word) {
		if isFacilityLevel(word) {
			if !kernelFacility(word) {
				return otherProgram(rest, rec)
			}
		} else if next, behind := cutWord(rest); isFacilityLevel(next) {
			rest = behind
			if !kernelFacility(next) {
				return otherProgram(rest, rec)
			}
		}
		if n, ok := repeated(rest); ok {
			if was {
				rec.lost = n
			}
			return other
		}
		word, _ = cutWord(rest)
		text = rest
	}
	if string(word) != "kernel:" {
		if !endsTag(word) && holdsStamp(text) && bytes.IndexByte(text[:bytes.IndexByte(text, '[')], ':') < 0 {
			rec.why = "a kernel message behind other text: not used"
			return unusable
		}
		return otherProgram(text, rec)
	}
	*kernel = true
	rec.escapes = '#'
	return kernelText(bytes.TrimPrefix(text[len("kernel:"):], []byte(" ")), rec)
}

// kernelText reads what stands behind the tag "kernel:": a message, or one with
// its time since boot.
func kernelText(msg []byte, rec *record) class {
	rec.msg = msg
	if n, ok := repeated(msg); ok {
		rec.lost = n
		return other
	}
	if rest, _, ok := level(msg); ok && len(msg) > 0 && msg[0] == '<' {
		msg = rest
	}
	if rest, stamp, ok := body(msg); ok {
		rec.stamp = stamp
		msg = rest
	}
	rec.msg, rec.caller = caller(msg)
	return message
}

// otherProgram looks whether a program that hands the kernel's messages on says
// that it has lost some:
//
//	systemd-journald[231]: Missed 12 kernel messages     (old ones say one less than are missing)
//	systemd-journald[231]: /dev/kmsg buffer overrun, some messages lost.
//	rsyslogd: imklog: 12 messages lost …; imjournal: 12 messages lost due to rate-limiting
//	rsyslogd: imuxsock[pid 231]: begins to drop messages due to rate-limiting
//
// "Suppressed 12 messages from a.service" is no such thing: journald limits the
// rate of units only, never the kernel's.
func otherProgram(text []byte, rec *record) class {
	word, msg := cutWord(text)
	name, _, _ := bytes.Cut(bytes.TrimSuffix(word, []byte(":")), []byte("["))
	rec.msg = msg
	switch string(name) {
	case "systemd-journald", "systemd-journal":
		rec.lost = journalMissed(msg)
	case "rsyslogd", "rsyslogd-2177", "syslog-ng":
		if bytes.Contains(msg, []byte("lost")) || bytes.Contains(msg, []byte("drop")) {
			rec.lost = countBefore(msg, " messages")
		}
	}
	return other
}

// journalMissed is how many kernel messages journald says that it has missed:
// 0 none, -1 some.
func journalMissed(msg []byte) int {
	if rest, ok := bytes.CutPrefix(msg, []byte("Missed ")); ok {
		n, rest, ok := number(rest)
		if ok && bytes.HasPrefix(rest, []byte(" kernel messages")) {
			if n == 0 {
				return -1
			}
			return clampCount(n)
		}
	}
	if bytes.HasPrefix(msg, []byte("/dev/kmsg buffer overrun")) {
		return -1
	}
	return 0
}

// countBefore is the number in front of a word, -1 without one.
func countBefore(msg []byte, word string) int {
	i := bytes.Index(msg, []byte(word))
	from := i
	for from > 0 && isDigit(msg[from-1]) {
		from--
	}
	if i <= 0 || from == i {
		return -1
	}
	n, _, ok := number(msg[from:i])
	if !ok || n == 0 {
		return -1
	}
	return clampCount(n)
}

func clampCount(n int64) int { return int(min(n, math.MaxInt32)) }

// repeated recognises how a daemon says that a message came again:
// "last message repeated 3 times", "message repeated 3 times: [ func t1]". Each
// of them is missing in its place.
func repeated(msg []byte) (n int, ok bool) {
	rest, found := bytes.CutPrefix(bytes.TrimPrefix(msg, []byte("--- ")), []byte("last message repeated "))
	if !found {
		if rest, found = bytes.CutPrefix(msg, []byte("message repeated ")); !found {
			return 0, false
		}
	}
	count, rest, ok := number(rest)
	return max(clampCount(count), 1), ok && bytes.HasPrefix(rest, []byte(" time"))
}

// journalMark recognises the lines that journalctl puts between entries:
// "-- Boot 4796af85d44b4f3180db94c05592c0f2 --", "-- Reboot --", "-- No entries --",
// "-- Journal begins at … --".
func journalMark(line []byte) (boot, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("-- "))
	if !ok || !bytes.HasSuffix(line, []byte(" --")) {
		return false, false
	}
	return bytes.HasPrefix(rest, []byte("Boot ")) || bytes.HasPrefix(rest, []byte("Reboot ")), true
}

// cutWord cuts a text at its first blanks.
func cutWord(text []byte) (word, rest []byte) {
	i := bytes.IndexByte(text, ' ')
	if i < 0 {
		return text, nil
	}
	word = text[:i]
	for i < len(text) && text[i] == ' ' {
		i++
	}
	return word, text[i:]
}

func endsTag(word []byte) bool { return len(word) > 1 && word[len(word)-1] == ':' }

// isFacilityLevel: "kern.info", as busybox and logread print it.
func isFacilityLevel(word []byte) bool {
	i := bytes.IndexByte(word, '.')
	return i > 0 && facilityOf(word[:i]) >= 0 && isLevel(word[i+1:])
}

func kernelFacility(word []byte) bool { return bytes.HasPrefix(word, []byte("kern.")) }

// wallClock splits the time off with which a syslog line begins.
func wallClock(line []byte) (rest []byte, ok bool) {
	if n := isoLength(line, '.'); n > 0 {
		if n == len(line) || line[n] != ' ' {
			return nil, false
		}
		return bytes.TrimLeft(line[n:], " "), true
	}
	a, rest := cutWord(line)
	if rest == nil {
		return nil, false
	}
	if isUnix(a) {
		return rest, true
	}
	b, rest := cutWord(rest)
	c, rest := cutWord(rest)
	switch {
	case rest == nil:
		return nil, false
	case isDate(b) && isClock(c) && len(a) <= 16:
		// short-full has a time zone behind it.
		zone, rest := cutWord(rest)
		if len(zone) == 0 || len(zone) > 6 {
			return nil, false
		}
		return rest, true
	case isClock(c) && (isDay(b) && isMonth(a) || isDay(a) && isMonth(b)):
		return rest, true
	}
	return nil, false
}

// isoLength is the length of "2026-11-21T18:06:58.363151+00:00" at the
// beginning of a line, 0 where there is none. Fraction, zone, and the colon in
// it may be missing; the fraction's mark must be point.
func isoLength(line []byte, point byte) int {
	const form = "0000-00-00T00:00:00"
	if len(line) < len(form) {
		return 0
	}
	for i := range len(form) {
		switch c := line[i]; {
		case form[i] == '0' && !isDigit(c):
			return 0
		case form[i] != '0' && c != form[i] && (form[i] != 'T' || c != ' '):
			return 0
		}
	}
	i := len(form)
	if i < len(line) && (line[i] == '.' || line[i] == ',') {
		if line[i] != point {
			return 0
		}
		i++
		from := i
		for i < len(line) && isDigit(line[i]) {
			i++
		}
		if i == from || i-from > 9 {
			return 0
		}
	} else if point == ',' {
		return 0
	}
	if i < len(line) && line[i] == 'Z' {
		return i + 1
	}
	if i+2 < len(line) && (line[i] == '+' || line[i] == '-') && isDigit(line[i+1]) && isDigit(line[i+2]) {
		i += 3
		if i < len(line) && line[i] == ':' {
			i++
		}
		for n := 0; n < 2 && i < len(line) && isDigit(line[i]); n++ {
			i++
		}
	}
	return i
}

// isUnix: seconds since 1970, "1795285019.363151".
func isUnix(word []byte) bool {
	whole, frac, ok := bytes.Cut(word, []byte("."))
	return ok && len(whole) >= 9 && len(whole) <= 11 && allDigits(whole) && len(frac) >= 3 && len(frac) <= 6 && allDigits(frac)
}

// isClock: "18:06:59", with a fraction or without.
func isClock(word []byte) bool {
	if len(word) < 8 || word[2] != ':' || word[5] != ':' {
		return false
	}
	for _, i := range [...]int{0, 1, 3, 4, 6, 7} {
		if !isDigit(word[i]) {
			return false
		}
	}
	frac := word[8:]
	return len(frac) == 0 || frac[0] == '.' && len(frac) <= 10 && allDigits(frac[1:])
}

// isDate: "2026-11-21".
func isDate(word []byte) bool {
	return len(word) == 10 && word[4] == '-' && word[7] == '-' && allDigits(word[:4]) && allDigits(word[5:7]) && allDigits(word[8:])
}

// isDay: "1" to "31", with a point behind it or without.
func isDay(word []byte) bool {
	word = bytes.TrimSuffix(word, []byte("."))
	n, rest, ok := number(word)
	return ok && len(rest) == 0 && len(word) <= 2 && 1 <= n && n <= 31
}

// isMonth: a word in any language; "12月" is one.
func isMonth(word []byte) bool {
	if len(word) < 2 || len(word) > 16 || allDigits(word) {
		return false
	}
	for i, c := range word {
		switch {
		case c >= 0x80 || 'a' <= c|0x20 && c|0x20 <= 'z' || isDigit(c):
		case c == '.' && i == len(word)-1:
		default:
			return false
		}
	}
	return true
}

// rfc5424 reads syslog's newer form, as rsyslog's RSYSLOG_SyslogProtocol23Format
// writes it:
//
//	<6>1 2026-11-21T18:06:59.363151+00:00 host kernel - - - [   30.363151] func t1
//
// priority, version, time, host, program, process, kind, structured data.
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

// structuredData skips "-", or "[id key=\"value\" …]" any number of times; in a
// value a backslash escapes.
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

// logread reads OpenWrt's log:
//
//	Sat Sep  1 19:30:19 2019 kern.warn kernel: [   30.363151] func t1
//	Sat Sep  1 19:30:19 2019 [1567366219.123] kern.warn kernel: …    logread -t
type logread struct{}

func (logread) unwrap(line []byte, rec *record) class {
	if line[0] < 'A' || line[0] > 'Z' {
		return foreign
	}
	var word [5][]byte
	rest := line
	for i := range word {
		word[i], rest = cutWord(rest)
	}
	if len(word[0]) != 3 || len(word[1]) != 3 || !isDay(word[2]) || !isClock(word[3]) || len(word[4]) != 4 || !allDigits(word[4]) {
		return foreign
	}
	if len(rest) > 0 && rest[0] == '[' {
		_, rest = cutWord(rest)
	}
	level, rest := cutWord(rest)
	if !isFacilityLevel(level) {
		return foreign
	}
	rec.msg = rest
	tag, _ := cutWord(rest)
	if !kernelFacility(level) || string(tag) != "kernel:" {
		return otherProgram(rest, rec)
	}
	return kernelText(bytes.TrimPrefix(rest[len("kernel:"):], []byte(" ")), rec)
}

// bare takes every line for a message: dmesg -t, journalctl -o cat.
type bare struct{}

func (bare) unwrap(line []byte, rec *record) class {
	rec.msg = line
	return message
}
