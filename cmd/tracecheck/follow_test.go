package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A thread is reported when the line that ends it has come, while the log goes
// on; what comes later revises it.
func TestFollow(t *testing.T) {
	tests := []struct {
		name   string
		before string // the lines after which there is a verdict
		want   []string
		after  string // the lines after which there is another
		then   []string
	}{
		{
			name: "a trace", before: recordedUntil(t, "ftrace-ok.txt", "prev_state=X"),
			want: []string{"kt_ok", "ran_then_stopped", "1"},
		},
		{
			name:   "stopped after its end",
			before: recordedUntil(t, "ftrace-selfheld.txt", "prev_state=X"), want: []string{"kt_selfheld", "unknown", "1"}, // no sched_kthread_stop yet: is it traced at all?
			after: recordedBetween(t, "ftrace-selfheld.txt", "prev_state=X", "sched_kthread_stop_ret"), then: []string{"kt_selfheld", "exited_by_itself_then_stopped", "2"},
		},
		{
			name:   "printed",
			before: "[    1.000000] Thread Creating...\n[    1.000001] func t1\n[    1.000002] Stopping t1\n[    1.000003] func t1 return 0\n[    1.000004] t1 stopped, exit code 0\n",
			want:   []string{"t1", "ran_then_stopped", "1"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in, feed := io.Pipe()
			results, out := io.Pipe()
			status := make(chan int)
			var errs bytes.Buffer
			go func() {
				s := run(in, out, &errs, []string{"--follow", "-f", "ndjson"})
				out.Close()
				status <- s
			}()
			lines := bufio.NewScanner(results)
			lines.Buffer(nil, 1<<20)
			expect := func(want []string) {
				t.Helper()
				if !lines.Scan() {
					t.Fatalf("no verdict: %v %s", lines.Err(), errs.String())
				}
				var th struct {
					Comm, Outcome string
					Revision      int
				}
				if err := json.Unmarshal(lines.Bytes(), &th); err != nil {
					t.Fatal(err)
				}
				if got := []string{th.Comm, th.Outcome, fmt.Sprint(th.Revision)}; !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
			}
			io.WriteString(feed, test.before)
			expect(test.want)
			if test.after != "" {
				io.WriteString(feed, test.after)
				expect(test.then)
			}
			feed.Close()
			var summary struct {
				Summary *struct{ Verdict string }
			}
			rest := 0
			for lines.Scan() {
				rest++
				if err := json.Unmarshal(lines.Bytes(), &summary); err != nil {
					t.Fatal(err)
				}
			}
			if rest != 1 || summary.Summary == nil || summary.Summary.Verdict != "fits" {
				t.Errorf("%d lines behind the verdicts, the last %+v", rest, summary)
			}
			if s := <-status; s != exitFits {
				t.Errorf("status %d: %s", s, errs.String())
			}
		})
	}
}

// A log gets the same verdict by its file, by a pipe and with --follow. Its line 5 is
// damaged, and about tasks that nobody asks about.
func TestOneLogOneVerdict(t *testing.T) {
	const name = "damaged-line-of-others.ftrace"
	file := filepath.Join("..", "..", "traces", "samples", name)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	said := func(args ...string) string {
		in, feed := io.Pipe()
		go func() {
			feed.Write(text)
			feed.Close()
		}()
		var out, errs bytes.Buffer
		if s := run(in, &out, &errs, args); s != exitViolates {
			t.Errorf("%v: status %d: %s", args, s, errs.String())
		}
		return strings.ReplaceAll(out.String(), file, "standard input")
	}
	want := said(file)
	for _, args := range [][]string{nil, {"--follow"}} {
		if d := cmp.Diff(want, said(args...)); d != "" {
			t.Errorf("%v: -file +it\n%s", args, d)
		}
	}
}

func recordedLines(t *testing.T, name string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(recorded, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.SplitAfter(string(b), "\n")
}

// recordedUntil is the part of a recording up to the first line that has a text.
func recordedUntil(t *testing.T, name, text string) string {
	t.Helper()
	lines := recordedLines(t, name)
	i := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, text) })
	if i < 0 {
		t.Fatalf("%s has no %q", name, text)
	}
	return strings.Join(lines[:i+1], "")
}

func recordedBetween(t *testing.T, name, from, to string) string {
	t.Helper()
	return strings.TrimPrefix(recordedUntil(t, name, to), recordedUntil(t, name, from))
}

// Several files are one report, in the order of the arguments, whichever is
// read first; and of a hundred and more threads the unremarkable are counted.
func TestSeveralFilesAndMany(t *testing.T) {
	dir := t.TempDir()
	var names []string
	for f := range 3 {
		var b strings.Builder
		for i := range 120 * (3 - f) {
			fmt.Fprintf(&b, "[    1.000000] Thread Creating...\n[    1.000001] func a%d\n[    1.000002] Stopping a%d\n[    1.000003] func a%d return 0\n[    1.000004] a%d stopped, exit code 0\n", i, i, i, i)
		}
		name := filepath.Join(dir, fmt.Sprintf("%d.log", f))
		if err := os.WriteFile(name, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	for _, test := range []struct {
		args   []string
		listed int
	}{{nil, 100}, {[]string{"--all"}, 720}} {
		var out, errs bytes.Buffer
		if s := run(nil, &out, &errs, append(test.args, names...)); s != exitFits {
			t.Fatalf("status %d: %s", s, errs.String())
		}
		text := out.String()
		if n := strings.Count(text, "ran, then was stopped  [fits]"); n != test.listed {
			t.Errorf("%v: %d threads listed, want %d", test.args, n, test.listed)
		}
		if counted := "  620  ran, then was stopped"; strings.Contains(text, counted) != (test.listed == 100) {
			t.Errorf("%v: %s", test.args, text[max(0, len(text)-600):])
		}
		if !strings.Contains(text, "(720 threads)") {
			t.Errorf("%v: not all counted: %s", test.args, text[max(0, len(text)-600):])
		}
	}
	var out, errs bytes.Buffer
	run(nil, &out, &errs, append([]string{"-f", "json"}, names...))
	var r struct{ Threads []struct{ Input int } }
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(r.Threads, func(a, b struct{ Input int }) int { return a.Input - b.Input }) || len(r.Threads) != 720 {
		t.Errorf("%d threads, not in the order of the inputs", len(r.Threads))
	}
}
