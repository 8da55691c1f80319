package reader

import (
	"bytes"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/bigtrace"
)

// bigFtrace is a trace of so many bytes, and how many lines it has.
func bigFtrace(t testing.TB, size int64, kthread float64) ([]byte, int) {
	t.Helper()
	var b bytes.Buffer
	lines, _, err := bigtrace.Ftrace(&b, bigtrace.Trace{Bytes: size, Kthread: kthread, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), lines
}
