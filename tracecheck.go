// Package tracecheck tells what became of the kernel threads in a log, and whether
// the rules of the Linux kernel allow it. Give it a log, get verdicts.
//
// A log is what dmesg, journalctl, syslog, ftrace, trace-cmd, perf or bpftrace
// print. docs/library.md says what of this package, and of those below it, is
// stable.
package tracecheck

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/report"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/printk"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// DefaultTimeout is what Options.Timeout means where it is 0.
const DefaultTimeout = 2 * time.Second

// Options say how a log is to be read and judged. The zero value is right for most
// logs.
type Options struct {
	// Kernel is the release by whose rules to judge, as `uname -r` prints it, from
	// 2.6.31 on. Empty: the release that the log's banner names; if it names none,
	// the rules of all releases are tried.
	Kernel string

	// Format is the log's format, by its name in reader.Formats. Empty: the lines
	// themselves decide.
	Format string

	// Printk says what the messages of a module mean, wherever in the log they are;
	// printk.Join makes one of several modules'. The built-in set "story" is known as
	// well, from its begin line on: see printk.WithBuiltins. nil: only that.
	Printk *printk.Set

	// Threads are the threads to give verdicts on: each a name, a pid in decimal, or
	// name[pid]. nil: all threads.
	Threads []string

	// Timeout is the longest time for one question about one thread, of which there
	// are a few for each. A thread with a question that takes longer is inconclusive.
	// 0: DefaultTimeout.
	Timeout time.Duration

	// Follow is for a log that is still being written: each line is looked at as soon
	// as it is there, and a thread's verdict comes as soon as its life is over. If
	// the log then says more about that life, a second verdict replaces the first:
	// see checker.Verdict.Replaces.
	Follow bool

	// Yield, if it is not nil, is called with each verdict as it comes, by the
	// goroutine that called Check. Verdicts are then not kept in Result.Threads, so
	// memory does not grow with the log. An error of Yield ends Check.
	Yield func(*checker.Verdict) error

	// CountOnly, if it is not nil, is asked of each verdict with its number, from 1: true
	// lets later lives that go the same way be counted only. At the log's end one
	// verdict stands for them, with their number in Alike. Threads that are not asked
	// for are counted with the others. It has no effect with Follow.
	CountOnly func(n int, v *checker.Verdict) bool

	// Checker judges, if it is not nil, in place of one that is made by Kernel and
	// Timeout. Kernel must be the same as the Checker's. Checks that share one, also
	// at the same time, share what it has found out.
	Checker *checker.Checker

	// Name is what reports call the log.
	Name string
}

// A Result is what a log came to.
type Result struct {
	// Threads are the verdicts, in the order in which the lives ended; nil with
	// Options.Yield.
	Threads []*checker.Verdict

	// Verdict is the worst conclusion of any thread, or of any finding on the whole log:
	// checker.Violates, Hangs, Inconclusive, FitsAll or NoEvidence.
	Verdict checker.Conclusion

	// Summary has what is said of the log as a whole. Its Inputs have one element.
	Summary report.Summary
}

// ExitStatus is the command's: 1 for a violation or a hang, else 0.
func (r *Result) ExitStatus() int { return r.Summary.ExitStatus(false) }

// Report writes the result in one of report.Formats. It needs Result.Threads.
// Options.Names may be empty. The error is the writer's, or says that there is no
// such format.
func (r *Result) Report(format string, w io.Writer, o report.Options) error {
	if len(o.Names) == 0 {
		o.Names = []string{r.Summary.Inputs[0].Name}
	}
	out, err := report.New(format, w, o)
	if err != nil {
		return err
	}
	for _, v := range r.Threads {
		if err := out.Life(0, v); err != nil {
			return err
		}
	}
	return out.Close(&r.Summary)
}

