package reader

import (
	"bytes"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/logtest"
	"github.com/kthread-tla/tracecheck/traces"
)

// A line that nobody asks about allocates nothing.
func TestIrrelevantLinesAllocateNothing(t *testing.T) {
	big, lines := logtest.Ftrace(t, 12<<20, 0)
	n := testing.AllocsPerRun(2, func() {
		r := New(bytes.NewReader(big), Options{Interest: traces.NewInterest()})
		for r.Scan() {
			t.Error("an event")
		}
		r.Close()
	})
	if n > float64(lines)/100 {
		t.Errorf("%v allocations for %d lines", n, lines)
	}
}
