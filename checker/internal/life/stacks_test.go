package life

import (
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/traces"
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

func TestPhases(t *testing.T) {
	cut := stack('D', "schedule", "kthread", "ret_from_fork")
	cut.Cut = true
	for _, test := range []struct {
		name  string
		stack *traces.Stack
		want  string
	}{
		{"first sleep", stack('D', "__schedule", "schedule", "schedule_preempt_disabled", "kthread", "ret_from_fork"), "created"},
		{"first sleep of old", stack('D', "schedule", "kthread", "kernel_thread_helper"), "created"},
		{"not blocked: it may just have been woken", stack('R', "schedule", "kthread", "ret_from_fork"), ""},
		{"no state", stack(0, "schedule", "kthread", "ret_from_fork"), ""},
		{"cut", cut, ""},
		{"in threadfn", stack('D', "schedule", "schedule_timeout", "fn[m]", "kthread", "ret_from_fork"), "running"},
		{"built-in threadfn", stack('S', "schedule", "kthread_worker_fn", "kthread"), "running"},
		{"moved to another CPU before threadfn", stack('D', "schedule", "wait_for_completion", "set_cpus_allowed_ptr", "kthread"), ""},
		{"parked before threadfn", stack('P', "schedule", "__kthread_parkme", "kthread"), "holding held"},
		{"parked in threadfn", stack('P', "schedule", "__kthread_parkme", "kthread_parkme", "fn[m]", "kthread"), "parking parked"},
		{"preempted before it looks whether to park", stack('R', "__schedule", "preempt_schedule_irq", "irqentry_exit", "__kthread_parkme", "kthread"), "decided holding held chosen"},
		{"the same in threadfn", stack('R', "__schedule", "preempt_schedule_irq", "kthread_parkme", "fn[m]", "kthread"), "running parking parked"},
		{"tells that it is parked", stack('D', "complete", "__kthread_parkme", "fn[m]", "kthread"), "running parking parked"},
		{"on its way out", stack('D', "schedule", "exit_mm", "do_exit", "kthread_exit", "kthread"), "returned finished"},
		{"out by itself", stack('D', "schedule", "do_exit", "kthread_complete_and_exit", "fn[m]", "kthread"), "returned finished"},
		{"a module's own function called kthread", stack('D', "schedule", "kthread[m]", "do_syscall_64"), ""},
		{"no kernel thread", stack('D', "schedule", "kthread_stop", "rmmod_fn[m]", "do_syscall_64"), ""},
		{"just the root", stack('R', "kthread", "ret_from_fork"), ""},
	} {
		if got := strings.Join(Phases(test.stack), " "); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
