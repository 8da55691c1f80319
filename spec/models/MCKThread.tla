----------------------------- MODULE MCKThread -----------------------------
(***************************************************************************)
(* KThread for TLC: what a .cfg file cannot write itself.  (A .cfg knows   *)
(* neither functions nor negative numbers.)  Threads, stoppers and parkers *)
(* are strings, "t1" "t2" ..., "s1" "s2" ... and "p1" "p2" ...             *)
(***************************************************************************)
EXTENDS KThread, Eras

\* Everybody is after the first thread.
AllAfterT1 == [c \in Stoppers \cup Parkers |-> "t1"]

\* What threadfn is like, for all threads.
Cooperative == [k \in Threads |-> "cooperative"]
Quits       == [k \in Threads |-> "quits"]
SleepsInt   == [k \in Threads |-> "sleeps_int"]
SleepsUnint == [k \in Threads |-> "sleeps_unint"]
SleepsIdle  == [k \in Threads |-> "sleeps_idle"]
Deaf        == [k \in Threads |-> "deaf"]
Parks       == [k \in Threads |-> "parks"]
Freezes     == [k \in Threads |-> "freezes"]
FreezesStop == [k \in Threads |-> "freezes_stop"]
StopsItself == [k \in Threads |-> "stops_itself"]
Arbitrary   == [k \in Threads |-> "arbitrary"]
SleepsAny   == [k \in Threads |-> "sleeps_any"]

\* StopCall for a stop that races no kthread_park(): all have returned.
StopCallAfterPark(s) ==
    /\ \A p \in Parkers : parker[p].at \notin {"idle", "set_bit", "wake", "wait"}
    /\ creator[Target[s]].at = "finished"
    /\ StopperGoes(s, "idle", "get")
    /\ OnlyStopper

\* StopCall for stops that come one after the other.
StopCallInTurn(s) ==
    /\ \A other \in Stoppers \ {s} : stopper[other].at \in {"idle", "returned"}
    /\ creator[Target[s]].at = "finished"
    /\ StopperGoes(s, "idle", "get")
    /\ OnlyStopper

\* A threadfn that returns 0 ...
Zero == {0}

\* ... or an error, but never -EINTR ...
ZeroOrEio == {0, -5}

\* ... and one that may return -EINTR itself.
ZeroOrEintr == {0, -4}

\* Values that tell a return from an oops, and from a do_exit() that leaves 0.
Eio        == {-5}
EioOrEintr == {-5, -4}

\* What nobody sees, nobody waits for and nothing prevents goes first: kthreadd's
\* way back to sleep when its work is done, and a thread's last steps.  An action
\* constraint for models of one thread that somebody holds: fewer interleavings,
\* of which an observer can tell none from those that are left.
UnseenFirst ==
    IF /\ \A k \in Threads : thread[k].at # "none"
       /\ kthreadd.at # "sleep" \/ kthreadd.state = TASK_RUNNING
    THEN kthreadd' # kthreadd
    ELSE \A k \in Threads :
             thread[k].at \in {"do_task_dead", "dead"} => thread'[k].at # thread[k].at
=============================================================================
