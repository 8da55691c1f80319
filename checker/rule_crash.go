package checker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/traces"
)

// Rules on the reports of oopses and warnings.

var KT012 = Rule{
	ID: "KT012", Title: "an oops in the thread's time", Level: Note, Kernels: "all",
	Text: `A thread that oopses exits all the same, and a kthread_stop() of it returns.
The log has a report of an oops or a BUG in this thread's time. Where the report names its
task, and both pids are known, the message says so; where it does not, that this thread died
there is allowed for. What another task that died would still have done, or printed, never
came, so that its silence proves nothing.`,
	Find: func(c *Case) []Evidence {
		if c.Life.Crash == 0 || c.h.died || c.h.gone {
			return nil
		}
		return []Evidence{{}}
	},
	Say: func(l *Life, _ Evidence) Text {
		t := Text{
			Message: "the kernel reports an oops while the thread may have been alive: that it ended there is possible, and not told apart",
			Lines:   []int{l.Crash},
		}
		if l.CrashOf != (traces.Task{}) {
			t.Message = fmt.Sprintf("the kernel reports an oops of %s in the thread's time: what that task would have done to it, or said, is open", l.CrashOf)
		}
		return t
	},
}

var KT020 = Rule{
	ID: "KT020", Title: "NULL or an ERR_PTR in place of a thread", Level: Error, Kernels: "all",
	Text: `kthread_create() and kthread_run() return an ERR_PTR where they fail: -ENOMEM,
-EAGAIN, -EINTR by a signal that kills the caller. kthread_stop(), kthread_park(),
kthread_unpark() and wake_up_process() take it, or NULL, for a task and read a member of
it: the fault address is a member's offset, below one page, or in the last page of all
(ERR_PTR(-12) and a small offset, which may also come out as a small address). There
never was a thread. It crashes the caller, not a kernel thread; on rmmod the module stays
half unloaded, and only a reboot gets rid of it.

Test the pointer with IS_ERR() where the thread is created, and let the module's init
fail. Keep NULL in place of an ERR_PTR, and set NULL again after kthread_stop(): a
clean-up that runs after a failed start then has something to test.`,
	FindLog: func(log *Log) []Evidence { return incidents(log.incidents, life.NoTask) },
	SayLog:  func(log *Log, e Evidence) Text { return sayNoTask(&log.incidents[e.Incident-1]) },
}

var KT021 = Rule{
	ID: "KT021", Title: "a thread was used after it had gone", Level: Error, Kernels: "all",
	Text: `A thread whose threadfn returns, or that oopses, is reaped at once, and its
task_struct goes after an RCU grace period unless somebody holds a reference. kthread_stop()
takes its reference too late for that: it must find the task there. refcount_t's "addition
on 0" or "underflow" in kthread_stop(), KASAN's use-after-free in it, and a fault address
of freed memory (6b6b6b6b6b6b6b6b, dead000000000122) show that it was not.

Either the thread must not end before it is stopped: let threadfn wait for
kthread_should_stop(), as in
  set_current_state(TASK_INTERRUPTIBLE); while (!kthread_should_stop()) schedule();
(and set the state again in the loop). Or hold it: get_task_struct() after kthread_create()
and before wake_up_process(), not after kthread_run(), which is too late; and at the end
kthread_stop_put() (6.7 and later; before, kthread_stop() and put_task_struct()). A
thread that nobody stops ends by kthread_complete_and_exit() (5.17; before,
complete_and_exit()). Memory has been touched that may be somebody else's: reboot.`,
	Find:    func(c *Case) []Evidence { return incidents(c.Life.Incidents, life.AfterFree) },
	FindLog: func(log *Log) []Evidence { return incidents(log.incidents, life.AfterFree) },
	Say:     func(l *Life, e Evidence) Text { return sayAfterFree(&l.Incidents[e.Incident-1]).about(l.Thread) },
	SayLog:  func(log *Log, e Evidence) Text { return sayAfterFree(&log.incidents[e.Incident-1]) },
}

