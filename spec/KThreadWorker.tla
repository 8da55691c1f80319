---------------------------- MODULE KThreadWorker ----------------------------
(***************************************************************************)
(* kthread_worker: a kernel thread that runs works from a list, and the    *)
(* user of kthread_stop() that most drivers meet.  Works are queued by     *)
(* kthread_queue_work(), kthread_flush_worker() waits for what is queued,  *)
(* and kthread_destroy_worker() flushes, stops, and warns if a work has    *)
(* been left behind.                                                       *)
(*                                                                         *)
(* The steps are those of 4.9, which brought kthread_create_worker(), and  *)
(* of all that came after.  What has changed since: from 6.14 on it is     *)
(* kthread_run_worker() that wakes the thread, see CreateWakesIt.  Before  *)
(* 4.9 flush and loop were the same by other names, and the owner did the  *)
(* rest himself.                                                           *)
(*                                                                         *)
(* worker->lock is not a variable: what is done under it is one step here, *)
(* since the thread looks at the list, and others at worker->current_work  *)
(* and worker->task, under it only.  What is not under it, and so a step   *)
(* of its own: the task's state, and the test of kthread_should_stop().    *)
(*                                                                         *)
(* Left out: how the thread is forked, references and the value (KThread   *)
(* has them; kthread_destroy_worker() looks at no value), delayed works,   *)
(* cancelling, works that are queued again or that queue others, and       *)
(* TIF_NOTIFY_SIGNAL, which a thread that sets its state before it tests   *)
(* does not need.                                                          *)
(*                                                                         *)
(* Sources: kernel/kthread.c of 3.18, 4.14, 6.1 and 6.12.                  *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
    Works,          \* the works, each queued once by a task of its own
    Flushers,       \* the tasks besides the owner that flush, each once
    Late,           \* TRUE: works are queued, and flushers flush, even while
                    \* kthread_destroy_worker() runs, a bug of the caller's
    CreateWakesIt,  \* TRUE: kthread_create_worker() wakes the thread (to 6.13);
                    \* FALSE: nobody does so (6.14, without kthread_run_worker())
    Freezable,      \* KTW_FREEZABLE, and there is a freezer
    CanOops         \* TRUE: a work may oops, and take the thread with it

Owner   == "owner"
FlushTasks == {Owner} \cup Flushers     \* a flush's work goes by its task's name
NULL    == "NULL"

ASSUME {Late, CreateWakesIt, Freezable, CanOops} \subseteq BOOLEAN

TASK_RUNNING         == "TASK_RUNNING"
TASK_INTERRUPTIBLE   == "TASK_INTERRUPTIBLE"
TASK_UNINTERRUPTIBLE == "TASK_UNINTERRUPTIBLE"

VARIABLES
    owner,         \* where the owner is
    queued,        \* the works whose kthread_queue_work() has been called
    flush,         \* [FlushTasks -> where in kthread_flush_worker() each is]
    before,        \* history: [FlushTasks -> the works queued before that flush]
    work_list,     \* worker->work_list, in order
    current_work,  \* worker->current_work
    task,          \* worker->task is not NULL
    at,            \* where the thread is
    state,         \* its task state
    should_stop,   \* KTHREAD_SHOULD_STOP
    exited,        \* the counter of kthread->exited
    begun,         \* history: what was taken off the list to be run
    finished,      \* history: whose function has returned
    warned,        \* history: kthread_destroy_worker() has said WARN_ON
    freezing       \* freezing(current)

owner_vars  == <<owner, warned>>
worker_vars == <<queued, flush, before, work_list, current_work, task>>
thread_vars == <<at, state, should_stop, exited, begun, finished>>
vars == <<owner_vars, worker_vars, thread_vars, freezing>>

\* What each variable can be; else the specification has a slip.
TypeOK ==
    /\ owner \in {"idle", "created", "wake", "serving", "flush", "stop_set", "stop_wake",
                  "stop_wait", "warn", "returned"}
    /\ queued \subseteq Works
    /\ flush \in [FlushTasks -> {"idle", "wait", "returned"}]
    /\ before \in [FlushTasks -> SUBSET Works]
    /\ work_list \in Seq(Works \cup FlushTasks)
    /\ current_work \in Works \cup FlushTasks \cup {NULL}
    /\ at \in {"none", "schedule", "first_sleep", "last_test", "set_state", "test_stop",
               "leave", "take", "work_func", "test_freezing", "fn_schedule", "fn_sleep",
               "try_to_freeze", "frozen", "do_exit", "do_task_dead", "dead"}
    /\ state \in {TASK_RUNNING, TASK_INTERRUPTIBLE, TASK_UNINTERRUPTIBLE}
    /\ {task, should_stop, warned, freezing} \subseteq BOOLEAN
    /\ exited \in 0..1
    /\ finished \subseteq begun /\ begun \subseteq Works \cup FlushTasks

Init ==
    /\ owner = "idle" /\ warned = FALSE
    /\ queued = {} /\ flush = [f \in FlushTasks |-> "idle"] /\ before = [f \in FlushTasks |-> {}]
    /\ work_list = <<>> /\ current_work = NULL /\ task = FALSE
    /\ at = "none" /\ state = TASK_RUNNING /\ should_stop = FALSE /\ exited = 0
    /\ begun = {} /\ finished = {}
    /\ freezing = FALSE

WakeUpProcess == state' = TASK_RUNNING   \* whatever this thread sleeps in is in the mask

-----------------------------------------------------------------------------
(***************************************************************************)
(* The owner: create, destroy.                                             *)
(***************************************************************************)

OwnerGoes(from, to) == owner = from /\ owner' = to

\* __kthread_create_worker(): __kthread_create_on_node(kthread_worker_fn, ...) has
\* returned: the thread is in its first sleep, or about to be.
CreateWorker ==
    /\ OwnerGoes("idle", "created")
    /\ at' = "schedule" /\ state' = TASK_UNINTERRUPTIBLE
    /\ UNCHANGED <<worker_vars, should_stop, exited, begun, finished, warned, freezing>>

\* __kthread_create_worker(): worker->task = task.  From here on others may have
\* the worker.
CreateSetsTask ==
    /\ OwnerGoes("created", IF CreateWakesIt THEN "wake" ELSE "serving")
    /\ task' = TRUE
    /\ UNCHANGED <<queued, flush, before, work_list, current_work, thread_vars, warned, freezing>>

\* __kthread_create_worker(), from 6.14 on kthread_run_worker(): wake_up_process(task).
CreateWakes ==
    /\ OwnerGoes("wake", "serving")
    /\ WakeUpProcess
    /\ UNCHANGED <<worker_vars, at, should_stop, exited, begun, finished, warned, freezing>>

\* kthread_destroy_worker(): task = worker->task; kthread_flush_worker().
DestroyCall ==
    /\ OwnerGoes("serving", "flush")
    /\ UNCHANGED <<worker_vars, thread_vars, warned, freezing>>

\* kthread_destroy_worker(): the flush is over, kthread_stop(task) is called.
DestroyStops ==
    /\ flush[Owner] = "returned"
    /\ OwnerGoes("flush", "stop_set")
    /\ UNCHANGED <<worker_vars, thread_vars, warned, freezing>>

\* kthread_stop(): set_bit(KTHREAD_SHOULD_STOP).
StopSetBit ==
    /\ OwnerGoes("stop_set", "stop_wake")
    /\ should_stop' = TRUE
    /\ UNCHANGED <<worker_vars, at, state, exited, begun, finished, warned, freezing>>

\* kthread_stop(): wake_up_process().
StopWake ==
    /\ OwnerGoes("stop_wake", "stop_wait")
    /\ WakeUpProcess
    /\ UNCHANGED <<worker_vars, at, should_stop, exited, begun, finished, warned, freezing>>

\* kthread_stop(): wait_for_completion(&kthread->exited), and return.
StopAwait ==
    /\ exited > 0 /\ exited' = exited - 1
    /\ OwnerGoes("stop_wait", "warn")
    /\ UNCHANGED <<worker_vars, at, state, should_stop, begun, finished, warned, freezing>>

\* kthread_destroy_worker(): WARN_ON(!list_empty(&worker->work_list)); kfree(worker).
\* Whoever uses the worker after this uses freed memory.
DestroyReturns ==
    /\ OwnerGoes("warn", "returned")
    /\ warned' = (work_list # <<>>)
    /\ UNCHANGED <<worker_vars, thread_vars, freezing>>

-----------------------------------------------------------------------------
(***************************************************************************)
(* kthread_queue_work() and kthread_flush_worker().                        *)
(***************************************************************************)

InUse ==
    \/ owner = "serving"
    \/ Late /\ owner \in {"flush", "stop_set", "stop_wake", "stop_wait", "warn"}

\* kthread_insert_work(), under worker->lock: list_add_tail(), and
\* wake_up_process(worker->task) if no work is being run and there is a task.  For
\* a thread that nobody has woken yet this is the first wake.
Insert(x) ==
    /\ work_list' = Append(work_list, x)
    /\ state' = IF current_work = NULL /\ task THEN TASK_RUNNING ELSE state
    /\ UNCHANGED <<owner_vars, current_work, task, at, should_stop, exited, begun, finished, freezing>>

\* kthread_queue_work().
QueueWork(w) ==
    /\ InUse /\ w \notin queued
    /\ queued' = queued \cup {w}
    /\ Insert(w)
    /\ UNCHANGED <<flush, before>>

\* kthread_flush_worker(): kthread_queue_work() of a work that completes fwork.done,
\* at the end of the list.
FlushQueues(f) ==
    /\ IF f = Owner THEN owner = "flush" ELSE InUse
    /\ flush[f] = "idle" /\ flush' = [flush EXCEPT ![f] = "wait"]
    /\ before' = [before EXCEPT ![f] = queued]
    /\ Insert(f)
    /\ UNCHANGED queued

\* kthread_flush_worker(): wait_for_completion(&fwork.done).
FlushWaits(f) ==
    /\ f \in finished
    /\ flush[f] = "wait" /\ flush' = [flush EXCEPT ![f] = "returned"]
    /\ UNCHANGED <<owner_vars, queued, before, work_list, current_work, task, thread_vars, freezing>>

-----------------------------------------------------------------------------
(***************************************************************************)
(* The thread: kthread(), kthread_worker_fn(), do_exit().                  *)
(***************************************************************************)

\* A step of the thread's that changes nothing but its place, and its task state.
ThreadSets(to, s) ==
    /\ at' = to /\ state' = s
    /\ UNCHANGED <<owner_vars, worker_vars, should_stop, exited, begun, finished, freezing>>
ThreadSteps(to) == ThreadSets(to, state)

\* schedule(), which does not block if a wake has come since the state was set.
Schedules(awake, asleep) == ThreadSteps(IF state = TASK_RUNNING THEN awake ELSE asleep)

\* kthread(): schedule(), the one and only, and back from it.
FirstSchedule == at = "schedule" /\ Schedules("last_test", "first_sleep")
FirstWakeUp   == at = "first_sleep" /\ state = TASK_RUNNING /\ ThreadSteps("last_test")

\* kthread(): the last test, then kthread_worker_fn().  (worker->task = current is
\* done already, see CreateSetsTask.)
LastTestRun == at = "last_test" /\ ~should_stop /\ ThreadSteps("set_state")

\* kthread(): should stop, -EINTR.  kthread_destroy_worker() never brings it about,
\* because its flush has the thread run; a bare kthread_stop() can.
LastTestStop == at = "last_test" /\ should_stop /\ ThreadSteps("do_exit")

\* kthread_worker_fn(): set_current_state(TASK_INTERRUPTIBLE), "mb paired w/
\* kthread_stop": asleep for every waker before it tests, so that no wake is lost.
FnSetState == at = "set_state" /\ ThreadSets("test_stop", TASK_INTERRUPTIBLE)

\* kthread_worker_fn(): kthread_should_stop() comes before the list: a stop is
\* obeyed even if works are waiting.
FnTestFalse == at = "test_stop" /\ ~should_stop /\ ThreadSteps("take")
FnTestTrue  == at = "test_stop" /\ should_stop /\ ThreadSets("leave", TASK_RUNNING)

\* kthread_worker_fn(): worker->task = NULL under the lock, return 0: who queues
\* from here on wakes nobody.
FnLeaves ==
    /\ at = "leave" /\ at' = "do_exit"
    /\ task' = FALSE
    /\ UNCHANGED <<owner_vars, queued, flush, before, work_list, current_work, state, should_stop,
                   exited, begun, finished, freezing>>

\* kthread_worker_fn(): under the lock the first work is taken, and becomes
\* current_work; TASK_RUNNING, and its function is called.
FnTakesWork ==
    /\ at = "take" /\ at' = "work_func"
    /\ work_list # <<>>
    /\ work_list' = Tail(work_list) /\ current_work' = Head(work_list)
    /\ begun' = begun \cup {Head(work_list)}
    /\ state' = TASK_RUNNING
    /\ UNCHANGED <<owner_vars, queued, flush, before, task, should_stop, exited, finished, freezing>>

\* What current_work becomes when there is no work.
NoWork == NULL

\* kthread_worker_fn(): or there is none, and current_work is NULL: from here on
\* who queues wakes.
FnTakesNothing ==
    /\ at = "take" /\ at' = "test_freezing"
    /\ work_list = <<>>
    /\ current_work' = NoWork
    /\ UNCHANGED <<owner_vars, queued, flush, before, work_list, task, state, should_stop, exited,
                   begun, finished, freezing>>

\* kthread_worker_fn(): work->func(work) returns.  A flush's has called
\* complete(&fwork->done).  current_work stays until the thread looks again.
WorkEnds ==
    /\ at = "work_func" /\ at' = "try_to_freeze"
    /\ finished' = finished \cup {current_work}
    /\ UNCHANGED <<owner_vars, worker_vars, state, should_stop, exited, begun, freezing>>

\* A work oopses: do_exit() in the thread.  Nobody clears current_work or task.
WorkOopses == at = "work_func" /\ CanOops /\ current_work \in Works /\ ThreadSteps("do_exit")

\* kthread_worker_fn(): if (!freezing(current)) schedule(), else TASK_RUNNING.
FnTestFreezing ==
    at = "test_freezing" /\ ThreadSets(IF freezing THEN "try_to_freeze" ELSE "fn_schedule",
               IF freezing THEN TASK_RUNNING ELSE state)
FnSchedule == at = "fn_schedule" /\ Schedules("try_to_freeze", "fn_sleep")
FnWakeUp   == at = "fn_sleep" /\ state = TASK_RUNNING /\ ThreadSteps("try_to_freeze")

\* kthread_worker_fn(): try_to_freeze().  __refrigerator(false) does not ask for a
\* stop: whatever wakes the thread there, it stays until the thaw.
FnFreezes  == at = "try_to_freeze" /\ freezing /\ ThreadSteps("frozen")
FnGoesOn   == at = "try_to_freeze" /\ ~freezing /\ ThreadSteps("set_state")
FnThaws    == at = "frozen" /\ ~freezing /\ ThreadSteps("set_state")

\* do_exit() -> mm_release(): complete(&kthread->exited), and later the last switch.
ExitComplete ==
    /\ at = "do_exit" /\ at' = "do_task_dead"
    /\ exited' = exited + 1
    /\ UNCHANGED <<owner_vars, worker_vars, state, should_stop, begun, finished, freezing>>
Dies == at = "do_task_dead" /\ ThreadSteps("dead")

-----------------------------------------------------------------------------
(***************************************************************************)
(* The freezer.                                                            *)
(***************************************************************************)

Freeze ==
    /\ Freezable /\ ~freezing /\ freezing' = TRUE
    /\ UNCHANGED <<owner_vars, worker_vars, thread_vars>>

\* freeze_task(): wakes a thread that has called set_freezable() and sleeps.
FreezeWakes ==
    /\ freezing /\ state = TASK_INTERRUPTIBLE /\ WakeUpProcess
    /\ UNCHANGED <<owner_vars, worker_vars, at, should_stop, exited, begun, finished, freezing>>

Thaw ==
    /\ freezing /\ freezing' = FALSE
    /\ UNCHANGED <<owner_vars, worker_vars, thread_vars>>

-----------------------------------------------------------------------------

OwnerNext ==
    \/ CreateSetsTask \/ CreateWakes \/ FlushQueues(Owner) \/ DestroyStops
    \/ StopSetBit \/ StopWake \/ StopAwait \/ DestroyReturns

ThreadNext ==
    \/ FirstSchedule \/ FirstWakeUp \/ LastTestRun \/ LastTestStop
    \/ FnSetState \/ FnTestFalse \/ FnTestTrue \/ FnLeaves \/ FnTakesWork \/ FnTakesNothing
    \/ WorkEnds \/ WorkOopses \/ FnTestFreezing \/ FnSchedule \/ FnWakeUp
    \/ FnFreezes \/ FnGoesOn \/ FnThaws \/ ExitComplete \/ Dies

Next ==
    \/ CreateWorker \/ DestroyCall \/ OwnerNext \/ ThreadNext
    \/ \E w \in Works : QueueWork(w)
    \/ \E f \in Flushers : FlushQueues(f)
    \/ \E f \in FlushTasks : FlushWaits(f)
    \/ Freeze \/ FreezeWakes \/ Thaw

Spec == Init /\ [][Next]_vars

\* A task that can run gets to run.  That anybody queues, flushes, destroys or
\* thaws is not promised ...
FairSpec ==
    /\ Spec
    /\ WF_vars(OwnerNext) /\ WF_vars(ThreadNext) /\ WF_vars(FreezeWakes)
    /\ \A f \in FlushTasks : WF_vars(FlushWaits(f))

\* ... except that here the freezer thaws, and for good.
FairThawSpec == FairSpec /\ WF_vars(Thaw) /\ <>[]~freezing

-----------------------------------------------------------------------------
(***************************************************************************)
(* What must hold.                                                         *)
(***************************************************************************)

Over == at \in {"do_exit", "do_task_dead", "dead"}

\* A stop never cuts a work short: a work whose function was called has returned
\* from it before the thread exits.  Else the work would hold its locks for ever.
NoWorkCutShort == ~CanOops /\ Over => begun \subseteq finished

\* A flush returns when all that was queued before it is done, and so does
\* kthread_destroy_worker(), which flushes first: what a driver's works use may be
\* freed after it.
FlushedWorksAreDone ==
    \A f \in FlushTasks :
        flush[f] = "returned" \/ (f = Owner /\ owner = "returned") => before[f] \subseteq finished

\* When kthread_destroy_worker() frees the worker, no code of kthread_worker_fn()
\* looks at it any more.
FreedMeansWorkerOver == owner = "returned" => Over

\* The thread sleeps only while there is nothing to do, and who has given it
\* something to do is about to wake it.
NoLostWakeUp ==
    at = "fn_sleep" /\ state = TASK_INTERRUPTIBLE =>
        /\ work_list = <<>> /\ current_work = NULL
        /\ should_stop => owner = "stop_wake"

\* kthread_destroy_worker() never warns.  True unless Late.
NeverWarns == ~warned

\* All works that were queued are done when kthread_destroy_worker() returns.  True
\* unless Late: one that is queued after the flush is left behind, and its memory
\* may be freed while it is on a list that is freed too.
QueuedWorksAreDone == owner = "returned" => queued \subseteq finished

\* kthread_worker_fn() leaves its loop only when the list is empty.  True unless
\* Late: the test of kthread_should_stop() does not look at the list.
LeavesNoWorkBehind == [][at = "test_stop" /\ at' = "leave" => work_list = <<>>]_vars

-----------------------------------------------------------------------------
(***************************************************************************)
(* What must happen.                                                       *)
(***************************************************************************)

\* kthread_destroy_worker() returns, whatever has become of the thread before.
DestroyEndsInTime == owner = "flush" ~> owner = "returned"

\* kthread_flush_worker() returns.  True unless Late.
FlushEndsInTime == \A f \in FlushTasks : flush[f] = "wait" ~> flush[f] = "returned"

\* A work that is queued is done some time.  True unless Late.
WorkEndsInTime == \A w \in Works : w \in queued ~> w \in finished
=============================================================================
