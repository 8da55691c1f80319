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
    on,     \* where the task is, see Places
    state,  \* its __state, by the letter that sched_switch prints for it, see States
    seen    \* which of the two events at its end it has had: "no", "exit", "free"

taskVars == <<on, state, seen>>

Places == {
    "absent",   \* not forked
    "new",      \* forked, and not on a runqueue yet (TASK_NEW)
    "queued",   \* on a runqueue
    "cpu",      \* on a CPU
    "leaving",  \* schedule() has taken it off its runqueue, and somebody has woken it
                \* before its sched_switch is printed
    "asleep",   \* off its runqueue
    "dead" }    \* switched away from for the last time (do_task_dead)

\* R is TASK_RUNNING, S TASK_INTERRUPTIBLE, I TASK_IDLE, D TASK_UNINTERRUPTIBLE or
\* TASK_KILLABLE, P TASK_PARKED, X TASK_DEAD; sched_switch prints D for TASK_FROZEN too.
States == {"R", "S", "I", "D", "P", "frozen", "X"}

\* TASK_NORMAL: what wake_up_process() wakes.
Normal == {"S", "I", "D"}

TaskTypeOK ==
    /\ on \in Places
    /\ state \in States
    /\ seen \in {"no", "exit", "free"}

TaskInit == on = "absent" /\ state = "R" /\ seen = "no"

-----------------------------------------------------------------------------
\* What tracepoints show.

\* copy_process(): sched_process_fork, printed by the parent before the task can run.
Fork ==
    /\ on = "absent"
    /\ on' = "new"
    /\ UNCHANGED <<state, seen>>

\* wake_up_new_task(): sched_wakeup_new.
WakeNew ==
    /\ on = "new"
    /\ on' = "queued"
    /\ UNCHANGED <<state, seen>>

\* __schedule(): sched_switch with the task as next.
SwitchIn ==
    /\ on = "queued"
    /\ on' = "cpu"
    /\ UNCHANGED <<state, seen>>

\* __schedule(): sched_switch with the task as prev, in state R+: preempted.  It stays
\* on its runqueue, and keeps the state that it may have set.
Preempted ==
    /\ on = "cpu"
    /\ on' = "queued"
    /\ UNCHANGED <<state, seen>>

\* The same in state R: it calls schedule() and has no reason to sleep.  (To 5.17 the
\* state is read again for the event, and may have become that of a task that is being
\* woken, which counts as R.)
SwitchOutR ==
    /\ \/ on = "cpu" /\ state = "R"
       \/ on = "leaving"
    /\ on' = "queued"
    /\ state' = "R"
    /\ UNCHANGED seen

\* The same in a state in which it goes to sleep: it sleeps, or the wake that ends this
\* sleep has come already.  (In 2.6.3x the event shows the state of a preempted task
\* too, which then does not sleep.)
SwitchOut(s) ==
    /\ \/ on = "cpu" /\ state = s /\ on' = "asleep" /\ UNCHANGED state
       \/ on = "leaving" /\ state = s /\ on' = "queued" /\ state' = "R"
       \/ Era.shows_preempted /\ on = "cpu" /\ state = s /\ on' = "queued" /\ UNCHANGED state
    /\ UNCHANGED seen

SwitchOutS == SwitchOut("S")
SwitchOutI == SwitchOut("I")
SwitchOutP == SwitchOut("P")
SwitchOutD == \E s \in {"D", "frozen"} : SwitchOut(s)

\* The same in state S with a signal pending: schedule() sees it and does not put the
\* task to sleep.  From 5.18 to 6.12 the event shows the state from before all the same.
SwitchOutPending ==
    /\ on = "cpu"
    /\ state = "S"
    /\ on' = "queued"
    /\ state' = "R"
    /\ UNCHANGED seen

\* try_to_wake_up() of a task whose state is in the mask: sched_waking.  A task that is
\* still on a runqueue goes on as it is; one that sleeps comes to one.  One that
\* schedule() is just taking off its runqueue is put back as soon as it is off its CPU:
\* then the event precedes the sched_switch of the very sleep that it ends.
Wakes(mask) ==
    /\ state \in mask
    /\ \/ on \in {"queued", "cpu"} /\ state' = "R" /\ UNCHANGED on
       \/ on = "asleep" /\ on' = "queued" /\ state' = "R"
       \/ on = "cpu" /\ on' = "leaving" /\ UNCHANGED state
    /\ UNCHANGED seen

