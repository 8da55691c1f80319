package traces

import "golang.org/x/sys/cpu"

var avx2 = cpu.X86.HasAVX2

// newlines64 is newlines for a text of a multiple of 64 bytes. A call of
// bytes.IndexByte for each line costs more than all of the line's columns do, as
// no CPU can foretell where the lines end.
func newlines64(ends []int32, text []byte) (n int, zero bool) {
	if avx2 {
		return newlinesAVX2(ends, text)
	}
	return newlinesSSE2(ends, text)
}

//go:noescape
func newlinesSSE2(ends []int32, text []byte) (n int, zero bool)

//go:noescape
func newlinesAVX2(ends []int32, text []byte) (n int, zero bool)
