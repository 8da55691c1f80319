package skim

import (
	"bytes"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/logtest"
	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
)

// To skim allocates nothing.
func TestSkimmingAllocatesNothing(t *testing.T) {
	text, _ := logtest.Ftrace(t, benchSize, 0)
	g := NewScanner(ktrace.FtraceHead, new(Hints))
	bl := new(Block)
	g.Skim(text, bl)
	if n := testing.AllocsPerRun(10, func() { g.Skim(text, bl) }); n > 0 {
		t.Errorf("%v allocations a block", n)
	}
}

// Of a trace of many tasks next to no line is left to the decoder, on the fast path or,
// with other columns, on the slow one.
func TestScannerSkipsMostLines(t *testing.T) {
	fast, _ := logtest.Ftrace(t, benchSize, 0)
	for name, text := range map[string][]byte{
		"fast":                             fast,
		"slow":                             bytes.ReplaceAll(fast, []byte("] "), []byte("]  ")), // as by some option
		"trace of another system's editor": bytes.ReplaceAll(fast, []byte("\n"), []byte("\r\n")),
	} {
		var out Block
		NewScanner(ktrace.FtraceHead, new(Hints)).Skim(text, &out)
		whole := 0
		for _, l := range out.Lines {
			if l.Prev == Whole {
				whole++
			}
		}
		if n := bytes.Count(text, []byte("\n")); len(out.Lines) != n || whole > n/100 {
			t.Errorf("%s: %d of %d lines are to be decoded", name, whole, len(out.Lines))
		}
	}
}
