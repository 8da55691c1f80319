package skim

import (
	"bytes"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/logtest"
	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
)

// benchSize is the size of a block.
const benchSize = 768 << 10

// The ratio of the lines per second is what counts: to skim a line, and what
// it costs to decode it besides, against bytes.IndexByte to its end.
func BenchmarkSkim(b *testing.B) {
	perLine := func(b *testing.B, lines int) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*lines), "ns/line")
	}
	for _, c := range []struct {
		name    string
		kthread float64
	}{{"noise", 0}, {"kthreads", 1}} {
		text, lines := logtest.Ftrace(b, benchSize, c.kthread)
		b.Run(c.name+"/newlines", func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				for rest := text; len(rest) > 0; {
					rest = rest[bytes.IndexByte(rest, '\n')+1:]
				}
			}
			perLine(b, lines)
		})
		b.Run(c.name+"/skim", func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			g := NewScanner(ktrace.FtraceHead, new(Hints))
			bl := new(Block)
			for b.Loop() {
				g.Skim(text, bl)
			}
			perLine(b, lines)
		})
	}
}
