package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/bigtrace"
)

// BenchmarkRun is a whole run over a long trace, of which a part is about kernel
// threads, or over a kernel log, as dmesg prints it and as dmesg -x does, whose
// lines must all be decoded. `make profile` takes its profile: the compiler then knows which ways through
// the program matter (cmd/tracecheck/default.pgo, as go build asks for it).
func BenchmarkRun(b *testing.B) {
	const size = 256 << 20
	trace := func(share float64) func(io.Writer) error {
		return func(out io.Writer) error {
			_, _, err := bigtrace.Ftrace(out, bigtrace.Trace{Bytes: size, Kthread: share, Seed: 2})
			return err
		}
	}
	log := func(out io.Writer) error {
		_, _, err := bigtrace.Dmesg(out, bigtrace.Trace{Bytes: size, Kthread: 0.01, Seed: 2})
		return err
	}
	for name, write := range map[string]func(io.Writer) error{
		"all": trace(1), "fifth": trace(0.2), "dmesg": log,
		"dmesg -x": func(out io.Writer) error { return log(&prefixer{out, []byte("kern  :info  : ")}) },
	} {
		b.Run(name, func(b *testing.B) {
			file := filepath.Join(b.TempDir(), "log")
			out, err := os.Create(file)
			if err != nil {
				b.Fatal(err)
			}
			if err = write(out); err == nil {
				err = out.Close()
			}
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(size)
			for b.Loop() {
				if status := run(nil, io.Discard, io.Discard, []string{file}); status != exitViolates && status != exitFits {
					b.Fatal("exit status", status)
				}
			}
		})
	}
}

// A prefixer writes something before each newline-delimited line. A piece of a line that
// is written by itself gets it too: so it makes a few lines that are damaged.
type prefixer struct {
	out    io.Writer
	prefix []byte
}

func (p *prefixer) Write(text []byte) (int, error) {
	var all []byte
	for line := range bytes.Lines(text) {
		all = append(append(all, p.prefix...), line...)
	}
	_, err := p.out.Write(all)
	return len(text), err
}
