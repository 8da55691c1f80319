package checker

import (
	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/traces"
)

// Rules on what comes between a thread's creation and its first wake.

var KT018 = Rule{
	ID: "KT018", Title: "created and never woken", Level: Warning, Kernels: "all",
	Text: `kthread_create() makes a thread that sleeps, in D state, until somebody calls
wake_up_process() on it; kthread_run() does both. A thread whose stack is kthread() and
nothing of its threadfn has not been woken yet: it is not stuck in threadfn, which has
not been entered. If the wake only comes late the hung-task report is a false alarm;
otherwise a path of its creator has forgotten it, or will never come to it.`,
	Find: func(c *Case) []Evidence {
		if c.Verdict.Outcome != NeverWoken || c.Life.Traced() {
			return nil
		}
		var events []int
		for i, e := range c.Life.Events() {
			if e.Kind == traces.KernelReport {
				events = append(events, i)
			}
		}
		if events == nil {
			return nil
		}
		return []Evidence{{Events: events}}
	},
	Say: func(*Life, Evidence) Text {
		return Text{
			Message: "its stack ends in kthread() itself: it is in its first sleep, created and not woken yet; threadfn has not been entered",
			Advice:  "look for the wake_up_process() that its creator owes it; if that just comes late, the report is a false alarm",
		}
	},
}

var KT024 = Rule{
	ID: "KT024", Title: "kthread_bind of a thread that has run", Level: Error, Kernels: "all",
	Text: `kthread_bind() waits until the new thread is in its first sleep and then sets its
CPUs (kernel/kthread.c __kthread_bind_mask: wait_task_inactive()). A thread that somebody
has woken is not there: the kernel warns and does not bind it. It runs on, on any CPU. Bind
between kthread_create() and wake_up_process(), or use kthread_create_on_cpu() or
kthread_run_on_cpu(); of a thread that runs, set_cpus_allowed_ptr() moves it.`,
	FindLog: func(log *Log) []Evidence { return incidents(log.incidents, life.BoundLate) },
	SayLog: func(log *Log, e Evidence) Text {
		i := &log.incidents[e.Incident-1]
		return misuseText(i, Text{
			Message: " found the thread out of its first sleep: it is not bound",
			Advice:  "bind between kthread_create() and the first wake_up_process(); kthread_run() has woken it already",
		})
	},
}

var KT033 = Rule{
	ID: "KT033", Title: "a creation waits for a thread that has not announced itself", Level: Error, Hang: true, Kernels: "all",
	Text: `kthread_create() asks kthreadd (pid 2) to fork, and waits until the new thread has
said that it is there. A task is reported blocked in that wait: kthreadd has not come to the
request, or the new thread not to its first line. That is nothing that a stop or a threadfn
has to do with. Where kthreadd's own stack is in the log, or the report of its death, the
finding says so: every creation waits for it. Up to 3.12 the wait is uninterruptible; from 3.13 on it can be killed, and
then khungtaskd does not report it. kthreadd takes one request after the other: look at
its stack (/proc/2/stack, sysrq-t) and at what the machine lacks, memory mostly.`,
	FindLog: func(log *Log) []Evidence {
		return log.waits(func(w *Wait) bool { return w.In != "kthread_stop" && w.In != "kthread_park" })
	},
	SayLog: func(log *Log, e Evidence) Text {
		w := &log.Waits[e.Wait-1]
		t := Text{
			Message: verb(w) + ": it waits for kthreadd to fork a new thread, and for that to announce itself; no stop is in it",
			Lines:   w.Lines,
			Advice:  "look at what kthreadd is doing: it makes one thread after the other, and memory, or a lock in fork, holds up all of them",
		}
		if w.Where != "" {
			t.Message += "; " + w.Where
		} else {
			t.WouldSettle = "the stack of kthreadd (cat /proc/2/stack, or sysrq-t)"
		}
		return t
	},
}
