package klog

import (
	"bytes"
	"unicode/utf8"

	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// What mail, issue trackers and terminals add to the lines of a log.

// unquote takes the quote marks of mail off a line, "> " or ">> " or "> > ", and counts
// them.
func unquote(line []byte) (rest []byte, depth int) {
	rest = line
	for len(rest) > 0 && rest[0] == '>' {
		depth++
		rest = rest[1:]
		if len(rest) > 1 && rest[0] == ' ' && rest[1] == '>' {
			rest = rest[1:]
		}
	}
	if depth > 0 && len(rest) > 0 && rest[0] == ' ' {
		rest = rest[1:]
	}
	return rest, depth
}

// wrapColumn is how long a quoted line must be to have been cut. Mailers break lines at
// blanks, at 72 to 78 columns: a shorter line would have had room for another word.
const wrapColumn = 60

// fence says whether a line begins or ends a block of code in Markdown.
func fence(line []byte) bool {
	return bytes.HasPrefix(line, []byte("```")) || bytes.HasPrefix(line, []byte("~~~"))
}

// appendPlain appends a line without the escape sequences that colour it (ECMA-48 SGR,
// "\x1b[…m") or clear its rest ("\x1b[K"). Other sequences may be part of a message and
// stay.
func appendPlain(dst, line []byte) []byte {
	for {
		i := bytes.IndexByte(line, '\x1b')
		if i < 0 {
			return append(dst, line...)
		}
		dst = append(dst, line[:i]...)
		line = line[i:]
		end := 1
		if len(line) > 1 && line[1] == '[' {
			end = 2
			for end < len(line) && (scan.IsDigit(line[end]) || line[end] == ';' || line[end] == ':') {
				end++
			}
			if end < len(line) && (line[end] == 'm' || line[end] == 'K') {
				line = line[end+1:]
				continue
			}
		}
		dst = append(dst, line[0])
		line = line[1:]
	}
}

func runes(text []byte) int { return utf8.RuneCount(text) }

// appendPrinted appends a text with its escapes decoded; mark begins an escape.
//
// dmesg writes a byte that cannot be printed as "\xc3" (util-linux lib/carefulputc.h,
// sys-utils/dmesg.c safe_fwrite), but not a newline. rsyslog and others write a control
// character as "#011", in octal. Neither escapes the mark itself. So only those escapes are
// decoded that the program must have written: of dmesg, bytes that it would not print; of
// rsyslog, control characters that occur in texts. "#177-Ubuntu" is the number of a build.
func appendPrinted(dst, text []byte, mark byte) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == mark && i+3 < len(text) {
			if b, ok := escaped(text[i+1:i+4], mark); ok {
				dst = append(dst, b)
				i += 3
				continue
			}
		}
		dst = append(dst, c)
	}
	return dst
}

// escaped decodes the three bytes behind a mark.
func escaped(b []byte, mark byte) (c byte, ok bool) {
	if mark == '#' {
		switch string(b) {
		case "011":
			return '\t', true
		case "012":
			return '\n', true
		case "015":
			return '\r', true
		case "033":
			return '\x1b', true
		}
		return 0, false
	}
	hi, ok1 := scan.HexDigit(b[1])
	lo, ok2 := scan.HexDigit(b[2])
	c = hi<<4 | lo
	return c, b[0] == 'x' && ok1 && ok2 && (c < ' ' && c != '\n' || c >= 0x7f)
}