var KT022 = Rule{
	ID: "KT022", Title: "used on a task that is no kernel thread, or none any more", Level: Error, Kernels: "all",
	Text: `kthread_stop(), kthread_park() and kthread_unpark() look for the struct kthread of
the task that they are given. Here there was none: to_kthread() warns (4.10 and later), or
the flags at address 0 are written to, or a completion in it is not one. Mostly the thread
had ended by itself with no reference held, and its memory was free or another task's; the
other way is a pointer that never came from kthread_create(). What to do for the first is
in KT021. The report does not tell the two apart; KASAN does.`,
	Find:    func(c *Case) []Evidence { return incidents(c.Life.Incidents, life.NoKthread) },
	FindLog: func(log *Log) []Evidence { return incidents(log.incidents, life.NoKthread) },
	Say:     func(l *Life, e Evidence) Text { return sayNoKthread(&l.Incidents[e.Incident-1]).about(l.Thread) },
	SayLog:  func(log *Log, e Evidence) Text { return sayNoKthread(&log.incidents[e.Incident-1]) },
}

var KT023 = Rule{
	ID: "KT023", Title: "kthread_park was refused, or did not hold", Level: Error, Kernels: "4.10 and later",
	Text: `kthread_park() warns and returns -ENOSYS for a thread that is exiting (4.10 and
later), and warns and returns -EBUSY for one that is asked to park already (4.18 and later;
once a boot). Nothing is parked by such a call. A third warning there is about a thread that
had parked and was found awake: something else than kthread_unpark() has woken it. Who parks should own the thread: park once,
unpark once, and stop it only when nobody parks it. A kthread_park() that races with a
kthread_stop() or with the thread's own end may also wait for ever.`,
	FindLog: func(log *Log) []Evidence { return incidents(log.incidents, life.ParkRefused) },
	SayLog: func(log *Log, e Evidence) Text {
		i := &log.incidents[e.Incident-1]
		return misuseText(i, Text{
			Message:     " warned: the thread is on its way out (-ENOSYS), or somebody has asked it to park already and has not unparked it (-EBUSY, 4.18 and later), or it had parked and did not stay asleep",
			Advice:      "park a thread once, and unpark it before the next time; do not park one that may end by itself",
			WouldSettle: "what kthread_park() returned; line " + strconv.Itoa(i.KthreadLine) + " of kernel/kthread.c in this kernel's source",
		})
	},
}

var KT025 = Rule{
	ID: "KT025", Title: "a thread was unparked that is not parked", Level: Warning, Kernels: "4.10 and later",
	Text: `kthread_unpark() of a thread that belongs to one CPU binds it again, and for that
it must be parked. It is not: it has ended, it has not come to park, or it was unparked
before. After a kthread_park() that returned an error there is nothing to unpark.
kthread_stop() calls kthread_unpark() itself, and up to 6.12 does so also where nothing is
parked: there the warning does no harm.`,
	FindLog: func(log *Log) []Evidence { return incidents(log.incidents, life.NotParked) },
	SayLog: func(log *Log, e Evidence) Text {
		i := &log.incidents[e.Incident-1]
		return misuseText(i, Text{
			Message: " is about a thread of one CPU that is not parked: it has ended, or has not come to park, or was unparked before",
			Advice:  "unpark only what kthread_park() has parked, with 0 returned; kthread_stop() itself unparks, and there (4.10 to 6.12) the warning does no harm",
		})
	},
}

var KT026 = Rule{
	ID: "KT026", Title: "a task that is no kernel thread asks whether it should stop", Level: Error, Kernels: "all",
	Text: `kthread_should_stop(), kthread_should_park() and kthread_parkme() are about the task
that calls them. A task of user space has no struct kthread: to_kthread() warns, and then
NULL is followed. That happens where code of a threadfn is also called from an ioctl, a
module's exit, or a timer. Let threadfn hand the answer on in a flag of its own.`,
	FindLog: func(log *Log) []Evidence { return incidents(log.incidents, life.NotSelf) },
	SayLog: func(log *Log, e Evidence) Text {
		i := &log.incidents[e.Incident-1]
		return misuseText(i, Text{
			Message: " found that the task that calls it is no kernel thread of kthread_create's",
			Advice:  "call it in threadfn alone, and in what threadfn calls; what user tasks, timers and interrupts call needs a flag of its own",
		})
	},
}

