// Tracecheck tells what happened to the kernel threads in a kernel log, and
// whether the kernel's own rules allow it.
//
//	tracecheck [flags] [FILE...]
//
// Without a FILE, or with "-", it reads standard input.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/internal/recipe"
	"github.com/kthread-tla/tracecheck/report"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
)

func main() {
	os.Exit(run(os.Stdin, os.Stdout, os.Stderr, os.Args[1:]))
}

// Exit statuses.
const (
	exitFits     = 0 // everything fits, or nothing about kernel threads was found
	exitViolates = 1 // a violation, a hang or an error; --strict: or not decided
	exitUsage    = 2 // usage, or an input that cannot be read
)

type options struct {
	format, input, kernel, printk, color, explain, shrink, recipe string
	threads                                                       []string
	all, follow                                                   bool
	strict, schema, version, help                                 bool
	timeout                                                       time.Duration
}

func flags(o *options) *pflag.FlagSet {
	fs := pflag.NewFlagSet("tracecheck", pflag.ContinueOnError)
	fs.SortFlags = false
	fs.SetOutput(io.Discard)
	fs.StringVarP(&o.format, "format", "f", "text", "how to report: "+report.FormatList())
	fs.StringVarP(&o.input, "input-format", "i", "auto", "what the input is: auto, or a `NAME` listed below")
	fs.StringVarP(&o.kernel, "kernel", "k", "auto", "whose rules: auto, or a `VERSION` as uname -r prints it (2.6.31 to 7.x)")
	fs.StringVarP(&o.printk, "printk", "p", "", "a `FILE` of printk patterns, or a built-in set: "+strings.Join(traces.Builtins(), ", "))
	fs.StringArrayVarP(&o.threads, "thread", "t", nil, "only this thread, by `NAME` or pid; may be repeated")
	fs.BoolVarP(&o.follow, "follow", "F", false, "report each thread as soon as it is over; for dmesg -w | and trace_pipe")
	fs.BoolVarP(&o.all, "all", "a", false, "text: list every thread; without it, beyond 100 threads the unremarkable are only counted")
	fs.StringVarP(&o.explain, "explain", "e", "", "a rule (KT001; rules: all of them), or a thread's interleaving (`NAME` or pid)")
	fs.StringVar(&o.shrink, "shrink", "", "print the smallest part of the log that shows what does not fit of a thread (`NAME` or pid), to keep as a log")
	fs.BoolVar(&o.strict, "strict", false, "inconclusive, or no evidence at all, counts as failure")
	fs.DurationVar(&o.timeout, "timeout", 2*time.Second, "the longest `TIME` for one thread; past it, it is inconclusive")
	fs.StringVar(&o.color, "color", "auto", "colours in text: auto, always or never")
	fs.StringVar(&o.recipe, "record-recipe", "", "print the commands that record what decides everything, with a `TOOL`: ftrace, trace-cmd, perf or bpftrace")
	fs.BoolVar(&o.schema, "schema", false, "print the JSON Schema of json and ndjson")
	fs.BoolVar(&o.version, "version", false, "print the version")
	fs.BoolVarP(&o.help, "help", "h", false, "print this")
	return fs
}

const usage = `usage: tracecheck [flags] [FILE...]

Tells what happened to each kernel thread in a kernel log, whether the
kernel's rules allow it, why, and on which lines. No FILE, or "-": standard input.

`

// inputFormats lists what -i takes.
func inputFormats() string {
	var b strings.Builder
	b.WriteString("\ninput formats, which are recognised by content:\n")
	for _, f := range traces.Formats() {
		fmt.Fprintf(&b, "  %-18s %s\n", f.Name, f.Text)
	}
	b.WriteString("gzip, zstd and bzip2 are unpacked.\n")
	return b.String()
}

const statuses = `
exit status: 0 everything fits, or no evidence; 1 a violation or a hang (with
--strict: or inconclusive, or no evidence); 2 usage, or an input that cannot be read.
`

