package traces

// newlines64 is newlines for a text of a multiple of 64 bytes. A call of
// bytes.IndexByte for each line costs more than all of the line's columns do, as
// no CPU can foretell where the lines end.
//
//go:noescape
func newlines64(ends []int32, text []byte) (n int, zero bool)
