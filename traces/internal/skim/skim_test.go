package skim

import (
	"testing"

	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
)

// To skim allocates nothing.
func TestSkimmingAllocatesNothing(t *testing.T) {
	text, _ := bigFtrace(t, benchSize, 0)
	g := NewScanner(ktrace.FtraceHead, new(Hints))
	bl := new(Block)
	g.Skim(text, bl)
	if n := testing.AllocsPerRun(10, func() { g.Skim(text, bl) }); n > 0 {
		t.Errorf("%v allocations a block", n)
	}
}