var KT027 = Rule{
	ID: "KT027", Title: "the last reference to a living task was dropped", Level: Error, Kernels: "all",
	Text: `__put_task_struct() frees a task_struct, and warns where the task has not exited or
is the caller itself (kernel/fork.c). Somebody has called put_task_struct() without a
get_task_struct(), or kthread_stop_put() and put_task_struct() both. (Where a module itself
drops the last reference the task need not be a kernel thread.) kthread_stop() takes
and drops a reference of its own and never the caller's.`,
	FindLog: func(log *Log) []Evidence { return incidents(log.incidents, life.PutTooMany) },
	SayLog: func(log *Log, e Evidence) Text {
		i := &log.incidents[e.Incident-1]
		return misuseText(i, Text{
			Message: " dropped the last reference to a task that is not dead, or is in use",
			Advice:  "each put_task_struct() needs a get_task_struct(); kthread_stop() takes and drops a reference of its own, only kthread_stop_put() drops the caller's too",
		})
	},
}

var KT028 = Rule{
	ID: "KT028", Title: "a thread outlived the code that it runs", Level: Error, Kernels: "all",
	Text: `A thread was in its threadfn, and at that address there is no code and no symbol: its
module has been unloaded under it. Nobody waits for a thread that ends by itself; a module's
exit that does not stop it, or that only waits for a flag which threadfn sets before it
returns, is over while the last instructions are still to run.

Stop every thread in module exit: kthread_stop() returns when threadfn has been left. A
thread that nobody stops must end by kthread_complete_and_exit() (5.17; before,
complete_and_exit()) with a completion that module exit waits for, or by
module_put_and_kthread_exit() with a reference to the module that it holds: then the last
instructions are the kernel's own.`,
	Find:    func(c *Case) []Evidence { return incidents(c.Life.Incidents, life.CodeGone) },
	FindLog: func(log *Log) []Evidence { return incidents(log.incidents, life.CodeGone) },
	Say:     func(l *Life, e Evidence) Text { return sayCodeGone(&l.Incidents[e.Incident-1]) },
	SayLog:  func(log *Log, e Evidence) Text { return sayCodeGone(&log.incidents[e.Incident-1]) },
}

var KT029 = Rule{
	ID: "KT029", Title: "the thread died in threadfn", Level: Error, Kernels: "all",
	Text: `The task of an oops or a BUG is this thread, in the middle of its threadfn. It exits
there and then (kernel/exit.c make_task_dead; before 5.17 do_exit), and raises the
completion that kthread_stop() waits for, so a stop returns. What it returns is the signal's
number (11 for SIGSEGV, 9 for SIGKILL) up to 5.16 and from 7.0 on. From 5.17 to 6.x it is 0,
like that of a thread that ended well, because kthread->result was never written. Without a
reference the thread is gone soon, and a stop of it then is a use after free: see KT021.

Nothing that threadfn would have done at its end is done: its locks stay locked, its
references held. Where threadfn's code had gone, KT028 says so in place of this rule. A WARN, a soft lockup, KASAN and "scheduling while atomic" kill no thread.`,
	Find: func(c *Case) []Evidence {
		if !c.h.died || incidents(c.Life.Incidents, life.CodeGone) != nil { // that is why it died
			return nil
		}
		oops := slices.IndexFunc(c.Life.Events(), func(e traces.Event) bool {
			return e.Kind == traces.KernelReport && e.Stack.Report == traces.Oops && e.Thread.PID == c.Life.Thread.PID
		})
		e := Evidence{Events: []int{oops}}
		for _, s := range c.h.stops {
			if s.Returned >= 0 && c.Life.Events()[s.Returned].HasCode {
				e.Events = append(e.Events, s.Returned)
				break
			}
		}
		return []Evidence{e}
	},
	Say: sayDied,
}

// holdIt is what to do for a thread that may end before it is stopped.
const holdIt = "if threadfn may return before it is stopped, get_task_struct() between kthread_create() and the wake, and kthread_stop_put() (6.7; before: kthread_stop, put_task_struct); or let threadfn wait for kthread_should_stop() before it returns"

