-------------------------------- MODULE Task --------------------------------
(***************************************************************************)
(* What the scheduler does with one task, as far as its tracepoints tell:  *)
(* sched_process_fork, sched_wakeup_new, sched_switch, sched_waking,       *)
(* sched_process_exit and sched_process_free.                              *)
(*                                                                         *)
(* A task sets its own state and then calls schedule(), which takes it off *)
(* its runqueue if nobody has woken it since.  try_to_wake_up() looks at   *)
(* the state alone, so it also wakes a task that has set its state and     *)
(* still runs.  That is all there is to it, and it forbids much: a dead    *)
(* task neither runs nor is woken, a sleeper runs only when it was woken,  *)
(* none is woken twice out of one sleep, and nobody exits twice.           *)
(*                                                                         *)
(* There is one action for each tracepoint, split by what a trace can tell *)
(* apart.  What no tracepoint shows (the task sets its state, the freezer  *)
(* changes it) is an action too.  KThread's threads, its stoppers and its  *)
(* creators are such tasks: TLC checks that KThread refines this module.   *)
(* KThreadTask composes it with KThreadAPI.                                *)
(*                                                                         *)
(* Sources: kernel/sched/core.c __schedule(), try_to_wake_up(),            *)
(* wake_up_new_task(); kernel/fork.c; kernel/exit.c do_exit(),             *)
(* release_task(), delayed_put_task_struct(); kernel/freezer.c;            *)
(* include/trace/events/sched.h __trace_sched_switch_state().              *)
(***************************************************************************)

CONSTANT Era  \* whose rules: a record of Eras.tla

VARIABLES
    on,      \* where the task is, see Places
    state,   \* its __state, by the letter that sched_switch prints for it, see States
    waking,  \* a try_to_wake_up() has matched its state and printed sched_waking, and
             \* has not come to its runqueue yet
    seen     \* which of the two events at its end it has had: "no", "exit", "free"

taskVars == <<on, state, waking, seen>>

Places == {
    "absent",   \* not forked
    "new",      \* forked, and not on a runqueue yet (TASK_NEW)
    "queued",   \* on a runqueue
    "cpu",      \* on a CPU
    "asleep",   \* off its runqueue
    "dead" }    \* switched away from for the last time (do_task_dead)

\* R is TASK_RUNNING, S TASK_INTERRUPTIBLE, I TASK_IDLE, D TASK_UNINTERRUPTIBLE or
\* TASK_KILLABLE, P TASK_PARKED, T TASK_STOPPED, X TASK_DEAD.  frozen is TASK_FROZEN
\* or, on PREEMPT_RT, TASK_RTLOCK_WAIT: sched_switch prints D for both, and R before that was
\* thought of (5.18 and 6.9); wake_up_process() ends neither.
States == {"R", "S", "I", "D", "P", "stopped", "frozen", "X"}

\* TASK_NORMAL: what wake_up_process() wakes.
Normal == {"S", "I", "D"}

\* set_special_state() takes the lock that a waker holds until it has come to the
\* runqueue: these states are set when no wake is under way.  (From 4.18 on: here from
\* 5.17 on, an era's first release.)
Special == IF Era.frees_early THEN {} ELSE {"P", "stopped"}

TaskTypeOK ==
    /\ on \in Places
    /\ state \in States
    /\ waking \in BOOLEAN
    /\ seen \in {"no", "exit", "free"}

TaskInit == on = "absent" /\ state = "R" /\ waking = FALSE /\ seen = "no"

-----------------------------------------------------------------------------
\* What tracepoints show.

\* copy_process(): sched_process_fork, printed by the parent before the task can run.
Fork ==
    /\ on = "absent"
    /\ on' = "new"
    /\ UNCHANGED <<state, waking, seen>>

\* wake_up_new_task(): sched_wakeup_new.
WakeNew ==
    /\ on = "new"
    /\ on' = "queued"
    /\ UNCHANGED <<state, waking, seen>>

\* __schedule(): sched_switch with the task as next.
SwitchIn ==
    /\ on = "queued"
    /\ on' = "cpu"
    /\ UNCHANGED <<state, waking, seen>>

\* __schedule(): sched_switch with the task as prev, in state R+: preempted.  It stays
\* on its runqueue, and keeps the state that it may have set.
Preempted ==
    /\ on = "cpu"
    /\ on' = "queued"
    /\ UNCHANGED <<state, waking, seen>>

\* The same in state R: it calls schedule() and has no reason to sleep.  There are sleeps
\* that are printed as R: to 5.17 the state is read again for the event, and may have
\* become TASK_WAKING (to 4.13 that is a W); and see States.  In 2.6.3x a preempted task
\* has an R too.
SwitchOutR ==
    /\ on = "cpu"
    /\ \/ state = "R" /\ on' = "queued"
       \/ (waking \/ state = "frozen") /\ state # "R" /\ on' = "asleep"
       \/ Era.shows_preempted /\ on' = "queued"
    /\ UNCHANGED <<state, waking, seen>>

\* The same in a state in which it goes to sleep.  (To 4.3 the event may show the state
\* of a preempted task too, which then does not sleep.)
SwitchOut(s) ==
    /\ on = "cpu"
    /\ state = s
    /\ \/ on' = "asleep"
       \/ Era.shows_preempted /\ on' = "queued"
    /\ UNCHANGED <<state, waking, seen>>

\* (The conjunctions keep the names in TLC's dump: an action that is nothing but a call
\* would be labelled with what it calls.)
SwitchOutS == on = "cpu" /\ SwitchOut("S")
SwitchOutI == on = "cpu" /\ SwitchOut("I")
SwitchOutP == on = "cpu" /\ SwitchOut("P")
SwitchOutT == on = "cpu" /\ SwitchOut("stopped")
SwitchOutD == on = "cpu" /\ \E s \in {"D", "frozen"} : SwitchOut(s)

\* The same in state S with a signal pending: schedule() sees it and does not put the
\* task to sleep.  From 5.18 to 6.14 the event shows the state from before all the same.
SwitchOutPending ==
    /\ Era.prints_pending
    /\ on = "cpu"
    /\ state = "S"
    /\ on' = "queued"
    /\ state' = "R"
    /\ UNCHANGED <<waking, seen>>

\* try_to_wake_up() of a task whose state is in the mask: sched_waking.  One that sleeps
\* comes to a runqueue; one that is still on a runqueue goes on as it is.  There the event
\* is printed before the waker has that runqueue's lock.  Until it has it the task does
\* whatever it does: it may even fall asleep, and then the event precedes the sched_switch
\* of the very sleep that it ends.
Wakes(mask) ==
    /\ state \in mask
    /\ ~waking
    /\ \/ on \in {"queued", "cpu"} /\ state' = "R" /\ UNCHANGED <<on, waking>>
       \/ on \in {"queued", "cpu"} /\ waking' = TRUE /\ UNCHANGED <<on, state>>
       \/ on = "asleep" /\ on' = "queued" /\ state' = "R" /\ UNCHANGED waking
    /\ UNCHANGED seen

\* try_to_wake_up() of any other task does nothing, and prints nothing.  (Only one is under
\* way at once.)
WakesNothing(mask) ==
    /\ state \notin mask
    /\ ~waking
    /\ UNCHANGED taskVars

\* wake_up_process(); and what wakes a task from another state: wake_up_state(TASK_FROZEN),
\* the one who gives back a lock, SIGCONT.
Woken == on # "dead" /\ Wakes(Normal \cup {"frozen", "stopped"})

\* kthread_unpark(): wake_up_state(TASK_PARKED).
WokenParked == on # "dead" /\ Wakes({"P"})

\* do_exit(): sched_process_exit.
Exit ==
    /\ on = "cpu"
    /\ seen = "no"
    /\ seen' = "exit"
    /\ UNCHANGED <<on, state, waking>>

\* do_task_dead(): the last sched_switch, in state X.  (Z where exit_state is printed.)
Die ==
    /\ on = "cpu"
    /\ ~waking
    /\ seen # "no"
    /\ on' = "dead"
    /\ state' = "X"
    /\ UNCHANGED <<waking, seen>>

\* delayed_put_task_struct(): sched_process_free.  From 5.4 on a grace period after the
\* last switch; before, a grace period after release_task(), which the task calls itself.
Free ==
    /\ seen = "exit"
    /\ on = "dead" \/ Era.frees_early
    /\ seen' = "free"
    /\ UNCHANGED <<on, state, waking>>

\* copy_process() of another task: it gets the pid, which release_task() has given back.
PidReuse ==
    /\ seen # "no"
    /\ UNCHANGED taskVars

-----------------------------------------------------------------------------
\* What no tracepoint shows.

\* try_to_wake_up() has got the runqueue's lock, or waited until the task was off its CPU.
\* Whatever the task has done meanwhile, it wakes it.
WakeLands ==
    /\ waking
    /\ waking' = FALSE
    /\ state' = "R"
    /\ on' = IF on = "asleep" THEN "queued" ELSE on
    /\ UNCHANGED seen

\* set_current_state(), __set_current_state(), set_special_state(); and schedule(), when
\* it finds a signal.
SetState(s) ==
    /\ on = "cpu"
    /\ s \in Special => ~waking
    /\ state' = s
    /\ UNCHANGED <<on, waking, seen>>

\* freeze_task(), from 6.1 on: a sleeper that allows it (TASK_FREEZABLE) is frozen where
\* it is ...
Frozen ==
    /\ Era.freezes_as = "TASK_FROZEN"
    /\ on = "asleep"
    /\ ~waking
    /\ state \in Normal \cup {"stopped"}
    /\ state' = "frozen"
    /\ UNCHANGED <<on, waking, seen>>

\* ... and __thaw_task() puts it back.
Thawed ==
    /\ Era.freezes_as = "TASK_FROZEN"
    /\ on = "asleep"
    /\ ~waking
    /\ state = "frozen"
    /\ state' \in Normal \cup {"stopped"}
    /\ UNCHANGED <<on, waking, seen>>

SetsState == on = "cpu" /\ \E s \in States \ {"X"} : SetState(s)

-----------------------------------------------------------------------------

\* What few kernels do, and what hardly any task has done to it.  Each has a name of its own,
\* so that whoever meets it can say what it would take.

\* make_task_dead() of a task that oopses on its way out, "Fixing recursive fault but reboot
\* is needed!": the last switch comes at once.  (To 5.15 it sleeps in D for ever.)
FaultsInExit ==
    /\ on = "cpu"
    /\ ~waking
    /\ on' = "dead"
    /\ state' = "X"
    /\ UNCHANGED <<waking, seen>>

\* PREEMPT_RT: behind exit_notify() a task may still wait for a lock (release_task() takes
\* tasklist_lock), and sched_switch prints its exit_state.
SwitchOutDying ==
    /\ on = "cpu"
    /\ seen # "no"
    /\ state \in {"D", "frozen"}
    /\ on' = "asleep"
    /\ UNCHANGED <<state, waking, seen>>

\* CONFIG_SCHED_PROXY_EXEC (from 6.15 on): a task that waits for a mutex stays on its
\* runqueue, and runs unwoken when it finds the mutex free.
SwitchInProxy ==
    /\ Era.proxies
    /\ on = "asleep"
    /\ state = "D"
    /\ ~waking
    /\ on' = "cpu"
    /\ UNCHANGED <<state, waking, seen>>

-----------------------------------------------------------------------------

TaskNext ==
    \/ Fork \/ WakeNew \/ SwitchIn \/ Preempted
    \/ SwitchOutR \/ SwitchOutS \/ SwitchOutI \/ SwitchOutP \/ SwitchOutT \/ SwitchOutD
    \/ SwitchOutPending
    \/ Woken \/ WokenParked \/ Exit \/ Die \/ Free \/ PidReuse
    \/ WakeLands \/ SetsState \/ Frozen \/ Thawed

TaskSpec == TaskInit /\ [][TaskNext]_taskVars

\* With what is rare.
RareNext == FaultsInExit \/ SwitchOutDying \/ SwitchInProxy

-----------------------------------------------------------------------------
\* What follows, in words of the kernel.

\* Nothing wakes the dead, and they do not run: finish_task_switch() frees their stack.
DeadForGood == [][on = "dead" => on' = "dead" /\ state' = state]_taskVars

\* A sleeper gets no CPU: it must be woken first.
SleeperIsWokenFirst == [][on = "asleep" => on' # "cpu"]_taskVars

\* It is woken once: a wake that has been printed is not printed again, and when it has come
\* to the runqueue, the task is there in TASK_RUNNING.
WokenOnce == [][on = "asleep" /\ on' = "queued" => state' = "R" /\ ~waking']_taskVars
LandsOnce == waking => on \in {"queued", "cpu", "asleep"}

\* Whoever runs has been forked, and has been put on a runqueue.
RunsFromQueue == [][on # "cpu" /\ on' = "cpu" => on = "queued"]_taskVars

\* A task that has exited does not do so again; one that died has exited.
ExitsOnce == seen # "no" => ~ENABLED Exit
ExitIsForGood == [][seen # "no" => seen' # "no"]_taskVars
DeadHasExited == on = "dead" => seen # "no"

\* A task is forked once, and a wake finds one that has been.
ForkedOnce == on # "absent" => ~ENABLED Fork
UnbornIsNotWoken == on \in {"absent", "new"} => ~ENABLED Woken /\ ~ENABLED WokenParked

\* wake_up_process() leaves a parked task alone.
ParkedStays == state = "P" => ~ENABLED Woken

\* Only a task that runs sets its own state: what is asleep has set it, and only the
\* freezer changes it.
SleepsInItsState == on = "asleep" => state \in {"S", "I", "D", "P", "stopped", "frozen"}

\* From 5.4 on the task_struct outlives the last switch.
FreedIsDead == ~Era.frees_early /\ seen = "free" => on = "dead"
=============================================================================
