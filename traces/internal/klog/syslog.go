package klog

import (
	"bytes"
	"math"

	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// syslog reads the files of syslog daemons, and the short formats of journalctl, which look
// alike:
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
// Month and weekday are in the words and the order of the locale ("Dez", "févr.",
// "21. Nov"). Only lines with the tag "kernel:" are the kernel's. The time at the beginning
// is when the daemon got the message, and is not used; the time since boot, where it has
// been kept, is.
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
			rec.problem = "an entry of journalctl -o verbose, which is not read; -o short-monotonic is"
			return unusable
		}
	}
	c := tagged(rest, rec, &s.kernel)
	if facility > 0 && c == message {
		return other
	}
	return c
}

// tagged reads "host facility.level tag: message"; host, facility and level may be missing.
// *kernel says whether the line before is the kernel's, and then whether this one is.
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
			rec.problem = "a kernel message behind other text: not used"
			return unusable
		}
		return otherProgram(text, rec)
	}
	*kernel = true
	rec.escapes = '#'
	return kernelText(bytes.TrimPrefix(text[len("kernel:"):], []byte(" ")), rec)
}

// kernelText reads the text behind the tag "kernel:": a message, which may have its time
// since boot before it.
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

// otherProgram reads a message of another program. Programs that pass the kernel's messages
// on report when they have lost some:
//
//	systemd-journald[231]: Missed 12 kernel messages     (old ones say one less than are missing)
//	systemd-journald[231]: /dev/kmsg buffer overrun, some messages lost.
//	rsyslogd: imklog: 12 messages lost …; imjournal: 12 messages lost due to rate-limiting
//	rsyslogd: imuxsock[pid 231]: begins to drop messages due to rate-limiting
//
// "Suppressed 12 messages from a.service" is no loss here: journald limits the rate of
// units, never of the kernel.
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

// journalMissed is how many kernel messages journald has missed by this message of its own;
// 0: none, -1: nobody knows how many.
func journalMissed(msg []byte) int {
	if rest, ok := bytes.CutPrefix(msg, []byte("Missed ")); ok {
		n, rest, ok := scan.Number(rest)
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

// countBefore is the number right before a word, -1 where there is none, or 0.
func countBefore(msg []byte, word string) int {
	i := bytes.Index(msg, []byte(word))
	from := i
	for from > 0 && scan.IsDigit(msg[from-1]) {
		from--
	}
	if i <= 0 || from == i {
		return -1
	}
	n, _, ok := scan.Number(msg[from:i])
	if !ok || n == 0 {
		return -1
	}
	return clampCount(n)
}

func clampCount(n int64) int { return int(min(n, math.MaxInt32)) }

// repeated reads how a daemon reports that a message came again, "last message repeated 3
// times" or "message repeated 3 times: [ func t1]". n is how many messages are missing from
// their places because of that, at least 1.
func repeated(msg []byte) (n int, ok bool) {
	rest, found := bytes.CutPrefix(bytes.TrimPrefix(msg, []byte("--- ")), []byte("last message repeated "))
	if !found {
		if rest, found = bytes.CutPrefix(msg, []byte("message repeated ")); !found {
			return 0, false
		}
	}
	count, rest, ok := scan.Number(rest)
	return max(clampCount(count), 1), ok && bytes.HasPrefix(rest, []byte(" time"))
}

// journalMark reads the lines that journalctl prints between entries: "-- Boot
// 4796af85d44b4f3180db94c05592c0f2 --", "-- Reboot --", "-- No entries --", "-- Journal
// begins at … --". boot says that another boot begins.
func journalMark(line []byte) (boot, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("-- "))
	if !ok || !bytes.HasSuffix(line, []byte(" --")) {
		return false, false
	}
	return bytes.HasPrefix(rest, []byte("Boot ")) || bytes.HasPrefix(rest, []byte("Reboot ")), true
}

// cutWord cuts a text at its first blanks. rest is nil where there are none.
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

// endsTag says whether a word is a tag with its colon.
func endsTag(word []byte) bool { return len(word) > 1 && word[len(word)-1] == ':' }

// isFacilityLevel says whether a word is a facility and a level, "kern.info", as busybox
// and logread print them.
func isFacilityLevel(word []byte) bool {
	i := bytes.IndexByte(word, '.')
	return i > 0 && facilityOf(word[:i]) >= 0 && isLevel(word[i+1:])
}

func kernelFacility(word []byte) bool { return bytes.HasPrefix(word, []byte("kern.")) }
