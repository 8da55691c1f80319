--------------------------- MODULE KThreadClients ---------------------------
(***************************************************************************)
(* KThreadAPI with its callers: every stopper is a caller of kthread_stop. *)
(*                                                                         *)
(* Why it exists.  A return that changes nothing in the object is a        *)
(* stutter to TLC, so refinement of the object alone would let a stop      *)
(* return anything.  Here each stopper first gets a value out of the       *)
(* object and then returns that value, and both are steps.                 *)
(***************************************************************************)
EXTENDS KThreadAPI

CONSTANT Stoppers   \* the tasks that call kthread_stop() on this thread

VARIABLES
    caller,   \* where each stopper is
    got       \* the value that it got out of the object

cvars == <<caller, got>>

ClientsTypeOK ==
    /\ TypeOK
    /\ caller \in [Stoppers -> {"idle", "called", "requested", "got", "returned"}]
    /\ got \in [Stoppers -> FnValues \cup Signals \cup {EINTR, NoValue}]

ClientsInit ==
    /\ Init
    /\ caller = [s \in Stoppers |-> "idle"]
    /\ got = [s \in Stoppers |-> NoValue]

Go(s, from, to) ==
    /\ caller[s] = from
    /\ caller' = [caller EXCEPT ![s] = to]

\* The call.  The caller must hold a thread that exists.
StopCalled(s) == Go(s, "idle", "called") /\ Exists /\ UNCHANGED <<vars, got>>

\* set_bit and wake.
StopRequested(s) == Go(s, "called", "requested") /\ StopRequest /\ UNCHANGED got

\* The await.  The value is fixed by now: it is exit_code at this moment.
StopGot(s) ==
    /\ Go(s, "requested", "got")
    /\ StopReturnValue \/ StopReturnEintr
    /\ got' = [got EXCEPT ![s] = code]

\* The return, with the value that was got.
StopReturned(s) == Go(s, "got", "returned") /\ UNCHANGED <<vars, got>>

\* Everything that is not a stop, as in the object.
Object ==
    /\ \/ Create \/ CreateFail \/ Wake
       \/ DecideRun \/ DecideNotRun
       \/ Enter \/ Work \/ TestFalse \/ TestTrue
       \/ ReturnValue \/ ReturnEintr \/ ExitValue \/ ExitEintr \/ Oops
       \/ Finish
    /\ UNCHANGED cvars

ClientsNext ==
    \/ Object
    \/ \E s \in Stoppers :
        StopCalled(s) \/ StopRequested(s) \/ StopGot(s) \/ StopReturned(s)

ClientsSpec == ClientsInit /\ [][ClientsNext]_<<vars, cvars>>

-----------------------------------------------------------------------------

\* One exit serves one stop (complete(), not complete_all()).
OneExitServesOneStop ==
    \A s, t \in Stoppers :
        caller[s] \in {"got", "returned"} /\ caller[t] \in {"got", "returned"} => s = t

\* What a stop returns is what the thread ended with.
ReturnsExitCode ==
    \A s \in Stoppers : caller[s] = "returned" => got[s] = code

THEOREM ClientsSpec => Spec
=============================================================================
