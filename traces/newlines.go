package traces

import "bytes"

// newlines notes where the newlines of a text are, and says how many there are
// and whether it has a NUL. There must be room for as many as the text has bytes.
func newlines(ends []int32, text []byte) (n int, zero bool) {
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
