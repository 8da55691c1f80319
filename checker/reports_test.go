package checker

import (
	"strings"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

// stack is a stack of functions, innermost first; "fn[mod]" is a module's.
func stack(state byte, frames ...string) *traces.Stack {
	s := &traces.Stack{Report: traces.HungTask, State: state}
	for _, f := range frames {
		fn, mod, _ := strings.Cut(f, "[")
		s.Frames = append(s.Frames, traces.Frame{Func: fn, Module: strings.TrimSuffix(mod, "]")})
	}
	return s
}

// Whom a blocked stop waits for is said where it is shown, is called likely
// where one thread of the module is in its threadfn, and else is left open.
func TestWaits(t *testing.T) {
	hung := func(line int, comm string, pid int, s *traces.Stack) traces.Event {
		s.Task = traces.Task{Comm: comm, PID: pid}
		s.Last = line + 10
		return traces.Event{Kind: traces.KernelReport, Line: line, Thread: s.Task, Stack: s, Time: traces.Time{Stamp: 100e9}}
	}
	stop := stack('D', "schedule", "wait_for_completion", "kthread_stop", "m_exit[m]", "do_syscall_64")
	in := func(mod string) *traces.Stack {
		return stack('D', "schedule", "fn["+mod+"]", "kthread", "ret_from_fork")
	}
	pats, err := printk.Parse("p", strings.NewReader("stop-call {by} stops {thread}[{pid}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	said := traces.Event{Kind: traces.StopCall, Line: 1, Thread: traces.Task{Comm: "k", PID: 50}, By: traces.Task{Comm: "rmmod", PID: 9}, Text: "x", Printed: traces.Printed{Set: pats}}
	for _, test := range []struct {
		name    string
		events  []traces.Event
		waits   string
		outcome Outcome // of thread 50
	}{
		{"one of the module", []traces.Event{hung(10, "k", 50, in("m")), hung(30, "rmmod", 9, stop)}, "likely k[50]", OutcomeUnknown},
		{"another module's", []traces.Event{hung(10, "k", 50, in("other")), hung(30, "rmmod", 9, stop)}, "unknown", ""},
		{"two of the module", []traces.Event{hung(10, "k", 50, in("m")), hung(20, "l", 51, in("m")), hung(30, "rmmod", 9, stop)}, "unknown", ""},
		{"said so", []traces.Event{said, hung(30, "rmmod", 9, stop)}, "certain k[50]", StopHung},
		{"no stop", []traces.Event{hung(10, "k", 50, in("m"))}, "", ""},
	} {
		c, err := New(nil, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		got := Outcome("")
		log, err := c.Check(&replay{list: test.events}, Options{}, func(v *Verdict) error {
			if v.Fits != FitsYes {
				t.Errorf("%s: %v fits %s: %s", test.name, v.Life.Thread, v.Fits, v.Why)
			}
			if v.Life.Thread.PID == 50 {
				got = v.Outcome
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		waits := ""
		for _, w := range log.Waits {
			switch {
			case w.Certain:
				waits = "certain " + w.For.String()
			case w.For != traces.Task{}:
				waits = "likely " + w.For.String()
			default:
				waits = "unknown"
			}
		}
		if waits != test.waits || got != test.outcome {
			t.Errorf("%s: waits %q, outcome %q; want %q, %q", test.name, waits, got, test.waits, test.outcome)
		}
	}
}
