//go:build !noasm

package skim

import (
	"golang.org/x/sys/cpu"
)

// newlines64 is newlines for a text of a multiple of 64 bytes. A call of
// bytes.IndexByte for each line costs more than all of the line's columns do, as
// no CPU can foretell where the lines end.
func newlines64(ends []int32, text []byte) (n int, zero bool) {
	if cpu.X86.HasAVX2 {
		return newlinesAVX2(ends, text)
	}
	return indexNewlines(ends, text)
}

//go:noescape
func newlinesAVX2(ends []int32, text []byte) (n int, zero bool)
