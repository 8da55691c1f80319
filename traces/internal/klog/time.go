package klog

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// A timeKind is a way in which dmesg prints a record's time.
type timeKind uint8

const (
	noTime    timeKind = iota
	sinceBoot          // [10914.046211], or with the time since the record before, [10914.046211 <    0.000857>]
	wallTime           // [Sat Nov 21 18:06:58 2026]
	shortTime          // [Nov21 18:06]
	sinceLast          // [  +0.000857]
	isoTime            // 2026-11-21T18:06:58,363151+00:00
	deltaTime          // [<    0.000857>]
)

// timeMark splits off a record's time. micros is the time since boot, where kind is
// sinceBoot; else 0.
func timeMark(line []byte) (rest []byte, kind timeKind, micros int64) {
	if len(line) == 0 {
		return line, noTime, 0
	}
	if scan.IsDigit(line[0]) {
		if n := isoLength(line, ','); n > 0 && n < len(line) && line[n] == ' ' {
			return line[n+1:], isoTime, 0
		}
		return line, noTime, 0
	}
	if line[0] != '[' {
		return line, noTime, 0
	}
	if rest, micros, ok := body(line); ok {
		return rest, sinceBoot, micros
	}
	// The longest time has a weekday, a month and a delta, in any language.
	end := bytes.IndexByte(line[:min(len(line), 80)], ']')
	if end < 0 {
		return line, noTime, 0
	}
	in, rest := line[1:end], line[end+1:]
	if len(rest) > 0 && rest[0] != ' ' {
		return line, noTime, 0
	}
	rest = bytes.TrimPrefix(rest, []byte(" "))
	if i := bytes.IndexByte(in, '<'); i >= 0 {
		if !isDelta(in[i:]) {
			return line, noTime, 0
		}
		if i == 0 {
			return rest, deltaTime, 0
		}
		in = bytes.TrimRight(in[:i], " ")
		if secs, ok := seconds(bytes.TrimLeft(in, " ")); ok {
			return rest, sinceBoot, secs
		}
	}
	switch {
	case cutFraction(in):
		secs, _, _ := scan.Number(bytes.TrimLeft(in, " "))
		return rest, sinceBoot, secs * 1e6
	case isSinceLast(in):
		return rest, sinceLast, 0
	case isCtime(in):
		return rest, wallTime, 0
	case isShortTime(in):
		return rest, shortTime, 0
	}
	return line, noTime, 0
}

// body splits the stamp off a line of a kernel log. stamp is in microseconds:
//
//	[10914.046211] Thread Creating...
//
// ok is false for every other line.
func body(line []byte) (msg []byte, stamp int64, ok bool) {
	if len(line) == 0 || line[0] != '[' {
		return nil, 0, false
	}
	i := 1
	for i < len(line) && line[i] == ' ' {
		i++
	}
	n, end := microseconds(line, i)
	if end == 0 || end == len(line) || line[end] != ']' {
		return nil, 0, false
	}
	end++
	if end < len(line) && line[end] == ' ' {
		end++
	}
	return line[end:], n, true
}

// microseconds reads seconds with six decimals at i, "10914.046211". end is behind them, 0
// where there is no such number.
func microseconds(line []byte, i int) (n int64, end int) {
	from := i
	for i < len(line) && scan.IsDigit(line[i]) && i-from < 12 {
		n = n*10 + int64(line[i]-'0')
		i++
	}
	if i == from || i == len(line) || line[i] != '.' {
		return 0, 0
	}
	i++
	from = i
	for i < len(line) && scan.IsDigit(line[i]) && i-from < 7 {
		n = n*10 + int64(line[i]-'0')
		i++
	}
	if i-from != 6 {
		return 0, 0
	}
	return n, i
}

// seconds reads a text that has nothing but seconds with six decimals.
func seconds(text []byte) (micros int64, ok bool) {
	n, end := microseconds(text, 0)
	return n, end > 0 && end == len(text)
}

// cutFraction says whether in is seconds without decimals, "  240.".
func cutFraction(in []byte) bool {
	in = bytes.TrimLeft(in, " ")
	n := len(in) - 1
	return n >= 1 && n <= 12 && in[n] == '.' && scan.AllDigits(in[:n])
}

// isDelta says whether in is "<    0.000857>"; the number is negative where stamps run
// backwards.
func isDelta(in []byte) bool {
	if len(in) < 3 || in[len(in)-1] != '>' {
		return false
	}
	num := bytes.Trim(in[1:len(in)-1], " ")
	num = bytes.TrimPrefix(num, []byte("-"))
	_, ok := seconds(num)
	return ok
}

// isSinceLast says whether in is "  +0.000857" or "  -0.000002".
func isSinceLast(in []byte) bool {
	in = bytes.TrimLeft(in, " ")
	if len(in) == 0 || in[0] != '+' && in[0] != '-' {
		return false
	}
	_, ok := seconds(in[1:])
	return ok
}

