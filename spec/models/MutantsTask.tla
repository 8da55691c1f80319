----------------------------- MODULE MutantsTask -----------------------------
(***************************************************************************)
(* Wrong schedulers: Task with a step replaced, by a line                  *)
(* `Step <- OtherStep` of a .cfg file.  TLC must find each out, by the     *)
(* property that the .cfg names.                                           *)
(***************************************************************************)
EXTENDS Task, Eras

\* The dead are woken.
WakesTheDead ==
    \/ Wakes(Normal \cup {"frozen", "stopped"})
    \/ on = "dead" /\ on' = "queued" /\ state' = "R" /\ UNCHANGED <<waking, seen>>

\* A sleeper runs unwoken.
SwitchInUnwoken == on \in {"queued", "asleep"} /\ on' = "cpu" /\ UNCHANGED <<state, waking, seen>>

\* A task runs before it is forked, or before it is put on a runqueue.
SwitchInUnborn == on \in {"queued", "absent"} /\ on' = "cpu" /\ UNCHANGED <<state, waking, seen>>
SwitchInNew    == on \in {"queued", "new"} /\ on' = "cpu" /\ UNCHANGED <<state, waking, seen>>

\* A wake leaves the state as it is: a second one matches again.
WakesAndLeavesState(mask) ==
    /\ state \in mask
    /\ on = "asleep"
    /\ on' = "queued"
    /\ UNCHANGED <<state, waking, seen>>

\* A wake that is under way comes to the runqueue, and leaves the state.
LandsAndLeavesState ==
    /\ waking
    /\ waking' = FALSE
    /\ on' = IF on = "asleep" THEN "queued" ELSE on
    /\ UNCHANGED <<state, seen>>

\* It finds the task dead: nobody has waited for the waker.
DiesUnderWaker == on = "cpu" /\ seen # "no" /\ on' = "dead" /\ state' = "X" /\ UNCHANGED <<waking, seen>>

\* sched_process_exit twice.
ExitAgain == on = "cpu" /\ seen' = "exit" /\ UNCHANGED <<on, state, waking>>

\* A task that has exited goes on as if it had not.
ExitTakenBack == on = "cpu" /\ seen' = (IF seen = "no" THEN "exit" ELSE "no") /\ UNCHANGED <<on, state, waking>>

\* It dies without having exited.
DiesUnseen == on = "cpu" /\ ~waking /\ on' = "dead" /\ state' = "X" /\ UNCHANGED <<waking, seen>>

\* Its task_struct goes before it is dead, where that is later.
FreedEarly == seen = "exit" /\ seen' = "free" /\ UNCHANGED <<on, state, waking>>

\* wake_up_process() wakes a parked task, too.
WakesParked == Wakes(Normal \cup {"frozen", "stopped", "P"})

\* A preempted task is taken off its runqueue.
PreemptedSleeps == on = "cpu" /\ on' = "asleep" /\ UNCHANGED <<state, waking, seen>>

\* A task that sleeps sets its state.
SetsStateAsleep == on \in {"cpu", "asleep"} /\ state' \in {"R", "S"} /\ UNCHANGED <<on, waking, seen>>

\* A live pid is forked again.
ForkAgain == on \in {"absent", "cpu"} /\ on' = "new" /\ UNCHANGED <<state, waking, seen>>

\* A task is woken before it is on a runqueue.
WokenUnborn == Wakes(Normal) \/ (on = "new" /\ on' = "queued" /\ UNCHANGED <<state, waking, seen>>)
=============================================================================
