package life

import (
	"fmt"
	"slices"

	"github.com/kthread-tla/tracecheck/traces"
)

// What a task's stack shows of a kernel thread.

// find returns the index of the innermost frame of a function in a stack; -1: none.
func find(s *traces.Stack, fn string) int {
	return slices.IndexFunc(s.Frames, func(f traces.Frame) bool { return f.Func == fn })
}

// root returns the index of kthread()'s frame in a stack, the outermost one of that name;
// -1: the stack has none that can be trusted.
func root(s *traces.Stack) int {
	for i := len(s.Frames) - 1; i >= 0; i-- {
		if s.Frames[i].Func == "kthread" && s.Frames[i].Module == "" {
			return i
		}
	}
	return -1
}

// fromKthread are the functions that kthread() itself calls before threadfn
// (kernel/kthread.c kthread, 2.6.32 to 7.0). If kthread() is in one of them, the thread may
// not have come to threadfn yet.
var fromKthread = map[string]bool{
	"complete": true, "kfree": true, "kmalloc": true, "sched_setscheduler_nocheck": true, "set_cpus_allowed_ptr": true,
	"__set_cpus_allowed_ptr": true, "cgroup_kthread_ready": true, "kthread_affine_node": true, "preempt_schedule": true,
	"__kthread_parkme": true, "wait_for_completion": true,
}

// asleepIn says whether fn belongs to schedule() itself, and is not its caller.
func asleepIn(fn string) bool {
	return fn == "schedule" || fn == "__schedule" || fn == "schedule_preempt_disabled" || fn == "__switch_to" ||
		fn == "context_switch" || fn == "switch_to"
}

// leaving are the functions in which a thread is on its way out.
var leaving = []string{"do_exit", "kthread_exit", "kthread_complete_and_exit", "kthread_do_exit", "make_task_dead", "complete_and_exit"}

// Phases returns the phases of the specification in which a thread's stack can look like
// this; nil: the stack does not tell. A phase stands for places in the kernel's source
// (spec/KThreadAPI.tla, Phases), and a stack names such a place. Which phases may follow is
// for the state graph to say.
func Phases(s *traces.Stack) []string {
	k := root(s)
	if k < 0 || s.Cut {
		return nil
	}
	above := s.Frames[:k]
	asleep := 0
	for asleep < len(above) && asleepIn(above[asleep].Func) {
		asleep++
	}
	switch {
	case len(above) == 0:
		return nil
	case asleep == len(above):
		// kthread() itself sleeps only once, until the thread's first wake.
		if s.State == 'D' {
			return []string{"created"}
		}
		return nil
	case slices.ContainsFunc(above, func(f traces.Frame) bool { return slices.Contains(leaving, f.Func) }):
		return []string{"returned", "finished"}
	case above[k-1].Func == "__kthread_parkme":
		// It sleeps there only when it has been asked to park. Else it may have been
		// preempted before it looked, or behind it.
		if asleep == k-1 {
			return []string{"holding", "held"}
		}
		return []string{"decided", "holding", "held", "chosen"}
	case find(s, "kthread_parkme") >= 0 || find(s, "__kthread_parkme") >= 0:
		if asleep > 0 && (above[asleep].Func == "__kthread_parkme" || above[asleep].Func == "kthread_parkme") {
			return []string{"parking", "parked"}
		}
		return []string{"running", "parking", "parked"}
	case above[k-1].Module == "" && fromKthread[above[k-1].Func]:
		return nil
	}
	return []string{"running"}
}

// unwoken says whether a stack shows a thread in its first sleep.
func unwoken(s *traces.Stack) bool {
	p := Phases(s)
	return len(p) == 1 && p[0] == "created"
}

// waitFunctions are the functions in which a task sleeps for a completion or a time.
var waitFunctions = map[string]bool{
	"schedule_timeout": true, "schedule_timeout_uninterruptible": true, "schedule_hrtimeout_range": true, "schedule_hrtimeout_range_clock": true,
	"wait_for_completion": true, "wait_for_completion_killable": true, "wait_for_completion_state": true, "wait_for_common": true,
	"__wait_for_common": true, "do_wait_for_common": true, "wait_task_inactive": true, "schedule_hrtimeout": true,
}

// blockedIn returns the function that waits for a kernel thread in which a stack shows its
// task; empty: none. A cut stack is enough for kthread_stop, and not for the other
// functions, because they do more than wait.
func blockedIn(s *traces.Stack) string {
	if find(s, "kthread_stop") >= 0 {
		return "kthread_stop"
	}
	if s.Cut {
		return ""
	}
	for i, f := range s.Frames {
		switch {
		case i > 0 && f.Module == "" && f.Func == "kthread_park":
			return "kthread_park"
		case i > 0 && f.Module == "" && (f.Func == "__kthread_create_on_node" || f.Func == "kthread_create_on_node" || f.Func == "kthread_create"):
			return "kthread_create_on_node"
		case !asleepIn(f.Func) && !waitFunctions[f.Func]:
			return ""
		}
	}
	return ""
}

// frozenIn says whether a stack shows a thread in the freezer
// (kernel/freezer.c __refrigerator; 2.6 to 7.0).
func frozenIn(s *traces.Stack) bool {
	i := 0
	for i < len(s.Frames) && (asleepIn(s.Frames[i].Func) || waitFunctions[s.Frames[i].Func]) {
		i++
	}
	return i < len(s.Frames) && (s.Frames[i].Func == "__refrigerator" || s.Frames[i].Func == "refrigerator") && s.Frames[i].Module == ""
}

// sleepsAt returns where the thread of a whole stack sleeps, in words; empty: the stack
// does not say.
func sleepsAt(s *traces.Stack) string {
	k := root(s)
	if k < 1 || s.Cut {
		return ""
	}
	i := 0
	for i < k && asleepIn(s.Frames[i].Func) {
		i++
	}
	if i == 0 || i == k {
		return ""
	}
	where := s.Frames[i].Func
	if m := slices.IndexFunc(s.Frames[i:k], func(f traces.Frame) bool { return f.Module != "" }); m > 0 {
		where += ", called from " + s.Frames[i+m].Func + " of module " + s.Frames[i+m].Module
	} else if m == 0 {
		where += " of module " + s.Frames[i].Module
	}
	if s.State != 0 {
		where = fmt.Sprintf("%s (state %c)", where, s.State)
	}
	return where
}