\* try_to_wake_up() of any other task does nothing, and prints nothing.
WakesNothing(mask) ==
    /\ \/ state \notin mask
       \/ on = "leaving"
    /\ UNCHANGED taskVars

\* wake_up_process(); and what wakes a frozen task, wake_up_state(TASK_FROZEN).
Woken == Wakes(Normal \cup {"frozen"})

\* kthread_unpark(): wake_up_state(TASK_PARKED).
WokenParked == Wakes({"P"})

\* do_exit(): sched_process_exit.
Exit ==
    /\ on = "cpu"
    /\ seen = "no"
    /\ seen' = "exit"
    /\ UNCHANGED <<on, state>>

\* do_task_dead(): the last sched_switch, in state X.  (Z where exit_state is printed.)
Die ==
    /\ on = "cpu"
    /\ seen # "no"
    /\ on' = "dead"
    /\ state' = "X"
    /\ UNCHANGED seen

\* delayed_put_task_struct(): sched_process_free.  From 5.4 on a grace period after the
\* last switch; before, a grace period after release_task(), which the task calls itself.
Free ==
    /\ seen = "exit"
    /\ on = "dead" \/ Era.frees_early
    /\ seen' = "free"
    /\ UNCHANGED <<on, state>>

\* copy_process() of another task: it gets the pid, which release_task() has given back.
PidReuse ==
    /\ seen # "no"
    /\ UNCHANGED taskVars

-----------------------------------------------------------------------------
\* What no tracepoint shows.

\* set_current_state(), __set_current_state(), set_special_state(); and schedule(), when
\* it finds a signal.
SetState(s) ==
    /\ on = "cpu"
    /\ state' = s
    /\ UNCHANGED <<on, seen>>

\* freeze_task(), from 6.1 on: a sleeper that allows it (TASK_FREEZABLE) is frozen where
\* it is ...
Frozen ==
    /\ Era.freezes_as = "TASK_FROZEN"
    /\ on = "asleep"
    /\ state \in Normal
    /\ state' = "frozen"
    /\ UNCHANGED <<on, seen>>

\* ... and __thaw_task() puts it back.
Thawed ==
    /\ Era.freezes_as = "TASK_FROZEN"
    /\ on = "asleep"
    /\ state = "frozen"
    /\ state' \in Normal
    /\ UNCHANGED <<on, seen>>

SetsState == \E s \in States \ {"X"} : (s = "frozen" => Era.freezes_as = "TASK_FROZEN") /\ SetState(s)

-----------------------------------------------------------------------------

TaskNext ==
    \/ Fork \/ WakeNew \/ SwitchIn \/ Preempted
    \/ SwitchOutR \/ SwitchOutS \/ SwitchOutI \/ SwitchOutP \/ SwitchOutD \/ SwitchOutPending
    \/ Woken \/ WokenParked \/ Exit \/ Die \/ Free \/ PidReuse
    \/ SetsState \/ Frozen \/ Thawed

TaskSpec == TaskInit /\ [][TaskNext]_taskVars

-----------------------------------------------------------------------------
\* What follows, in words of the kernel.

\* Nothing wakes the dead, and they do not run: finish_task_switch() frees their stack.
DeadForGood == [][on = "dead" => on' = "dead" /\ state' = state]_taskVars

\* A sleeper gets no CPU: it must be woken first.
SleeperIsWokenFirst == [][on = "asleep" => on' # "cpu"]_taskVars

\* Whoever runs has been forked, and has been put on a runqueue.
RunsFromQueue == [][on # "cpu" /\ on' = "cpu" => on = "queued"]_taskVars

\* A task that has exited does not do so again; one that died has exited.
ExitsOnce == [][seen # "no" => seen' # "no"]_taskVars
DeadHasExited == on = "dead" => seen # "no"

\* Only a task that runs sets its own state: what is asleep has set it, and only the
\* freezer changes it.
SleepsInItsState == on = "asleep" => state \in {"S", "I", "D", "P", "frozen"}

\* From 5.4 on the task_struct outlives the last switch.
FreedIsDead == ~Era.frees_early /\ seen = "free" => on = "dead"
=============================================================================
