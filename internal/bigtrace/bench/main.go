// Bench measures tracecheck against grep, wc and awk on large traces that
// bigtrace makes, in turns and in one run, and writes the table of
// docs/performance.md.
//
//	go run ./internal/bigtrace/bench [-mib 1024] [-rounds 7] [-write]
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/internal/bigtrace"
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A sheet is one input to measure on, and what the aims are.
type sheet struct {
	name  string
	trace bigtrace.Trace
	write func(io.Writer, bigtrace.Trace) (lines, lives int, err error)
	word  string  // what grep looks for
	aim   float64 // of grep's time, the file given by name; 0: none
	piped float64 // the same through a pipe
}

// A result is the best of several runs of one command.
type result struct {
	wall, cpu time.Duration
	resident  int64 // KiB, the most of any run
}

func run() error {
	mib := flag.Int64("mib", 1024, "how large the inputs are")
	stream := flag.Int64("stream", 10240, "how large the stream through a pipe is; 0: none")
	rounds := flag.Int("rounds", 7, "of how many turns the best counts")
	write := flag.Bool("write", false, "write docs/performance.md")
	flag.Parse()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tool := filepath.Join(dir, "tracecheck")
	if out, err := exec.Command("go", "build", "-o", tool, "./cmd/tracecheck").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	var whole strings.Builder
	page := io.MultiWriter(&whole, os.Stdout)
	fmt.Fprintf(page, "%s\n", head(*mib, *rounds))
	size := *mib << 20
	for _, s := range []sheet{
		{"ftrace, 1 % kthread lines", bigtrace.Trace{Bytes: size, Kthread: 0.01, Seed: 1}, bigtrace.Ftrace, "sched_kthread", 0.6, 1},
		{"ftrace, 20 %", bigtrace.Trace{Bytes: size, Kthread: 0.2, Seed: 1}, bigtrace.Ftrace, "sched_kthread", 0.8, 1},
		{"ftrace, 100 %", bigtrace.Trace{Bytes: size, Kthread: 1, Seed: 1}, bigtrace.Ftrace, "sched_kthread", 1.5, 0},
		{"dmesg, 1 % of the story module's", bigtrace.Trace{Bytes: size, Kthread: 0.01, Seed: 1}, bigtrace.Dmesg, "Stopping", 0, 0},
	} {
		if err := s.measure(page, dir, tool, *rounds); err != nil {
			return err
		}
	}
	recordings(page, dir, tool, *rounds)
	if *stream > 0 {
		if err := long(page, tool, *stream<<20); err != nil {
			return err
		}
	}
	// The last, as a command's size is never less than that of whoever starts it.
	if err := million(page); err != nil {
		return err
	}
	if *write {
		return os.WriteFile("docs/performance.md", []byte(whole.String()), 0o644)
	}
	return nil
}

func (s sheet) measure(page io.Writer, dir, tool string, rounds int) error {
	file := filepath.Join(dir, "input")
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer os.Remove(file)
	lines, lives, err := s.write(f, s.trace)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return err
	}
	return compare(page, fmt.Sprintf("%s: %d MiB, %d lines, %d threads", s.name, s.trace.Bytes>>20, lines, lives), file, rounds, []command{
		{name: "grep -c " + s.word, args: []string{"grep", "-c", s.word, file}},
		{name: "tracecheck", args: []string{tool, file}, aim: s.aim},
		{name: "wc -l", args: []string{"wc", "-l", file}},
		{name: "awk '/" + s.word + "/ { n++ }'", args: []string{"awk", "/" + s.word + "/ { n++ } END { print n }", file}},
		{name: "cat, grep", args: []string{"grep", "-c", s.word}, pipe: true},
		{name: "cat, tracecheck", args: []string{tool}, pipe: true, aim: s.piped},
	})
}

// A command is one row of a table.
type command struct {
	name string
	args []string
	pipe bool    // cat gives it the file
	aim  float64 // of grep's time; 0: none
}

// compare runs commands in turns, and writes a table of the best of each. The
// first is what the others are compared with, and of those that read from a pipe
// the first of these.
func compare(page io.Writer, title, file string, rounds int, commands []command) error {
	best := make([]result, len(commands))
	for range rounds {
		for i, c := range commands {
			r, err := once(c.args, file, c.pipe)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			b := &best[i]
			if b.wall == 0 || r.wall < b.wall {
				b.wall = r.wall
			}
			if b.cpu == 0 || r.cpu < b.cpu {
				b.cpu = r.cpu
			}
			b.resident = max(b.resident, r.resident)
		}
	}
	fmt.Fprintf(page, "\n## %s\n\n", title)
	fmt.Fprintf(page, "| command | wall | of grep's | aim | user and system time | of grep's | resident |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for i, c := range commands {
		base := best[0]
		if c.pipe {
			base = best[slices.IndexFunc(commands, func(c command) bool { return c.pipe })]
		}
		aim := ""
		if c.aim > 0 {
			aim = fmt.Sprint(c.aim)
		}
		fmt.Fprintf(page, "| %s | %.2f s | %.2f | %s | %.2f s | %.2f | %d MiB |\n", c.name, best[i].wall.Seconds(), ratio(best[i].wall, base.wall), aim,
			best[i].cpu.Seconds(), ratio(best[i].cpu, base.cpu), best[i].resident>>10)
	}
	return nil
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// once runs a command, its output into a pipe: grep -c stops at the first match
// where its output is /dev/null.
func once(args []string, file string, pipe bool) (result, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return result{}, err
	}
	var cat *exec.Cmd
	if pipe {
		r, w, err := os.Pipe()
		if err != nil {
			return result{}, err
		}
		cat = exec.Command("cat", file)
		cmd.Stdin, cat.Stdout = r, w
		defer r.Close()
		defer w.Close()
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return result{}, err
	}
	if cat != nil {
		if err := cat.Start(); err != nil {
			return result{}, err
		}
		cmd.Stdin.(*os.File).Close()
		cat.Stdout.(*os.File).Close()
	}
	io.Copy(io.Discard, out)
	err = cmd.Wait()
	wall := time.Since(start)
	if cat != nil {
		cat.Wait()
	}
	if cmd.ProcessState.ExitCode() > 1 {
		return result{}, err
	}
	return usage(cmd, wall), nil
}

