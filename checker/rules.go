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
The log has a report of an oops or a BUG in this thread's time. Whose it was is not
read from it here, so that this thread died there is allowed for.`,
	}
	ruleSecondStopOlder = &Rule{
		ID: "KT014", Title: "a second kthread_stop cannot return on Linux 4.10 and later", Level: Warning, Kernels: "4.10 and later",
		Text: `As KT008, in a log that does not tell its kernel. Up to 4.9 a second stop that
comes after the thread's exit returns at once; from 4.10 on it waits for ever. Name
the kernel with --kernel to have it decided.`,
	}
	ruleBlockedStop = &Rule{
		ID: "KT015", Title: "a kthread_stop is blocked", Level: Error, Hang: true, Kernels: "all",
		Text: `A report of the kernel (hung task, sysrq) shows a task in kthread_stop(),
waiting for a thread to end. kthread_stop() has no timeout: it returns when the thread
has, whenever that is. Look at what the thread does: a threadfn that does not test
kthread_should_stop(), that tests it before it sets its state and so loses the wake-up,
that is frozen, or that waits for something the stopper holds, never returns. If it
is just slow the stop returns late, and the report was all there is to it.`,
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
a kernel thread to end.`,
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
