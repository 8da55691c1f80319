package checker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// traced gives events lines and stamps a second apart.
func tracedEvents(list ...traces.Event) *replay {
	for i := range list {
		list[i].Line, list[i].Clock, list[i].Stamp = i+1, traces.Nanoseconds, int64(i+1)*1e9
	}
	return &replay{list: list}
}

func task(pid int) traces.Task { return traces.Task{Comm: fmt.Sprintf("t%d", pid), PID: pid} }

func forked(k int) traces.Event { return traces.Event{Kind: traces.Fork, Thread: task(k), By: task(2)} }

func left(k int, state byte) traces.Event {
	return traces.Event{Kind: traces.SwitchOut, Thread: task(k), State: state}
}

func runs(k int) traces.Event {
	return traces.Event{Kind: traces.SwitchIn, Thread: task(k)}
}

func wokenBy(k, by int) traces.Event {
	return traces.Event{Kind: traces.Woken, Thread: task(k), By: task(by), Context: traces.TaskContext}
}

func exits(k int) traces.Event {
	return traces.Event{Kind: traces.ProcessExit, Thread: task(k), By: task(k)}
}

func stopCall(k, by int) traces.Event {
	return traces.Event{Kind: traces.StopCall, Thread: task(k), By: task(by)}
}

func stopReturn(by, code int) traces.Event {
	return traces.Event{Kind: traces.StopReturn, By: task(by), Code: code, HasCode: true}
}

// Which events are one life's, where pids come again, and calls are known by
// half.
func TestTracedLives(t *testing.T) {
	stop, ret, fork, out := stopCall, stopReturn, forked, left
	addr := traces.Event{Kind: traces.StopCall, Thread: traces.Task{Addr: 0xff00}, By: task(9), Probe: true}
	for _, test := range []struct {
		name   string
		events *replay
		want   string
	}{
		{"a pid again, forks not traced", tracedEvents(stop(50, 9), ret(9, 3), stop(50, 9), ret(9, -4)),
			"50#1 yes ran_then_stopped 3; 50#2 yes stopped -4; "},
		{"a pid again, forked", tracedEvents(fork(50), stop(50, 9), ret(9, 3), fork(50), stop(50, 9), ret(9, 4)),
			"50#1 yes ran_then_stopped 3; 50#2 yes ran_then_stopped 4; "},
		{"stopped twice", tracedEvents(fork(50), stop(50, 9), ret(9, 3), stop(50, 9), ret(9, 4)),
			"50#1 no unknown ; "},
		{"a task's address says nothing, and its stopper sleeps", tracedEvents(fork(50), addr, out(9, 'D'), ret(9, 3)),
			"50#1 yes unknown ; "},
		{"a return without a call", tracedEvents(fork(50), ret(9, 3)), "50#1 yes unknown ; "},
		{"lost in between", tracedEvents(fork(50), stop(50, 9), traces.Event{Kind: traces.Loss}, ret(9, 3)), "50#1 yes unknown ; "},
		{"a second call by the same task", tracedEvents(fork(50), fork(51), stop(50, 9), stop(51, 9), ret(9, 3)),
			"50#1 yes unknown ; 51#1 yes ran_then_stopped 3; "},
	} {
		text := livesOf(t, test.events)
		if text != test.want {
			t.Errorf("%s: %s, want %s", test.name, text, test.want)
		}
	}
}

// A thread that has ended by itself may be stopped when thousands of others have
// ended, and one that has been stopped again: then it is told of again, if it is that
// long ago.
func TestEndedLivesWait(t *testing.T) {
	var list []traces.Event
	born := func(k int) {
		list = append(list, forked(k), runs(k), left(k, 'D'), wokenBy(k, 3), runs(k), left(k, 'S'))
	}
	ends := func(k int) {
		list = append(list, wokenBy(k, 4), runs(k), exits(k), left(k, 'X'))
	}
	stop := func(k int) {
		list = append(list, stopCall(k, 3))
	}
	back := func(code int) {
		list = append(list, stopReturn(3, code))
	}
	others := func(first, n int) {
		for k := first; k < first+n; k++ {
			born(k)
			stop(k)
			ends(k)
			back(1)
		}
	}
	born(50)
	ends(50)
	others(51, 2)
	others(1000, 200)
	stop(51)
	back(2) // there is one value
	others(2000, 3000)
	stop(50)
	back(1)
	stop(52)
	back(2)
	text := "; " + livesOf(t, tracedEvents(list...))
	for _, want := range []string{"; 50#1 yes exited_by_itself_then_stopped 1; ", "; 51#1 no ", "; 52#1 no "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
}

// livesOf says what becomes of the lives of a log, in the order of the verdicts.
func livesOf(t *testing.T, events *replay) string {
	c, err := New(nil, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	var order []string
	_, err = c.Check(events, Options{}, func(v *Verdict) error {
		key := fmt.Sprintf("%d#%d", v.Life.Thread.PID, v.Life.Incarnation)
		code := ""
		if v.ExitCodeFrom != "" {
			code = fmt.Sprint(v.ExitCode)
		}
		got[key] = fmt.Sprintf("%s %s %s %s; ", key, v.Fits, v.Outcome, code)
		order = append(order, key)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, key := range order {
		text += got[key]
	}
	return text
}

// A thread that has got a CPU again, by the line of another CPU whose clock is
// milliseconds late, is not asleep for ever: its stop may return.
func TestClocksThatDisagreeAccuseNobody(t *testing.T) {
	log := `           task2     2 [002]     1.001202: sched:sched_process_fork: comm=kthreadd pid=2 child_comm=kthreadd child_pid=100
            k100   100 [001]     1.003457: sched:sched_switch: prev_comm=k100 prev_pid=100 prev_prio=120 prev_state=D ==> next_comm=swapper/1 next_pid=0 next_prio=120
%s         swapper     0 [001]     1.003600: sched:sched_switch: prev_comm=swapper/1 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=k100 next_pid=100 next_prio=120
%s         swapper     0 [000]     1.003926: sched:sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=k100 next_pid=100 next_prio=120
            k100   100 [001]     1.007551: sched:sched_switch: prev_comm=k100 prev_pid=100 prev_prio=120 prev_state=S ==> next_comm=swapper/1 next_pid=0 next_prio=120
          insmod  1004 [002]     1.013338: sched:sched_kthread_stop: comm=k100 pid=100
          insmod  1004 [002]     1.014817: sched:sched_kthread_stop_ret: ret=2
`
	waking := "          insmod  1004 [002]     1.003500: sched:sched_waking: comm=k100 pid=100 prio=120 target_cpu=001\n"
	for _, in := range []string{fmt.Sprintf(log, "", ""), fmt.Sprintf(log, waking, waking)} {
		c, err := New(nil, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		lives := 0
		interest := traces.NewInterest()
		r := reader.New(strings.NewReader(in), reader.Options{Interest: interest})
		defer r.Close()
		if _, err := c.Check(r, Options{Interest: interest}, func(v *Verdict) error {
			lives++
			if v.Fits != FitsYes || v.Outcome != RanThenStopped {
				t.Errorf("fits %s, %s: %v\n%s", v.Fits, v.Outcome, v.Findings, in)
			}
			return nil
		}); err != nil || lives != 1 {
			t.Errorf("%d lives, %v", lives, err)
		}
	}
}
