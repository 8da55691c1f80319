package tlc

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Result is what a run of TLC found.
type Result struct {
	Got       Expect   // in the form of what was expected
	Trace     []string // a counterexample's actions, in order; no entry for the initial state
	Generated int      // states generated
	Distinct  int      // distinct states
	Depth     int      // of the search; 0 where TLC does not print it
	Seconds   float64  // wall time
	CPU       float64  // seconds of processor time, which other work on the machine changes less
	Output    string   // all that TLC printed
}

// TLC's exit statuses, tlc2.output.EC.ExitStatus.
const (
	exitOK       = 0
	exitSafety   = 12
	exitLiveness = 13
)

// Run checks one model. The counts of a model that fails depend on the number
// of workers and on the fingerprint polynomial, so both are fixed.
//
// The error is non-nil where TLC could not do its work (a spec or a .cfg that
// cannot be read, a time-out), not where the model failed.
func (t Tools) Run(ctx context.Context, m Model) (Result, error) {
	return t.run(ctx, m, "")
}

// RunConfig checks a model's module by another .cfg than the model's own, given
// as text.
func (t Tools) RunConfig(ctx context.Context, m Model, cfg string) (Result, error) {
	return t.run(ctx, m, cfg)
}

// RunAndRead checks one model as Run does, and has its state graph read, in
// TLC's dot form. It can be large: some kilobytes a state.
func (t Tools) RunAndRead(ctx context.Context, m Model, read func(dot io.Reader) error) (Result, error) {
	return t.RunConfigAndRead(ctx, m, "", read)
}

// RunConfigAndRead does the same by another .cfg than the model's own, given as text.
func (t Tools) RunConfigAndRead(ctx context.Context, m Model, cfg string, read func(dot io.Reader) error) (Result, error) {
	dir, err := os.MkdirTemp("", "tlc-dump-")
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(dir)
	dot := filepath.Join(dir, "graph.dot")
	r, err := t.run(ctx, m, cfg, "-dump", "dot,actionlabels", dot)
	if err != nil {
		return r, err
	}
	f, err := os.Open(dot)
	if err != nil {
		return r, err
	}
	defer f.Close()
	return r, read(f)
}

