----------------------------- MODULE Workqueue -----------------------------
(***************************************************************************)
(* The workqueue of Linux 2.6.31 to 2.6.35, a classic user of              *)
(* kthread_stop().  One action per step that another task can observe or   *)
(* interfere with; as in KThread, steps are sequentially consistent.       *)
(*                                                                         *)
(* Who acts: the owner, which is __create_workqueue() and then             *)
(* destroy_workqueue(), or the CPU notifier; the thread, in kthread(),     *)
(* perhaps worker_thread(), do_exit(); for each work a queuer, in          *)
(* queue_work(); the flushers, other tasks in flush_workqueue(); and the   *)
(* freezer, which freezes the thread for suspend, and thaws it.            *)
(*                                                                         *)
(* Left out: how kthreadd forks (see KThread; here a creation succeeds),   *)
(* references (the task_struct stays in memory, which after an oops        *)
(* nobody in 2.6.35 sees to), works that are queued again or that queue    *)
(* others, cancel_work_sync().                                             *)
(*                                                                         *)
(* Sources: kernel/workqueue.c, kernel/kthread.c, kernel/freezer.c and     *)
(* kernel/fork.c mm_release() of Linux 2.6.35.                             *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
    Works,        \* the works, each with its queuer
    Flushers,     \* the tasks besides the owner that flush, each once
    Courses,      \* what may become of the thread once it is created:
                  \* "online"     CPU_ONLINE or __create_workqueue() starts it, and
                  \*              destroy_workqueue() or CPU_POST_DEAD ends it;
                  \* "canceled"   CPU_UP_CANCELED starts it and ends it at once;
                  \* "unstarted"  it is ended without a start: nobody in 2.6.35
                  \*              does so, but kthread_stop() allows it
    Late,         \* TRUE: works are queued even while destroy_workqueue() runs,
                  \* a bug of the caller's
    Freezeable,   \* wq->freezeable, and there is a freezer
    CanOops       \* TRUE: a work may oops, and take the thread with it

Owner      == "owner"
FlushTasks == {Owner} \cup Flushers     \* a barrier work goes by its flusher's name
EINTR      == -4                        \* -EINTR
SIGSEGV    == 11                        \* an oops calls do_exit(signr)

ASSUME Courses \subseteq {"online", "canceled", "unstarted"}
ASSUME {Late, Freezeable, CanOops} \subseteq BOOLEAN

TASK_RUNNING         == "TASK_RUNNING"
TASK_INTERRUPTIBLE   == "TASK_INTERRUPTIBLE"
TASK_UNINTERRUPTIBLE == "TASK_UNINTERRUPTIBLE"
TASK_DEAD            == "TASK_DEAD"
TASK_NORMAL          == {TASK_INTERRUPTIBLE, TASK_UNINTERRUPTIBLE}

VARIABLES
    owner,         \* where the owner is
    course,        \* the one of Courses that was taken; "none" before
    kthread,       \* kthread_stop()'s local variable: what it points to
    stop_ret,      \* what kthread_stop() returns
    queuer,        \* [Works -> where in queue_work() its queuer is]
    flush,         \* [FlushTasks -> where in flush_cpu_workqueue() each is]
    before,        \* history: [FlushTasks -> the works queued before that flush]
    worklist,      \* cwq->worklist: works and barriers, in order
    lock,          \* cwq->lock, as far as it is held from one step to the next
    current_work,  \* cwq->current_work
    begun,         \* history: what was taken off the list to be run
    finished,      \* history: whose function has returned, complete(&barr->done) included
    at,            \* where in its own code the thread is
    state,         \* its task state
    on_more_work,  \* it is on the wait queue cwq->more_work
    vfork_done,    \* task->vfork_done: &self.exited, or NULL
    should_stop,   \* self.should_stop, an int on the thread's own stack
    exited,        \* self.exited.done, the completion's counter
    ret,           \* the local variable ret of kthread()
    exit_code,     \* task->exit_code
    ran,           \* history: worker_thread() was entered
    freezing,      \* TIF_FREEZE
    frozen,        \* PF_FROZEN
    freezer        \* where the freezer is

owner_vars   == <<owner, course, kthread, stop_ret>>
cwq_vars     == <<queuer, flush, before, worklist, lock>>
work_vars    == <<current_work, begun, finished>>
sleep_vars   == <<state, on_more_work>>
end_vars     == <<vfork_done, exited>>
stop_vars    == <<end_vars, should_stop>>
exit_vars    == <<ret, exit_code, ran>>
freeze_flags == <<freezing, frozen>>
freezer_vars == <<freeze_flags, freezer>>
vars == <<owner_vars, cwq_vars, work_vars, at, sleep_vars, stop_vars, exit_vars, freezer_vars>>

\* Where the thread can be, in the order of its code.
Kthread == {"none", "kthread", "schedule", "first_sleep", "last_test"}
Fridge  == {"fridge_set_state", "fridge_test", "fridge_sched", "fridge_sleep"}
Worker  == {"set_freezable", "prepare_to_wait", "test_freezing", "test_stop", "test_list",
            "wait_sched", "wait_sleep", "finish_wait", "try_to_freeze", "second_test",
            "run_workqueue", "work_func"} \cup Fridge
Exit    == {"do_exit", "mm_release", "complete", "do_task_dead", "dead"}

TypeOK ==
    /\ owner \in {"idle", "create", "created", "bind", "start", "serving", "start_canceled",
                  "flush", "stop_find", "stop_test", "stop_set", "stop_wake", "stop_wait",
                  "stop_read", "returned"}
    /\ course \in Courses \cup {"none"}
    /\ kthread \in {"none", "self", "wild"}
    /\ queuer \in [Works -> {"idle", "wake", "queued"}]
    /\ flush \in [FlushTasks -> {"idle", "wake", "wait", "returned"}]
    /\ before \in [FlushTasks -> SUBSET Works]
    /\ worklist \in Seq(Works \cup FlushTasks)
    /\ lock \in Works \cup FlushTasks \cup {"free"}
    /\ current_work \in Works \cup FlushTasks \cup {"NULL"}
    /\ finished \subseteq begun /\ begun \subseteq Works \cup FlushTasks
    /\ at \in Kthread \cup Worker \cup Exit
    /\ state \in {TASK_RUNNING, TASK_DEAD} \cup TASK_NORMAL
    /\ vfork_done \in {"NULL", "self"} /\ should_stop \in {0, 1} /\ exited \in {0, 1}
    /\ {ret, exit_code, stop_ret} \subseteq {0, EINTR, SIGSEGV}
    /\ freezer \in {"idle", "freeze_wake", "thaw", "thaw_wake"}
    /\ {on_more_work, ran, freezing, frozen} \subseteq BOOLEAN

Init ==
    /\ owner = "idle" /\ course = "none" /\ kthread = "none" /\ stop_ret = 0
    /\ queuer = [w \in Works |-> "idle"]
    /\ flush = [f \in FlushTasks |-> "idle"] /\ before = [f \in FlushTasks |-> {}]
    /\ worklist = <<>> /\ lock = "free"
    /\ current_work = "NULL" /\ begun = {} /\ finished = {}
    /\ at = "none" /\ state = TASK_RUNNING /\ on_more_work = FALSE
    /\ vfork_done = "NULL" /\ should_stop = 0 /\ exited = 0
    /\ ret = EINTR /\ exit_code = 0 /\ ran = FALSE
    /\ freezing = FALSE /\ frozen = FALSE /\ freezer = "idle"

\* wake_up_process() leaves a state that is not in its mask alone.  (The mask is
\* TASK_ALL in 2.6.3x; nobody stops or traces this thread.)
WakeUpProcess == state' = IF state \in TASK_NORMAL THEN TASK_RUNNING ELSE state

\* wake_up(&cwq->more_work): wakes the thread if it is on the wait queue, from which
\* autoremove_wake_function() takes it if that has woken it indeed.
WakeUpMoreWork ==
    IF on_more_work /\ state \in TASK_NORMAL
    THEN state' = TASK_RUNNING /\ on_more_work' = FALSE
    ELSE UNCHANGED sleep_vars

-----------------------------------------------------------------------------
(***************************************************************************)
(* The owner: create, start, destroy.                                      *)
(***************************************************************************)

\* A step of the owner's, and what none of them touches ...
OwnerGoes(to) ==
    /\ owner' = to
    /\ UNCHANGED <<cwq_vars, work_vars, on_more_work, vfork_done, exit_vars, freezer_vars>>

\* ... and a step that changes nothing but its place.
OwnerSteps(to) ==
    OwnerGoes(to) /\ UNCHANGED <<course, kthread, stop_ret, at, state, should_stop, exited>>

\* create_workqueue_thread(): kthread_create(worker_thread, ...): the thread is forked.
CreateWorkqueueThread ==
    /\ owner = "idle" /\ OwnerGoes("create")
    /\ at' = "kthread"
    /\ UNCHANGED <<course, kthread, stop_ret, state, should_stop, exited>>

\* create_workqueue_thread(): cwq->thread = p.  The thread exists, unwoken.
CreateReturns == owner = "create" /\ at # "kthread" /\ OwnerSteps("created")

\* What comes next is decided outside of this file.
Take(c, place) ==
    /\ OwnerGoes(place)
    /\ c \in Courses /\ course' = c
    /\ UNCHANGED <<kthread, stop_ret, at, state, should_stop, exited>>

\* CPU_ONLINE, or __create_workqueue(): start_workqueue_thread(cwq, cpu).
CpuOnline == owner = "created" /\ Take("online", "bind")

\* CPU_UP_CANCELED: start_workqueue_thread(cwq, -1), with no CPU to bind to.
CpuUpCanceled == owner = "created" /\ Take("canceled", "start_canceled")

\* cleanup_workqueue_thread() for a thread that nobody has started.
CleanupUnstarted == owner = "created" /\ Take("unstarted", "flush")

\* start_workqueue_thread(): kthread_bind(p, cpu), which waits until the thread is
\* really off its CPU in kthread()'s schedule().
StartBinds == owner = "bind" /\ at = "first_sleep" /\ OwnerSteps("start")

\* start_workqueue_thread(): wake_up_process(p).  CPU_UP_CANCELED goes straight on
\* to cleanup_workqueue_thread().
StartWakes ==
    /\ owner \in {"start", "start_canceled"}
    /\ OwnerGoes(IF owner = "start" THEN "serving" ELSE "flush")
    /\ WakeUpProcess
    /\ UNCHANGED <<course, kthread, stop_ret, at, should_stop, exited>>

\* destroy_workqueue(), or CPU_POST_DEAD: cleanup_workqueue_thread(), which flushes.
DestroyCall == owner = "serving" /\ OwnerSteps("flush")

\* cleanup_workqueue_thread(): the flush is over, kthread_stop(cwq->thread) is called.
CleanupStops == owner = "flush" /\ flush[Owner] = "returned" /\ OwnerSteps("stop_find")

\* kthread_stop(): kthread = to_kthread(k), that is container_of(k->vfork_done,
\* struct kthread, exited): of NULL that makes a wild pointer.
StopFindsKthread ==
    /\ owner = "stop_find" /\ OwnerGoes("stop_test")
    /\ kthread' = IF vfork_done = "NULL" THEN "wild" ELSE "self"
    /\ UNCHANGED <<course, stop_ret, at, state, should_stop, exited>>

\* kthread_stop(): if (k->vfork_done != NULL), read anew after the barrier(): "it
\* might have exited".  If it has, there is nobody to tell and nothing to wait for.
StopTestsVforkDone ==
    owner = "stop_test" /\ OwnerSteps(IF vfork_done = "NULL" THEN "stop_read" ELSE "stop_set")

\* kthread_stop(): kthread->should_stop = 1, a plain store to the thread's stack.
StopSets ==
    /\ owner = "stop_set" /\ OwnerGoes("stop_wake")
    /\ should_stop' = 1
    /\ UNCHANGED <<course, kthread, stop_ret, at, state, exited>>

\* kthread_stop(): wake_up_process(k), whatever k sleeps on.  A k that sleeps on
\* more_work stays on that queue until its finish_wait().
StopWakes ==
    /\ owner = "stop_wake" /\ OwnerGoes("stop_wait")
    /\ WakeUpProcess
    /\ UNCHANGED <<course, kthread, stop_ret, at, should_stop, exited>>

\* kthread_stop(): wait_for_completion(&kthread->exited).  With one waiter its sleep
\* and its waking are the guard.
StopWaits ==
    /\ owner = "stop_wait" /\ OwnerGoes("stop_read")
    /\ exited > 0 /\ exited' = exited - 1
    /\ UNCHANGED <<course, kthread, stop_ret, at, state, should_stop>>

\* kthread_stop(): ret = k->exit_code, return.  cleanup_workqueue_thread() returns too.
StopReturns ==
    /\ owner = "stop_read" /\ OwnerGoes("returned")
    /\ stop_ret' = exit_code
    /\ UNCHANGED <<course, kthread, at, state, should_stop, exited>>

-----------------------------------------------------------------------------
(***************************************************************************)
(* queue_work() and flush_cpu_workqueue().  Both insert under cwq->lock    *)
(* and hold it over the wake_up().  run_workqueue() takes it too, but      *)
(* worker_thread()'s list_empty() does not.                                *)
(***************************************************************************)

others == <<owner_vars, work_vars, at, stop_vars, exit_vars, freezer_vars>>

\* The workqueue is there for others to use.  In the courses other than "online"
\* nobody can see it.
InUse == course = "online" /\ owner \notin {"bind", "start", "returned"}

\* queue_work() -> insert_work(): list_add_tail().
QueueInserts(w) ==
    /\ InUse /\ (Late \/ owner = "serving")
    /\ queuer[w] = "idle" /\ queuer' = [queuer EXCEPT ![w] = "wake"]
    /\ worklist' = Append(worklist, w)
    /\ lock = "free" /\ lock' = w
    /\ UNCHANGED <<flush, before, sleep_vars, others>>

\* queue_work() -> insert_work(): wake_up(&cwq->more_work), and the lock is let go.
QueueWakes(w) ==
    /\ queuer[w] = "wake" /\ queuer' = [queuer EXCEPT ![w] = "queued"]
    /\ lock' = "free"
    /\ WakeUpMoreWork
    /\ UNCHANGED <<flush, before, worklist, others>>

\* flush_cpu_workqueue(): if a work is listed or runs, insert_wq_barrier() at the
\* tail, and else return.
FlushInserts(f) ==
    /\ IF f = Owner THEN owner = "flush" ELSE InUse
    /\ flush[f] = "idle" /\ lock = "free"
    /\ before' = [before EXCEPT ![f] = {w \in Works : queuer[w] # "idle"}]
    /\ IF worklist # <<>> \/ current_work # "NULL"
       THEN flush' = [flush EXCEPT ![f] = "wake"] /\ worklist' = Append(worklist, f) /\ lock' = f
       ELSE flush' = [flush EXCEPT ![f] = "returned"] /\ UNCHANGED <<worklist, lock>>
    /\ UNCHANGED <<queuer, sleep_vars, others>>

\* flush_cpu_workqueue(): insert_work()'s wake_up(), and the lock is let go.
FlushWakes(f) ==
    /\ flush[f] = "wake" /\ flush' = [flush EXCEPT ![f] = "wait"]
    /\ lock' = "free"
    /\ WakeUpMoreWork
    /\ UNCHANGED <<queuer, before, worklist, others>>

\* flush_cpu_workqueue(): wait_for_completion(&barr.done) is over.
FlushWaits(f) ==
    /\ f \in finished
    /\ flush[f] = "wait" /\ flush' = [flush EXCEPT ![f] = "returned"]
    /\ UNCHANGED <<queuer, before, worklist, lock, sleep_vars, others>>

-----------------------------------------------------------------------------
(***************************************************************************)
(* The thread: kthread(), worker_thread(), run_workqueue(), do_exit().     *)
(***************************************************************************)

\* A step of the thread's, and what none of them touches ...
ThreadGoes(to) ==
    /\ at' = to
    /\ UNCHANGED <<owner_vars, queuer, flush, before, lock, should_stop, freezer>>

\* ... a step that sets its task state, and puts it on more_work or takes it off ...
ThreadSets(to, s, queued) ==
    /\ ThreadGoes(to)
    /\ state' = s /\ on_more_work' = queued
    /\ UNCHANGED <<worklist, work_vars, end_vars, exit_vars, freeze_flags>>

\* ... one that changes nothing but its place ...
ThreadSteps(to) == ThreadSets(to, state, on_more_work)

\* ... and schedule(), which does not block if a wake has come since the state was set.
Schedules(awake, asleep) ==
    ThreadSteps(IF state = TASK_RUNNING THEN awake ELSE asleep)

\* kthread(): current->vfork_done = &self.exited, __set_current_state(TASK_UNINTERRUPTIBLE),
\* complete(&create->done).
Announce ==
    /\ at = "kthread" /\ ThreadGoes("schedule")
    /\ vfork_done' = "self" /\ state' = TASK_UNINTERRUPTIBLE
    /\ UNCHANGED <<worklist, work_vars, on_more_work, exited, exit_vars, freeze_flags>>

\* kthread(): schedule(), the one and only, and back from it.
FirstSchedule == at = "schedule" /\ Schedules("last_test", "first_sleep")
FirstWakeUp   == at = "first_sleep" /\ state = TASK_RUNNING /\ ThreadSteps("last_test")

\* kthread(): if (!self.should_stop) ret = threadfn(data), which is worker_thread().
LastTestRun ==
    /\ at = "last_test" /\ should_stop = 0 /\ ThreadGoes("set_freezable")
    /\ ran' = TRUE
    /\ UNCHANGED <<worklist, work_vars, sleep_vars, end_vars, ret, exit_code, freeze_flags>>

\* kthread(): the stop was first; do_exit(-EINTR).
LastTestStop == at = "last_test" /\ should_stop = 1 /\ ThreadSteps("do_exit")

\* worker_thread(): if (cwq->wq->freezeable) set_freezable(): until here the thread has
\* kthreadd's PF_NOFREEZE.
SetFreezable == at = "set_freezable" /\ ThreadSteps("prepare_to_wait")

\* worker_thread(): prepare_to_wait(&cwq->more_work, &wait, TASK_INTERRUPTIBLE): asleep
\* for every waker before it tests, so that no wake is lost.
PrepareToWait == at = "prepare_to_wait" /\ ThreadSets("test_freezing", TASK_INTERRUPTIBLE, TRUE)

\* worker_thread(): if (!freezing(current) && !kthread_should_stop() &&
\* list_empty(&cwq->worklist)) schedule().  A stop seen here only keeps it awake.
Tests(reason, next) == ThreadSteps(IF reason THEN "finish_wait" ELSE next)
TestFreezing   == at = "test_freezing" /\ Tests(freezing, "test_stop")
TestShouldStop == at = "test_stop" /\ Tests(should_stop = 1, "test_list")
TestListEmpty  == at = "test_list" /\ Tests(worklist # <<>>, "wait_sched")
WaitSchedule   == at = "wait_sched" /\ Schedules("finish_wait", "wait_sleep")
WaitWakeUp     == at = "wait_sleep" /\ state = TASK_RUNNING /\ ThreadSteps("finish_wait")

\* worker_thread(): finish_wait(): TASK_RUNNING, and off more_work.
FinishWait == at = "finish_wait" /\ ThreadSets("try_to_freeze", TASK_RUNNING, FALSE)

\* worker_thread(): try_to_freeze() finds no TIF_FREEZE ...
NotFreezing == at = "try_to_freeze" /\ ~freezing /\ ThreadSteps("second_test")

\* ... or goes to the refrigerator(), which makes it PF_FROZEN under task_lock().
EnterRefrigerator ==
    /\ at = "try_to_freeze" /\ ThreadGoes("fridge_set_state")
    /\ freezing /\ freezing' = FALSE /\ frozen' = TRUE
    /\ UNCHANGED <<worklist, work_vars, sleep_vars, end_vars, exit_vars>>

\* refrigerator(): set_current_state(TASK_UNINTERRUPTIBLE); if (!frozen(current)) break;
\* schedule(); and again.  It does not ask for a stop: woken by one, it sleeps again.
FridgeSetsState == at = "fridge_set_state" /\ ThreadSets("fridge_test", TASK_UNINTERRUPTIBLE, FALSE)
FridgeLeaves    == at = "fridge_test" /\ ~frozen /\ ThreadSets("second_test", TASK_RUNNING, FALSE)
FridgeStays     == at = "fridge_test" /\ frozen /\ ThreadSteps("fridge_sched")
FridgeSchedule  == at = "fridge_sched" /\ Schedules("fridge_set_state", "fridge_sleep")
FridgeWakeUp    == at = "fridge_sleep" /\ state = TASK_RUNNING /\ ThreadSteps("fridge_set_state")

\* worker_thread(): if (kthread_should_stop()) break.  This second test decides.
SecondTestGoesOn == at = "second_test" /\ should_stop = 0 /\ ThreadSteps("run_workqueue")

\* Into do_exit(v).
Exits(v) ==
    /\ ThreadGoes("do_exit")
    /\ ret' = v
    /\ UNCHANGED <<worklist, work_vars, sleep_vars, end_vars, exit_code, ran, freeze_flags>>

\* worker_thread(): out of the loop, return 0, which kthread() gives to do_exit().
SecondTestBreaks == at = "second_test" /\ should_stop = 1 /\ Exits(0)

\* run_workqueue(): under the lock the first of the list is unlinked and becomes
\* current_work; then f(work) is called.  Between two works current_work is cleared
\* and set again under one lock, so nobody sees it NULL.
WorkBegins ==
    /\ at = "run_workqueue" /\ ThreadGoes("work_func")
    /\ lock = "free" /\ worklist # <<>> /\ worklist' = Tail(worklist)
    /\ current_work' = Head(worklist) /\ begun' = begun \cup {Head(worklist)}
    /\ UNCHANGED <<finished, sleep_vars, end_vars, exit_vars, freeze_flags>>

\* run_workqueue(): f(work) returns.  A barrier's has called complete(&barr->done).
WorkEnds ==
    /\ at = "work_func" /\ ThreadGoes("run_workqueue")
    /\ finished' = finished \cup {current_work}
    /\ UNCHANGED <<worklist, current_work, begun, sleep_vars, end_vars, exit_vars, freeze_flags>>

\* run_workqueue(): under the lock the list is empty, and current_work NULL; return.
WorklistEmpty ==
    /\ at = "run_workqueue" /\ ThreadGoes("prepare_to_wait")
    /\ lock = "free" /\ worklist = <<>>
    /\ current_work' = "NULL"
    /\ UNCHANGED <<worklist, begun, finished, sleep_vars, end_vars, exit_vars, freeze_flags>>

\* A work oopses: do_exit(SIGSEGV) in the thread.  Nobody clears current_work.
WorkOopses == at = "work_func" /\ CanOops /\ current_work \in Works /\ Exits(SIGSEGV)

\* do_exit(): tsk->exit_code = code.
ExitStore ==
    /\ at = "do_exit" /\ ThreadGoes("mm_release")
    /\ exit_code' = ret
    /\ UNCHANGED <<worklist, work_vars, sleep_vars, end_vars, ret, ran, freeze_flags>>

\* mm_release(): tsk->vfork_done = NULL.  A stop that comes now skips its wait.
ExitClearsVforkDone ==
    /\ at = "mm_release" /\ ThreadGoes("complete")
    /\ vfork_done' = "NULL"
    /\ UNCHANGED <<worklist, work_vars, sleep_vars, exited, exit_vars, freeze_flags>>

\* mm_release(): complete() of what vfork_done was, in the middle of do_exit().
ExitComplete ==
    /\ at = "complete" /\ ThreadGoes("do_task_dead")
    /\ exited' = exited + 1
    /\ UNCHANGED <<worklist, work_vars, sleep_vars, vfork_done, exit_vars, freeze_flags>>

\* exit_notify(), and the last switch.
Dies == at = "do_task_dead" /\ ThreadSets("dead", TASK_DEAD, on_more_work)

-----------------------------------------------------------------------------
(***************************************************************************)
(* The freezer.                                                            *)
(***************************************************************************)

FreezerGoes(to) ==
    /\ freezer' = to
    /\ UNCHANGED <<owner_vars, cwq_vars, work_vars, at, on_more_work, stop_vars, exit_vars>>

\* freeze_task(): set TIF_FREEZE of a task that is past its set_freezable() and lives.
FreezeSetsFlag ==
    /\ freezer = "idle" /\ FreezerGoes("freeze_wake")
    /\ Freezeable /\ ran /\ at \notin {"set_freezable", "dead"}
    /\ freezing' = TRUE /\ UNCHANGED <<frozen, state>>

\* freeze_task(): wake_up_state(p, TASK_INTERRUPTIBLE); a kthread gets no signal.
FreezeWakes ==
    /\ freezer = "freeze_wake" /\ FreezerGoes("thaw")
    /\ state' = IF state = TASK_INTERRUPTIBLE THEN TASK_RUNNING ELSE state
    /\ UNCHANGED freeze_flags

\* thaw_process(): clear PF_FROZEN, or TIF_FREEZE if the thread has not frozen yet.
ThawClears ==
    /\ freezer = "thaw" /\ FreezerGoes(IF frozen THEN "thaw_wake" ELSE "idle")
    /\ frozen' = FALSE /\ freezing' = FALSE /\ UNCHANGED state

\* thaw_process(): wake_up_process(p), if it was frozen.
ThawWakes ==
    /\ freezer = "thaw_wake" /\ FreezerGoes("idle")
    /\ WakeUpProcess /\ UNCHANGED freeze_flags

-----------------------------------------------------------------------------

\* What the owner decides to do, and what it does once it has begun.
OwnerCalls ==
    CreateWorkqueueThread \/ CpuOnline \/ CpuUpCanceled \/ CleanupUnstarted \/ DestroyCall
OwnerNext ==
    \/ CreateReturns \/ StartBinds \/ StartWakes \/ FlushInserts(Owner) \/ CleanupStops
    \/ StopFindsKthread \/ StopTestsVforkDone \/ StopSets \/ StopWakes \/ StopWaits \/ StopReturns

FlushNext(f) == FlushWakes(f) \/ FlushWaits(f)

ThreadNext ==
    \/ Announce \/ FirstSchedule \/ FirstWakeUp \/ LastTestRun \/ LastTestStop
    \/ SetFreezable \/ PrepareToWait \/ TestFreezing \/ TestShouldStop \/ TestListEmpty
    \/ WaitSchedule \/ WaitWakeUp \/ FinishWait \/ NotFreezing \/ EnterRefrigerator
    \/ FridgeSetsState \/ FridgeLeaves \/ FridgeStays \/ FridgeSchedule \/ FridgeWakeUp
    \/ SecondTestGoesOn \/ SecondTestBreaks \/ WorkBegins \/ WorkEnds \/ WorklistEmpty
    \/ WorkOopses \/ ExitStore \/ ExitClearsVforkDone \/ ExitComplete \/ Dies

Next ==
    \/ OwnerCalls \/ OwnerNext \/ ThreadNext
    \/ \E w \in Works : QueueInserts(w) \/ QueueWakes(w)
    \/ \E f \in Flushers : FlushInserts(f)
    \/ \E f \in FlushTasks : FlushNext(f)
    \/ FreezeSetsFlag \/ FreezeWakes \/ ThawClears \/ ThawWakes

Spec == Init /\ [][Next]_vars

\* A task that can run gets to run.  That anybody queues, flushes, destroys, freezes
\* or thaws is not promised ...
FairSpec ==
    /\ Spec
    /\ WF_vars(OwnerNext) /\ WF_vars(ThreadNext) /\ WF_vars(FreezeWakes \/ ThawWakes)
    /\ \A w \in Works : WF_vars(QueueWakes(w))
    /\ \A f \in FlushTasks : WF_vars(FlushNext(f))

\* ... except that here what is frozen is thawed some time.
FairThawSpec == FairSpec /\ WF_vars(ThawClears)

-----------------------------------------------------------------------------
(***************************************************************************)
(* What must hold.                                                         *)
(***************************************************************************)

\* A stop never cuts a work short: a work whose function was called has returned from
\* it before the thread exits, and before kthread_stop() returns.
NoWorkCutShort == (at \in Exit \/ owner = "returned") /\ ret # SIGSEGV => begun \subseteq finished

\* A flush returns when all that was queued before it is done, and destroy_workqueue(),
\* which flushes first, does so too.
FlushedWorksAreDone ==
    \A f \in FlushTasks :
        flush[f] = "returned" \/ (f = Owner /\ owner = "returned") => before[f] \subseteq finished

\* kthread_stop() returns -EINTR if worker_thread() never ran, the signal if the thread
\* oopsed, and else worker_thread()'s 0.
StopReturnsExitCode ==
    owner = "returned" =>
        stop_ret = IF ~ran THEN EINTR ELSE IF ret = SIGSEGV THEN SIGSEGV ELSE 0

\* A thread that is created and never started can be stopped: worker_thread() never
\* runs, and kthread_stop() returns -EINTR.
UnstartedNeverRuns == course = "unstarted" => ~ran /\ (owner = "returned" => stop_ret = EINTR)

\* kthread_bind() comes before the first instruction of worker_thread().
BoundBeforeItRuns == owner = "bind" => ~ran

\* When kthread_stop() has returned, no code of worker_thread() runs any more.
ReturnedMeansWorkerOver == owner = "returned" => at \in Exit

\* kthread_stop() writes to struct kthread only where its pointer is that of one.
NoWildPointer == owner \in {"stop_set", "stop_wake", "stop_wait"} => kthread = "self"

\* The thread sleeps in worker_thread() only where the next wake_up(&cwq->more_work)
\* finds it, and who has given it a reason to be awake is about to wake it.
NoLostWakeUp ==
    at = "wait_sleep" /\ state = TASK_INTERRUPTIBLE =>
        /\ on_more_work
        /\ worklist # <<>> => lock # "free"
        /\ should_stop = 1 => owner = "stop_wake"
        /\ freezing => freezer = "freeze_wake"

\* A frozen thread neither runs a work nor exits, stop or no stop.
FrozenIsInRefrigerator == frozen => at \in Fridge

-----------------------------------------------------------------------------
(***************************************************************************)
(* What must not hold: each is a belief that TLC refutes with an example.  *)
(***************************************************************************)

\* "Every work that was queued is run before kthread_stop() returns."  True unless Late.
QueuedWorksAreDone == owner = "returned" => \A w \in Works : queuer[w] # "idle" => w \in finished

\* "worker_thread() leaves its loop only when the list is empty."  True unless Late: a work
\* may come between the flush and the second test of kthread_should_stop().
LeavesNoWorkBehind == [][at = "second_test" /\ at' = "do_exit" => worklist = <<>>]_vars

\* "When kthread_stop() has returned, the thread is dead": the stop is woken when do_exit()
\* is really over.
ReturnedMeansDead == owner = "returned" => at = "dead"

\* "CPU_UP_CANCELED wakes the thread, so worker_thread() runs before the stop."
CanceledMeansRan == course = "canceled" /\ owner = "returned" => ran

\* "CPU_UP_CANCELED stops the thread at once, so worker_thread() never runs."
CanceledMeansNeverRan == course = "canceled" /\ owner = "returned" => ~ran

-----------------------------------------------------------------------------
(***************************************************************************)
(* What must happen.                                                       *)
(***************************************************************************)

\* cleanup_workqueue_thread() returns, and with it destroy_workqueue().
DestroyReturns == owner = "flush" ~> owner = "returned"

\* kthread_stop() returns, once it is called.
StopEndsInTime == owner = "stop_find" ~> owner = "returned"

\* Every flush returns, also one beside the cleanup of CPU_POST_DEAD: so says a comment
\* in cleanup_workqueue_thread().  True unless Late.
FlushEndsInTime == \A f \in FlushTasks : flush[f] = "wake" ~> flush[f] = "returned"
=============================================================================
