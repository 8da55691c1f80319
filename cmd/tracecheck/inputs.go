package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/report"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
)

// A job is how inputs are to be read and judged.
type job struct {
	checker *checker.Checker
	stdin   io.Reader
	format  string // "auto", or the only one
	pats    *traces.Patterns
	always  bool
	era     *graph.Era // the user's word; nil: none
	follow  bool
	// counts says whether an input's n-th life, and those that go as it did, need
	// only be counted; nil: none.
	counts func(n int, v *checker.Verdict) bool
	read   atomic.Int64 // bytes, for the progress
}

// A reading is one input while it is read. Its verdicts come in order; what is
// known of the whole comes behind them.
type reading struct {
	verdicts chan []*checker.Verdict // some at a time
	in       report.Input            // complete when verdicts is closed
	quit     chan struct{}
}

// all are the verdicts as they come.
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

// batch is how many verdicts are passed on at once: a long trace has so many that
// to pass on each by itself is a good part of the work.
const batch = 64

var errQuit = errors.New("nobody reads on")

// start reads all files, as many at once as there are CPUs, and the first of
// them first. What a later file comes to waits until its turn, so that no more
// than a few verdicts of it are kept.
func (j *job) start(files, names []string, quit chan struct{}) []*reading {
	var rs []*reading
	for i := range files {
		rs = append(rs, &reading{
			verdicts: make(chan []*checker.Verdict, 4), in: report.Input{Name: names[i], KernelFrom: "tried"}, quit: quit,
		})
	}
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	go func() {
		for i, r := range rs {
			select {
			case free <- struct{}{}:
			case <-quit:
				close(r.verdicts)
				continue
			}
			go func() {
				r.in.Err = j.check(files[i], r)
				close(r.verdicts)
				<-free
			}()
		}
	}()
	return rs
}

// check judges one input and fills in what is known of it.
func (j *job) check(file string, r *reading) error {
	src := j.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return plainError(err)
		}
		defer f.Close()
		src = f
	}
	if f, ok := src.(*os.File); ok {
		widen(f)
	}
	in := &r.in
	reader := traces.NewReader(&counted{src, &j.read}, j.pats, j.always)
	if j.follow {
		reader.Follow()
	}
	if j.format != "auto" {
		if err := reader.Only(j.format); err != nil {
			return err
		}
	}
	for _, e := range graph.Eras() {
		in.KernelsFit = append(in.KernelsFit, e.Name)
	}
	var some []*checker.Verdict
	pass := func() error {
		if len(some) == 0 {
			return nil
		}
		select {
		case r.verdicts <- some:
			some = nil
			return nil
		case <-r.quit:
			return errQuit
		}
	}
	lives := 0
	yield := func(v *checker.Verdict) error {
		if lives++; j.counts != nil && j.counts(lives, v) {
			v.CountAlike()
		}
		if some = append(some, v); len(some) < batch && !j.follow {
			return nil
		}
		return pass()
	}
	judge := j.checker.Check
	if j.follow {
		judge = j.checker.Follow
	}
	log, err := judge(reader, yield)
	if failed := pass(); err == nil {
		err = failed
	}
	in.Stats = reader.Stats()
	if j.era != nil {
		in.KernelFrom, in.Era = "flag", j.era
		in.KernelsFit = []string{j.era.Name}
	}
	if err != nil {
		in.KernelsFit = nil
		return plainError(err)
	}
	in.Format = reader.Format()
	in.Banner, in.Waits, in.Findings, in.Notes = log.Kernel, log.Waits, log.Findings, log.Notes
	if e, err := graph.EraOf(log.Kernel); err == nil && j.era == nil {
		in.KernelFrom, in.Era = "log", &e
	}
	return nil
}

// fits takes a life into account in what the whole input fits.
func fits(in *report.Input, v *checker.Verdict) {
	in.Doubt = in.Doubt || v.Life.Doubt && v.Fits != checker.FitsNo
	if v.Fits != checker.FitsInconclusive {
		in.KernelsFit = slices.DeleteFunc(in.KernelsFit, func(k string) bool { return !slices.Contains(v.KernelsFit, k) })
	}
}

// plainError is an error without the name of its file, which is said anyhow.
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

// progress says on a terminal, once a second, how much of a long input has been
// read. The returned function ends it.
func (j *job) progress(stderr io.Writer, files []string) (end func()) {
	f, ok := stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || j.follow {
		return func() {}
	}
	var total int64
	for _, name := range files {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
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
