package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/signal"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/kthread-tla/tracecheck"
	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/report"
)

// A job is how inputs are to be read and judged.
type job struct {
	options tracecheck.Options
	stdin   io.Reader
	read    atomic.Int64 // bytes, for the progress
}

// A reading is one input while it is read. Its verdicts come in order. Its summary is
// complete after the last of them.
type reading struct {
	verdicts chan []*checker.Verdict // up to batch at a time
	sum      report.Summary          // complete when verdicts is closed
}

// all yields the verdicts as they come.
func (r *reading) all() iter.Seq[*checker.Verdict] {
	return func(yield func(*checker.Verdict) bool) {
		for some := range r.verdicts {
			for _, v := range some {
				if !yield(v) {
					return
				}
			}
		}
	}
}

// batch is how many verdicts are sent at once. A long trace has so many that to send each
// by itself would take much of the time.
const batch = 64

// start begins to read all files, in their order, as many at once as there are CPUs. A file
// whose turn to be reported has not come blocks after a few verdicts, so few are kept in
// memory.
func (j *job) start(ctx context.Context, files, names []string) []*reading {
	var rs []*reading
	for range files {
		rs = append(rs, &reading{verdicts: make(chan []*checker.Verdict, 4)})
	}
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	go func() {
		for i, r := range rs {
			select {
			case free <- struct{}{}:
			case <-ctx.Done():
				close(r.verdicts)
				continue
			}
			go func() {
				r.sum = j.check(ctx, files[i], names[i], r.verdicts)
				close(r.verdicts)
				<-free
			}()
		}
	}()
	return rs
}

// check judges one input and passes its verdicts on.
func (j *job) check(ctx context.Context, file, name string, verdicts chan<- []*checker.Verdict) report.Summary {
	src := j.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return report.Summary{Inputs: []report.Input{{Name: name, KernelFrom: "tried", Err: plainError(err)}}}
		}
		defer f.Close()
		src = f
	}
	if f, ok := src.(*os.File); ok {
		widen(f)
	}
	var some []*checker.Verdict
	flush := func() error {
		if len(some) == 0 {
			return nil
		}
		select {
		case verdicts <- some:
			some = nil
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	o := j.options
	o.Name = name
	o.Yield = func(v *checker.Verdict) error {
		if some = append(some, v); len(some) < batch && !o.Follow {
			return nil
		}
		return flush()
	}
	r, err := tracecheck.Check(ctx, &counted{src, &j.read}, o)
	if failed := flush(); err == nil {
		err = failed
	}
	r.Summary.Inputs[0].Err = plainError(err)
	return r.Summary
}

// shrink is tracecheck.Shrink of a file. An input that cannot be read twice is read into
// memory.
func (j *job) shrink(file, thread string) ([]byte, error) {
	src := j.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, plainError(err)
		}
		defer f.Close()
		if _, err := f.Seek(0, io.SeekCurrent); err == nil {
			part, err := tracecheck.Shrink(context.Background(), f, thread, j.options)
			return part, plainError(err)
		}
		src = f
	}
	b, err := io.ReadAll(src)
	if err != nil {
		return nil, plainError(err)
	}
	return tracecheck.Shrink(context.Background(), bytes.NewReader(b), thread, j.options)
}

// plainError returns an error without the name of its file, which the caller prints.
func plainError(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// counted counts the bytes that are read.
type counted struct {
	io.Reader
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// untilInterrupt makes an input end when the user presses Ctrl-C, so that what
// has been read is reported. A second Ctrl-C ends the program.
func untilInterrupt(in io.Reader) io.Reader {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, in)
		w.CloseWithError(err)
	}()
	go func() {
		<-stop
		signal.Stop(stop)
		w.Close()
	}()
	return r
}

// sizeOf is the size of all regular files, in bytes.
func sizeOf(files []string) (total int64) {
	for _, name := range files {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
	}
	return total
}

// progress says on a terminal, once a second, how much of a long input has been read.
// total is how many bytes there are, 0 if that is not known. The returned function ends it.
func (j *job) progress(stderr io.Writer, total int64) (end func()) {
	f, ok := stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || j.options.Follow {
		return func() {}
	}
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		shown := false
		for {
			select {
			case <-tick.C:
				shown = true
				n := j.read.Load()
				if total > 0 {
					fmt.Fprintf(f, "\rread %d of %d MB (%d %%)\x1b[K", n>>20, total>>20, 100*n/max(total, 1))
				} else {
					fmt.Fprintf(f, "\rread %d MB\x1b[K", n>>20)
				}
			case <-done:
				if shown {
					fmt.Fprint(f, "\r\x1b[K")
				}
				return
			}
		}
	}()
	return func() { close(done); <-over }
}
