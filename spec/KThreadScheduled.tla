-------------------------- MODULE KThreadScheduled --------------------------
(***************************************************************************)
(* KThread as the scheduler sees it: each thread is a Task, and a life and *)
(* a Task in one, KThreadTask; and so is each caller that sleeps inside    *)
(* kthread_create(), kthread_stop() or kthread_park() a Task.              *)
(*                                                                         *)
(* A thread's task can be read off KThread's state.  Of a caller KThread   *)
(* says that it waits, and in one step that it goes to sleep or on: here   *)
(* its task is there too, with the steps of wait_for_completion().  It     *)
(* sets TASK_UNINTERRUPTIBLE (or TASK_KILLABLE), looks at the counter,     *)
(* schedules, and is woken by complete(), or by a fatal signal.            *)
(*                                                                         *)
(* KThread does less than Task allows: nobody is preempted in it, and no   *)
(* wake comes between schedule() and its sched_switch.  docs/spec.md has   *)
(* the list.                                                               *)
(*                                                                         *)
(* Sources: kernel/sched/completion.c do_wait_for_common(), complete(),    *)
(* and KThread's.                                                          *)
(***************************************************************************)
EXTENDS KThread

VARIABLE
    caller_task  \* for each caller [on, state], as in Task.tla.  The creator of
                 \* thread k has k's name.

Callers == Threads \cup Stoppers \cup Parkers

Running  == [on |-> "cpu", state |-> "R"]
SetsD    == [on |-> "cpu", state |-> "D"]
Sleeping == [on |-> "asleep", state |-> "D"]
OnQueue  == [on |-> "queued", state |-> "R"]

ScheduledTypeOK == caller_task \in [Callers -> {Running, SetsD, Sleeping, OnQueue}]

ScheduledInit == Init /\ caller_task = [c \in Callers |-> Running]

\* It waits for a completion, and the count that it could take is not there.
WaitsInVain(c) ==
    IF c \in Threads THEN creator[c].at \in {"wait", "killed"} /\ creator[c].done = 0
    ELSE IF c \in Parkers THEN parker[c].at = "wait" /\ thread[Target[c]].parked = 0
    ELSE FALSE  \* KThread has a stopper's step: StopSleeps

\* What a step of KThread makes of a caller's task.  complete() wakes the first of those
\* that wait: a parker is chosen here, a stopper by KThread.
FirstParker(k) == CHOOSE p \in ParkersOf(k) : parker[p].at = "wait" /\ caller_task[p].state = "D"

IsCompleted(c) ==
    IF c \in Threads THEN creator'[c].done > creator[c].done
    ELSE IF c \in Parkers THEN
        /\ thread'[Target[c]].parked > thread[Target[c]].parked
        /\ parker[c].at = "wait" /\ caller_task[c].state = "D"
        /\ c = FirstParker(Target[c])
    ELSE stopper[c].at = "asleep" /\ stopper'[c].at # "asleep"

Acts(c) ==
    IF c \in Threads THEN creator'[c].at # creator[c].at
    ELSE IF c \in Parkers THEN parker'[c] # parker[c]
    ELSE stopper'[c] # stopper[c]

Wake(t) ==
    IF t.state = "R" THEN t ELSE IF t.on = "asleep" THEN OnQueue ELSE Running

Follows(c) ==
    IF IsCompleted(c) THEN caller_task'[c] = Wake(caller_task[c])
    ELSE IF Acts(c) THEN
        /\ caller_task[c] = Running
        /\ caller_task'[c] = IF c \in Stoppers /\ stopper'[c].at = "asleep" THEN SetsD ELSE Running
    ELSE caller_task'[c] = caller_task[c]

KThreadSteps ==
    /\ Next
    /\ caller_task' \in [Callers -> {Running, SetsD, Sleeping, OnQueue}]
    /\ \A c \in Callers : Follows(c)

\* What a caller's task does while KThread does nothing.
Goes(c, from, to) == caller_task[c] = from /\ caller_task' = [caller_task EXCEPT ![c] = to]

CallerSetsState(c)  == WaitsInVain(c) /\ Goes(c, Running, SetsD) /\ UNCHANGED vars
CallerSwitchOut(c)  == Goes(c, SetsD, Sleeping) /\ UNCHANGED vars
CallerSwitchIn(c)   == Goes(c, OnQueue, Running) /\ UNCHANGED vars

\* A fatal signal wakes a creator that waits killably.  It is its last wait of that kind.
CallerKilled(c) ==
    /\ c \in Threads
    /\ Era.killable /\ CanKill
    /\ creator[c].at = "wait"
    /\ caller_task[c].state = "D"
    /\ caller_task' = [caller_task EXCEPT ![c] = Wake(@)]
    /\ UNCHANGED vars

ScheduledNext ==
    \/ KThreadSteps
    \/ \E c \in Callers :
        CallerSetsState(c) \/ CallerSwitchOut(c) \/ CallerSwitchIn(c) \/ CallerKilled(c)

ScheduledSpec == ScheduledInit /\ [][ScheduledNext]_<<vars, caller_task>>

-----------------------------------------------------------------------------
\* A thread's task.

Letter(state) ==
    CASE state = TASK_RUNNING         -> "R"
      [] state = TASK_INTERRUPTIBLE   -> "S"
      [] state = TASK_IDLE            -> "I"
      [] state = TASK_UNINTERRUPTIBLE -> "D"
      [] state = TASK_PARKED          -> "P"
      [] state = TASK_FROZEN          -> "frozen"
      [] state = TASK_DEAD            -> "X"

SleepingPlaces == {"first_sleep", "affine_sleep", "parkme_sleep",
                   "fn_sleep", "fn_any_sleep", "fn_cold", "fn_parkme_sleep"}

On(k) ==
    LET at == thread[k].at IN
    CASE at = "none" -> "absent"
      [] at = "kzalloc" -> "new"
      [] at = "xchg" -> "queued"
      [] at \in SleepingPlaces -> IF thread[k].state = TASK_RUNNING THEN "queued" ELSE "asleep"
      [] at \in {"dead", "released"} -> "dead"
      [] OTHER -> "cpu"

\* The models put the event at the end in, on this or that side of the completion.
Seen(k) ==
    LET at == thread[k].at IN
    CASE at \in {"do_task_dead", "dead"} -> "exit"
      [] at = "mm_release" -> IF AfterStore = "exit_event" THEN "exit" ELSE "no"
      [] at = "released" -> "free"
      [] OTHER -> "no"

ThreadTask(k) == INSTANCE Task WITH
    on <- On(k), state <- Letter(thread[k].state), waking <- FALSE, seen <- Seen(k)

ThreadTaskVars(k) == <<On(k), Letter(thread[k].state), Seen(k)>>

CallerTask(c) == INSTANCE Task WITH
    on <- caller_task[c].on, state <- caller_task[c].state, waking <- FALSE, seen <- "no"

\* Each thread and each caller is a task.
RefinesTask ==
    /\ \A k \in Threads : ThreadTask(k)!TaskInit
    /\ [][\A k \in Threads : UNCHANGED ThreadTaskVars(k) \/ ThreadTask(k)!TaskNext]_vars
    /\ [][\A c \in Callers : UNCHANGED caller_task[c] \/ CallerTask(c)!TaskNext]_caller_task

-----------------------------------------------------------------------------
\* A thread's life and its task in one.

\* (KThreadTask has an S for TASK_IDLE, and a thread that has finished is not followed.)
LifeLetter(k) ==
    LET s == Letter(thread[k].state) IN
    IF Phase(k) = "finished" /\ On(k) = "cpu" THEN "R" ELSE IF s = "I" THEN "S" ELSE s

Life(k) == INSTANCE KThreadTask WITH
    EINTR       <- EINTR,
    Signals     <- {SIGKILL},
    Nothing     <- 0,
    MaxParked   <- 2,
    phase       <- Phase(k),
    should_stop <- thread[k].should_stop,
    should_park <- thread[k].should_park,
    exited      <- thread[k].exited,
    parked      <- thread[k].parked,
    code        <- IF Phase(k) \in {"returned", "finished"} THEN thread[k].value ELSE NoValue,
    woken       <- WokenUnstopped(k),
    ran         <- thread[k].entered > 0,
    unasked     <- thread[k].unasked,
    on          <- On(k),
    state       <- LifeLetter(k),
    waking      <- FALSE,
    seen        <- Seen(k)

LifeVars(k) ==
    <<Phase(k), thread[k].should_stop, thread[k].should_park, thread[k].exited, thread[k].parked,
      thread[k].value, WokenUnstopped(k), thread[k].entered, thread[k].unasked,
      On(k), LifeLetter(k), Seen(k)>>

RefinesKThreadTask ==
    /\ \A k \in Threads : Life(k)!Init
    /\ [][\A k \in Threads : UNCHANGED LifeVars(k) \/ Life(k)!Next]_vars

\* And KThread is still KThread.
RefinesKThread == Spec

-----------------------------------------------------------------------------
\* A caller sleeps only as long as it must: complete() finds it, whether it has slept
\* already or is about to.
NobodyOversleeps ==
    /\ \A k \in Threads : caller_task[k] = Sleeping => creator[k].done = 0
    /\ \A s \in Stoppers : caller_task[s] = Sleeping => stopper[s].at = "asleep"
    /\ \A p \in Parkers : caller_task[p] = Sleeping /\ Cardinality(ParkersOf(Target[p])) = 1
                              => thread[Target[p]].parked = 0

\* What a return proves: the caller is on a CPU, in TASK_RUNNING.
ReturnsRunning ==
    /\ \A k \in Threads : creator[k].at \in {"created", "finished", "failed"} => caller_task[k] = Running
    /\ \A s \in Stoppers : stopper[s].at \in {"read", "put", "returned"} => caller_task[s] = Running
    /\ \A p \in Parkers : parker[p].at \notin {"wait"} => caller_task[p] = Running

THEOREM ScheduledSpec => RefinesTask /\ RefinesKThreadTask
=============================================================================