// isCtime says whether in is "Sat Nov 21 18:06:58 2026", in the words and the order of any
// locale.
func isCtime(in []byte) bool {
	clock, year, words := false, false, 0
	for word := range bytes.FieldsSeq(in) {
		words++
		switch {
		case isClock(word):
			clock = true
		case len(word) == 4 && scan.AllDigits(word):
			year = true
		}
	}
	return clock && year && words >= 4 && words <= 7
}

// isShortTime says whether in is "Nov21 18:06" or "Nov 1 18:06".
func isShortTime(in []byte) bool {
	i := bytes.LastIndexByte(in, ' ')
	if i < 3 || len(in) > 30 || len(in)-i-1 != 5 {
		return false
	}
	t := in[i+1:]
	if !scan.IsDigit(t[0]) || !scan.IsDigit(t[1]) || t[2] != ':' || !scan.IsDigit(t[3]) || !scan.IsDigit(t[4]) {
		return false
	}
	digit := false
	for _, c := range in[:i] {
		digit = digit || scan.IsDigit(c)
		if c == ':' || c == '.' && !digit {
			return false
		}
	}
	return digit && !scan.IsDigit(in[0]) && in[0] != ' '
}

// headless reads a line that has lost its first bracket, "30.363151] func t1".
func headless(line []byte) (msg []byte, ok bool) {
	_, end := microseconds(line, 0)
	if end == 0 || end+1 >= len(line) || line[end] != ']' || line[end+1] != ' ' {
		return nil, false
	}
	return line[end+2:], true
}

// holdsStamp says whether text has a stamp of a kernel log anywhere in it. It has one where
// a console shows a message behind a prompt.
func holdsStamp(text []byte) bool {
	for {
		i := bytes.IndexByte(text, '[')
		if i < 0 {
			return false
		}
		text = text[i:]
		if _, _, ok := body(text); ok {
			return true
		}
		text = text[1:]
	}
}

// wallClock splits off the time at the beginning of a syslog line.
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

// isoLength is the length of "2026-11-21T18:06:58.363151+00:00" at the beginning of a line,
// 0 where there is none. Fraction, zone, and the colon in the zone may be missing. The
// fraction's mark must be point; with a comma the fraction must be there.
func isoLength(line []byte, point byte) int {
	const form = "0000-00-00T00:00:00"
	if len(line) < len(form) {
		return 0
	}
	for i := range len(form) {
		switch c := line[i]; {
		case form[i] == '0' && !scan.IsDigit(c):
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
		for i < len(line) && scan.IsDigit(line[i]) {
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
	if i+2 < len(line) && (line[i] == '+' || line[i] == '-') && scan.IsDigit(line[i+1]) && scan.IsDigit(line[i+2]) {
		i += 3
		if i < len(line) && line[i] == ':' {
			i++
		}
		for n := 0; n < 2 && i < len(line) && scan.IsDigit(line[i]); n++ {
			i++
		}
	}
	return i
}

// isUnix says whether a word is seconds since 1970, "1795285019.363151".
func isUnix(word []byte) bool {
	whole, frac, ok := bytes.Cut(word, []byte("."))
	return ok && len(whole) >= 9 && len(whole) <= 11 && scan.AllDigits(whole) && len(frac) >= 3 && len(frac) <= 6 && scan.AllDigits(frac)
}

// isClock says whether a word is "18:06:59", with a fraction or without.
func isClock(word []byte) bool {
	if len(word) < 8 || word[2] != ':' || word[5] != ':' {
		return false
	}
	for _, i := range [...]int{0, 1, 3, 4, 6, 7} {
		if !scan.IsDigit(word[i]) {
			return false
		}
	}
	frac := word[8:]
	return len(frac) == 0 || frac[0] == '.' && len(frac) <= 10 && scan.AllDigits(frac[1:])
}

// isDate says whether a word is "2026-11-21".
func isDate(word []byte) bool {
	return len(word) == 10 && word[4] == '-' && word[7] == '-' && scan.AllDigits(word[:4]) && scan.AllDigits(word[5:7]) && scan.AllDigits(word[8:])
}

// isDay says whether a word is "1" to "31", with a point behind it or without.
func isDay(word []byte) bool {
	word = bytes.TrimSuffix(word, []byte("."))
	n, rest, ok := scan.Number(word)
	return ok && len(rest) == 0 && len(word) <= 2 && 1 <= n && n <= 31
}

// isMonth says whether a word may be a month's name in any language; "12月" is one.
func isMonth(word []byte) bool {
	if len(word) < 2 || len(word) > 16 || scan.AllDigits(word) {
		return false
	}
	for i, c := range word {
		switch {
		case c >= 0x80 || 'a' <= c|0x20 && c|0x20 <= 'z' || scan.IsDigit(c):
		case c == '.' && i == len(word)-1:
		default:
			return false
		}
	}
	return true
}
