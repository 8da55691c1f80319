// Package logtest has inputs that tests of several packages read.
package logtest

import (
	"bufio"
	"bytes"
	"io"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/bigtrace"
)

// Ftrace returns a generated trace of about so many bytes, and how many lines it has.
// kthread is the share of lines that belong to a thread's lifecycle, 0 to 1.
func Ftrace(t testing.TB, size int64, kthread float64) ([]byte, int) {
	t.Helper()
	var b bytes.Buffer
	lines, _, err := bigtrace.Ftrace(&b, bigtrace.Trace{Bytes: size, Kthread: kthread, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), lines
}

// Lines returns a reader of in of which no Read goes beyond a line's end.
func Lines(in io.Reader) io.Reader { return &lineReader{in: bufio.NewReader(in)} }

type lineReader struct {
	in   *bufio.Reader
	line []byte
}

func (l *lineReader) Read(p []byte) (int, error) {
	var err error
	if len(l.line) == 0 {
		if l.line, err = l.in.ReadSlice('\n'); len(l.line) > 0 {
			err = nil
		}
	}
	n := copy(p, l.line)
	l.line = l.line[n:]
	return n, err
}
