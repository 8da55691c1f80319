package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// A thread that is stopped when thousands of others have ended is told of again, with
// all that was known of it.
func TestStoppedLater(t *testing.T) {
	var log strings.Builder
	stamp := 0
	line := func(comm string, pid, cpu int, event string) {
		stamp += 130
		fmt.Fprintf(&log, "%16s-%-7d [%03d] d..2.  1%03d.%06d: %s\n", comm, pid, cpu, stamp/1e6, stamp%1e6, event)
	}
	leaves := func(comm string, pid int, state string) {
		line(comm, pid, 1, fmt.Sprintf("sched_switch: prev_comm=%s prev_pid=%d prev_prio=120 prev_state=%s ==> next_comm=swapper/1 next_pid=0 next_prio=120", comm, pid, state))
	}
	gets := func(comm string, pid int) {
		line("<idle>", 0, 1, fmt.Sprintf("sched_switch: prev_comm=swapper/1 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=%s next_pid=%d next_prio=120", comm, pid))
	}
	wakes := func(by string, byPID, cpu int, comm string, pid int) {
		line(by, byPID, cpu, fmt.Sprintf("sched_waking: comm=%s pid=%d prio=120 target_cpu=001", comm, pid))
		gets(comm, pid)
	}
	born := func(comm string, pid int) {
		line("kthreadd", 2, 0, fmt.Sprintf("sched_process_fork: comm=kthreadd pid=2 child_comm=kthreadd child_pid=%d", pid))
		gets(comm, pid)
		leaves(comm, pid, "D")
		wakes("insmod", 900, 0, comm, pid)
		leaves(comm, pid, "S")
	}
	dies := func(comm string, pid int) {
		line(comm, pid, 1, fmt.Sprintf("sched_process_exit: comm=%s pid=%d prio=120", comm, pid))
		leaves(comm, pid, "X")
	}
	call := func(comm string, pid, by int) {
		line("rmmod", by, 0, fmt.Sprintf("sched_kthread_stop: comm=%s pid=%d", comm, pid))
	}
	back := func(by, code int) { line("rmmod", by, 0, fmt.Sprintf("sched_kthread_stop_ret: ret=%d", code)) }
	whole := func(comm string, pid, by, code int) {
		born(comm, pid)
		call(comm, pid, by)
		wakes("rmmod", by, 0, comm, pid)
		dies(comm, pid)
		back(by, code)
	}
	whole("first", 100, 800, 0)
	born("lone", 101)
	wakes("<idle>", 0, 1, "lone", 101)
	dies("lone", 101)
	whole("twice", 102, 801, 5)
	for i := range 3000 {
		if pid := 1000 + i; i%2 == 0 {
			whole("other", pid, 800, 0)
		} else {
			born("other", pid)
			wakes("<idle>", 0, 1, "other", pid)
			dies("other", pid)
		}
	}
	call("lone", 101, 803)
	back(803, 7)
	call("twice", 102, 804)

	for _, args := range [][]string{{"-f", "ndjson"}, {"-f", "ndjson", "--follow"}} {
		var out strings.Builder
		run(strings.NewReader(log.String()), &out, io.Discard, args)
		got := map[string]string{}
		for text := range strings.Lines(out.String()) {
			var th struct {
				Comm, Outcome, Ran    string
				Incarnation, Revision int
				Stops                 []struct{ By struct{ PID int } }
				Findings              []struct{ Rule string }
			}
			if err := json.Unmarshal([]byte(text), &th); err != nil {
				t.Fatal(err)
			}
			got[th.Comm] = fmt.Sprintf("#%d revision %d: %s, ran %s %v %v", th.Incarnation, th.Revision, th.Outcome, th.Ran, th.Stops, th.Findings)
		}
		for name, want := range map[string]string{
			"lone":  "#1 revision 2: exited_by_itself_then_stopped, ran yes [{{803}}] []",
			"twice": "#1 revision 2: ran_then_stopped, ran yes [{{801}} {{804}}] [{KT014}]",
		} {
			if got[name] != want {
				t.Errorf("%v: %s: %s, want %s", args, name, got[name], want)
			}
		}
	}
	var out strings.Builder
	run(strings.NewReader(log.String()), &out, io.Discard, nil)
	lines := strings.Split(out.String(), "\n")
	for _, want := range []string{"lone[101] (once more, revision 2)  ended by itself, then was stopped  [fits]", "verdict: fits (3003 threads)"} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %q", want)
		}
	}
}
