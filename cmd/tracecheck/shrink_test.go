package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck"
	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// What --shrink prints of each illegal sample, and of each rule's bad log that
// does not fit, still does not fit, by the same rule; and does without any one
// of its lines, which then counts as lost.
func TestShrink(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	logs := map[string][]string{} // their flags
	err := filepath.WalkDir("traces/samples", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".want") {
			return err
		}
		b, err := os.ReadFile(name)
		if bytes.Contains(b, []byte(": fits no,")) {
			command, _, _ := strings.Cut(string(b), "\n")
			args := strings.Fields(strings.TrimPrefix(command, "$ tracecheck "))
			logs[args[len(args)-1]] = args[:len(args)-1]
		}
		return err
	})
	if err != nil || len(logs) < 7 {
		t.Fatalf("%d illegal samples, %v", len(logs), err)
	}
	for _, r := range checker.Rules {
		logs["checker/rules/"+r.ID+".bad.log"] = nil
	}
	shrunk := 0
	for name, flags := range logs {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for thread, rule := range misfitsIn(t, string(b), flags) {
			shrunk++
			var out, errs bytes.Buffer
			if status := run(nil, &out, &errs, append([]string{"--shrink", thread, name}, flags...)); status != exitFits {
				t.Errorf("%s: --shrink %s: status %d, %s", name, thread, status, errs.String())
				continue
			}
			var fromInput bytes.Buffer
			run(bytes.NewReader(b), &fromInput, &errs, append([]string{"--shrink", thread}, flags...))
			if fromInput.String() != out.String() {
				t.Errorf("%s: from standard input %s", name, fromInput.String())
			}
			if got := misfitsIn(t, out.String(), flags)[thread]; got != rule {
				t.Errorf("%s: %s: %q, want %s, of\n%s", name, thread, got, rule, out.String())
			}
			lines := strings.SplitAfter(out.String(), "\n")
			for i, line := range lines[:len(lines)-1] {
				if strings.HasPrefix(line, "#") {
					continue
				}
				less := strings.Join(lines[:i], "") + reader.LeftOut(1) + "\n" + strings.Join(lines[i+1:], "")
				if got := misfitsIn(t, less, flags)[thread]; got == rule {
					t.Errorf("%s: %s: still %s without line %d of\n%s", name, thread, rule, i+1, out.String())
				}
			}
		}
	}
	if shrunk < 14 {
		t.Errorf("only %d shrunk", shrunk)
	}
}