// Dump checks one model and returns its state graph in TLC's dot form.
func (t Tools) Dump(ctx context.Context, m Model) (dot []byte, err error) {
	r, err := t.RunAndRead(ctx, m, func(r io.Reader) (err error) {
		dot, err = io.ReadAll(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	if r.Got != m.Expect {
		return nil, fmt.Errorf("%s: expected %v, got %v", m.Path, m.Expect, r.Got)
	}
	return dot, nil
}

// run checks a model by the .cfg given as text, or, where that is empty, by the
// model's own.
func (t Tools) run(ctx context.Context, m Model, cfg string, more ...string) (Result, error) {
	tmp, err := workFolder(m)
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(tmp)
	if cfg == "" {
		b, err := os.ReadFile(m.Path)
		if err != nil {
			return Result{}, err
		}
		cfg = string(b)
	}
	if err := os.WriteFile(filepath.Join(tmp, "model.cfg"), []byte(cfg), 0o666); err != nil {
		return Result{}, err
	}
	args := []string{
		// Liveness is checked at the end only: TLC would also check it by the
		// clock, and then the counterexample depends on the machine.
		"-lncheck", "final",
		"-workers", "1", "-fp", "0", "-metadir", filepath.Join(tmp, "meta"),
	}
	args = append(args, more...)
	args = append(args, "-config", "model.cfg", m.Module)
	start := time.Now()
	j, err := t.jvms.get(t)
	if err != nil {
		return Result{}, err
	}
	status, cpu, printed, err := j.run(ctx, tmp, args...)
	r := parseOutput(printed)
	r.Seconds, r.CPU = time.Since(start).Seconds(), cpu
	if ctx.Err() != nil {
		return r, fmt.Errorf("%s: TLC was stopped: %w", m.Path, ctx.Err())
	}
	if err != nil {
		return r, fmt.Errorf("%s: %w", m.Path, err)
	}
	t.jvms.put(j)
	switch status {
	case exitOK:
		r.Got.States = r.Distinct
	case exitSafety, exitLiveness:
		if r.Got.Violates == "" {
			// TLC names a violated invariant, but not a violated PROPERTY: a
			// model that must fail that way checks that one alone.
			if r.Got.Violates = strings.Join(Section(cfg, "PROPERTY", "PROPERTIES"), "|"); r.Got.Violates == "" {
				return r, fmt.Errorf("%s: TLC found a violated property, and the file names none", m.Path)
			}
		}
	default:
		return r, fmt.Errorf("%s: TLC could not check it (exit status %d): %s", m.Path, status, firstError(r.Output))
	}
	return r, nil
}

// workFolder makes a folder for one run, with a copy of all modules. Two runs at
// once must share neither the folder into which TLC unpacks its standard
// modules nor the one of its metadata, and newer ones leave files beside the
// spec. The caller removes it.
func workFolder(m Model) (string, error) {
	tmp, err := os.MkdirTemp("", "tlc-")
	if err != nil {
		return "", err
	}
	models := filepath.Dir(m.Path)
	for _, dir := range []string{filepath.Dir(models), models} {
		if err := copyModules(tmp, dir); err != nil {
			os.RemoveAll(tmp)
			return "", err
		}
	}
	return tmp, nil
}

// copyModules copies the .tla files of one folder to another.
func copyModules(to, from string) error {
	paths, err := filepath.Glob(filepath.Join(from, "*.tla"))
	if err != nil {
		return err
	}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(p)), b, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// parseOutput reads what TLC prints when -tool is not given.
func parseOutput(out string) Result {
	r := Result{Output: out}
	sc := bufio.NewScanner(strings.NewReader(out))
	sc.Buffer(nil, len(out)+1)
	for sc.Scan() {
		line := sc.Text()
		if s, ok := strings.CutPrefix(line, "Error: Invariant "); ok {
			if name, ok := strings.CutSuffix(s, " is violated."); ok {
				r.Got.Violates = name
			}
		} else if s, ok := strings.CutPrefix(line, "State "); ok {
			// "State 2: <CreateRequest line 210, col 5 to … of module KThread>",
			// "State 38: Stuttering" repeats the state before it.
			if _, what, ok := strings.Cut(s, ": "); ok && what != "Stuttering" {
				r.Got.States++
				if action, ok := strings.CutPrefix(what, "<"); ok && !strings.HasPrefix(action, "Initial predicate") {
					action, _, _ = strings.Cut(action, " line")
					action, _, _ = strings.Cut(action, "(")
					r.Trace = append(r.Trace, action)
				}
			}
		} else if i := strings.Index(line, " states generated, "); i > 0 && strings.Contains(line, " distinct states found, ") && !strings.HasPrefix(line, "Progress") {
			r.Generated, _ = strconv.Atoi(line[:i])
			d, _, _ := strings.Cut(line[i+len(" states generated, "):], " ")
			r.Distinct, _ = strconv.Atoi(d)
		} else if s, ok := strings.CutPrefix(line, "The depth of the complete state graph search is "); ok {
			r.Depth, _ = strconv.Atoi(strings.TrimSuffix(s, "."))
		}
	}
	return r
}

// firstError is the line of TLC's output that says best what went wrong.
func firstError(out string) string {
	last := ""
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "rror") || strings.HasPrefix(line, "***") {
			return line
		}
		if line != "" {
			last = line
		}
	}
	return last
}

// EachOnTwoCores calls f(0) … f(n-1), two at a time, and returns when all are
// done. TLC runs with one worker, so two runs fill two cores.
func EachOnTwoCores(n int, f func(int)) {
	next := make(chan int)
	done := make(chan struct{})
	for range 2 {
		go func() {
			for i := range next {
				f(i)
			}
			done <- struct{}{}
		}()
	}
	for i := range n {
		next <- i
	}
	close(next)
	<-done
	<-done
}
