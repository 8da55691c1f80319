package checker

// A Level says how bad a finding is.
type Level string

const (
	Note    Level = "note"    // good to know; legal
	Warning Level = "warning" // cannot be decided, or looks wrong
	Error   Level = "error"   // a violation, or a hang
)

// A Rule is a kind of finding. IDs are never used for anything else again. Each
// has two examples in the folder rules: see Bad and Good.
type Rule struct {
	ID      string
	Title   string
	Level   Level
	Hang    bool   // a finding of it is a hang, not a violation
	Kernels string // where it applies
	Text    string // what it means, why, and what to do
}

var (
	ruleStoppedBeforeRun = &Rule{
		ID: "KT001", Title: "stopped before it ran", Level: Note, Kernels: "2.6.31 and later",
		Text: `kthread() tests KTHREAD_SHOULD_STOP once, after its first sleep and before
it calls threadfn. A kthread_stop() that sets the flag before that test makes the
thread exit with -EINTR, and threadfn is never called. That is legal, whether or not
wake_up_process() was called before: waking a thread makes it runnable, no more.
kthread_stop()'s own comment ("-EINTR if wake_up_process() was never called") names
only one of the two ways to get there.

If threadfn must run at least once, wait for it before stopping: let threadfn call
complete() on a completion first thing, and call wait_for_completion() on it between
kthread_run() and kthread_stop(). Do not count on a sleep. If threadfn frees what it
was given, free that yourself when kthread_stop() returns -EINTR.`,
	}
	ruleWrongValue = &Rule{
		ID: "KT002", Title: "kthread_stop returned another value than the thread ended with", Level: Error, Kernels: "all",
		Text: `The value that threadfn returns is stored in the task (exit_code) before the
completion that kthread_stop() waits for, and kthread_stop() returns that very value:
an int, not shifted, not cut to 8 bits. Two different values for one thread mean that
the messages are about two threads, or that one of them prints another variable.`,
	}
	ruleValueNotRun = &Rule{
		ID: "KT003", Title: "kthread_stop returned a value of a threadfn that never ran", Level: Error, Kernels: "2.6.31 and later",
		Text: `A thread that never entered threadfn ends with -EINTR (-4), and so does its
kthread_stop(). Any other value comes from a threadfn that was entered, or from an
oops inside it. A message of threadfn that was filtered or lost explains it; otherwise
the value printed is not kthread_stop()'s.`,
	}
	ruleStopTooEarly = &Rule{
		ID: "KT004", Title: "kthread_stop returned before threadfn did", Level: Error, Kernels: "all",
		Text: `kthread_stop() waits for the completion that the thread raises in do_exit(),
after threadfn has returned. Nothing of threadfn can come after it. Either the message
is not printed after kthread_stop(), or the two lines are about two threads.`,
	}
	ruleAfterEnd = &Rule{
		ID: "KT005", Title: "threadfn acts outside its one run", Level: Error, Kernels: "all",
		Text: `threadfn is called at most once in a thread's life, and when the thread has
ended, or kthread_stop() has returned, nothing of it runs any more. A second
"entered", or one after the stop, is another thread of the same name, or a message
that somebody else prints.`,
	}
	ruleReturnNotEntered = &Rule{
		ID: "KT006", Title: "threadfn returns without having been entered", Level: Error, Kernels: "all",
		Text: `A module that prints a line first thing in threadfn, and whose log holds no
such line for this thread, cannot have threadfn return. The line was filtered or lost
without a trace, or the message of the return is printed elsewhere too.`,
	}
	ruleNoStop = &Rule{
		ID: "KT007", Title: "a stop returned that nobody had called, or that nothing was left for", Level: Error, Kernels: "4.10 and later",
		Text: `kthread_stop() sets the flag, waits, and returns. A return needs a call, and
it takes the one count that the exit left in the completion: of two stops of one
thread only one returns. (Up to 4.9 a stop that comes after the exit skips the wait.)`,
	}
	ruleSecondStop = &Rule{
		ID: "KT008", Title: "a second kthread_stop cannot return", Level: Error, Hang: true, Kernels: "4.10 and later",
		Text: `The thread's exit calls complete(), not complete_all(): it serves one
kthread_stop(). A second one on the same thread waits for ever in D state, even with a
reference held; without one it touches a task_struct that is gone. Stop each thread
once: let one owner do it, and clear the pointer under a lock.
(Up to 4.9 a second stop that comes after the exit returns at once.)`,
	}
	ruleMisfit = &Rule{
		ID: "KT009", Title: "the order of the lines is not possible", Level: Error, Kernels: "all",
		Text: `No order of the kernel's steps explains the lines as they stand. The report
names the first line that does not fit, and what would have been possible there.`,
	}
	ruleTwoThreads = &Rule{
		ID: "KT010", Title: "not the lines of one thread", Level: Warning, Kernels: "all",
		Text: `The lines name a thread without a pid, outside a set of messages whose begin
line is in the log, and no one thread can have caused them all. They may well be about
two threads of the same name, so nothing is said against them. A log that begins where
the module is loaded, or messages with the pid, would decide it.`,
	}
	ruleEintrUnclear = &Rule{
		ID: "KT011", Title: "-EINTR, and no evidence whether threadfn ran", Level: Note, Kernels: "2.6.31 and later",
		Text: `-EINTR from kthread_stop() nearly always means that threadfn was never called.
But a threadfn can return -EINTR itself, and then the two look alike from outside.`,
	}
	ruleCrash = &Rule{
		ID: "KT012", Title: "an oops in the thread's time", Level: Note, Kernels: "all",
		Text: `A thread that oopses exits all the same, and a kthread_stop() of it returns.
The log has a report of an oops or a BUG in this thread's time. Where the report names its
task, and both pids are known, the message says so; where it does not, that this thread died
there is allowed for. What another task that died would still have done, or printed, never
came, so that its silence proves nothing.`,
	}
	ruleSecondStopOlder = &Rule{
		ID: "KT014", Title: "a second kthread_stop cannot return on Linux 4.10 and later", Level: Warning, Kernels: "4.10 and later",
		Text: `As KT008, in a log that does not tell its kernel. Up to 4.9 a second stop that
comes after the thread's exit returns at once; from 4.10 on it waits for ever. Name
the kernel with --kernel to have it decided.`,
	}
	ruleBlockedStop = &Rule{
		ID: "KT015", Title: "a kthread_stop is blocked", Level: Error, Hang: true, Kernels: "all",
		Text: `A hung-task report shows a task in kthread_stop(), waiting for a thread to end, or
two looks at it (sysrq) do that are 30 seconds or more apart. kthread_stop() has no timeout: it returns when the thread
has, whenever that is. Look at what the thread does: a threadfn that does not test
kthread_should_stop(), that tests it before it sets its state and so loses the wake-up,
that is frozen, or that waits for something the stopper holds, never returns. If it
is just slow the stop returns late, and the report was all there is to it.

On the live machine only the thread's end ends the wait. The stopper takes no signal
there, SIGKILL neither, and rmmod -f does not get past it. What can be done: look at the
thread (cat /proc/PID/stack, sysrq-t), and make happen what it waits for, or thaw it. If
it loops without testing kthread_should_stop(), that is a reboot.`,
	}
	ruleSuspect = &Rule{
		ID: "KT016", Title: "probably the thread that a blocked kthread_stop waits for", Level: Warning, Kernels: "all",
		Text: `A task is blocked in a kthread_stop() that a module called, and this is the one
thread of that module whose stack the log shows in its threadfn. A stack does not say
which thread is being stopped, and a thread that sleeps interruptibly has no hung-task
report, so this is likely and not certain.`,
	}
	ruleNotKthread = &Rule{
		ID: "KT017", Title: "hung tasks, but none in kthread_stop", Level: Note, Kernels: "all",
		Text: `The log has hung-task reports, and kthread_stop() is in none of their stacks.
What hangs there waits for a lock, for I/O, for memory or for a reference, and not for
a kernel thread to end. Where stacks are cut, or messages missing, that is said of what the
log has, and the finding says so.`,
	}
	ruleNeverWoken = &Rule{
		ID: "KT018", Title: "created and never woken", Level: Warning, Kernels: "all",
		Text: `kthread_create() makes a thread that sleeps, in D state, until somebody calls
wake_up_process() on it; kthread_run() does both. A thread whose stack is kthread() and
nothing of its threadfn has not been woken yet: it is not stuck in threadfn, which has
not been entered. If the wake only comes late the hung-task report is a false alarm;
otherwise a path of its creator has forgotten it, or will never come to it.`,
	}
	ruleBackport = &Rule{
		ID: "KT019", Title: "depends on a change that this kernel may have", Level: Warning, Kernels: "all",
		Text: `The number of a distribution's kernel says which release it started from, not
which later changes were taken into it, and stable releases get some as well. The life
is judged by the rules of the number. By those of the next era it would be judged
otherwise, and no line of the log shows which of the two this kernel has: only its
source tells, or a test on it. What the number alone would call a violation is
inconclusive where the next era allows it. Where the two agree nothing is said.`,
	}
	ruleNoTask = &Rule{
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
	}
	ruleAfterFree = &Rule{
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
	}
	ruleNoKthread = &Rule{
		ID: "KT022", Title: "used on a task that is no kernel thread, or none any more", Level: Error, Kernels: "all",
		Text: `kthread_stop(), kthread_park() and kthread_unpark() look for the struct kthread of
the task that they are given. Here there was none: to_kthread() warns (4.10 and later), or
the flags at address 0 are written to, or a completion in it is not one. Mostly the thread
had ended by itself with no reference held, and its memory was free or another task's; the
other way is a pointer that never came from kthread_create(). What to do for the first is
in KT021. The report does not tell the two apart; KASAN does.`,
	}
	rulePark = &Rule{
		ID: "KT023", Title: "kthread_park was refused, or did not hold", Level: Error, Kernels: "4.10 and later",
		Text: `kthread_park() warns and returns -ENOSYS for a thread that is exiting (4.10 and
later), and warns and returns -EBUSY for one that is asked to park already (4.18 and later;
once a boot). Nothing is parked by such a call. A third warning there is about a thread that
had parked and was found awake: something else than kthread_unpark() has woken it. Who parks should own the thread: park once,
unpark once, and stop it only when nobody parks it. A kthread_park() that races with a
kthread_stop() or with the thread's own end may also wait for ever.`,
	}
	ruleBind = &Rule{
		ID: "KT024", Title: "kthread_bind of a thread that has run", Level: Error, Kernels: "all",
		Text: `kthread_bind() waits until the new thread is in its first sleep and then sets its
CPUs (kernel/kthread.c __kthread_bind_mask: wait_task_inactive()). A thread that somebody
has woken is not there: the kernel warns and does not bind it. It runs on, on any CPU. Bind
between kthread_create() and wake_up_process(), or use kthread_create_on_cpu() or
kthread_run_on_cpu(); of a thread that runs, set_cpus_allowed_ptr() moves it.`,
	}
	ruleUnpark = &Rule{
		ID: "KT025", Title: "a thread was unparked that is not parked", Level: Warning, Kernels: "4.10 and later",
		Text: `kthread_unpark() of a thread that belongs to one CPU binds it again, and for that
it must be parked. It is not: it has ended, it has not come to park, or it was unparked
before. After a kthread_park() that returned an error there is nothing to unpark.
kthread_stop() calls kthread_unpark() itself, and up to 6.12 does so also where nothing is
parked: there the warning does no harm.`,
	}
	ruleNotSelf = &Rule{
		ID: "KT026", Title: "a task that is no kernel thread asks whether it should stop", Level: Error, Kernels: "all",
		Text: `kthread_should_stop(), kthread_should_park() and kthread_parkme() are about the task
that calls them. A task of user space has no struct kthread: to_kthread() warns, and then
NULL is followed. That happens where code of a threadfn is also called from an ioctl, a
module's exit, or a timer. Let threadfn hand the answer on in a flag of its own.`,
	}
	rulePutTooMany = &Rule{
		ID: "KT027", Title: "the last reference to a living task was dropped", Level: Error, Kernels: "all",
		Text: `__put_task_struct() frees a task_struct, and warns where the task has not exited or
is the caller itself (kernel/fork.c). Somebody has called put_task_struct() without a
get_task_struct(), or kthread_stop_put() and put_task_struct() both. (Where a module itself
drops the last reference the task need not be a kernel thread.) kthread_stop() takes
and drops a reference of its own and never the caller's.`,
	}
	ruleModuleGone = &Rule{
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
	}
	ruleDied = &Rule{
		ID: "KT029", Title: "the thread died in threadfn", Level: Error, Kernels: "all",
		Text: `The task of an oops or a BUG is this thread, in the middle of its threadfn. It exits
there and then (kernel/exit.c make_task_dead; before 5.17 do_exit), and raises the
completion that kthread_stop() waits for, so a stop returns. What it returns is the signal's
number (11 for SIGSEGV, 9 for SIGKILL) up to 5.16 and from 7.0 on. From 5.17 to 6.x it is 0,
like that of a thread that ended well, because kthread->result was never written. Without a
reference the thread is gone soon, and a stop of it then is a use after free: see KT021.

Nothing that threadfn would have done at its end is done: its locks stay locked, its
references held. Where threadfn's code had gone, KT028 says so in place of this rule. A WARN, a soft lockup, KASAN and "scheduling while atomic" kill no thread.`,
	}
	ruleSelfStop = &Rule{
		ID: "KT030", Title: "a thread stops itself", Level: Error, Hang: true, Kernels: "all",
		Text: `kthread_stop() waits for the thread to end, and here the caller is that thread: it
waits for itself for ever, in D state. It happens where a clean-up function is reached from
threadfn too (an error path, the last put of an object, a work that the thread runs).
Nothing on the live machine ends it. A thread that wants to end returns from threadfn; who
cleans up tests current against the thread, or leaves the stop to somebody else.`,
	}
	ruleFrozen = &Rule{
		ID: "KT031", Title: "the thread that is stopped is frozen", Level: Warning, Kernels: "all",
		Text: `A thread in __refrigerator() leaves it when it is thawed. A kthread_stop() sets
the flag and waits until then. Up to 6.0 its wake gets as far as the loop in the
refrigerator: kthread_freezable_should_stop() sees the flag there and goes, try_to_freeze()
sleeps on. From 6.1 on a frozen thread is in TASK_FROZEN, which no kthread_stop() wakes:
all of them stay. It is no hang of its own: the stop lasts as long as the freeze. It becomes
one where whoever would thaw waits for the stopper.

Stop threads before they are frozen (a PM notifier), or do not make them freezable: a
kernel thread is not, until it calls set_freezable().`,
	}
	ruleLostWake = &Rule{
		ID: "KT032", Title: "asleep behind the stop's wake", Level: Warning, Kernels: "all",
		Text: `kthread_stop() sets the flag and wakes the thread once. That wake found the thread
awake, so it did nothing, and after that the thread went to sleep. This is how a wake-up is
lost: threadfn tests kthread_should_stop() (no), kthread_stop() sets the flag and wakes,
threadfn sets its state and calls schedule(). It also is what a threadfn looks like that
does not test at all, and one that sleeps for a while and tests then.

  set_current_state(TASK_UNINTERRUPTIBLE);  first: it is a barrier, and from here on
  if (!kthread_should_stop())               a wake makes the thread runnable again
          schedule();
  __set_current_state(TASK_RUNNING);

or wait_event(), with kthread_should_stop() in its condition. From 6.1 on a sleep in
TASK_INTERRUPTIBLE does not last there, because kthread_stop() leaves a signal pending
(TIF_NOTIFY_SIGNAL); in TASK_UNINTERRUPTIBLE and TASK_IDLE it does on every kernel. On the
live machine one more wake is enough, if there is a way to cause what the thread waits for.`,
	}
	ruleBlockedCreate = &Rule{
		ID: "KT033", Title: "a creation waits for a thread that has not announced itself", Level: Error, Hang: true, Kernels: "all",
		Text: `kthread_create() asks kthreadd (pid 2) to fork, and waits until the new thread has
said that it is there. A task is reported blocked in that wait: kthreadd has not come to the
request, or the new thread not to its first line. That is nothing that a stop or a threadfn
has to do with. Where kthreadd's own stack is in the log, or the report of its death, the
finding says so: every creation waits for it. Up to 3.12 the wait is uninterruptible; from 3.13 on it can be killed, and
then khungtaskd does not report it. kthreadd takes one request after the other: look at
its stack (/proc/2/stack, sysrq-t) and at what the machine lacks, memory mostly.`,
	}
	ruleBlockedPark = &Rule{
		ID: "KT034", Title: "a kthread_park is blocked", Level: Error, Hang: true, Kernels: "3.7 and later",
		Text: `kthread_park() sets a flag, wakes the thread and waits, without a timeout, until it
has come to kthread_parkme(). A threadfn that tests kthread_should_stop() alone never does,
nor one that sleeps without testing again, nor one that has ended before; and a
kthread_stop() at the same time takes the flag back. On the live machine there is nothing
to be done but to make the thread run on to where it parks.`,
	}
	ruleSlow = &Rule{
		ID: "KT035", Title: "reported as hung, and finished", Level: Note, Kernels: "all",
		Text: `khungtaskd reports a task that has not been scheduled for 120 seconds
(kernel.hung_task_timeout_secs), or two looks were far apart, in a wait for a kernel thread. A later
message of the same task shows that the wait came to an end. The thread was slow to see
the flag, or had much to finish. If that is too long, test kthread_should_stop() more often,
and before long sleeps.`,
	}
	ruleDeaf = &Rule{
		ID: "KT036", Title: "threadfn runs on after the request to stop", Level: Warning, Kernels: "all",
		Text: `The stopper has set the flag and sleeps. The thread has slept and run since, more
than once, and has not ended by the end of the trace. Either threadfn does not test
kthread_should_stop() where it loops, or it is finishing something that takes several
sleeps. kthread_stop() has no timeout, a kernel thread takes no signals unless it asks for
them, and nothing that root can do ends it: only what makes threadfn return.

From 6.1 on interruptible waits return -ERESTARTSYS at once after the request; a loop that
ignores that spins.`,
	}
	ruleWaits = &Rule{
		ID: "KT037", Title: "a stop or a park waits at one moment", Level: Note, Kernels: "all",
		Text: `A look at a task (sysrq-w, sysrq-t, /proc/PID/stack) shows it in kthread_stop() or
kthread_park(). Every call of these waits there until the thread has come to its end, or to
kthread_parkme(): one look does not tell a wait of a millisecond from one without end. A
second look 30 seconds later or more, with its stamp, or khungtaskd's report after 120
seconds (kernel.hung_task_timeout_secs), shows that it lasts: then KT015 or KT034 says so.`,
	}
	ruleOtherKernel = &Rule{
		ID: "KT013", Title: "does not fit, by another kernel's rules", Level: Warning, Kernels: "all",
		Text: `The log's banner names a kernel that no era covers, and its lines do not fit the
rules of any. What differs between them may explain it, so nothing is said against them.`,
	}
)

// Rules are all rules, in the order of their IDs.
var Rules = []*Rule{
	ruleStoppedBeforeRun, ruleWrongValue, ruleValueNotRun, ruleStopTooEarly, ruleAfterEnd,
	ruleReturnNotEntered, ruleNoStop, ruleSecondStop, ruleMisfit, ruleTwoThreads,
	ruleEintrUnclear, ruleCrash, ruleOtherKernel, ruleSecondStopOlder,
	ruleBlockedStop, ruleSuspect, ruleNotKthread, ruleNeverWoken, ruleBackport,
	ruleNoTask, ruleAfterFree, ruleNoKthread, rulePark, ruleBind,
	ruleUnpark, ruleNotSelf, rulePutTooMany, ruleModuleGone, ruleDied,
	ruleSelfStop, ruleFrozen, ruleLostWake, ruleBlockedCreate, ruleBlockedPark,
	ruleSlow, ruleDeaf, ruleWaits,
}

// RuleByID returns a rule, nil where there is none of that ID.
func RuleByID(id string) *Rule {
	for _, r := range Rules {
		if r.ID == id {
			return r
		}
	}
	return nil
}
