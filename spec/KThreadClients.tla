--------------------------- MODULE KThreadClients ---------------------------
(***************************************************************************)
(* KThreadAPI with its callers: stoppers, who call kthread_stop(), and     *)
(* parkers, who call kthread_park() and kthread_unpark().                  *)
(*                                                                         *)
(* Why it exists.  A return that changes nothing in the object is a        *)
(* stutter to TLC, so refinement of the object alone would let a stop      *)
(* return anything.  Here each stopper first gets a value out of the       *)
(* object and then returns that value, and both are steps.                 *)
(***************************************************************************)
EXTENDS KThreadAPI

CONSTANTS
    Stoppers,   \* the tasks that call kthread_stop() on this thread
    Parkers     \* the tasks that call kthread_park() and kthread_unpark()

VARIABLES
    caller,   \* where each stopper or parker is
    got       \* the value that each stopper got out of the object

cvars == <<caller, got>>

ClientsTypeOK ==
    /\ TypeOK
    /\ caller \in [Stoppers \cup Parkers ->
           {"idle", "called", "requested", "got", "returned", "refused", "unparked"}]
    /\ got \in [Stoppers -> FnValues \cup Signals \cup {EINTR, Nothing, NoValue}]

ClientsInit ==
    /\ Init
    /\ caller = [c \in Stoppers \cup Parkers |-> "idle"]
    /\ got = [s \in Stoppers |-> NoValue]

Go(c, from, to) ==
    /\ caller[c] = from
    /\ caller' = [caller EXCEPT ![c] = to]

\* The call.  The caller must hold a thread that exists.
StopCalled(s) == Go(s, "idle", "called") /\ Exists /\ UNCHANGED <<vars, got>>

\* set_bit and wake.
StopRequested(s) == Go(s, "called", "requested") /\ StopRequest /\ UNCHANGED got

\* The unpark that a stop does between its request and its wait.
StopUnparked(s) == caller[s] = "requested" /\ StopUnpark /\ UNCHANGED cvars

\* The await.  The value is fixed by now: it is the thread's at this moment.
StopGot(s) ==
    /\ Go(s, "requested", "got")
    /\ StopReturnValue \/ StopReturnEintr
    /\ got' = [got EXCEPT ![s] = code]

\* A stop that finds the thread gone (to 4.9).
StopSkipped(s) ==
    /\ Go(s, "called", "got")
    /\ StopSkipValue \/ StopSkipEintr
    /\ got' = [got EXCEPT ![s] = code]

\* The return, with the value that was got.
StopReturned(s) == Go(s, "got", "returned") /\ UNCHANGED <<vars, got>>

\* kthread_park(), asked, waited for, returned; or refused; or at once (to 4.17).
ParkCalled(p)    == Go(p, "idle", "called") /\ Exists /\ UNCHANGED <<vars, got>>
ParkRequested(p) == Go(p, "called", "requested") /\ ParkRequest /\ UNCHANGED got
ParkReturned(p)  == Go(p, "requested", "returned") /\ ParkReturn /\ UNCHANGED got
ParkRefused(p)   == Go(p, "idle", "refused") /\ (ParkBusy \/ ParkGone) /\ UNCHANGED got
ParkSkipped(p)   == Go(p, "idle", "returned") /\ ParkAlready /\ UNCHANGED got
Unparked(p)      == Go(p, "returned", "unparked") /\ Unpark /\ UNCHANGED got

\* Everything that no caller does, as in the object.
Object ==
    /\ \/ Create \/ CreateFail \/ Wake
       \/ DecideRun \/ DecideNotRun \/ HoldAsked \/ Hold \/ HoldEnd
       \/ Enter \/ Work \/ ParkAsked \/ Park \/ ParkEnd \/ TestFalse \/ TestTrue
       \/ ReturnValue \/ ReturnEintr \/ ExitValue \/ ExitEintr \/ Oops
       \/ Finish
    /\ UNCHANGED cvars

ClientsNext ==
    \/ Object
    \/ \E s \in Stoppers :
        \/ StopCalled(s) \/ StopRequested(s) \/ StopUnparked(s) \/ StopGot(s)
        \/ StopSkipped(s) \/ StopReturned(s)
    \/ \E p \in Parkers :
        \/ ParkCalled(p) \/ ParkRequested(p) \/ ParkReturned(p) \/ ParkRefused(p)
        \/ ParkSkipped(p) \/ Unparked(p)

ClientsSpec == ClientsInit /\ [][ClientsNext]_<<vars, cvars>>

-----------------------------------------------------------------------------

HasGot(s) == caller[s] \in {"got", "returned"}

\* One exit serves one stop (complete(), not complete_all()); to 4.9 a stop that
\* comes after the exit needs no serving.
OneExitServesOneStop ==
    ~Era.skips_gone => \A s, t \in Stoppers : HasGot(s) /\ HasGot(t) => s = t

\* What a stop returns is what the thread ended with.
ReturnsExitCode ==
    \A s \in Stoppers : caller[s] = "returned" => got[s] = code

THEOREM ClientsSpec => Spec
=============================================================================
