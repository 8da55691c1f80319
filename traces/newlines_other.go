//go:build !amd64

package traces

import "bytes"

func newlines64(ends []int32, text []byte) (n int, zero bool) {
	for from := 0; ; {
		i := bytes.IndexByte(text[from:], '\n')
		if i < 0 {
			return n, bytes.IndexByte(text, 0) >= 0
		}
		ends[n] = int32(from + i)
		n, from = n+1, from+i+1
	}
}
