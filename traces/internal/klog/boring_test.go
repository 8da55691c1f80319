package klog

import (
	"bytes"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/bigtrace"
	"github.com/kthread-tla/tracecheck/traces/internal/skim"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

func bigLog(t testing.TB) (text []byte, lines int) {
	t.Helper()
	var b bytes.Buffer
	lines, _, err := bigtrace.Dmesg(&b, bigtrace.Trace{Bytes: 768 << 10, Kthread: 0.01, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), lines
}

// How long a line takes, most of which are boring.
func BenchmarkBoring(b *testing.B) {
	text, lines := bigLog(b)
	g := NewBoringLines(printk.Builtin("story"))
	out := new(skim.Block)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		g.Skim(text, out)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*lines), "ns/line")
}
