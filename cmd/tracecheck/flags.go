package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/kthread-tla/tracecheck/report"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces/printk"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

type options struct {
	format, input, kernel, color, explain, shrink, recipe string
	threads, printk                                       []string
	all, follow                                           bool
	strict, schema, version, help                         bool
	timeout                                               time.Duration
}

func flags(o *options) *pflag.FlagSet {
	fs := pflag.NewFlagSet("tracecheck", pflag.ContinueOnError)
	fs.SortFlags = false
	fs.SetOutput(io.Discard)
	fs.StringVarP(&o.format, "format", "f", "text", "how to report: "+report.FormatList())
	fs.StringVarP(&o.input, "input-format", "i", "auto", "what the input is: auto, or a `NAME` listed below")
	fs.StringVarP(&o.kernel, "kernel", "k", "auto", "whose rules: auto, or a `VERSION` as uname -r prints it ("+graph.Covered()+")")
	fs.StringArrayVarP(&o.printk, "printk", "p", nil, "a `FILE` of printk patterns, or a built-in set: "+strings.Join(printk.Builtins(), ", ")+"; may be repeated")
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
	for _, f := range reader.Formats() {
		fmt.Fprintf(&b, "  %-18s %s\n", f.Name, f.Text)
	}
	b.WriteString("gzip, zstd and bzip2 are unpacked.\n")
	return b.String()
}

const statuses = `
exit status: 0 everything fits, or no evidence; 1 a violation or a hang (with
--strict: or inconclusive, or no evidence); 2 usage, or an input that cannot be read.
`

// patterns reads pattern files, or takes built-in sets, and makes one set of them.
func patterns(names []string) (*printk.Set, error) {
	var sets []*printk.Set
	var errs []error
	for _, name := range names {
		s, err := patternSet(name)
		sets, errs = append(sets, s), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(sets) == 1 {
		return sets[0], nil
	}
	return printk.Join(sets...)
}

func patternSet(name string) (*printk.Set, error) {
	if p := printk.Builtin(name); p != nil {
		return p, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--printk %s: neither a file that can be read nor one of the built-in sets %s", name, strings.Join(printk.Builtins(), ", "))
	}
	defer f.Close()
	return printk.Parse(name, f)
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
