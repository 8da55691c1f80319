---------------------------- MODULE KThreadState ----------------------------
(***************************************************************************)
(* The lifecycle of a Linux kernel thread: what there is.  The steps are   *)
(* in the modules that extend this one, by topic:                          *)
(*                                                                         *)
(*   KThreadCreate  kthread_create(), kthreadd, kthread() up to threadfn   *)
(*   KThreadFn      what threadfn does: the kinds of it, the freezer       *)
(*   KThreadPark    kthread_parkme(), kthread_park(), kthread_unpark()     *)
(*   KThreadExit    do_exit()                                              *)
(*   KThreadStop    kthread_stop()                                         *)
(*   KThreadSpurious  wakes that nobody meant, where a model has them       *)
(*   KThread        all of it together, what must hold, and the refinement *)
(*                                                                         *)
(* Who acts: the creator (one for each thread), kthreadd, the thread, the  *)
(* stoppers, the parkers, and the freezer.  A creator, a stopper and a     *)
(* parker may well be one task.                                            *)
(*                                                                         *)
(* Every action is one step that another task can observe or interfere     *)
(* with.  The steps are sequentially consistent: wake_up_process() is a    *)
(* full barrier and so is set_current_state(), and what else passes from   *)
(* task to task passes through the lock of a completion or of a runqueue.  *)
(* MemoryOrder.tla looks below that.                                       *)
(*                                                                         *)
(* Sources: kernel/kthread.c, kernel/exit.c, kernel/fork.c mm_release(),   *)
(* kernel/freezer.c, kernel/sched/core.c, kernel/sched/completion.c; what  *)
(* differs between kernels is in the constant Era, see Eras.tla.           *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
    Era,        \* whose rules: a record of Eras.tla
    Threads,    \* the kernel threads to be created, each once
    Stoppers,   \* the tasks that call kthread_stop(), each once
    Parkers,    \* the tasks that call kthread_park() and kthread_unpark()
    Target,     \* [Stoppers \cup Parkers -> Threads]: whom each is after
    Fn,         \* [Threads -> FnKinds]: what each one's threadfn is like
    FnValues,   \* what threadfn may return
    Held,       \* TRUE: the creator does get_task_struct() before anybody
                \* else can see the thread, so the pointer stays valid
    Early,      \* TRUE: the creator shows the thread to the others before it
                \* wakes it, so that the wake and their calls may race
    CanFail,    \* TRUE: an allocation, or the fork, may fail
    CanKill,    \* TRUE: a creator may be killed while it waits
    CanFreeze,  \* TRUE: the freezer may freeze kernel threads
    NoValue     \* where there is no value yet

FnKinds == {
    "cooperative",  \* set state; test; schedule
    "quits",        \* the same, but may return without being told
    "sleeps_int",   \* test; set TASK_INTERRUPTIBLE; schedule: a lost wake-up
    "sleeps_unint", \* the same with TASK_UNINTERRUPTIBLE
    "sleeps_idle",  \* the same with TASK_IDLE
    "deaf",         \* never tests kthread_should_stop()
    "parks",        \* cooperative, and parks when asked to
    "freezes",      \* cooperative, with try_to_freeze() in its loop
    "freezes_stop", \* cooperative, by kthread_freezable_should_stop()
    "stops_itself", \* calls kthread_stop(current)
    "arbitrary",    \* anything that threadfn can do to its own lifecycle
    "sleeps_any" }  \* the same, and it sleeps in any state

EINTR  == -4   \* -EINTR of <uapi/asm-generic/errno-base.h>
EAGAIN == -11  \* -EAGAIN: one of the errors that a fork can have
ENOMEM == -12  \* -ENOMEM
EBUSY  == -16  \* -EBUSY: kthread_park() of a thread that is asked to park
ENOSYS == -38  \* -ENOSYS: kthread_park() of a thread that is exiting
SIGKILL == 9   \* make_task_dead(signr) of an oops

ASSUME Target \in [Stoppers \cup Parkers -> Threads]
ASSUME Fn \in [Threads -> FnKinds]
ASSUME {Held, Early, CanFail, CanKill, CanFreeze} \subseteq BOOLEAN
ASSUME FnValues \subseteq Int

\* Task states, <linux/sched.h>.
TASK_RUNNING         == "TASK_RUNNING"
TASK_INTERRUPTIBLE   == "TASK_INTERRUPTIBLE"
TASK_UNINTERRUPTIBLE == "TASK_UNINTERRUPTIBLE"
TASK_IDLE            == "TASK_IDLE"
TASK_PARKED          == "TASK_PARKED"
TASK_FROZEN          == "TASK_FROZEN"
TASK_DEAD            == "TASK_DEAD"
\* What wake_up_process() wakes.  TASK_IDLE is TASK_UNINTERRUPTIBLE that does
\* not count as load: a bit of it is in the mask.
TASK_NORMAL == {TASK_INTERRUPTIBLE, TASK_UNINTERRUPTIBLE, TASK_IDLE}

VARIABLES
    kthreadd,       \* [at, state, list, create]: where it is, its task state,
                    \* kthread_create_list, the request it is working on
    creator,        \* for each thread its creator and the request: [at, armed,
                    \* done, result].  armed: create->done is not NULL yet;
                    \* done: the completion's counter; result: 0 not yet, 1 the
                    \* task, else an errno
    thread,         \* for each thread a record, see TypeOK
    stopper,        \* for each stopper [at, ret]
    parker,         \* for each parker [at, ret]
    freezing,       \* the freezer wants kernel threads frozen
    use_after_free  \* history: somebody touched a task_struct that was gone

vars == <<kthreadd, creator, thread, stopper, parker, freezing, use_after_free>>

\* Where a thread can be.  The names are the function or the step it is in.
Places == {
    "none",            \* not forked
    "kzalloc",         \* kthread(): first instruction
    "xchg",            \* kthread(): xchg(&create->done, NULL)
    "set_state",       \* kthread(): __set_current_state(TASK_UNINTERRUPTIBLE)
    "announce",        \* kthread(): create->result, complete(done)
    "schedule",        \* kthread(): the one schedule()
    "first_sleep",     \* really off the CPU in it
    "affine",          \* kthread(): kthread_affine_node(), from 6.14 on
    "affine_sleep",    \* asleep in it
    "last_test",       \* kthread(): test_bit(KTHREAD_SHOULD_STOP)
    "parkme",          \* kthread(): __kthread_parkme() before threadfn
    "parkme_test",     \* in it: TASK_PARKED is set
    "parkme_mark",     \* in it: asked to park, KTHREAD_IS_PARKED (to 4.17)
    "parkme_complete", \* in it: asked to park, complete(&self->parked)
    "parkme_schedule", \* in it: schedule()
    "parkme_sleep",    \* parked, off the CPU
    "call_threadfn",   \* kthread(): threadfn is next
    "fn_set_state",    \* threadfn: sets its state before it tests
    "fn_test",         \* threadfn: kthread_should_stop()
    "fn_test_park",    \* threadfn: kthread_should_park()
    "fn_late_state",   \* threadfn: sets its state after it has tested
    "fn_schedule",     \* threadfn: schedule()
    "fn_sleep",        \* really off the CPU in it
    "fn_freeze",       \* threadfn: try_to_freeze()
    "fn_frozen",       \* in the refrigerator, about to look whether to stay
    "fn_cold",         \* in the refrigerator, asleep
    "fn_parkme", "fn_parkme_test", "fn_parkme_mark", "fn_parkme_complete",
    "fn_parkme_schedule", "fn_parkme_sleep",   \* threadfn: kthread_parkme()
    "fn_deaf",         \* threadfn: busy with something else for ever
    "fn_self_stop",    \* threadfn: in kthread_stop(current)
    "fn_any",          \* an arbitrary threadfn
    "fn_any_sleep",    \* asleep in one that sleeps
    "fn_quit",         \* threadfn: about to return, unasked
    "fn_return",       \* threadfn: about to return because it was told to
    "do_exit",         \* do_exit(): before the value is stored
    "mm_release",      \* do_exit(): the value stored, the completion not yet
    "exit_event",      \* do_exit(): trace_sched_process_exit(), see KThreadExit
    "do_task_dead",    \* do_exit(): the completion done, still running
    "dead",            \* the last switch has happened
    "released" }       \* and, a grace period later, its own reference is gone

DoesAnything(k) == Fn[k] \in {"arbitrary", "sleeps_any"}

InThreadfn(k) ==
    thread[k].at \in {"fn_set_state", "fn_test", "fn_test_park", "fn_late_state", "fn_schedule", "fn_sleep",
        "fn_freeze", "fn_frozen", "fn_cold", "fn_parkme", "fn_parkme_test",
        "fn_parkme_mark", "fn_parkme_complete", "fn_parkme_schedule", "fn_parkme_sleep", "fn_deaf",
        "fn_self_stop", "fn_any", "fn_any_sleep", "fn_quit", "fn_return"}

Exiting(k) ==
    thread[k].at \in {"do_exit", "mm_release", "exit_event", "do_task_dead", "dead", "released"}

Codes == FnValues \cup {0, EINTR, ENOMEM, SIGKILL}

\* What each variable can be.  A value outside of it is a slip of this
\* specification, and not of a kernel.
TypeOK ==
    /\ kthreadd \in [at: {"set_state", "test", "sleep", "take", "fork"},
                     state: {TASK_RUNNING, TASK_INTERRUPTIBLE},
                     list: Seq(Threads), create: Threads \cup {"none"}]
    /\ creator \in [Threads -> [
           at: {"idle", "listed", "wait", "killed", "created", "finished", "failed"},
           armed: BOOLEAN, done: 0..1, result: {0, 1, EINTR, ENOMEM, EAGAIN}]]
    /\ thread \in [Threads -> [
           at: Places,
           state: {TASK_RUNNING, TASK_PARKED, TASK_FROZEN, TASK_DEAD} \cup TASK_NORMAL,
           should_stop: BOOLEAN,     \* KTHREAD_SHOULD_STOP
           should_park: BOOLEAN,     \* KTHREAD_SHOULD_PARK
           is_parked: BOOLEAN,       \* KTHREAD_IS_PARKED (to 4.17)
           notify: BOOLEAN,          \* TIF_NOTIFY_SIGNAL
           ret: Codes,               \* what do_exit() is called with
           direct: BOOLEAN,          \* do_exit() by threadfn or an oops
           exit_code: Codes,         \* task->exit_code
           result: Codes,            \* kthread->result
           exited: 0..1,             \* kthread->exited.done
           waiters: Seq(Stoppers),   \* kthread->exited.wait
           parked: 0..(1 + Cardinality(Parkers)),  \* kthread->parked.done
           live: BOOLEAN,            \* vfork_done is not NULL yet
           usage: 0..(2 + Cardinality(Stoppers)),
           \* history
           woken: BOOLEAN,           \* a wake_up_process() that was neither a stop's
                                     \* nor a park's ended its first sleep
           woken_to_park: BOOLEAN,   \* a kthread_park()'s did
           entered: 0..2,            \* how often threadfn was entered
           held: BOOLEAN,            \* it has told a kthread_park() and not left since
           told: BOOLEAN,            \* kthread_should_stop() has said yes
           value: Codes \cup {NoValue},  \* what the thread ended with
           unasked: BOOLEAN]]        \* its end was fixed before any stop request
    /\ stopper \in [Stoppers -> [
           at: {"idle", "get", "look", "set_bit", "unpark_look", "unpark", "unpark_wake", "notify", "wake", "wait", "asleep",
                "read", "put", "returned", "oops"},
           ret: Codes]]
    /\ parker \in [Parkers -> [
           at: {"idle", "set_bit", "wake", "wait", "parked", "unpark", "unpark_wake", "unparked", "refused"},
           ret: {0, EBUSY, ENOSYS}]]
    /\ freezing \in BOOLEAN
    /\ use_after_free \in BOOLEAN

Init ==
    /\ kthreadd = [at |-> "set_state", state |-> TASK_RUNNING, list |-> <<>>, create |-> "none"]
    /\ creator = [k \in Threads |-> [at |-> "idle", armed |-> TRUE, done |-> 0, result |-> 0]]
    /\ thread = [k \in Threads |-> [
           at |-> "none", state |-> TASK_RUNNING, should_stop |-> FALSE, should_park |-> FALSE,
           is_parked |-> FALSE, notify |-> FALSE, ret |-> EINTR, direct |-> FALSE, exit_code |-> 0, result |-> 0,
           exited |-> 0, waiters |-> <<>>, parked |-> 0, live |-> TRUE, usage |-> 0,
           woken |-> FALSE, woken_to_park |-> FALSE, entered |-> 0, held |-> FALSE,
           told |-> FALSE, value |-> NoValue, unasked |-> FALSE]]
    /\ stopper = [s \in Stoppers |-> [at |-> "idle", ret |-> 0]]
    /\ parker = [p \in Parkers |-> [at |-> "idle", ret |-> 0]]
    /\ freezing = FALSE
    /\ use_after_free = FALSE

StoppersOf(k) == {s \in Stoppers : Target[s] = k}

\* The memory of the task_struct is gone: the last reference was dropped.
Freed(k) == thread[k].at # "none" /\ thread[k].usage = 0

\* The state after try_to_wake_up(k, mask), kernel/sched/core.c.  A task whose
\* state is not in the mask is left as it is: waking a running task does nothing.
Woken(k, mask) == IF thread[k].state \in mask THEN TASK_RUNNING ELSE thread[k].state

\* The thread after the second half of kthread_unpark(), which kthread_stop() has
\* too: wake_up_state(k, TASK_PARKED).  To 4.17 it wakes only a thread that has
\* marked itself parked, if (test_and_clear_bit(KTHREAD_IS_PARKED, ...)).
LetGo(k) ==
    IF Era.marks_parked /\ ~thread[k].is_parked THEN thread[k]
    ELSE [thread[k] EXCEPT !.state = Woken(k, {TASK_PARKED}), !.is_parked = FALSE]

\* schedule() blocks unless somebody has woken the task since it set its state,
\* or a signal is pending and the state lets one in (signal_pending_state()).
Blocks(k) ==
    /\ thread[k].state # TASK_RUNNING
    /\ ~(thread[k].notify /\ thread[k].state = TASK_INTERRUPTIBLE)

\* Before the last test a stop makes a difference to it.
BeforeLastTest(k) ==
    thread[k].at \in {"schedule", "first_sleep", "affine", "affine_sleep", "last_test"}

\* It is in its first sleep, or about to be: the TASK_UNINTERRUPTIBLE that kthread()
\* has set before it told its creator.  One wake of those that come now ends it, and a
\* trace shows that one alone: the others find the thread running.
InFirstSleep(k) ==
    thread[k].at \in {"schedule", "first_sleep"} /\ thread[k].state = TASK_UNINTERRUPTIBLE

\* The parts of the state that most actions leave alone.
OnlyThread == UNCHANGED <<kthreadd, creator, stopper, parker, freezing, use_after_free>>
=============================================================================
