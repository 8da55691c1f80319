package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/bigtrace"
)

// BenchmarkRun is a whole run over a long trace, of which a part is about kernel
// threads. `make profile` takes its profile: the compiler then knows which ways through
// the program matter (cmd/tracecheck/default.pgo, as go build asks for it).
func BenchmarkRun(b *testing.B) {
	for name, share := range map[string]float64{"all": 1, "fifth": 0.2} {
		b.Run(name, func(b *testing.B) {
			file := filepath.Join(b.TempDir(), "trace")
			out, err := os.Create(file)
			if err != nil {
				b.Fatal(err)
			}
			if _, _, err = bigtrace.Ftrace(out, bigtrace.Trace{Bytes: 256 << 20, Kthread: share, Seed: 2}); err == nil {
				err = out.Close()
			}
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(256 << 20)
			for b.Loop() {
				if status := run(nil, io.Discard, io.Discard, []string{file}); status != exitViolates && status != exitFits {
					b.Fatal("exit status", status)
				}
			}
		})
	}
}