// Check reads a log to its end and judges the threads in it. It unpacks gzip, zstd
// and bzip2.
//
// The Result is never nil. With an error it has what came before the error. The error is
// one of src, of Options.Yield, of the options, or of ctx; or it says why nothing of the
// log can be used: reader.ErrEmpty, ErrBinary or ErrUnknown. When ctx is done, Check ends
// as soon as the call of src.Read that is under way returns.
func Check(ctx context.Context, src io.Reader, o Options) (*Result, error) {
	r := new(Result)
	in := report.Input{Name: o.Name, KernelFrom: "tried"}
	in.Err = r.check(ctx, src, o, &in)
	r.Summary.Inputs = []report.Input{in}
	r.Verdict = r.Summary.Verdict()
	return r, in.Err
}

func (r *Result) check(ctx context.Context, src io.Reader, o Options, in *report.Input) error {
	judge, err := o.checker()
	if err != nil {
		return err
	}
	interest := traces.NewInterest()
	events := reader.New(&cancelable{ctx, src}, reader.Options{
		Patterns: printk.WithBuiltins(o.Printk), Always: o.Printk != nil, Format: o.Format, Follow: o.Follow, Interest: interest,
	})
	defer events.Close()
	log, err := judge.Check(events, checker.Options{Follow: o.Follow, Interest: interest, CountOnly: o.CountOnly}, func(v *checker.Verdict) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !named(v.Life, o.Threads) {
			return nil
		}
		r.Summary.Life(v)
		if o.Yield != nil {
			return o.Yield(v)
		}
		r.keep(v)
		return nil
	})
	in.Stats, in.Doubt, in.ByName = *events.Stats(), r.Summary.Doubt, r.Summary.ByName
	if o.Kernel != "" {
		era, _ := graph.EraOf(o.Kernel) // it has been looked at
		in.KernelFrom, in.Era = "flag", &era
	}
	if err != nil {
		return err
	}
	r.Summary.Findings(log.Findings)
	in.Format, in.KernelsFit = events.Format(), r.Summary.KernelsFit(in.Era)
	in.Banner, in.Waits, in.Findings, in.Notes, in.Clocks = log.Kernel, log.Waits, log.Findings, log.Notes, log.Clocks
	if era, err := graph.EraOf(log.Kernel); err == nil && o.Kernel == "" {
		in.KernelFrom, in.Era = "log", &era
	}
	return nil
}

// checker returns the Checker to judge by. An error means that the options are wrong.
func (o *Options) checker() (*checker.Checker, error) {
	if o.Kernel != "" {
		if _, err := graph.EraOf(o.Kernel); err != nil {
			return nil, err
		}
	}
	timeout := o.Timeout
	switch {
	case o.Checker != nil:
		return o.Checker, nil
	case timeout < 0:
		return nil, fmt.Errorf("a timeout of %v: want a time above 0", timeout)
	case timeout == 0:
		timeout = DefaultTimeout
	}
	if o.Kernel != "" {
		return checker.NewFor(o.Kernel, timeout)
	}
	return checker.New(nil, timeout)
}

// keep adds a verdict to Threads. If it replaces one, it takes that one's place.
func (r *Result) keep(v *checker.Verdict) {
	if v.Replaces != nil {
		if i := slices.IndexFunc(r.Threads, func(w *checker.Verdict) bool { return w.Life == v.Replaces.Life }); i >= 0 {
			r.Threads[i] = v
			return
		}
	}
	r.Threads = append(r.Threads, v)
}

// named says whether a life's thread is among those named, under any name that the log shows.
// If names is empty, every thread is.
func named(l *checker.Life, names []string) bool {
	if len(names) == 0 {
		return true
	}
	is := func(t traces.Task) bool {
		return slices.Contains(names, t.Comm) || t.PID != 0 && slices.Contains(names, strconv.Itoa(t.PID)) || slices.Contains(names, t.String())
	}
	alias := traces.Task{Comm: l.Alias(), PID: l.Thread.PID}
	return is(l.Thread) || alias.Comm != "" && is(alias)
}

// A cancelable reader fails once ctx is done.
type cancelable struct {
	ctx context.Context
	io.Reader
}

func (c *cancelable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.Reader.Read(p)
}