// So it is with whatever traces.
func TestShrinkTraces(t *testing.T) {
	c, err := checker.New(nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	shrunk, missing, gaps := map[string]int{}, 0, 0
	seeds := 600
	if testing.Short() {
		seeds = 30
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(uint64(seed), 9))
		var lines []string
		for n := range 4 + rng.IntN(14) {
			w := rng.IntN(2)
			own := fmt.Sprintf("              w%d-%d     [001] .....    %d.000000: ", w, 340+w, 100+n)
			by := fmt.Sprintf("           rmmod-%d     [000] .....    %d.000000: ", 290+rng.IntN(2), 100+n)
			if seed%3 == 0 && rng.IntN(12) == 0 {
				lines = append(lines, "CPU:1 [LOST 3 EVENTS]\n")
				continue
			}
			switch rng.IntN(8) {
			case 0:
				lines = append(lines, fmt.Sprintf("        kthreadd-2       [001] .....    %d.000000: sched_process_fork: comm=kthreadd pid=2 child_comm=w%d child_pid=%d\n", 100+n, w, 340+w))
			case 1, 2:
				lines = append(lines, fmt.Sprintf("%ssched_kthread_stop: comm=w%d pid=%d\n", by, w, 340+w))
			case 3, 4:
				lines = append(lines, fmt.Sprintf("%ssched_kthread_stop_ret: ret=%d\n", by, -2*rng.IntN(3)))
			case 5:
				lines = append(lines, fmt.Sprintf("%stested: (worker_fn+0x5e/0xa0 [worker] <- kthread_should_stop) arg1=0x%d\n", own, rng.IntN(2)))
			case 6:
				lines = append(lines, fmt.Sprintf("%ssched_process_exit: comm=w%d pid=%d prio=120\n", own, w, 340+w))
			case 7:
				lines = append(lines, fmt.Sprintf("%ssched_switch: prev_comm=w%d prev_pid=%d prev_prio=120 prev_state=%c ==> next_comm=swapper/1 next_pid=0 next_prio=120\n", own, w, 340+w, "SDX"[rng.IntN(3)]))
			}
		}
		// misfits are the threads of a log that do not fit, each with its rule.
		misfits := func(log string) map[string]string {
			bad := map[string]string{}
			tracecheck.Check(t.Context(), strings.NewReader(log), tracecheck.Options{Checker: c, Yield: func(v *checker.Verdict) error {
				if v.Fits == checker.FitsNo {
					bad[strconv.Itoa(v.Life.Thread.PID)] = v.Findings[0].Rule.ID
				}
				return nil
			}})
			return bad
		}
		log := strings.Join(lines, "")
		for thread, rule := range misfits(log) {
			part, err := tracecheck.Shrink(t.Context(), strings.NewReader(log), thread, tracecheck.Options{Checker: c})
			if err != nil {
				missing++
				continue
			}
			left := strings.SplitAfter(string(part), "\n")
			if strings.Contains(string(part), "left out") {
				gaps++
			}
			got := misfits(string(part))[thread]
			shrunk[got]++
			if got == "" {
				t.Fatalf("seed %d: %s, %s: fits\n%s\nof\n%s", seed, thread, rule, part, log)
			}
			for i, line := range left[:len(left)-1] {
				less := strings.Join(left[:i], "") + reader.LeftOut(1) + "\n" + strings.Join(left[i+1:], "")
				if !strings.HasPrefix(line, "#") && misfits(less)[thread] == got {
					t.Errorf("seed %d: %s: still %s without line %d of\n%s", seed, thread, got, i+1, part)
				}
			}
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("%v, %d with a gap; none found %d times", shrunk, gaps, missing)
	// That a kind of event is recorded may show in a line of another thread alone, which the
	// reader has left out: then no part shows it.
	found := 0
	for _, n := range shrunk {
		found += n
	}
	if !testing.Short() && len(shrunk) < 2 || missing*10 > found {
		t.Errorf("only %v, none found %d times", shrunk, missing)
	}
}

// misfitsIn are the threads of a log that do not fit, each with its rule.
func misfitsIn(t *testing.T, log string, flags []string) map[string]string {
	t.Helper()
	var out, errs bytes.Buffer
	if run(strings.NewReader(log), &out, &errs, append([]string{"--format", "json"}, flags...)) == exitUsage {
		return nil // nothing is left of it
	}
	var doc struct {
		Threads []struct {
			Comm     string
			PID      int
			Fits     string
			Findings []struct{ Rule string }
		}
	}
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	bad := map[string]string{}
	for _, th := range doc.Threads {
		if th.Fits != "no" {
			continue
		}
		name := th.Comm
		if th.PID != 0 {
			name = strconv.Itoa(th.PID)
		}
		bad[name] = th.Findings[0].Rule
	}
	return bad
}

// What is said of a thread that does not fit is under twenty lines.
func TestMisfitsAreShort(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	wants, err := filepath.Glob("traces/samples/*.want")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range wants {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(b), "\n\n") {
			if strings.Contains(block, "[does not fit]") {
				found++
				if n := strings.Count(block, "\n") + 1; n >= 20 || !strings.Contains(block, "smallest part") {
					t.Errorf("%s: %d lines\n%s", name, n, block)
				}
			}
		}
	}
	if found < 7 {
		t.Errorf("only %d found", found)
	}
}
