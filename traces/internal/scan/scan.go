// Package scan has functions for digits, blanks and prefixes.
package scan

import (
	"bytes"
)

// IsDigit says whether c is a decimal digit.
func IsDigit(c byte) bool { return '0' <= c && c <= '9' }

// AllDigits says whether a text has decimal digits only. It is false for an empty text.
func AllDigits(text []byte) bool {
	for _, c := range text {
		if !IsDigit(c) {
			return false
		}
	}
	return len(text) > 0
}

// Number reads a number of at most 18 decimal digits at the beginning of a text. ok is
// false where there is none, or it is longer.
func Number(text []byte) (n int64, rest []byte, ok bool) {
	i := 0
	for i < len(text) && i < 18 && IsDigit(text[i]) {
		n = n*10 + int64(text[i]-'0')
		i++
	}
	if i < len(text) && IsDigit(text[i]) {
		return 0, text, false
	}
	return n, text[i:], i > 0
}

// SkipHex is the position of the first byte from i on that is no hexadecimal digit; capital
// letters are none here.
func SkipHex(b []byte, i int) int {
	for i < len(b) && (IsDigit(b[i]) || 'a' <= b[i] && b[i] <= 'f') {
		i++
	}
	return i
}

// HexDigit is the value of a hexadecimal digit, in small or capital letters.
func HexDigit(c byte) (byte, bool) {
	switch {
	case IsDigit(c):
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// IsHex says whether c is a hexadecimal digit, in small or capital letters.
func IsHex(c byte) bool { return IsDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }

// AllHex says whether s has hexadecimal digits only. It is false for an empty text.
func AllHex(s []byte) bool {
	for _, c := range s {
		if !IsHex(c) {
			return false
		}
	}
	return len(s) > 0
}

// Decimal is Number for at most nine digits.
func Decimal(s []byte) (n int, rest []byte, ok bool) {
	i := 0
	for ; i < len(s) && IsDigit(s[i]); i++ {
		if i == 9 {
			return 0, s, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, s[i:], i > 0
}

// SkipBlanks is the position of the first byte from i on that is no blank.
func SkipBlanks(b []byte, i int) int {
	for i < len(b) && b[i] == ' ' {
		i++
	}
	return i
}

// Digits reads up to 18 decimal digits from position i on. next is the position behind
// them; it is i where there is none, or more.
func Digits(b []byte, i int) (v int64, next int) {
	from := i
	for i < len(b) && IsDigit(b[i]) {
		if i-from == 18 {
			return 0, from
		}
		v = v*10 + int64(b[i]-'0')
		i++
	}
	return v, i
}

// HasPrefix is bytes.HasPrefix for a string; the compiler inlines it.
func HasPrefix(b []byte, s string) bool { return len(b) >= len(s) && string(b[:len(s)]) == s }

// HasSuffix is bytes.HasSuffix for a string.
func HasSuffix(b []byte, s string) bool { return len(b) >= len(s) && string(b[len(b)-len(s):]) == s }

// IndexOf is bytes.Index for a constant string.
func IndexOf(b []byte, s string) int {
	for i := 0; i+len(s) <= len(b); i++ {
		j := bytes.IndexByte(b[i:len(b)-len(s)+1], s[0])
		if j < 0 {
			return -1
		}
		if i += j; string(b[i:i+len(s)]) == s {
			return i
		}
	}
	return -1
}

// LastIndexOf is bytes.LastIndex for a constant string.
func LastIndexOf(b []byte, s string) int {
	for i := len(b) - len(s); i >= 0; i-- {
		if b[i] == s[0] && string(b[i:i+len(s)]) == s {
			return i
		}
	}
	return -1
}

// IsNumber says whether b is an integer, "120" or "-1".
func IsNumber(b []byte) bool {
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	return AllDigits(b)
}

// TrimEnd is text without the blanks at its end.
func TrimEnd(text []byte) []byte {
	n := len(text)
	for n > 0 && isBlank(text[n-1]) {
		n--
	}
	return text[:n]
}

// TrimStart is text without the blanks at its beginning.
func TrimStart(text []byte) []byte {
	i := 0
	for i < len(text) && isBlank(text[i]) {
		i++
	}
	return text[i:]
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