func usage(cmd *exec.Cmd, wall time.Duration) result {
	p := cmd.ProcessState
	return result{wall, p.UserTime() + p.SystemTime(), p.SysUsage().(*syscall.Rusage).Maxrss}
}

// million compares checking a log of a million short lives with reading it.
func million(page io.Writer) error {
	f, err := os.CreateTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	lines, lives, err := bigtrace.Ftrace(f, bigtrace.Trace{Bytes: 1 << 40, Kthread: 1, Short: true, Lives: 1e6, Seed: 1})
	if err != nil {
		return err
	}
	var reading, both time.Duration
	for range 5 {
		d, err := cpuTime(f, func(r *reader.Reader, interest *traces.Interest) error {
			for r.Scan() {
				switch e := r.Event(); e.Kind {
				case traces.Fork:
					interest.Add(e.Thread.PID)
				case traces.StopCall:
					interest.Add(e.By.PID)
				case traces.StopReturn:
					interest.Remove(e.By.PID)
				case traces.SwitchOut:
					if e.State == 'X' {
						interest.Remove(e.Thread.PID)
					}
				}
			}
			return r.Err()
		})
		if err != nil {
			return err
		}
		if reading == 0 || d < reading {
			reading = d
		}
		d, err = cpuTime(f, func(r *reader.Reader, interest *traces.Interest) error {
			c, err := checker.New(nil, 0)
			if err == nil {
				_, err = c.Check(r, checker.Options{
					Interest:  interest,
					CountOnly: func(n int, _ *checker.Verdict) bool { return n > 100 }, // as tracecheck's report has it
				}, func(*checker.Verdict) error { return nil })
			}
			return err
		})
		if err != nil {
			return err
		}
		if both == 0 || d < both {
			both = d
		}
	}
	fmt.Fprintf(page, "\n## A million short lives: %d lines, %d threads\n\n", lines, lives)
	fmt.Fprintf(page, "Reading takes %.2f s of CPU time, reading and checking %.2f s: checking costs %.2f of reading (aim: 1).\n",
		reading.Seconds(), both.Seconds(), ratio(both-reading, reading))
	return nil
}

func cpuTime(f *os.File, do func(*reader.Reader, *traces.Interest) error) (time.Duration, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	runtime.GC()
	before := spent()
	interest := traces.NewInterest()
	r := reader.New(f, reader.Options{Interest: interest})
	defer r.Close()
	err := do(r, interest)
	return spent() - before, err
}

func spent() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// long streams a trace into tracecheck while it is made.
func long(page io.Writer, tool string, size int64) error {
	cmd := exec.Command(tool)
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	lines, lives, err := bigtrace.Ftrace(in, bigtrace.Trace{Bytes: size, Kthread: 0.2, Seed: 2})
	in.Close()
	if e := cmd.Wait(); cmd.ProcessState.ExitCode() > 1 {
		err = e
	}
	r := usage(cmd, time.Since(start))
	fmt.Fprintf(page, "\n## A stream of %d MiB through a pipe, 20 %% kthread lines: %d lines, %d threads\n\n", size>>20, lines, lives)
	fmt.Fprintf(page, "It is made while it is read, which takes longer. tracecheck takes %.1f s of CPU time, and is never larger than %d MiB.\n", r.cpu.Seconds(), r.resident>>10)
	return err
}

func head(mib int64, rounds int) string {
	model, release := "unknown", "unknown"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, ok := strings.CutPrefix(line, "model name\t: "); ok {
				model = strings.TrimSpace(name)
				break
			}
		}
	}
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		release = strings.TrimSpace(string(b))
	}
	load := "unknown"
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = strings.Fields(string(b))[0]
	}
	return fmt.Sprintf(`# Performance

Written by `+"`make bench`"+`. The inputs are made by internal/bigtrace; all commands are run in
turns in one run, with LC_ALL=C, their output into a pipe, the file in the page cache, and the
best of %d turns counts. tracecheck does all that it does: it reads, decodes, checks and writes
its report. An aim is a share of grep's wall time on a machine that does nothing else; where the
share is above it, it is not met. tracecheck uses two CPUs, where others work on the machine it
does not get them: then compare the CPU times.

%s, %d CPUs, Linux %s, %s; load when the run began: %s. Inputs of %d MiB.`,
		rounds, model, runtime.NumCPU(), release, runtime.Version(), load, mib)
}
