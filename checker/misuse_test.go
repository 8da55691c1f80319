package checker

import (
	"strings"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

// crashed is a report of a crash; the address is none where it is negative.
func crashed(report traces.Report, title string, address int64, frames ...string) *traces.Stack {
	s := stack(0, frames...)
	s.Report, s.Title, s.Task = report, title, traces.Task{Comm: "rmmod", PID: 9}
	if address >= 0 {
		s.Address, s.HasAddress = uint64(address), true
	}
	return s
}

// at64 is an address of the upper half.
func at64(s *traces.Stack, address uint64) *traces.Stack {
	s.Address, s.HasAddress = address, true
	return s
}

// Each rule about a crash has a report that shows it, and one that looks like it
// and shows nothing of the sort.
func TestMisuse(t *testing.T) {
	const null, fault = "BUG: kernel NULL pointer dereference", "BUG: unable to handle page fault"
	const warn = "WARNING: CPU: 1 PID: 9 at "
	exit := []string{"m_exit[m]", "do_syscall_64"}
	in := func(frames ...string) []string { return append(frames, exit...) }
	cut := crashed(traces.Oops, null, 0x28, in("kthread_stop")...)
	cut.Cut = true
	above := crashed(traces.Oops, null, 0x28, in("kthread_stop")...)
	above.Above = true
	for _, test := range []struct {
		name  string
		stack *traces.Stack
		want  string // the rule, empty: none
	}{
		{"stop of NULL", crashed(traces.Oops, null, 0x28, in("kthread_stop")...), "KT020"},
		{"stop_put of NULL", crashed(traces.Oops, null, 0x28, in("kthread_stop", "kthread_stop_put")...), "KT020"},
		{"the compiler kept refcount_inc", crashed(traces.Oops, null, 0x28, in("refcount_inc_checked", "kthread_stop")...), "KT020"},
		{"stop of an ERR_PTR", at64(crashed(traces.Oops, fault, 0, in("kthread_stop")...), 0xfffffffffffffffc), "KT020"},
		{"on 32 bits", crashed(traces.Oops, fault, 0xfffffffc, in("kthread_stop")...), "KT020"},
		{"unpark of NULL", crashed(traces.Oops, null, 0x2c, in("kthread_unpark")...), "KT020"},
		{"by KASAN's shadow", at64(crashed(traces.Oops, "general protection fault", 0, in("kthread_stop")...), 0xdffffc0000000005), "KT020"},
		{"by KASAN's shadow of an ERR_PTR", at64(crashed(traces.Oops, fault, 0, in("kthread_stop")...), 0xfffffbfffffffffe), "KT020"},
		{"by KASAN itself", crashed(traces.Oops, "BUG: KASAN: null-ptr-deref in kthread_stop+0x5a/0x2b0", 0x28, in("kthread_stop")...), "KT020"},
		{"a module wakes NULL", crashed(traces.Oops, null, 0x7f0, in("_raw_spin_lock_irqsave", "try_to_wake_up", "wake_up_process")...), "KT020"},
		{"the kernel wakes NULL", crashed(traces.Oops, null, 0x7f0, "_raw_spin_lock_irqsave", "try_to_wake_up", "wake_up_process", "rwsem_wake", "do_syscall_64"), ""},
		{"a module takes a lock at NULL", crashed(traces.Oops, null, 0x10, in("_raw_spin_lock_irqsave")...), ""},
		{"a stack that is cut", cut, ""},
		{"an interrupt on top of a stop", above, ""},
		{"something else inside of a stop", crashed(traces.Oops, null, 0x28, in("kmem_cache_free", "kthread_stop")...), ""},
		{"a module's own function of the name", crashed(traces.Oops, null, 0x28, "kthread_stop[m]", "do_syscall_64"), ""},

		{"no reference left", crashed(traces.Warning, "refcount_t: addition on 0; use-after-free.", -1, in("refcount_warn_saturate", "kthread_stop")...), "KT021"},
		{"in 4.14's words", crashed(traces.Warning, "refcount_t: increment on 0; use-after-free.", -1, in("refcount_inc", "kthread_stop")...), "KT021"},
		{"one put too many", crashed(traces.Warning, "refcount_t: underflow; use-after-free.", -1, in("refcount_warn_saturate", "kthread_stop")...), "KT021"},
		{"KASAN", at64(crashed(traces.Oops, "BUG: KASAN: slab-use-after-free in kthread_stop+0x5a/0x2b0", 0, in("kthread_stop")...), 0xffff88800853aa88), "KT021"},
		{"KASAN in the wait", at64(crashed(traces.Oops, "BUG: KASAN: use-after-free in _raw_spin_lock_irq+0x5a/0xb0", 0, in("_raw_spin_lock_irq", "wait_for_completion", "kthread_stop")...), 0xffff88800853aa88), "KT021"},
		{"slab's poison", at64(crashed(traces.Oops, "general protection fault", 0, in("kthread_stop")...), 0x6b6b6b6b6b6b6b93), "KT021"},
		{"slab's poison on 32 bits", crashed(traces.Oops, fault, 0x6b6b6b7b, in("kthread_stop")...), "KT021"},
		{"a list's poison", at64(crashed(traces.Oops, "general protection fault", 0, in("kthread_stop")...), 0xdead000000000122), "KT021"},
		{"a module's own refcount", crashed(traces.Warning, "refcount_t: underflow; use-after-free.", -1, in("refcount_warn_saturate", "kref_put[m]")...), ""},
		{"a reference to something else while stopping", crashed(traces.Warning, "refcount_t: underflow; use-after-free.", -1, in("refcount_warn_saturate", "put_cred", "kthread_stop")...), ""},
		{"KASAN in the module, after a stop", crashed(traces.Oops, "BUG: KASAN: slab-use-after-free in m_exit+0x5a/0x2b0 [m]", -1, exit...), ""},

		{"no struct kthread", crashed(traces.Oops, null, 0, in("kthread_stop")...), "KT022"},
		{"a completion that is none", crashed(traces.Oops, null, 0, in("wait_for_completion", "kthread_stop")...), "KT022"},
		{"to_kthread warns", crashed(traces.Warning, warn+"kernel/kthread.c:89 kthread_stop+0x12d/0x170", -1, in("kthread_stop")...), "KT022"},
		{"unpark, of what is no task", crashed(traces.Oops, null, 0x28, in("wait_task_inactive", "kthread_unpark")...), "KT022"},
		{"a hung stop", stack('D', in("schedule", "wait_for_completion", "kthread_stop")...), ""},

		{"park", crashed(traces.Warning, warn+"kernel/kthread.c:671 kthread_park+0x9a/0xb0", -1, in("kthread_park")...), "KT023"},
		{"park of no kernel thread", crashed(traces.Warning, warn+"kernel/kthread.c:89 kthread_park+0x9a/0xb0", -1, in("kthread_park")...), "KT022"},
		{"a warning under a parked threadfn", crashed(traces.Warning, warn+"kernel/sched/core.c:9896 __might_sleep+0x9a/0xb0", -1, in("__might_sleep", "kthread_park")...), ""},

		{"bind", crashed(traces.Warning, warn+"kernel/kthread.c:517 __kthread_bind_mask+0x1e/0x60", -1, in("__kthread_bind_mask", "kthread_bind")...), "KT024"},
		{"bind, all in one", crashed(traces.Warning, warn+"kernel/kthread.c:517 kthread_bind+0x1e/0x60", -1, in("kthread_bind")...), "KT024"},
		{"bind, where kernel/kthread.c was short", crashed(traces.Warning, "WARNING: at kernel/kthread.c:182 kthread_bind+0x4f/0x70()", -1, in("kthread_bind")...), "KT024"},
		{"bind of no kernel thread", crashed(traces.Warning, warn+"kernel/kthread.c:95 kthread_bind_mask+0x1e/0x60", -1, in("kthread_bind_mask")...), "KT022"},
		{"an oops in the caller of bind", crashed(traces.Oops, null, 8, exit...), ""},

		{"unpark", crashed(traces.Warning, warn+"kernel/kthread.c:517 __kthread_bind_mask+0x1e/0x60", -1, in("__kthread_bind_mask", "__kthread_bind", "kthread_unpark")...), "KT025"},
		{"stop unparks", crashed(traces.Warning, warn+"kernel/kthread.c:436 __kthread_bind_mask+0x1e/0x60", -1, in("__kthread_bind_mask", "kthread_unpark", "kthread_stop")...), "KT025"},

		{"an ioctl asks", crashed(traces.Warning, warn+"kernel/kthread.c:89 kthread_should_stop+0x2c/0x40", -1, in("kthread_should_stop")...), "KT026"},
		{"an ioctl asks, before 4.10", at64(crashed(traces.Oops, fault, 0, in("kthread_should_stop")...), 0xffffffffffffffc8), "KT026"},
		{"a thread asks, and crashes for another reason", crashed(traces.Oops, null, 0, "kthread_should_stop", "fn[m]", "kthread", "ret_from_fork"), ""},
		{"an ioctl asks, and crashes for another reason", at64(crashed(traces.Oops, fault, 0, in("kthread_should_stop")...), 0xffff88800853aa88), ""},
		{"who asks sleeps in it", crashed(traces.Warning, warn+"kernel/freezer.c:61 __refrigerator+0x2c/0x40", -1, in("__refrigerator", "kthread_freezable_should_stop")...), ""},

		{"the last put", crashed(traces.Warning, warn+"kernel/fork.c:970 __put_task_struct+0x13a/0x180", -1, in("__put_task_struct", "kthread_stop")...), "KT027"},
		{"the last put, by a module itself", crashed(traces.Warning, warn+"kernel/fork.c:970 __put_task_struct+0x13a/0x180", -1, in("__put_task_struct")...), "KT027"},
		{"the last put, by kthread_stop_put", crashed(traces.Warning, warn+"kernel/fork.c:970 __put_task_struct+0x13a/0x180", -1, in("__put_task_struct", "kthread_stop_put")...), "KT027"},
		{"an oops in a put", crashed(traces.Oops, null, 8, in("__put_task_struct")...), ""},
		{"a module asks for another thread's data", crashed(traces.Warning, warn+"kernel/kthread.c:89 kthread_data+0x12d/0x170", -1, in("kthread_data")...), "KT022"},
		{"of one that has gone", at64(crashed(traces.Oops, "general protection fault", 0, in("kthread_func")...), 0x6b6b6b6b6b6b6b93), "KT021"},
		{"a worker that has died asks for its own", crashed(traces.Oops, null, 0x10, "kthread_data", "wq_worker_sleeping", "schedule", "do_exit"), ""},
		{"data behind NULL", crashed(traces.Oops, null, 0x10, in("kthread_data")...), ""},
		{"another count of a task that goes", crashed(traces.Warning, "refcount_t: underflow; use-after-free.", -1, in("refcount_warn_saturate", "__put_task_struct", "kthread_stop")...), ""},
		{"the task's own, in 4.14", crashed(traces.Warning, "refcount_t: underflow; use-after-free.", -1, in("ex_handler_refcount", "put_task_struct", "kthread_stop")...), "KT021"},
		{"the last put, by RCU", crashed(traces.Warning, warn+"kernel/fork.c:970 __put_task_struct+0x13a/0x180", -1, "__put_task_struct", "delayed_put_task_struct", "rcu_do_batch", "kthread"), ""},

		{"threadfn has no code", at64(crashed(traces.Oops, fault, 0, "0xffffffffc08a1063", "kthread", "ret_from_fork"), 0xffffffffc08a1063), "KT028"},
		{"a wild call from threadfn", at64(crashed(traces.Oops, fault, 0, "0xffffffffc08a1063", "fn[m]", "kthread", "ret_from_fork"), 0xffffffffc08a1063), ""},
		{"a call of NULL", crashed(traces.Oops, null, 0, "0x0", "kthread", "ret_from_fork"), ""},
	} {
		got := ""
		log := Log{incidents: []Incident{{Misuse: life.MisuseOf(test.stack), Lines: []int{1}}}}
		log.find()
		for _, f := range log.Findings {
			got += f.Rule.ID
			if f.Text().Message == "" || f.Text().Advice == "" {
				t.Errorf("%s: no words", test.name)
			}
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// An oops ends the thread whose it is, if it is in threadfn. What ends nobody,
// or another, is no death; what that other would have done to this thread is open.
func TestDied(t *testing.T) {
	in := []string{"pump_one[m]", "pump_fn[m]", "kthread", "ret_from_fork"}
	report := func(kind traces.Report, title string, task traces.Task, frames ...string) traces.Event {
		s := crashed(kind, title, 0x18, frames...)
		s.Task, s.Last = task, 15
		return traces.Event{Kind: traces.KernelReport, Line: 10, Before: 9, Thread: task, Text: title, Stack: s}
	}
	pats, err := printk.Parse("p", strings.NewReader("begin loading\nenter {thread}[{pid}] up\nreturn {thread}[{pid}] down\nstop-call {by} stops {thread}[{pid}]\nstop-return {by} stopped {thread}[{pid}]: {code}\n"))
	if err != nil {
		t.Fatal(err)
	}
	pump, rmmod := traces.Task{Comm: "pump", PID: 50}, traces.Task{Comm: "rmmod", PID: 9}
	says := func(kind traces.Kind, line int) traces.Event {
		e := traces.Event{Kind: kind, Line: line, Before: line - 1, Thread: pump, Text: "x", Printed: traces.Printed{Set: pats}}
		if kind == traces.StopCall || kind == traces.StopReturn {
			e.By = rmmod
		}
		return e
	}
	begin := traces.Event{Kind: traces.Begin, Line: 1, Printed: traces.Printed{Set: pats}}
	crash := traces.Event{Kind: traces.Crash, Line: 10, Before: 9}
	null := "BUG: kernel NULL pointer dereference, address: 0000000000000018"
	interrupted := report(traces.Oops, null, pump, in...)
	interrupted.Stack.Above = true
	uaf := report(traces.Warning, "refcount_t: addition on 0; use-after-free.", rmmod, "refcount_warn_saturate", "kthread_stop", "m_exit[m]", "do_syscall_64")
	back := says(traces.StopReturn, 30)
	back.HasCode, back.Code = true, 0
	for _, test := range []struct {
		name   string
		events []traces.Event
		want   Outcome // of pump; empty: no life
	}{
		{"all that the log has", []traces.Event{crash, report(traces.Oops, null, pump, in...)}, Died},
		{"behind its own words", []traces.Event{begin, says(traces.Enter, 2), crash, report(traces.Oops, null, pump, in...)}, Died},
		{"and then a stop", []traces.Event{begin, says(traces.Enter, 2), crash, report(traces.Oops, null, pump, in...), says(traces.StopCall, 29), back}, Died},
		{"it goes on", []traces.Event{begin, says(traces.Enter, 2), crash, report(traces.Oops, null, pump, in...), says(traces.Return, 28), says(traces.StopCall, 29), back}, RanThenStopped},
		{"another task's", []traces.Event{begin, says(traces.Enter, 2), crash, report(traces.Oops, null, rmmod, "m_exit[m]", "do_syscall_64")}, OutcomeUnknown},
		{"a warning", []traces.Event{begin, says(traces.Enter, 2), report(traces.Warning, "WARNING: CPU: 1 PID: 50 at m.c:3 pump_one+0x1/0x2 [m]", pump, in...)}, Running},
		{"KASAN", []traces.Event{begin, says(traces.Enter, 2), crash, report(traces.Oops, "BUG: KASAN: slab-use-after-free in pump_one+0x1/0x2 [m]", pump, in...)}, OutcomeUnknown},
		{"an interrupt's", []traces.Event{begin, says(traces.Enter, 2), crash, interrupted}, OutcomeUnknown},
		{"an interrupt's, on an old kernel", []traces.Event{begin, says(traces.Enter, 2), crash, report(traces.Oops, null, pump, append([]string{"irq_thing[m]", "handle_irq_event", "do_IRQ"}, in...)...)}, OutcomeUnknown},
		{"in do_exit", []traces.Event{begin, says(traces.Enter, 2), crash, report(traces.Oops, null, pump, "exit_mm", "do_exit", "kthread", "ret_from_fork")}, OutcomeUnknown},
		{"of one who has this pid no more", []traces.Event{begin, says(traces.Enter, 2), crash, report(traces.Oops, null, traces.Task{Comm: "other", PID: 50}, in...)}, OutcomeUnknown},
		{"a stop when it had gone", []traces.Event{begin, says(traces.Enter, 2), says(traces.Return, 3), says(traces.StopCall, 9), uaf}, StoppedAfterFree},
		{"a stop when nothing says that it has ended", []traces.Event{begin, says(traces.Enter, 2), says(traces.StopCall, 9), uaf}, StopPending},
		{"a stop of another thread", []traces.Event{begin, says(traces.Enter, 2), says(traces.Return, 3), uaf}, OutcomeUnknown},
	} {
		c, err := New(nil, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		got := Outcome("")
		if _, err := c.Check(&replay{list: test.events}, Options{}, func(v *Verdict) error {
			if v.Fits != FitsYes {
				t.Errorf("%s: %v fits %s: %s", test.name, v.Life.Thread, v.Fits, v.Why)
			}
			if v.Life.Thread == pump {
				got = v.Outcome
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
