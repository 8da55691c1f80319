package klog

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// eachField calls yield with each key of a flat JSON object, without quotes but with its
// escapes, and with the value as it stands, until yield is false. It is true where the
// object is whole and nothing follows it. A value may be a bare date, which is no JSON:
// dmesg -J -T prints one for "time".
func eachField(object []byte, yield func(key, value []byte) bool) bool {
	i := 1
	blanks := func() {
		for i < len(object) && (object[i] == ' ' || object[i] == '\t' || object[i] == '\n' || object[i] == '\r') {
			i++
		}
	}
	for {
		blanks()
		if i < len(object) && object[i] == '}' {
			i++
			blanks()
			return i == len(object)
		}
		end := stringEnd(object, i)
		if end < 0 {
			return false
		}
		key := object[i+1 : end-1]
		i = end
		blanks()
		if i == len(object) || object[i] != ':' {
			return false
		}
		i++
		blanks()
		end = valueEnd(object, i)
		if end <= i {
			return false
		}
		if !yield(key, object[i:end]) {
			return true
		}
		i = end
		blanks()
		switch {
		case i == len(object):
			return false
		case object[i] == ',':
			i++
		case object[i] != '}':
			return false
		}
	}
}

// stringEnd is the end of the string that begins at i, -1 where there is none.
func stringEnd(text []byte, i int) int {
	if i >= len(text) || text[i] != '"' {
		return -1
	}
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// valueEnd is the end of the value that begins at i, -1 where it has none.
func valueEnd(text []byte, i int) int {
	if i == len(text) {
		return -1
	}
	if text[i] == '"' {
		return stringEnd(text, i)
	}
	depth := 0
	for ; i < len(text); i++ {
		switch text[i] {
		case '"':
			end := stringEnd(text, i)
			if end < 0 {
				return -1
			}
			i = end - 1
		case '[', '{':
			depth++
		case ']', '}':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			// "2026-11-21T18:06:58,363151+00:00" of dmesg is one value.
			if depth == 0 && !(i+1 < len(text) && scan.IsDigit(text[i+1])) {
				return i
			}
		}
	}
	return -1
}

// appendJSONString appends a quoted string, decoded. It is false where an escape is wrong.
func appendJSONString(dst, quoted []byte) ([]byte, bool) {
	s := quoted[1 : len(quoted)-1]
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '\\' {
			dst = append(dst, c)
			continue
		}
		i++
		if i == len(s) {
			return dst, false
		}
		switch s[i] {
		case '"', '\\', '/':
			dst = append(dst, s[i])
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, ok := hex4(s[i+1:])
			if !ok {
				return dst, false
			}
			i += 4
			if utf16.IsSurrogate(r) {
				if i+2 < len(s) && s[i+1] == '\\' && s[i+2] == 'u' {
					if low, ok := hex4(s[i+3:]); ok {
						if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
							r = both
							i += 6
						}
					}
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			return dst, false
		}
	}
	return dst, true
}

// hex4 is the number of the four hexadecimal digits at the beginning of s.
func hex4(s []byte) (r rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for _, c := range s[:4] {
		d, ok := scan.HexDigit(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

// appendJSONBytes appends the bytes of an array, "[72, 105]".
func appendJSONBytes(dst, array []byte) ([]byte, bool) {
	rest := bytes.Trim(array[1:len(array)-1], " ")
	for len(rest) > 0 {
		n, after, ok := scan.Number(rest)
		if !ok || n > 255 {
			return dst, false
		}
		dst = append(dst, byte(n))
		rest = bytes.TrimLeft(after, " ")
		if len(rest) > 0 {
			if rest[0] != ',' || len(rest) == 1 {
				return dst, false
			}
			rest = bytes.TrimLeft(rest[1:], " ")
		}
	}
	return dst, true
}
