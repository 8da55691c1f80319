-------------------------- MODULE MutantsKThreadTask --------------------------
(***************************************************************************)
(* KThreadTask with a tie between the life and its task left out or wrong. *)
(* TLC must find each out, by the property that the .cfg names.            *)
(***************************************************************************)
EXTENDS KThreadTask, Eras

\* The first sleep ends, and the life does not know: no Wake.
WakeUntied == T!Wakes(T!Normal) /\ phase = "created" /\ SameLife

\* The life is woken, and its task sleeps on.
StopWakeUntied == L!StopWake /\ SameTask

\* The thread sets another state in its first sleep.
MaySetAlways == {"R", "D"}

\* It goes on wherever its task is: each step of the thread, or one of them.
RunsAnywhere(in, to) == state \in in /\ state' \in to /\ UNCHANGED <<on, waking, seen>>
DecideRunAsleep == L!DecideRun /\ UNCHANGED task
CreateAnywhere  == L!Create /\ state' = "D" /\ UNCHANGED <<on, waking, seen>>
EnterUnborn     == (L!Enter \/ (phase = "absent" /\ phase' = "running" /\ ran' = TRUE
                     /\ UNCHANGED <<should_stop, should_park, exited, parked, code, woken, unasked>>)) /\ SameTask

\* It finishes before its value is fixed, or while it stands aside.
FinishEarly ==
    /\ phase = "running"
    /\ phase' = "finished"
    /\ exited' = exited + 1
    /\ UNCHANGED <<should_stop, should_park, parked, code, woken, ran, unasked>>
    /\ Runs({"R"}, {"R"})
FinishParked ==
    /\ phase = "parked"
    /\ phase' = "finished"
    /\ exited' = exited + 1
    /\ UNCHANGED <<should_stop, should_park, parked, code, woken, ran, unasked>>
    /\ SameTask

\* The event at the end on the wrong side, or on any.
ExitEarly == T!Exit /\ phase \in {"failed", "returned", "finished"} /\ SameLife

FinishUntraced == L!Finish /\ Runs({"R", "S", "D"}, {"R"})

\* It dies before it has completed.
DiedEarly == T!Die /\ SameLife

\* It sleeps interruptibly before threadfn, and parked before it has told so.
Anywhere == TRUE
SetStateS == T!SetState("S") /\ SameLife

\* Two steps of the object at once.
CreateAndWake == on = "cpu" /\ phase = "absent" /\ phase' = "started" /\ woken' = TRUE
    /\ UNCHANGED <<should_stop, should_park, exited, parked, code, ran, unasked, task>>

\* A task that is woken without a state.
WakeAnyState ==
    /\ phase # "created" /\ SameLife
    /\ on = "asleep" /\ on' = "queued" /\ UNCHANGED <<state, waking, seen>>
=============================================================================
