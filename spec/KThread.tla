------------------------------ MODULE KThread ------------------------------
(***************************************************************************)
(* The lifecycle of a Linux kernel thread, as Linux 5.4 does it: one       *)
(* action per step that another task can observe or interfere with.        *)
(*                                                                         *)
(* Who acts:                                                               *)
(*   the creator   calls kthread_create(), and wake_up_process() or not;   *)
(*   kthreadd      pid 2, forks every kthread on request;                  *)
(*   the thread    runs kthread(), perhaps threadfn, then do_exit();       *)
(*   the stoppers  call kthread_stop().                                    *)
(* The creator and a stopper may well be one task, as in a module that     *)
(* does kthread_run() and kthread_stop() in its init function.             *)
(*                                                                         *)
(* Every step takes its locks and its barriers for granted: the steps are  *)
(* sequentially consistent.  That holds for 5.4: wake_up_process() is a    *)
(* full barrier and so is set_current_state(), and what else passes from   *)
(* task to task passes through the lock of a completion or of a runqueue.  *)
(*                                                                         *)
(* Sources: kernel/kthread.c, kernel/exit.c, kernel/fork.c mm_release(),   *)
(* kernel/sched/core.c and kernel/sched/completion.c of Linux 5.4.         *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
    Threads,      \* the kernel threads to be created, each once
    Stoppers,     \* the tasks that call kthread_stop(), each once
    Target,       \* [Stoppers -> Threads]: whom each of them stops
    FnValues,     \* what threadfn may return
    Held,         \* TRUE: the creator does get_task_struct() before anybody
                  \* else can see the thread, so the pointer stays valid
    Early,        \* TRUE: the creator shows the thread to the stoppers before
                  \* it wakes it, so that the wake and a stop may race
    CanQuit,      \* TRUE: threadfn may return without having been told to
    CanFail,      \* TRUE: an allocation, or the fork, may fail
    NoValue       \* what a stopper has got before it has got anything

EINTR  == -4      \* -EINTR of <uapi/asm-generic/errno-base.h>
ENOMEM == -12     \* -ENOMEM
EAGAIN == -11     \* -EAGAIN: one of the errors that a fork can have

ASSUME Target \in [Stoppers -> Threads]
ASSUME {Held, Early, CanQuit, CanFail} \subseteq BOOLEAN /\ FnValues \subseteq Int

\* Task states, <linux/sched.h>.  TASK_NORMAL is what wake_up_process() wakes.
TASK_RUNNING         == "TASK_RUNNING"
TASK_INTERRUPTIBLE   == "TASK_INTERRUPTIBLE"
TASK_UNINTERRUPTIBLE == "TASK_UNINTERRUPTIBLE"
TASK_DEAD            == "TASK_DEAD"
TASK_NORMAL          == {TASK_INTERRUPTIBLE, TASK_UNINTERRUPTIBLE}

VARIABLES
    \* kthreadd
    kthread_create_list,  \* the requests that kthreadd has not taken yet
    kthreadd,             \* [at, state, create]: where it is, its task state,
                          \* the request it is working on
    \* one creator for each thread
    creator,              \* where it is
    done,                 \* the completion create->done, a counter
    result,               \* create->result: 0 not yet, 1 the task, else an errno
    \* the thread
    at,                   \* where in its own code it is
    state,                \* its task state
    should_stop,          \* KTHREAD_SHOULD_STOP in kthread->flags
    ret,                  \* the local variable ret of kthread()
    exit_code,            \* task->exit_code
    exited,               \* kthread->exited.done: the completion's counter
    waiters,              \* kthread->exited.wait: who sleeps on it, in order
    usage,                \* task->usage: references to the task_struct
    \* the stoppers
    stopper,              \* where each is in kthread_stop()
    stop_ret,             \* the local variable ret of kthread_stop()
    \* history, read by properties alone
    woken,                \* wake_up_process() was called before the last test
    entered,              \* how often threadfn was entered
    fn_value,             \* what threadfn returned
    unasked,              \* threadfn returned before any stop was requested
    use_after_free        \* somebody touched a task_struct that was gone

create_vars == <<kthread_create_list, kthreadd, creator, done, result>>
thread_vars == <<at, state, should_stop, ret, exit_code, exited, waiters, usage>>
stop_vars   == <<stopper, stop_ret>>
history     == <<woken, entered, fn_value, unasked, use_after_free>>
vars        == <<create_vars, thread_vars, stop_vars, history>>

StoppersOf(k) == {s \in Stoppers : Target[s] = k}

\* Where a thread can be.  The names are the function or the step it is in.
Places == {
    "none",             \* not forked
    "kzalloc",          \* kthread(): first instruction
    "set_state",        \* kthread(): __set_current_state(TASK_UNINTERRUPTIBLE)
    "announce",         \* kthread(): create->result, complete(done)
    "schedule",         \* kthread(): the one schedule()
    "first_sleep",      \* really off the CPU in it
    "last_test",        \* kthread(): test_bit(KTHREAD_SHOULD_STOP)
    "call_threadfn",    \* kthread(): the test said run
    "fn_set_state",     \* threadfn: set_current_state(TASK_INTERRUPTIBLE)
    "fn_test",          \* threadfn: kthread_should_stop()
    "fn_schedule",      \* threadfn: schedule()
    "fn_sleep",         \* really off the CPU in it
    "fn_quit",          \* threadfn: out of its loop unasked, about to return
    "fn_return",        \* threadfn: out of its loop because told, about to return
    "do_exit",          \* do_exit(ret), before exit_code is stored
    "mm_release",       \* do_exit(): exit_code stored, the completion not yet
    "do_task_dead",     \* do_exit(): the completion done, still running
    "dead",             \* the last switch has happened
    "released" }        \* and, a grace period later, its own reference is gone

InThreadfn(k) ==
    at[k] \in {"fn_set_state", "fn_test", "fn_schedule", "fn_sleep",
              "fn_quit", "fn_return"}

Exiting(k) ==
    at[k] \in {"do_exit", "mm_release", "do_task_dead", "dead", "released"}

TypeOK ==
    /\ kthread_create_list \in Seq(Threads)
    /\ kthreadd \in [at: {"set_state", "test", "sleep", "take", "fork"},
                     state: {TASK_RUNNING, TASK_INTERRUPTIBLE},
                     create: Threads \cup {"none"}]
    /\ creator \in [Threads -> {"idle", "listed", "wait", "created", "finished", "failed"}]
    /\ done \in [Threads -> 0..1]
    /\ result \in [Threads -> {0, 1, ENOMEM, EAGAIN}]
    /\ at \in [Threads -> Places]
    /\ state \in [Threads -> {TASK_RUNNING, TASK_DEAD} \cup TASK_NORMAL]
    /\ should_stop \in [Threads -> BOOLEAN]
    /\ ret \in [Threads -> FnValues \cup {EINTR, ENOMEM}]
    /\ exit_code \in [Threads -> FnValues \cup {0, EINTR, ENOMEM}]
    /\ exited \in [Threads -> 0..1]
    /\ waiters \in [Threads -> Seq(Stoppers)]
    /\ usage \in [Threads -> 0..(2 + Cardinality(Stoppers))]
    /\ stopper \in [Stoppers -> {"idle", "get", "set_bit", "wake", "wait",
                                 "asleep", "read", "put", "returned", "oops"}]
    /\ stop_ret \in [Stoppers -> FnValues \cup {0, EINTR}]
    /\ woken \in [Threads -> BOOLEAN]
    /\ entered \in [Threads -> Nat]
    /\ fn_value \in [Threads -> FnValues \cup {NoValue}]
    /\ unasked \in [Threads -> BOOLEAN]
    /\ use_after_free \in BOOLEAN

Init ==
    /\ kthread_create_list = <<>>
    /\ kthreadd = [at |-> "set_state", state |-> TASK_RUNNING, create |-> "none"]
    /\ creator = [k \in Threads |-> "idle"]
    /\ done = [k \in Threads |-> 0]
    /\ result = [k \in Threads |-> 0]
    /\ at = [k \in Threads |-> "none"]
    /\ state = [k \in Threads |-> TASK_RUNNING]
    /\ should_stop = [k \in Threads |-> FALSE]
    /\ ret = [k \in Threads |-> EINTR]
    /\ exit_code = [k \in Threads |-> 0]
    /\ exited = [k \in Threads |-> 0]
    /\ waiters = [k \in Threads |-> <<>>]
    /\ usage = [k \in Threads |-> 0]
    /\ stopper = [s \in Stoppers |-> "idle"]
    /\ stop_ret = [s \in Stoppers |-> 0]
    /\ woken = [k \in Threads |-> FALSE]
    /\ entered = [k \in Threads |-> 0]
    /\ fn_value = [k \in Threads |-> NoValue]
    /\ unasked = [k \in Threads |-> FALSE]
    /\ use_after_free = FALSE

\* The memory of the task_struct is gone: the last reference was dropped.
Freed(k) == at[k] # "none" /\ usage[k] = 0

\* try_to_wake_up(k, TASK_NORMAL), kernel/sched/core.c.  A task whose state is
\* not in the mask is left as it is: waking a running task does nothing.
WakeUpProcess(k) ==
    state' = [state EXCEPT ![k] = IF @ \in TASK_NORMAL THEN TASK_RUNNING ELSE @]

ThreadGoes(k, from, to) == at[k] = from /\ at' = [at EXCEPT ![k] = to]

-----------------------------------------------------------------------------
(***************************************************************************)
(* kthread_create(): the creator asks, kthreadd forks, the thread answers. *)
(***************************************************************************)

\* __kthread_create_on_node(): the request is allocated, filled in and put at
\* the end of kthread_create_list under kthread_create_lock.
CreateRequest(k) ==
    /\ creator[k] = "idle"
    /\ creator' = [creator EXCEPT ![k] = "listed"]
    /\ kthread_create_list' = Append(kthread_create_list, k)
    /\ UNCHANGED <<kthreadd, done, result, thread_vars, stop_vars, history>>

\* __kthread_create_on_node(): kmalloc() of the request failed, -ENOMEM.
CreateNoMemory(k) ==
    /\ CanFail
    /\ creator[k] = "idle"
    /\ creator' = [creator EXCEPT ![k] = "failed"]
    /\ result' = [result EXCEPT ![k] = ENOMEM]
    /\ UNCHANGED <<kthread_create_list, kthreadd, done, thread_vars, stop_vars, history>>

\* __kthread_create_on_node(): wake_up_process(kthreadd_task), after the lock
\* has been dropped.
CreateWakesKthreadd(k) ==
    /\ creator[k] = "listed"
    /\ creator' = [creator EXCEPT ![k] = "wait"]
    /\ kthreadd' = [kthreadd EXCEPT !.state = TASK_RUNNING]
    /\ UNCHANGED <<kthread_create_list, done, result, thread_vars, stop_vars, history>>

\* __kthread_create_on_node(): wait_for_completion_killable(&done) is over, and
\* create->result is the new task or an error.  Only this creator waits on
\* this completion, so its sleep and its waking are the guard.  (A creator
\* that is killed while it waits is not modelled here.)  With Held it takes a
\* reference before it hands the pointer to anybody.
CreateReturns(k) ==
    /\ creator[k] = "wait"
    /\ done[k] > 0
    /\ done' = [done EXCEPT ![k] = @ - 1]
    /\ creator' = [creator EXCEPT ![k] = IF result[k] = 1 THEN "created" ELSE "failed"]
    /\ usage' = [usage EXCEPT ![k] = IF result[k] = 1 /\ Held THEN @ + 1 ELSE @]
    /\ UNCHANGED <<kthread_create_list, kthreadd, result, at, state, should_stop, ret,
                   exit_code, exited, waiters, stop_vars, history>>

\* wake_up_process() by the creator: with CreateReturns it makes kthread_run().
\* Nothing tells this wake from any other one; the thread's schedule() is in
\* no loop, so whichever wake comes first lets it go on.
CreatorWakes(k) ==
    /\ creator[k] = "created"
    /\ creator' = [creator EXCEPT ![k] = "finished"]
    /\ IF Freed(k)
       THEN use_after_free' = TRUE /\ UNCHANGED <<state, woken>>
       ELSE /\ WakeUpProcess(k)
            /\ woken' = [woken EXCEPT ![k] = at[k] \in {"schedule", "first_sleep", "last_test"}]
            /\ UNCHANGED use_after_free
    /\ UNCHANGED <<kthread_create_list, kthreadd, done, result, at, should_stop, ret,
                   exit_code, exited, waiters, usage, stop_vars, entered, fn_value, unasked>>

\* A creator may also leave the thread asleep, and somebody stop it later.
CreatorNeverWakes(k) ==
    /\ creator[k] = "created"
    /\ creator' = [creator EXCEPT ![k] = "finished"]
    /\ UNCHANGED <<kthread_create_list, kthreadd, done, result, thread_vars, stop_vars, history>>

\* kthreadd(): set_current_state(TASK_INTERRUPTIBLE).
KthreaddSetState ==
    /\ kthreadd.at = "set_state"
    /\ kthreadd' = [kthreadd EXCEPT !.at = "test", !.state = TASK_INTERRUPTIBLE]
    /\ UNCHANGED <<kthread_create_list, creator, done, result, thread_vars, stop_vars, history>>

\* kthreadd(): if (list_empty(&kthread_create_list)) schedule().  A request
\* that came in between has set the state back, and schedule() returns at once.
KthreaddTest ==
    /\ kthreadd.at = "test"
    /\ kthreadd' = IF kthread_create_list = <<>>
                   THEN [kthreadd EXCEPT !.at = "sleep"]
                   ELSE [kthreadd EXCEPT !.at = "take", !.state = TASK_RUNNING]
    /\ UNCHANGED <<kthread_create_list, creator, done, result, thread_vars, stop_vars, history>>

\* kthreadd(): back from schedule().
KthreaddWakes ==
    /\ kthreadd.at = "sleep"
    /\ kthreadd.state = TASK_RUNNING
    /\ kthreadd' = [kthreadd EXCEPT !.at = "take"]
    /\ UNCHANGED <<kthread_create_list, creator, done, result, thread_vars, stop_vars, history>>

\* kthreadd(): unlink one request under the lock, or find that none is left.
KthreaddTakes ==
    /\ kthreadd.at = "take"
    /\ IF kthread_create_list = <<>>
       THEN /\ kthreadd' = [kthreadd EXCEPT !.at = "set_state"]
            /\ UNCHANGED kthread_create_list
       ELSE /\ kthreadd' = [kthreadd EXCEPT !.at = "fork", !.create = Head(kthread_create_list)]
            /\ kthread_create_list' = Tail(kthread_create_list)
    /\ UNCHANGED <<creator, done, result, thread_vars, stop_vars, history>>

\* create_kthread() -> kernel_thread(): the thread exists, with one reference
\* of its own that is dropped a grace period after its last switch.  kthreadd
\* goes on to the next request and does not wait for the thread.
KthreaddForks(k) ==
    /\ kthreadd.at = "fork"
    /\ kthreadd.create = k
    /\ kthreadd' = [kthreadd EXCEPT !.at = "take", !.create = "none"]
    /\ ThreadGoes(k, "none", "kzalloc")
    /\ usage' = [usage EXCEPT ![k] = 1]
    /\ UNCHANGED <<kthread_create_list, creator, done, result, state, should_stop, ret,
                   exit_code, exited, waiters, stop_vars, history>>

\* create_kthread(): the fork failed; kthreadd answers in the thread's place.
ForkFails(k) ==
    /\ CanFail
    /\ kthreadd.at = "fork"
    /\ kthreadd.create = k
    /\ kthreadd' = [kthreadd EXCEPT !.at = "take", !.create = "none"]
    /\ result' = [result EXCEPT ![k] = EAGAIN]
    /\ done' = [done EXCEPT ![k] = @ + 1]
    /\ UNCHANGED <<kthread_create_list, creator, thread_vars, stop_vars, history>>

-----------------------------------------------------------------------------
(***************************************************************************)
(* kthread(): what the thread does before and after threadfn.              *)
(***************************************************************************)

\* kthread(): kzalloc() of struct kthread, then xchg(&create->done, NULL).
Kzalloc(k) ==
    /\ ThreadGoes(k, "kzalloc", "set_state")
    /\ UNCHANGED <<create_vars, state, should_stop, ret, exit_code, exited, waiters, usage,
                   stop_vars, history>>

\* kthread(): there was no memory; the creator is told -ENOMEM, do_exit(-ENOMEM).
KzallocFails(k) ==
    /\ CanFail
    /\ ThreadGoes(k, "kzalloc", "do_exit")
    /\ result' = [result EXCEPT ![k] = ENOMEM]
    /\ done' = [done EXCEPT ![k] = @ + 1]
    /\ ret' = [ret EXCEPT ![k] = ENOMEM]
    /\ UNCHANGED <<kthread_create_list, kthreadd, creator, state, should_stop, exit_code,
                   exited, waiters, usage, stop_vars, history>>

\* kthread(): __set_current_state(TASK_UNINTERRUPTIBLE), before the creator is
\* told.  The thread is "asleep" for every waker from here, and still runs.
SetUninterruptible(k) ==
    /\ ThreadGoes(k, "set_state", "announce")
    /\ state' = [state EXCEPT ![k] = TASK_UNINTERRUPTIBLE]
    /\ UNCHANGED <<create_vars, should_stop, ret, exit_code, exited, waiters, usage,
                   stop_vars, history>>

\* kthread(): create->result = current; complete(done).
Announce(k) ==
    /\ ThreadGoes(k, "announce", "schedule")
    /\ result' = [result EXCEPT ![k] = 1]
    /\ done' = [done EXCEPT ![k] = @ + 1]
    /\ UNCHANGED <<kthread_create_list, kthreadd, creator, state, should_stop, ret, exit_code,
                   exited, waiters, usage, stop_vars, history>>

\* kthread(): schedule(), the one and only.  If somebody was quick enough to
\* wake the thread already, it does not block.
FirstSchedule(k) ==
    /\ at[k] = "schedule"
    /\ at' = [at EXCEPT ![k] = IF state[k] = TASK_RUNNING THEN "last_test" ELSE "first_sleep"]
    /\ UNCHANGED <<create_vars, state, should_stop, ret, exit_code, exited, waiters, usage,
                   stop_vars, history>>

\* kthread(): back from its one schedule().  Who woke it does not matter.
FirstWakeUp(k) ==
    /\ state[k] = TASK_RUNNING
    /\ ThreadGoes(k, "first_sleep", "last_test")
    /\ UNCHANGED <<create_vars, state, should_stop, ret, exit_code, exited, waiters, usage,
                   stop_vars, history>>

\* kthread(): ret = -EINTR; if (!test_bit(KTHREAD_SHOULD_STOP, &self->flags)).
\* Here it is decided, once, whether threadfn will be called.
LastTestRun(k) ==
    /\ ~should_stop[k]
    /\ ThreadGoes(k, "last_test", "call_threadfn")
    /\ UNCHANGED <<create_vars, state, should_stop, ret, exit_code, exited, waiters, usage,
                   stop_vars, history>>

\* kthread(): the flag is set; do_exit(-EINTR), and threadfn is never called.
LastTestStop(k) ==
    /\ should_stop[k]
    /\ ThreadGoes(k, "last_test", "do_exit")
    /\ UNCHANGED <<create_vars, state, should_stop, ret, exit_code, exited, waiters, usage,
                   stop_vars, history>>

\* kthread(): ret = threadfn(data).  (__kthread_parkme() before it does nothing
\* that matters as long as nobody parks the thread.)  The flag may have been set
\* since the test: threadfn is called all the same.
CallThreadfn(k) ==
    /\ ThreadGoes(k, "call_threadfn", "fn_set_state")
    /\ entered' = [entered EXCEPT ![k] = @ + 1]
    /\ UNCHANGED <<create_vars, state, should_stop, ret, exit_code, exited, waiters, usage,
                   stop_vars, woken, fn_value, unasked, use_after_free>>

-----------------------------------------------------------------------------
(***************************************************************************)
(* A cooperative threadfn, as in Documentation and in most modules:        *)
(*     set_current_state(TASK_INTERRUPTIBLE);                              *)
(*     while (!kthread_should_stop()) {                                    *)
(*         schedule();                                                     *)
(*         set_current_state(TASK_INTERRUPTIBLE);                          *)
(*     }                                                                   *)
(*     __set_current_state(TASK_RUNNING);                                  *)
(*     return v;                                                           *)
(***************************************************************************)

\* threadfn: set_current_state(TASK_INTERRUPTIBLE), before the test, so that a
\* stop between the test and schedule() is not lost.
FnSetState(k) ==
    /\ ThreadGoes(k, "fn_set_state", "fn_test")
    /\ state' = [state EXCEPT ![k] = TASK_INTERRUPTIBLE]
    /\ UNCHANGED <<create_vars, should_stop, ret, exit_code, exited, waiters, usage,
                   stop_vars, history>>

\* threadfn: kthread_should_stop() says no.
FnTestFalse(k) ==
    /\ ~should_stop[k]
    /\ ThreadGoes(k, "fn_test", "fn_schedule")
    /\ UNCHANGED <<create_vars, state, should_stop, ret, exit_code, exited, waiters, usage,
                   stop_vars, history>>

\* threadfn: kthread_should_stop() says yes; __set_current_state(TASK_RUNNING).
FnTestTrue(k) ==
    /\ should_stop[k]
    /\ ThreadGoes(k, "fn_test", "fn_return")
    /\ state' = [state EXCEPT ![k] = TASK_RUNNING]
    /\ UNCHANGED <<create_vars, should_stop, ret, exit_code, exited, waiters, usage,
                   stop_vars, history>>

\* threadfn: it has had enough, and leaves the loop unasked: a return in the
\* middle of it, an error, a job that is done.
FnQuits(k) ==
    /\ CanQuit
    /\ ThreadGoes(k, "fn_test", "fn_quit")
    /\ state' = [state EXCEPT ![k] = TASK_RUNNING]
    /\ UNCHANGED <<create_vars, should_stop, ret, exit_code, exited, waiters, usage,
                   stop_vars, history>>

\* threadfn: schedule(), which blocks unless a wake has come since FnSetState.
FnSchedule(k) ==
    /\ at[k] = "fn_schedule"
    /\ at' = [at EXCEPT ![k] = IF state[k] = TASK_RUNNING THEN "fn_set_state" ELSE "fn_sleep"]
    /\ UNCHANGED <<create_vars, state, should_stop, ret, exit_code, exited, waiters, usage,
                   stop_vars, history>>

\* threadfn: back from schedule(), once more round the loop.
FnWakeUp(k) ==
    /\ state[k] = TASK_RUNNING
    /\ ThreadGoes(k, "fn_sleep", "fn_set_state")
    /\ UNCHANGED <<create_vars, state, should_stop, ret, exit_code, exited, waiters, usage,
                   stop_vars, history>>

\* threadfn returns v to kthread(), which calls do_exit(v).
FnReturn(k, v) ==
    /\ at[k] \in {"fn_quit", "fn_return"}
    /\ at' = [at EXCEPT ![k] = "do_exit"]
    /\ ret' = [ret EXCEPT ![k] = v]
    /\ fn_value' = [fn_value EXCEPT ![k] = v]
    /\ unasked' = [unasked EXCEPT ![k] = ~should_stop[k]]
    /\ UNCHANGED <<create_vars, state, should_stop, exit_code, exited, waiters, usage,
                   stop_vars, woken, entered, use_after_free>>

-----------------------------------------------------------------------------
(***************************************************************************)
(* do_exit(): the value, then the completion, then, later, death.          *)
(***************************************************************************)

\* do_exit(): tsk->exit_code = code.
ExitStore(k) ==
    /\ ThreadGoes(k, "do_exit", "mm_release")
    /\ exit_code' = [exit_code EXCEPT ![k] = ret[k]]
    /\ UNCHANGED <<create_vars, state, should_stop, ret, exited, waiters, usage,
                   stop_vars, history>>

\* What complete() does to the waiters: the first one is woken, leaves the list,
\* and looks at the counter again.
WakeFirstWaiter(k) ==
    IF waiters[k] = <<>>
    THEN UNCHANGED <<waiters, stopper>>
    ELSE /\ waiters' = [waiters EXCEPT ![k] = Tail(@)]
         /\ stopper' = [stopper EXCEPT ![Head(waiters[k])] = "wait"]

\* exit_mm() -> mm_release(): complete(tsk->vfork_done), which is
\* &kthread->exited.  complete(), not complete_all(): the counter goes up by
\* one.  A thread whose kzalloc failed has no such completion.
ExitComplete(k) ==
    /\ ThreadGoes(k, "mm_release", "do_task_dead")
    /\ IF result[k] = 1
       THEN exited' = [exited EXCEPT ![k] = @ + 1] /\ WakeFirstWaiter(k)
       ELSE UNCHANGED <<exited, waiters, stopper>>
    /\ UNCHANGED <<create_vars, state, should_stop, ret, exit_code, usage, stop_ret, history>>

\* exit_notify(), then do_task_dead(): the last switch.  A kthread_stop() may
\* have returned long before.
Dies(k) ==
    /\ ThreadGoes(k, "do_task_dead", "dead")
    /\ state' = [state EXCEPT ![k] = TASK_DEAD]
    /\ UNCHANGED <<create_vars, should_stop, ret, exit_code, exited, waiters, usage,
                   stop_vars, history>>

\* put_task_struct_rcu_user() -> delayed_put_task_struct(): a grace period
\* after the last switch the thread's own reference is dropped.
DropsOwnReference(k) ==
    /\ ThreadGoes(k, "dead", "released")
    /\ usage' = [usage EXCEPT ![k] = @ - 1]
    /\ UNCHANGED <<create_vars, state, should_stop, ret, exit_code, exited, waiters,
                   stop_vars, history>>

-----------------------------------------------------------------------------
(***************************************************************************)
(* kthread_stop(k), by stopper s.                                          *)
(***************************************************************************)

StopperGoes(s, from, to) == stopper[s] = from /\ stopper' = [stopper EXCEPT ![s] = to]

\* The call, and trace_sched_kthread_stop(k), which comes before anything else.
\* Somebody must have been given k: after the creator is done with it, or (Early)
\* before, which without a reference of the creator's own (Held) is a bug.
StopCall(s) ==
    /\ creator[Target[s]] \in IF Early THEN {"created", "finished"} ELSE {"finished"}
    /\ StopperGoes(s, "idle", "get")
    /\ UNCHANGED <<create_vars, thread_vars, stop_ret, history>>

\* kthread_stop(): get_task_struct(k).  If k is gone, this is where the kernel
\* says "refcount_t: increment on 0; use-after-free", if it was built to check.
StopGet(s) ==
    LET k == Target[s] IN
    /\ IF Freed(k)
       THEN /\ StopperGoes(s, "get", "oops")
            /\ use_after_free' = TRUE
            /\ UNCHANGED usage
       ELSE /\ StopperGoes(s, "get", "set_bit")
            /\ usage' = [usage EXCEPT ![k] = @ + 1]
            /\ UNCHANGED use_after_free
    /\ UNCHANGED <<create_vars, at, state, should_stop, ret, exit_code, exited, waiters,
                   stop_ret, woken, entered, fn_value, unasked>>

\* kthread_stop(): set_bit(KTHREAD_SHOULD_STOP, &kthread->flags).  (5.4 then
\* calls kthread_unpark(k), which does nothing that matters to a thread nobody
\* parks.)
StopSetBit(s) ==
    /\ StopperGoes(s, "set_bit", "wake")
    /\ should_stop' = [should_stop EXCEPT ![Target[s]] = TRUE]
    /\ UNCHANGED <<create_vars, at, state, ret, exit_code, exited, waiters, usage,
                   stop_ret, history>>

\* kthread_stop(): wake_up_process(k).  For a thread that nobody has woken this
\* is the wake that ends its first sleep.
StopWake(s) ==
    /\ StopperGoes(s, "wake", "wait")
    /\ WakeUpProcess(Target[s])
    /\ UNCHANGED <<create_vars, at, should_stop, ret, exit_code, exited, waiters, usage,
                   stop_ret, history>>

\* kthread_stop(): wait_for_completion(&kthread->exited) finds a count and
\* takes it.
StopAwait(s) ==
    LET k == Target[s] IN
    /\ exited[k] > 0
    /\ StopperGoes(s, "wait", "read")
    /\ exited' = [exited EXCEPT ![k] = @ - 1]
    /\ UNCHANGED <<create_vars, at, state, should_stop, ret, exit_code, waiters, usage,
                   stop_ret, history>>

\* kthread_stop(): wait_for_completion() finds none and sleeps, uninterruptibly.
StopSleeps(s) ==
    LET k == Target[s] IN
    /\ exited[k] = 0
    /\ StopperGoes(s, "wait", "asleep")
    /\ waiters' = [waiters EXCEPT ![k] = Append(@, s)]
    /\ UNCHANGED <<create_vars, at, state, should_stop, ret, exit_code, exited, usage,
                   stop_ret, history>>

\* kthread_stop(): ret = k->exit_code.
StopReadsCode(s) ==
    /\ StopperGoes(s, "read", "put")
    /\ stop_ret' = [stop_ret EXCEPT ![s] = exit_code[Target[s]]]
    /\ UNCHANGED <<create_vars, thread_vars, history>>

\* kthread_stop(): put_task_struct(k); trace_sched_kthread_stop_ret(ret);
\* return ret.
StopReturns(s) ==
    /\ StopperGoes(s, "put", "returned")
    /\ usage' = [usage EXCEPT ![Target[s]] = @ - 1]
    /\ UNCHANGED <<create_vars, at, state, should_stop, ret, exit_code, exited, waiters,
                   stop_ret, history>>

-----------------------------------------------------------------------------

CreatorNext(k) ==
    CreateRequest(k) \/ CreateNoMemory(k) \/ CreateWakesKthreadd(k) \/ CreateReturns(k)
    \/ CreatorWakes(k) \/ CreatorNeverWakes(k)

KthreaddNext ==
    \/ KthreaddSetState \/ KthreaddTest \/ KthreaddWakes \/ KthreaddTakes
    \/ \E k \in Threads : KthreaddForks(k) \/ ForkFails(k)

ThreadNext(k) ==
    \/ Kzalloc(k) \/ KzallocFails(k) \/ SetUninterruptible(k) \/ Announce(k)
    \/ FirstSchedule(k) \/ FirstWakeUp(k) \/ LastTestRun(k) \/ LastTestStop(k)
    \/ CallThreadfn(k)
    \/ FnSetState(k) \/ FnTestFalse(k) \/ FnTestTrue(k) \/ FnQuits(k)
    \/ FnSchedule(k) \/ FnWakeUp(k)
    \/ \E v \in FnValues : FnReturn(k, v)
    \/ ExitStore(k) \/ ExitComplete(k) \/ Dies(k) \/ DropsOwnReference(k)

\* Once called, kthread_stop() goes on by itself as far as it can.
StopNext(s) ==
    StopGet(s) \/ StopSetBit(s) \/ StopWake(s) \/ StopAwait(s) \/ StopSleeps(s)
    \/ StopReadsCode(s) \/ StopReturns(s)

Next ==
    \/ KthreaddNext
    \/ \E k \in Threads : CreatorNext(k) \/ ThreadNext(k)
    \/ \E s \in Stoppers : StopCall(s) \/ StopNext(s)

Spec == Init /\ [][Next]_vars

\* A task that can run gets to run.  That a creator wakes its thread, or that
\* anybody stops it, is not promised.
Fairness ==
    /\ WF_vars(KthreaddNext)
    /\ \A k \in Threads : WF_vars(CreateWakesKthreadd(k) \/ CreateReturns(k))
    /\ \A k \in Threads : WF_vars(ThreadNext(k))
    /\ \A s \in Stoppers : WF_vars(StopNext(s))

FairSpec == Spec /\ Fairness

-----------------------------------------------------------------------------
(***************************************************************************)
(* What must hold.                                                         *)
(***************************************************************************)

\* Nobody touches a task_struct after its last reference is gone.
NoUseAfterFree == ~use_after_free

\* threadfn is called at most once: the schedule() before it is in no loop.
EnteredAtMostOnce == \A k \in Threads : entered[k] <= 1

\* The kernel skips threadfn for one reason only, a stop seen by the last test.
SkippedOnlyByStop ==
    \A k \in Threads :
        Exiting(k) /\ entered[k] = 0
            => (should_stop[k] /\ ret[k] = EINTR) \/ result[k] = ENOMEM

\* kthread_create() gives away only a thread that has announced itself, so
\* struct kthread is there for whoever calls kthread_stop().
CreatedMeansAnnounced ==
    \A k \in Threads :
        creator[k] \in {"created", "finished"}
            => at[k] \notin {"none", "kzalloc", "set_state", "announce"}

\* kthread_create() says that it failed where it did, and nowhere else: no
\* thread is left behind that nobody knows of.
FailedMeansError ==
    \A k \in Threads : creator[k] = "failed" => result[k] \in {ENOMEM, EAGAIN}

\* One exit is one count.
CompletedAtMostOnce == \A k \in Threads : exited[k] <= 1

\* Between its get and its put a stopper keeps the task_struct alive.
StopperKeepsReference ==
    \A s \in Stoppers :
        stopper[s] \in {"set_bit", "wake", "wait", "asleep", "read", "put"}
            => usage[Target[s]] > 0

\* Every reference is given back, none twice: else the task_struct leaks, or
\* goes while somebody uses it.
UsageExact ==
    \A k \in Threads :
        usage[k] = (IF at[k] \in {"none", "released"} THEN 0 ELSE 1)
                 + (IF Held /\ creator[k] \in {"created", "finished"} THEN 1 ELSE 0)
                 + Cardinality({s \in StoppersOf(k) :
                       stopper[s] \in {"set_bit", "wake", "wait", "asleep", "read", "put"}})

\* Nothing wakes the dead.
DeadStaysDead ==
    \A k \in Threads : at[k] \in {"dead", "released"} => state[k] = TASK_DEAD

\* kthread_stop() returns what threadfn returned, and -EINTR if it never ran.
ReturnsWhatThreadEndedWith ==
    \A s \in Stoppers :
        stopper[s] = "returned" =>
            stop_ret[s] = IF entered[Target[s]] = 0 THEN EINTR ELSE fn_value[Target[s]]

\* After kthread_stop() no code of threadfn runs any more: a module may unload.
ReturnedMeansThreadfnOver ==
    \A s \in Stoppers :
        stopper[s] = "returned" => Exiting(Target[s])

\* Nothing takes a stop request back.
StopIsForGood == [][\A k \in Threads : should_stop[k] => should_stop'[k]]_vars

\* The true sentence about -EINTR: where threadfn never returns -EINTR itself,
\* a thread whose stop returned -EINTR never entered threadfn.  (Where threadfn
\* does return it, the value proves nothing, and this fails.)
EintrMeansNeverEntered ==
    \A s \in Stoppers :
        stopper[s] = "returned" /\ stop_ret[s] = EINTR => entered[Target[s]] = 0

\* The other direction of kthread_stop()'s comment: never woken, then -EINTR.
\* True as long as nobody parks the thread.
NeverWokenMeansEintr ==
    \A s \in Stoppers :
        stopper[s] = "returned" /\ ~woken[Target[s]] => stop_ret[s] = EINTR

-----------------------------------------------------------------------------
(***************************************************************************)
(* What must not hold: each is a belief that TLC refutes with an example.  *)
(***************************************************************************)

\* kthread_stop()'s comment as people read it: "-EINTR if wake_up_process()
\* was never called", so -EINTR means that nobody called it.
EintrMeansNeverWoken ==
    \A s \in Stoppers :
        stopper[s] = "returned" /\ stop_ret[s] = EINTR => ~woken[Target[s]]

\* "kthread_run() guarantees that threadfn runs."
WokenMeansEntered ==
    \A s \in Stoppers :
        stopper[s] = "returned" /\ woken[Target[s]] => entered[Target[s]] = 1

\* "kthread_run() and kthread_stop() at once: threadfn never gets a chance."
WokenMeansNeverEntered ==
    \A s \in Stoppers :
        stopper[s] = "returned" /\ woken[Target[s]] => entered[Target[s]] = 0

\* "When kthread_stop() has returned, the thread is dead."
ReturnedMeansDead ==
    \A s \in Stoppers : stopper[s] = "returned" => at[Target[s]] \in {"dead", "released"}

-----------------------------------------------------------------------------
(***************************************************************************)
(* What must happen.                                                       *)
(***************************************************************************)

\* Every kthread_create() returns.
CreateEndsInTime ==
    \A k \in Threads : creator[k] # "idle" ~> creator[k] \in {"created", "finished", "failed"}

\* A thread that is woken enters threadfn, unless a stop comes first.
WokenThreadEnters ==
    \A k \in Threads : woken[k] ~> entered[k] = 1 \/ should_stop[k]

\* Every kthread_stop() of a cooperative thread returns.  True for one stop.
EveryStopReturns ==
    \A s \in Stoppers : stopper[s] = "set_bit" ~> stopper[s] = "returned"

\* However many stop it: one of them returns.
SomeStopReturns ==
    \A k \in Threads :
        should_stop[k] ~> \E s \in StoppersOf(k) : stopper[s] = "returned"

\* Two stops of one thread never both return.
AtMostOneStopReturns ==
    \A s, t \in Stoppers :
        stopper[s] = "returned" /\ stopper[t] = "returned" /\ Target[s] = Target[t] => s = t

-----------------------------------------------------------------------------
(***************************************************************************)
(* KThread does what KThreadClients promises, thread by thread.            *)
(***************************************************************************)

Phase(k) ==
    IF result[k] \in {ENOMEM, EAGAIN} THEN "failed"
    ELSE IF at[k] \in {"none", "kzalloc", "set_state", "announce"} THEN "absent"
    ELSE IF at[k] \in {"schedule", "first_sleep", "last_test"} THEN
        IF should_stop[k] \/ woken[k] THEN "started" ELSE "created"
    ELSE IF at[k] = "call_threadfn" THEN "chosen"
    ELSE IF at[k] = "fn_return" THEN "told"
    ELSE IF InThreadfn(k) THEN "running"
    ELSE IF at[k] \in {"do_exit", "mm_release"} THEN "returned"
    ELSE "finished"

\* What each stopper has got, also while it is still about to read it.
Got(s) ==
    CASE stopper[s] = "read" -> exit_code[Target[s]]
      [] stopper[s] \in {"put", "returned"} -> stop_ret[s]
      [] OTHER -> NoValue

Caller(s) ==
    CASE stopper[s] = "idle" -> "idle"
      [] stopper[s] \in {"get", "set_bit", "oops"} -> "called"
      [] stopper[s] \in {"wake", "wait", "asleep"} -> "requested"
      [] stopper[s] \in {"read", "put"} -> "got"
      [] stopper[s] = "returned" -> "returned"

API(k) == INSTANCE KThreadClients WITH
    EINTR       <- EINTR,
    Signals     <- {},
    Stoppers    <- StoppersOf(k),
    phase       <- Phase(k),
    should_stop <- should_stop[k],
    exited      <- exited[k],
    code        <- IF Phase(k) \notin {"returned", "finished"} THEN NoValue
                   ELSE IF entered[k] = 0 THEN EINTR ELSE fn_value[k],
    woken       <- woken[k],
    ran         <- entered[k] > 0,
    unasked     <- unasked[k],
    caller      <- [s \in StoppersOf(k) |-> Caller(s)],
    got         <- [s \in StoppersOf(k) |-> Got(s)]

APIVars(k) ==
    <<Phase(k), should_stop[k], exited[k], ret[k], woken[k], entered[k], unasked[k],
      [s \in StoppersOf(k) |-> <<Caller(s), Got(s)>>]>>

RefinesClients ==
    /\ \A k \in Threads : API(k)!ClientsInit
    /\ [][\A k \in Threads : API(k)!ClientsNext \/ UNCHANGED APIVars(k)]_vars

THEOREM Spec => RefinesClients
=============================================================================