// misuseText completes the words on what was done wrong: who did it, and where that is
// reported.
func misuseText(i *Incident, t Text) Text {
	by := i.By.String()
	if i.By == (traces.Task{}) {
		by = "a task"
	}
	called := fmt.Sprintf("%s: %s()", by, i.In)
	if i.Module != "" {
		called += ", called by " + i.Caller + " of module " + i.Module + ","
	}
	t.Message, t.Lines = called+t.Message, i.Lines
	if i.Likely != (traces.Task{}) {
		t.Message += fmt.Sprintf("; likely %s, the one thread of which a stop is under way by the messages", i.Likely)
	}
	return t
}

// about adds the name of the thread that was misused, if it is known.
func (t Text) about(thread traces.Task) Text {
	t.Message += fmt.Sprintf("; the thread is %s", thread)
	return t
}

func sayNoTask(i *Incident) Text {
	what := "is below one page"
	switch p, shadowed := life.PointerAt(i.Address); {
	case shadowed:
		what = "is KASAN's shadow of the first page, or of the last"
	case p == life.ErrPointer:
		what = "is in the last page of all"
	}
	t := misuseText(i, Text{
		Message: fmt.Sprintf(" was given NULL or an ERR_PTR, and no thread: the fault address %#x %s", i.Address, what),
		Advice:  "test what kthread_create() and kthread_run() return with IS_ERR(), keep no ERR_PTR, and set the pointer to NULL when the thread has been stopped",
	})
	if i.Failed > 0 {
		t.Message += fmt.Sprintf(" (a kthread_create() had failed, line %d)", i.Failed)
	}
	return t
}

func sayAfterFree(i *Incident) Text {
	t := Text{Advice: holdIt}
	switch {
	case strings.Contains(i.Title, "underflow"):
		t.Message = " dropped its own reference to the thread, and there was none left (" + i.Title + "): the thread had ended and was gone, or somebody has put one too many"
	case i.Title != "":
		t.Message = " found no reference left to the thread (" + i.Title + "): it had ended, and its task_struct was gone"
	case slices.Contains(life.ModulesOwn, i.In):
		t.Message = " touched a task_struct that was freed: the task had ended"
	default:
		t.Message = " touched memory of the thread that was freed: the thread had ended, and nobody held a reference"
	}
	return misuseText(i, t)
}

func sayNoKthread(i *Incident) Text {
	return misuseText(i, Text{
		Message:     " was given a task that has no struct kthread, or is no task: a thread that had gone without a reference held, or none of kthread_create's",
		WouldSettle: "a recording of sched_process_exit and sched_kthread_stop, or a kernel with KASAN",
		Advice:      holdIt,
	})
}

func sayCodeGone(i *Incident) Text {
	return Text{
		Message: fmt.Sprintf("%s was in its threadfn at %#x, where no code is any more: its module has been unloaded, or never was at that address", i.By, i.Address),
		Lines:   i.Lines,
		Advice:  "stop every thread in module exit, or let one that ends by itself end by kthread_complete_and_exit() (5.17; before: complete_and_exit) and wait for that completion in module exit; what the thread held it holds for ever, and only a reboot makes the machine sound",
	}
}

// sayDied says how a thread died, and what a stop of it returns.
func sayDied(l *Life, e Evidence) Text {
	s := l.Events()[e.Events[0]].Stack
	in := s.Frames[0].Func
	if i := slices.IndexFunc(s.Frames, func(f traces.Frame) bool { return f.Module != "" }); i > 0 {
		in += ", called from " + s.Frames[i].Func + " of module " + s.Frames[i].Module
	} else if i == 0 {
		in += " of module " + s.Frames[i].Module
	}
	t := Text{
		Message: fmt.Sprintf("it died in threadfn, in %s (%q)", in, s.Title),
		Advice:  "mend the oops; what the thread held it holds for ever, locks and references too, so that others may hang, and only a reboot makes the machine sound",
	}
	if len(e.Events) > 1 {
		result := l.Events()[e.Events[1]].Code
		t.Message += fmt.Sprintf("; kthread_stop returned %d all the same", result)
		if result == 0 {
			t.Message += ", which hides the death: from 5.17 to 6.x what an oops leaves is not what kthread_stop reads"
		}
	}
	return t
}
