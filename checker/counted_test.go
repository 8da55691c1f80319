package checker_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/internal/bigtrace"
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// With CountOnly as many lives are counted and yielded together as without it are yielded,
// and the yielded ones get the same verdicts, although lives reuse each other's memory.
func TestCounted(t *testing.T) {
	var log bytes.Buffer
	_, _, err := bigtrace.Ftrace(&log, bigtrace.Trace{Bytes: 16 << 20, Kthread: 0.9, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	run := func(counts bool, end error) (yielded []string, number map[string]int, most int) {
		c, err := checker.New(nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		number = make(map[string]int)
		var verdicts []*checker.Verdict
		in := io.MultiReader(bytes.NewReader(log.Bytes()), iotest.ErrReader(end))
		interest := traces.NewInterest()
		r := reader.New(in, reader.Options{Interest: interest})
		defer r.Close()
		o := checker.Options{Interest: interest, CountOnly: func(_ int, v *checker.Verdict) bool {
			return counts && (v.Outcome == checker.ExitedByItself || v.Outcome == checker.RanThenStopped)
		}}
		if _, err := c.Check(r, o, func(v *checker.Verdict) error {
			most = max(most, v.Alike)
			number[fmt.Sprintf("%s %s %s %s %d", v.Fits, v.Outcome, v.Ran, v.Woken, len(v.Findings))] += 1 + v.Alike
			if v.Outcome != checker.ExitedByItself && v.Outcome != checker.RanThenStopped {
				verdicts = append(verdicts, v)
			}
			return nil
		}); err != end && end != io.EOF || err != nil && end == io.EOF {
			t.Fatal(err)
		}
		for _, v := range verdicts {
			yielded = append(yielded, fmt.Sprint(v.Life.Thread, v.Life.Incarnation, v.Life.AsOf, v.Outcome, v.ExitCode, v.Stops, len(v.Findings), v.Life.Events()))
		}
		return yielded, number, most
	}
	for _, end := range []error{io.EOF, broken} {
		one, each, none := run(false, end)
		some, counted, most := run(true, end)
		if none != 0 || most < 500 || len(one) < 500 {
			t.Fatalf("a verdict stands for %d more lives, want 0; for %d, want many; %d lives are told of, want many", none, most, len(one))
		}
		if diff := cmp.Diff(each, counted); diff != "" {
			t.Errorf("%v: -told of +counted:\n%s", end, diff)
		}
		if diff := cmp.Diff(one, some); diff != "" {
			t.Errorf("%v: of those that are told of anyhow: -told of +counted:\n%s", end, diff)
		}
	}
}

// A life that is in doubt is not counted with those that are not.
func TestCountedInDoubt(t *testing.T) {
	var log strings.Builder
	us := 36_000_000
	say := func(task, rest string, args ...any) {
		us += 100_000
		fmt.Fprintf(&log, "%16s-%-7s [000] ..... %5d.%06d: sched_%s\n", task[:strings.Index(task, "-")], task[strings.Index(task, "-")+1:], us/1e6, us%1e6, fmt.Sprintf(rest, args...))
	}
	log.WriteString("# tracer: nop\n#\n")
	for pid := 1000; pid < 2500; pid++ {
		if pid == 2400 { // those of before have been told of, but for the last
			log.WriteString("CPU:3 [LOST 4 EVENTS]\n")
		}
		say("kthreadd-2", "process_fork: comm=kthreadd pid=2 child_comm=kt child_pid=%d", pid)
		say("sh-50", "waking: comm=kt pid=%d prio=120 target_cpu=000", pid)
		for range 2 { // the first one's return is missing
			say("rm-51", "kthread_stop: comm=kt pid=%d", pid)
		}
		say("rm-52", "kthread_stop: comm=kt pid=%d", pid)
		say(fmt.Sprintf("kt-%d", pid), "process_exit: comm=kt pid=%d prio=120", pid)
		say("rm-52", "kthread_stop_ret: ret=0")
		say(fmt.Sprintf("kt-%d", pid), "switch: prev_comm=kt prev_pid=%d prev_prio=120 prev_state=X ==> next_comm=swapper/0 next_pid=0 next_prio=120", pid)
	}
	run := func(counts bool) (certain, doubt int) {
		c, err := checker.New(nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		interest := traces.NewInterest()
		r := reader.New(strings.NewReader(log.String()), reader.Options{Interest: interest})
		defer r.Close()
		o := checker.Options{Interest: interest, CountOnly: func(int, *checker.Verdict) bool { return counts }}
		if _, err := c.Check(r, o, func(v *checker.Verdict) error {
			if v.Life.Doubt {
				doubt += 1 + v.Alike
			} else {
				certain += 1 + v.Alike
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return certain, doubt
	}
	certain, doubt := run(false)
	if certain == 0 || doubt == 0 {
		t.Fatalf("%d lives are sure, %d in doubt: want some of both", certain, doubt)
	}
	if s, d := run(true); s != certain || d != doubt {
		t.Errorf("counted, %d lives are sure, %d in doubt; want %d, %d", s, d, certain, doubt)
	}
}
