package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"

	"github.com/kthread-tla/tracecheck"
	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/report"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// Exit statuses.
const (
	exitFits     = 0 // everything fits, or nothing about kernel threads was found
	exitViolates = 1 // a violation, a hang or an error; with --strict also not decided; checker.Summary decides
	exitUsage    = 2 // usage, or an input that cannot be read
)

// A command is one run of the program.
type command struct {
	options
	files          []string // "-": standard input
	names          []string // of the files, for the report
	stdin          io.Reader
	stdout, stderr io.Writer
}

func run(stdin io.Reader, stdout, stderr io.Writer, args []string) int {
	c := &command{stdin: stdin, stdout: stdout, stderr: stderr}
	fs := flags(&c.options)
	if err := fs.Parse(args); err != nil {
		return c.fail("%v; see tracecheck --help", err)
	}
	if status, asked := c.answer(fs); asked {
		return status
	}
	if c.files = fs.Args(); len(c.files) == 0 {
		c.files = []string{"-"}
	}
	for _, f := range c.files {
		if f == "-" {
			f = "standard input"
		}
		c.names = append(c.names, f)
	}
	color, err := c.check()
	if err != nil {
		return c.fail("%v", err)
	}
	j, err := c.job()
	if err != nil {
		for line := range strings.Lines(err.Error()) { // a pattern file may have several errors
			c.fail("%s", strings.TrimSuffix(line, "\n"))
		}
		return exitUsage
	}
	if c.shrink != "" {
		return c.shrunk(j)
	}
	out := bufio.NewWriterSize(stdout, 64<<10)
	w, err := report.New(c.format, out, report.Options{Version: version(), Names: c.names, Color: color, Explain: c.explain != "", All: c.all})
	if err != nil {
		return c.fail("--format %s: %v", c.format, err)
	}
	if counter, ok := w.(report.Counter); ok && len(j.options.Threads) == 0 {
		j.options.CountOnly = counter.Counts
	}
	return c.report(j, w, out)
}

// check checks the values of the flags. color says whether the text is to have colours.
func (c *command) check() (color bool, err error) {
	if !slices.Contains(report.Formats, c.format) {
		return false, fmt.Errorf("--format %s: want %s", c.format, report.FormatList())
	}
	if c.timeout <= 0 {
		return false, fmt.Errorf("--timeout %v: want a time above 0", c.timeout)
	}
	if err := reader.CheckFormat(c.input); err != nil {
		return false, fmt.Errorf("--input-format %s: %v", c.input, err)
	}
	if color, err = useColor(c.color, c.stdout); err != nil {
		return false, err
	}
	if c.kernel != "auto" {
		if _, err := graph.EraOf(c.kernel); err != nil {
			return false, fmt.Errorf("--kernel %s: %v", c.kernel, err)
		}
	}
	return color, nil
}

// job makes a job of the flags.
func (c *command) job() (*job, error) {
	o := tracecheck.Options{Timeout: c.timeout, Follow: c.follow, Threads: c.threads}
	if c.explain != "" {
		o.Threads = append(o.Threads, c.explain)
	}
	if c.input != "auto" {
		o.Format = c.input
	}
	var err error
	if c.printk != nil {
		if o.Printk, err = patterns(c.printk); err != nil {
			return nil, err
		}
	}
	if c.kernel == "auto" {
		o.Checker, err = checker.New(nil, c.timeout)
	} else {
		o.Kernel = c.kernel
		o.Checker, err = checker.NewFor(c.kernel, c.timeout)
	}
	j := &job{options: o, stdin: c.stdin}
	if c.follow {
		j.stdin = untilInterrupt(c.stdin)
	}
	return j, err
}

// largeInput is the size in bytes from which on large pages are worth their 1 to 2 ms.
const largeInput = 64 << 20

// report judges all inputs and writes the verdicts as they come. It returns the exit
// status.
func (c *command) report(j *job, w report.Writer, out *bufio.Writer) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	total := sizeOf(c.files)
	if total >= largeInput {
		largePages(32 << 20)
	}
	ended := j.progress(c.stderr, total)
	var sum report.Summary
	unread := false
	for i, r := range j.start(ctx, c.files, c.names) {
		for v := range r.all() {
			err := w.Life(i, v)
			if err == nil && c.follow {
				err = out.Flush()
			}
			if err != nil {
				ended()
				return c.outputFailed(fmt.Errorf("%w: %w", errOutput, err))
			}
		}
		if err := r.sum.Inputs[0].Err; err != nil {
			ended()
			ended = func() {}
			unread = true
			c.fail("%s: %v", c.names[i], err)
		}
		sum.Add(&r.sum)
	}
	ended()
	if c.explain != "" && sum.Threads == 0 && !unread {
		return c.fail("--explain %s: no such thread in the log, and no rule", c.explain)
	}
	if unread && len(c.files) == 1 && c.format == "text" {
		return exitUsage
	}
	err := w.Close(&sum)
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return c.outputFailed(fmt.Errorf("%w: %w", errOutput, err))
	}
	if unread {
		return exitUsage
	}
	return sum.ExitStatus(c.strict)
}

// shrunk prints the smallest part of the one file that shows what does not fit.
func (c *command) shrunk(j *job) int {
	if len(c.files) != 1 {
		return c.fail("--shrink %s: want one FILE", c.shrink)
	}
	part, err := j.shrink(c.files[0], c.shrink)
	if err != nil {
		return c.fail("--shrink %s: %s: %v", c.shrink, c.names[0], err)
	}
	return c.say(string(part))
}

// fail prints one line on standard error. It returns the exit status.
func (c *command) fail(format string, args ...any) int {
	fmt.Fprintln(c.stderr, "tracecheck:", report.Clean(fmt.Sprintf(format, args...)))
	return exitUsage
}

// say prints text. It returns the exit status.
func (c *command) say(text string) int {
	if _, err := io.WriteString(c.stdout, text); err != nil {
		return c.outputFailed(err)
	}
	return exitFits
}

// errOutput marks an error of the report's writer, and not of an input.
var errOutput = errors.New("writing the report")

// outputFailed returns the exit status of a run whose report cannot be written. It prints
// nothing if the reader has gone (tracecheck … | head).
func (c *command) outputFailed(err error) int {
	if !errors.Is(err, syscall.EPIPE) {
		fmt.Fprintf(c.stderr, "tracecheck: %v\n", err)
	}
	return exitUsage
}
