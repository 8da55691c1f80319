package tracecheck_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck"
	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// Without Yield the last verdict on each life is kept, also where one has replaced
// another.
func TestThreadsAreTheLastVerdicts(t *testing.T) {
	r, err := tracecheck.Check(t.Context(), strings.NewReader(bad), tracecheck.Options{Follow: true})
	if err != nil || r.Verdict != checker.Violates || r.ExitStatus() != 1 {
		t.Fatalf("%v, %s", err, r.Verdict)
	}
	if len(r.Threads) != 2 || r.Summary.Threads != 2 {
		t.Fatalf("%d verdicts, %d threads, want 2", len(r.Threads), r.Summary.Threads)
	}
	if v := r.Threads[0]; v.Life.Thread.Comm != "t1" || v.Fits != checker.FitsNo || v.Revision != 2 {
		t.Errorf("%s fits %s, revision %d; want t1, no, 2", v.Life.Thread, v.Fits, v.Revision)
	}
}

func TestOnlyTheThreadsThatAreAskedFor(t *testing.T) {
	r, err := tracecheck.Check(t.Context(), strings.NewReader(bad), tracecheck.Options{Threads: []string{"t2"}})
	if err != nil || len(r.Threads) != 1 || r.Threads[0].Life.Thread.Comm != "t2" || r.Verdict != checker.FitsAll {
		t.Errorf("%v, %d threads, %s", err, len(r.Threads), r.Verdict)
	}
}

func TestTheKernelIsTheFlagsOrTheLogs(t *testing.T) {
	banner := "[    0.000000] Linux version 6.1.0 (build@host)\n" + bad
	for _, tt := range []struct{ name, kernel, log, from, era string }{
		{"neither", "", bad, "tried", ""},
		{"the log's", "", banner, "log", "6.1"},
		{"the flag's", "5.4.73", banner, "flag", "5.4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := tracecheck.Check(t.Context(), strings.NewReader(tt.log), tracecheck.Options{Kernel: tt.kernel})
			if err != nil {
				t.Fatal(err)
			}
			in, era := r.Summary.Inputs[0], ""
			if in.Era != nil {
				era = in.Era.Name
			}
			if in.KernelFrom != tt.from || era != tt.era {
				t.Errorf("kernel %q from %s, want %q from %s", era, in.KernelFrom, tt.era, tt.from)
			}
		})
	}
}

// There is always a Result, and its Summary has the one input.
func TestErrors(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	failing := errors.New("no more")
	for _, tt := range []struct {
		name string
		ctx  context.Context
		src  io.Reader
		o    tracecheck.Options
		is   error  // if not nil
		says string // part of the error
	}{
		{"an empty log", t.Context(), strings.NewReader(""), tracecheck.Options{}, reader.ErrEmpty, ""},
		{"a log that cannot be read", t.Context(), io.MultiReader(strings.NewReader(bad), failed{failing}), tracecheck.Options{}, failing, ""},
		{"a context that is done", canceled, strings.NewReader(bad), tracecheck.Options{}, context.Canceled, ""},
		{"who takes the verdicts has enough", t.Context(), strings.NewReader(bad), tracecheck.Options{Yield: func(*checker.Verdict) error { return failing }}, failing, ""},
		{"no such kernel", t.Context(), strings.NewReader(bad), tracecheck.Options{Kernel: "five"}, nil, "no kernel release"},
		{"an old kernel", t.Context(), strings.NewReader(bad), tracecheck.Options{Kernel: "2.4.18"}, nil, "older than 2.6.31"},
		{"no such format", t.Context(), strings.NewReader(bad), tracecheck.Options{Format: "tape"}, nil, "no such format"},
		{"no time", t.Context(), strings.NewReader(bad), tracecheck.Options{Timeout: -time.Second}, nil, "above 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Name = "a log"
			r, err := tracecheck.Check(tt.ctx, tt.src, tt.o)
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want %v %s", err, tt.is, tt.says)
			}
			if r == nil || len(r.Summary.Inputs) != 1 || r.Summary.Inputs[0].Name != "a log" || r.Summary.Inputs[0].Err != err {
				t.Errorf("result %+v", r)
			}
		})
	}
}

type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// ctx ends the reading of a log that goes on.
func TestCancelWhileReading(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, feed := io.Pipe()
	go func() {
		io.WriteString(feed, bad)
		cancel()
		for err := error(nil); err == nil; { // the Read that is under way
			_, err = io.WriteString(feed, "[    9.000000] usb 1-1: new device\n")
		}
	}()
	r, err := tracecheck.Check(ctx, in, tracecheck.Options{Follow: true})
	in.Close()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %+v", err, r)
	}
}

// The smallest part is of a log that stands at its beginning, or is read from where
// it stands.
func TestShrinkErrors(t *testing.T) {
	for _, tt := range []struct{ name, log, thread, want string }{
		{"no such thread", bad, "t3", "no such thread in the log"},
		{"it fits", bad, "t2", "nothing that does not fit"},
		{"nothing to read", "", "t1", reader.ErrEmpty.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := tracecheck.Shrink(t.Context(), strings.NewReader(tt.log), tt.thread, tracecheck.Options{}); err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
	src := strings.NewReader("to be skipped\n" + bad)
	io.CopyN(io.Discard, src, int64(len("to be skipped\n")))
	if part, err := tracecheck.Shrink(t.Context(), src, "t1", tracecheck.Options{}); err != nil || !strings.HasPrefix(string(part), "[    1.000000] Thread Creating") {
		t.Errorf("%v\n%s", err, part)
	}
}