func run(stdin io.Reader, stdout, stderr io.Writer, args []string) int {
	var o options
	fs := flags(&o)
	fail := func(format string, args ...any) int {
		fmt.Fprintln(stderr, "tracecheck:", report.Clean(fmt.Sprintf(format, args...)))
		return exitUsage
	}
	say := func(format string, args ...any) int {
		if _, err := fmt.Fprintf(stdout, format, args...); err != nil {
			return outputFailed(stderr, err)
		}
		return exitFits
	}
	if err := fs.Parse(args); err != nil {
		return fail("%v; see tracecheck --help", err)
	}
	if o.help {
		return say("%s", usage+fs.FlagUsages()+inputFormats()+statuses)
	}
	if o.version {
		return say("tracecheck %s\n", version())
	}
	if o.schema {
		return say("%s", report.Schema)
	}
	if fs.Changed("record-recipe") {
		if o.kernel != "auto" {
			if _, err := graph.EraOf(o.kernel); err != nil {
				return fail("--kernel %s: %v", o.kernel, err)
			}
		}
		commands, err := recipe.Write(o.recipe, o.kernel)
		if err != nil {
			return fail("--record-recipe %s: %v", o.recipe, err)
		}
		return say("%s", commands)
	}
	if o.explain == "rules" {
		var list strings.Builder
		for _, r := range checker.Rules {
			fmt.Fprintf(&list, "%s  %-7s  %s\n", r.ID, r.Level, r.Title)
		}
		return say("%s", list.String())
	}
	if isRule(o.explain) {
		r := checker.RuleByID(strings.ToUpper(o.explain))
		if r == nil {
			return fail("no rule %s: there are %s to %s", o.explain, checker.Rules[0].ID, checker.Rules[len(checker.Rules)-1].ID)
		}
		return say("%s", r.Explain())
	}
	if !slices.Contains(report.Formats, o.format) {
		return fail("--format %s: want %s", o.format, report.FormatList())
	}
	if o.timeout <= 0 {
		return fail("--timeout %v: want a time above 0", o.timeout)
	}
	if o.input != "auto" {
		if err := traces.NewReader(nil, nil, false).Only(o.input); err != nil {
			return fail("--input-format %s: %v", o.input, err)
		}
	}
	color, err := useColor(o.color, stdout)
	if err != nil {
		return fail("%v", err)
	}
	var era *graph.Era
	if o.kernel != "auto" {
		e, err := graph.EraOf(o.kernel)
		if err != nil {
			return fail("--kernel %s: %v", o.kernel, err)
		}
		era = &e
	}
	pats, always := traces.Builtin("story"), false
	if o.printk != "" {
		always = true
		if pats, err = patterns(o.printk); err != nil {
			for line := range strings.Lines(err.Error()) {
				fail("%s", strings.TrimSuffix(line, "\n"))
			}
			return exitUsage
		}
	}

	files := fs.Args()
	if len(files) == 0 {
		files = []string{"-"}
	}
	names := slices.Clone(files)
	for i, f := range files {
		if f == "-" {
			names[i] = "standard input"
		}
	}
	out := bufio.NewWriterSize(stdout, 64<<10)
	w, err := report.New(o.format, out, report.Options{Version: version(), Names: names, Color: color, Explain: o.explain != "", All: o.all})
	if err != nil {
		return fail("--format %s: %v", o.format, err)
	}
	only := o.threads
	if o.explain != "" {
		only = append(only, o.explain)
	}

	c, err := checker.New(nil, o.timeout)
	if era != nil {
		c, err = checker.NewFor(o.kernel, o.timeout)
	}
	if err != nil {
		return fail("%v", err)
	}
	j := &job{checker: c, stdin: stdin, format: o.input, pats: pats, always: always, era: era, follow: o.follow}
	if o.follow {
		j.stdin = untilInterrupt(stdin)
	}
	quit := make(chan struct{})
	defer close(quit)
	if o.shrink != "" {
		if len(files) != 1 {
			return fail("--shrink %s: want one FILE", o.shrink)
		}
		part, err := j.shrink(files[0], o.shrink)
		if err != nil {
			return fail("--shrink %s: %s: %v", o.shrink, names[0], err)
		}
		return say("%s", part)
	}
	if c, ok := w.(report.Counter); ok && len(only) == 0 {
		j.counts = c.Counts
	}
	ended := j.progress(stderr, files)
	var sum report.Summary
	status := exitFits
	for i, r := range j.start(files, names, quit) {
		var fit report.Input
		for _, e := range graph.Eras() {
			fit.KernelsFit = append(fit.KernelsFit, e.Name)
		}
		for v := range r.all() {
			if !wanted(v.Life.Thread, only) {
				continue
			}
			sum.Count(v)
			fits(&fit, v)
			err := w.Life(i, v)
			if err == nil && o.follow {
				err = out.Flush()
			}
			if err != nil {
				ended()
				return outputFailed(stderr, fmt.Errorf("%w: %w", errOutput, err))
			}
		}
		in := r.in
		in.Doubt = fit.Doubt
		in.KernelsFit = slices.DeleteFunc(in.KernelsFit, func(k string) bool { return !slices.Contains(fit.KernelsFit, k) })
		if in.Err != nil {
			ended()
			ended = func() {}
			status = fail("%s: %v", names[i], in.Err)
		}
		sum.Inputs = append(sum.Inputs, in)
	}
	ended()
	if o.explain != "" && sum.Threads == 0 && status != exitUsage {
		return fail("--explain %s: no such thread in the log, and no rule", o.explain)
	}
	if status == exitUsage && len(files) == 1 && o.format == "text" {
		return status
	}
	err = w.Close(&sum)
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return outputFailed(stderr, fmt.Errorf("%w: %w", errOutput, err))
	}
	if status == exitUsage {
		return status
	}
	switch sum.Verdict() {
	case report.Violates, report.Hangs:
		return exitViolates
	case report.Inconclusive, report.NoEvidence:
		if o.strict {
			return exitViolates
		}
	}
	return exitFits
}

