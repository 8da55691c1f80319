package checker

import (
	"fmt"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck/traces"
)

// traced gives events lines and stamps a second apart.
func tracedEvents(list ...traces.Event) *events {
	for i := range list {
		list[i].Line, list[i].Clock, list[i].Stamp = i+1, traces.Nanoseconds, int64(i+1)*1e9
	}
	return &events{list: list}
}

func task(pid int) traces.Task { return traces.Task{Comm: fmt.Sprintf("t%d", pid), PID: pid} }

// Which events are one life's, where pids come again, and calls are known by
// half.
func TestTracedLives(t *testing.T) {
	stop := func(k, by int) traces.Event {
		return traces.Event{Kind: traces.StopCall, Thread: task(k), By: task(by)}
	}
	ret := func(by, code int) traces.Event {
		return traces.Event{Kind: traces.StopReturn, By: task(by), Code: code, HasCode: true}
	}
	fork := func(k int) traces.Event { return traces.Event{Kind: traces.Fork, Thread: task(k), By: task(2)} }
	out := func(k int, state byte) traces.Event {
		return traces.Event{Kind: traces.SwitchOut, Thread: task(k), State: state}
	}
	addr := traces.Event{Kind: traces.StopCall, Thread: traces.Task{Addr: 0xff00}, By: task(9), Probe: true}
	for _, test := range []struct {
		name   string
		events *events
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
		c, err := New(nil, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		var order []string
		_, err = c.Check(test.events, func(v *Verdict) error {
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
		if text != test.want {
			t.Errorf("%s: %s, want %s", test.name, text, test.want)
		}
	}
}
