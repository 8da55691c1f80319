---------------------------- MODULE LooseClients ----------------------------
(***************************************************************************)
(* KThreadClients with one rule left out, by a line `Step <- LooseStep` of *)
(* the .cfg file.  More is allowed, so KThread refines each of them too:   *)
(* nothing but the comparison of languages notices that the kernel does    *)
(* not do all of it.                                                       *)
(***************************************************************************)
EXTENDS MCClients

\* Whoever calls need not have been given the thread.
ShownBeforeReturn == Exists

\* To 4.9: the look at vfork_done does not look.
LooksAtNothing(s) == Era.skips_gone /\ Go(s, "called", "looked") /\ UNCHANGED <<vars, got, parkme>>

\* The stop's wake may come before its unpark.
WakesBeforeUnpark(s) ==
    /\ Go(s, "wakes", "waits") \/ Go(s, AtUnpark, AtUnpark)
    /\ StopWake
    /\ UNCHANGED <<got, parkme>>

\* kthread_park() of a thread that has gone is not refused.
ParkCalledOfTheGone(p) ==
    /\ Go(p, "idle", "called")
    /\ Era.parks /\ Shown
    /\ ~should_park
    /\ UNCHANGED <<vars, got, parkme>>

\* The thread enters threadfn without a look whether to park first.
EntersUnlooked ==
    /\ phase = "decided"
    /\ phase' = "chosen"
    /\ UNCHANGED <<should_stop, should_park, exited, parked, code, woken, ran, unasked>>

\* A parked thread looks again without a wake.
LooksUnwoken == looks' \in {0, 1} /\ UNCHANGED <<creator, caller, got, marked>>
=============================================================================
