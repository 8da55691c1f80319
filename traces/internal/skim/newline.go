package skim

import (
	"bytes"
)

// Newlines notes where the newlines of a text are, and says how many there are
// and whether it has a NUL. There must be room for as many as the text has bytes.
func Newlines(ends []int32, text []byte) (n int, zero bool) {
	whole := len(text) &^ 63
	n, zero = newlines64(ends, text[:whole])
	rest := text[whole:]
	zero = zero || bytes.IndexByte(rest, 0) >= 0
	for i, c := range rest {
		if c == '\n' {
			ends[n] = int32(whole + i)
			n++
		}
	}
	return n, zero
}

// indexNewlines is newlines64 without assembly.
func indexNewlines(ends []int32, text []byte) (n int, zero bool) {
	for from := 0; ; {
		i := bytes.IndexByte(text[from:], '\n')
		if i < 0 {
			return n, bytes.IndexByte(text, 0) >= 0
		}
		ends[n] = int32(from + i)
		n, from = n+1, from+i+1
	}
}