// errOutput marks errors of the report's writer, as against an input's.
var errOutput = errors.New("writing the report")

// outputFailed ends a run whose report nobody reads any more: quietly where
// the reader has gone (tracecheck … | head).
func outputFailed(stderr io.Writer, err error) int {
	if !errors.Is(err, syscall.EPIPE) {
		fmt.Fprintf(stderr, "tracecheck: %v\n", err)
	}
	return exitUsage
}

func patterns(name string) (*traces.Patterns, error) {
	if p := traces.Builtin(name); p != nil {
		return p, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--printk %s: neither a file that can be read nor one of the built-in sets %s", name, strings.Join(traces.Builtins(), ", "))
	}
	defer f.Close()
	return traces.ParsePatterns(name, f)
}

// wanted says whether a thread is among those named, by name or pid; all are
// where none is named.
func wanted(t traces.Task, names []string) bool {
	if len(names) == 0 {
		return true
	}
	return slices.Contains(names, t.Comm) || t.PID != 0 && slices.Contains(names, strconv.Itoa(t.PID)) || slices.Contains(names, t.String())
}

func isRule(s string) bool {
	n, ok := strings.CutPrefix(strings.ToUpper(s), "KT")
	return ok && n != "" && strings.Trim(n, "0123456789") == ""
}

// useColor follows --color, then NO_COLOR and CLICOLOR_FORCE, then whether
// somebody looks at a terminal.
func useColor(flag string, stdout io.Writer) (bool, error) {
	switch flag {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
	default:
		return false, fmt.Errorf("--color %s: want auto, always or never", flag)
	}
	if os.Getenv("NO_COLOR") != "" {
		return false, nil
	}
	if f := os.Getenv("CLICOLOR_FORCE"); f != "" && f != "0" {
		return true, nil
	}
	f, ok := stdout.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())), nil
}

// version is what the build knows of itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
