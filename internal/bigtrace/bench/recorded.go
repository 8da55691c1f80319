package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The tracepoints that are recorded.
var tracepoints = []string{
	"sched_switch", "sched_waking", "sched_wakeup", "sched_process_fork", "sched_process_exit",
	"sched_process_free", "sched_kthread_stop", "sched_kthread_stop_ret",
}

// busy makes two tasks wake each other, which is a switch and a waking each.
var busy = []string{"perf", "bench", "sched", "pipe", "-l", "100000"}

// recordings compare tracecheck on the text of recordings of this machine's own
// scheduler with what it takes to make that text of them. Where the machine does not
// let itself be recorded the page says so.
func recordings(page io.Writer, dir, tool string, rounds int) {
	for _, r := range []struct {
		name   string
		record func(file string) error
		print  []string // the recording's name follows
	}{
		{"trace-cmd report", recordFtrace, []string{"trace-cmd", "report"}},
		{"perf script", recordPerf, []string{"perf", "script", "-i"}},
	} {
		recording, text := filepath.Join(dir, "recording"), filepath.Join(dir, "text")
		err := func() error {
			if err := r.record(recording); err != nil {
				return err
			}
			out, err := os.Create(text)
			if err != nil {
				return err
			}
			defer out.Close()
			show := exec.Command(r.print[0], append(r.print[1:], recording)...)
			show.Stdout = out
			if err := show.Run(); err != nil {
				return fmt.Errorf("%s: %w", strings.Join(r.print, " "), err)
			}
			of, err := os.Stat(recording)
			if err != nil {
				return err
			}
			size, err := out.Stat()
			if err != nil {
				return err
			}
			title := fmt.Sprintf("%s: a recording of %d KiB, %d KiB as text", r.name, of.Size()>>10, size.Size()>>10)
			return compare(page, title, text, min(rounds, 3), []command{
				{name: "grep -c sched_kthread, of the text", args: []string{"grep", "-c", "sched_kthread", text}},
				{name: "tracecheck, of the text", args: []string{tool, text}},
				{name: r.name + ", of the recording", args: append(r.print, recording)},
			})
		}()
		os.Remove(recording)
		os.Remove(text)
		if err != nil {
			fmt.Fprintf(page, "\n## %s\n\nThis machine could not be recorded: %v\n", r.name, err)
		}
	}
}

// recordFtrace records into a buffer of its own, of which trace-cmd makes a file.
func recordFtrace(file string) error {
	const name = "tracecheck-bench"
	buffer := filepath.Join("/sys/kernel/tracing/instances", name)
	if err := os.Mkdir(buffer, 0o700); err != nil {
		return err
	}
	defer os.Remove(buffer) // trace-cmd extract has done so
	set := func(file, value string) error {
		return os.WriteFile(filepath.Join(buffer, file), []byte(value), 0o600)
	}
	err := set("buffer_size_kb", "40000")
	for _, t := range tracepoints {
		err = errors.Join(err, set("events/sched/"+t+"/enable", "1"))
	}
	if err == nil {
		err = runs(busy)
	}
	if err = errors.Join(err, set("events/enable", "0")); err != nil {
		return err
	}
	return runs([]string{"trace-cmd", "extract", "-B", name, "-o", file})
}

func recordPerf(file string) error {
	var events []string
	for _, t := range tracepoints {
		events = append(events, "sched:"+t)
	}
	return runs(append([]string{"perf", "record", "-q", "-a", "-e", strings.Join(events, ","), "-o", file, "--"}, busy...))
}

// runs runs a command; the error has what it says.
func runs(args []string) error {
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args[:2], " "), err, bytes.TrimSpace(out))
	}
	return nil
}
