---------------------------- MODULE MCAnyCallers ----------------------------
(***************************************************************************)
(* KThreadClients with any number of callers, and with those that nobody   *)
(* expects: a wake by anyone at any time, and a kthread_unpark() by        *)
(* somebody who has not parked the thread.                                 *)
(*                                                                         *)
(* Why it exists.  KThreadAPI may allow what no caller asks for, and that  *)
(* a KThreadClients with a few callers refines it does not say that each   *)
(* of its steps is taken.  Here each is: spec/coverage_test.go looks up    *)
(* the steps of this module in KThreadAPI's state graph.                   *)
(*                                                                         *)
(* The stoppers are one set of places, and so are the parkers.  Wherever   *)
(* one of them has come, others are or will be: a caller may take its      *)
(* time, and what one has done (set_bit, a wake, an unpark) another can do *)
(* right behind it, with no effect.  So a place that has been reached      *)
(* stays in the set.  The exceptions are what one exit or one parking is   *)
(* spent on: whoever has got the stop's value does no more to the thread,  *)
(* and whoever has returned from kthread_park() does no more than          *)
(* kthread_unpark(), which anyone may call here.                           *)
(***************************************************************************)
EXTENDS MCClients

\* KThreadClients' Go, of sets of places.
AnyGo(c, from, to) ==
    /\ from \in caller[c]
    /\ caller' = [caller EXCEPT ![c] = @ \cup {to}]
    /\ UNCHANGED creator

AnyInit ==
    /\ Init
    /\ creator = "idle"
    /\ caller = [c \in Stoppers \cup Parkers |-> {"idle"}]
    /\ got = [s \in Stoppers |-> NoValue]
    /\ looks = 0
    /\ marked = FALSE

\* WokenByNobody, with a name for each of its two.
WokenFirstByNobody == Wake /\ UNCHANGED cvars
WokenLaterByNobody == WakeLater /\ UNCHANGED cvars

\* A caller that unparks what it has not parked.
UnparksOnly(p) ==
    /\ Go(p, "idle", "returned")
    /\ Era.parks /\ Shown
    /\ UNCHANGED <<vars, got, parkme>>

AnyNext ==
    \/ ClientsNext
    \/ WokenFirstByNobody \/ WokenLaterByNobody
    \/ \E p \in Parkers : UnparksOnly(p)

AnySpec == AnyInit /\ [][AnyNext]_<<vars, cvars>>

\* A caller comes to a place where nobody has been, and does nothing to the thread.
Arrives ==
    /\ \/ NeverWoke
       \/ \E s \in Stoppers :
            \/ StopCalled(s) \/ StopLooked(s) \/ StopUnparkLooked(s) \/ StopUnparkedUnasked(s)
            \/ StopWokeLater(s)
       \/ \E p \in Parkers :
            \/ ParkCalled(p) \/ ParkWokeLater(p) \/ ParkSkipped(p)
            \/ UnparksOnly(p) \/ UnparkCalled(p) \/ UnparkSkipped(p)
    /\ <<creator, caller>>' # <<creator, caller>>

\* No place that is in the set forbids a step, so it loses nothing that whoever can arrive
\* somewhere does so before anything else happens.
ArriveFirst ==
    ENABLED Arrives =>
        /\ <<vars, parkme>>' = <<vars, parkme>>
        /\ <<creator, caller>>' # <<creator, caller>>
=============================================================================
