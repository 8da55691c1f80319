package ktrace

import (
	"unicode/utf8"

	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// jsonInt reads an integer at i. next is behind it.
func jsonInt(b []byte, i int) (v int64, next int, ok bool) {
	j := i
	if j < len(b) && b[j] == '-' {
		j++
	}
	v, end := scan.Digits(b, j)
	if end == j || end < len(b) && b[end] != ',' && b[end] != '}' && b[end] != ' ' {
		return 0, i, false
	}
	if j > i {
		v = -v
	}
	return v, end, true
}

// jsonString reads the string at i. s is a part of b where nothing is escaped, else it is
// buf with the string appended. next is behind the string.
func jsonString(b []byte, i int, buf []byte) (s []byte, next int, ok bool) {
	if i >= len(b) || b[i] != '"' {
		return nil, i, false
	}
	i++
	from := i
	for i < len(b) && b[i] != '"' && b[i] != '\\' {
		i++
	}
	if i < len(b) && b[i] == '"' {
		return b[from:i], i + 1, true
	}
	buf = append(buf, b[from:i]...)
	for i < len(b) {
		c := b[i]
		switch {
		case c == '"':
			return buf, i + 1, true
		case c != '\\':
			buf = append(buf, c)
			i++
			continue
		case i+1 >= len(b):
			return nil, i, false
		}
		switch c = b[i+1]; c {
		case '"', '\\', '/':
			buf = append(buf, c)
		case 'n':
			buf = append(buf, '\n')
		case 't':
			buf = append(buf, '\t')
		case 'r':
			buf = append(buf, '\r')
		case 'b':
			buf = append(buf, '\b')
		case 'f':
			buf = append(buf, '\f')
		case 'u':
			if i+6 > len(b) {
				return nil, i, false
			}
			r := rune(0)
			for _, h := range b[i+2 : i+6] {
				d, ok := scan.HexDigit(h)
				if !ok {
					return nil, i, false
				}
				r = r<<4 | rune(d)
			}
			if r < 0x20 {
				buf = append(buf, byte(r))
			} else {
				buf = utf8.AppendRune(buf, r)
			}
			i += 4
		case 'x': // no JSON, but bpftrace prints bytes so that are no UTF-8
			if i+4 > len(b) {
				return nil, i, false
			}
			hi, ok1 := scan.HexDigit(b[i+2])
			lo, ok2 := scan.HexDigit(b[i+3])
			if !ok1 || !ok2 {
				return nil, i, false
			}
			buf = append(buf, hi<<4|lo)
			i += 2
		default:
			return nil, i, false
		}
		i += 2
	}
	return nil, i, false
}

// jsonSkip skips any value. next is behind it.
func jsonSkip(b []byte, i int) (next int, ok bool) {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i++
			for i < len(b) && b[i] != '"' {
				if b[i] == '\\' {
					i++
				}
				i++
			}
			if i >= len(b) {
				return i, false
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i, true
			}
			depth--
		case ',':
			if depth == 0 {
				return i, true
			}
		}
		i++
	}
	return i, false
}
