--------------------------- MODULE KThreadClients ---------------------------
(***************************************************************************)
(* KThreadAPI with its callers: the creator, who calls kthread_create()    *)
(* and perhaps wakes the thread; stoppers, who call kthread_stop(); and    *)
(* parkers, who call kthread_park() and kthread_unpark().                  *)
(*                                                                         *)
(* Why it exists.  A return that changes nothing in the object is a        *)
(* stutter to TLC, so refinement of the object alone would let a stop      *)
(* return anything.  Here each stopper first gets a value out of the       *)
(* object and then returns that value, and both are steps.                 *)
(*                                                                         *)
(* The object alone allows what nobody asks for: it has no idea how far a  *)
(* caller has come.  Here each caller does one thing after the other, and  *)
(* with that no more is allowed than the kernel does: see docs/spec.md,    *)
(* "API = mechanism".                                                      *)
(***************************************************************************)
EXTENDS KThreadAPI

CONSTANTS
    Stoppers,   \* the tasks that call kthread_stop() on this thread
    Parkers     \* the tasks that call kthread_park() and kthread_unpark()

VARIABLES
    creator,  \* where the creator is
    caller,   \* where each stopper or parker is
    got,      \* the value that each stopper got out of the object
    looks,    \* how often a thread that stands aside looks again whether it
              \* still should, before it sleeps
    marked    \* KTHREAD_IS_PARKED (to 4.17)

\* What a look into __kthread_parkme() would show.
parkme == <<looks, marked>>

cvars == <<creator, caller, got, parkme>>

ClientsTypeOK ==
    /\ TypeOK
    /\ creator \in {"idle", "returned", "done"}
    /\ caller \in [Stoppers \cup Parkers ->
           {"idle", "called", "looked", "requested", "unparking", "unparked", "wakes", "waits",
            "got", "returned", "refused", "woke"}]
    /\ got \in [Stoppers -> FnValues \cup Signals \cup {EINTR, Nothing, NoValue}]
    /\ looks \in 0..2
    /\ marked \in BOOLEAN

ClientsInit ==
    /\ Init
    /\ creator = "idle"
    /\ caller = [c \in Stoppers \cup Parkers |-> "idle"]
    /\ got = [s \in Stoppers |-> NoValue]
    /\ looks = 0
    /\ marked = FALSE

Go(c, from, to) ==
    /\ caller[c] = from
    /\ caller' = [caller EXCEPT ![c] = to]
    /\ UNCHANGED creator

\* The callers that have been given the thread: its creator has it and has shown
\* it to them.
Shown == creator # "idle"

-----------------------------------------------------------------------------
\* The creator.

Created      == Create /\ UNCHANGED cvars
CreateFailed == CreateFail /\ UNCHANGED cvars

\* kthread_create() returns the thread.
CreateReturned ==
    /\ Exists
    /\ creator = "idle"
    /\ creator' = "returned"
    /\ UNCHANGED <<vars, caller, got, parkme>>

\* wake_up_process(), which ends the thread's first sleep, also where a stop or a park
\* has set its bit and not woken yet ...
Woke ==
    /\ creator = "returned"
    /\ creator' = "done"
    /\ Wake
    /\ UNCHANGED <<caller, got, parkme>>

\* ... or comes when another wake has ended it.
WokeLater ==
    /\ creator = "returned"
    /\ creator' = "done"
    /\ WakeLater
    /\ UNCHANGED <<caller, got, parkme>>

\* Or never.
NeverWoke ==
    /\ creator = "returned"
    /\ creator' = "done"
    /\ UNCHANGED <<vars, caller, got, parkme>>

-----------------------------------------------------------------------------
\* kthread_stop().

StopCalled(s) == Go(s, "idle", "called") /\ Shown /\ UNCHANGED <<vars, got, parkme>>

\* To 4.9: it looks whether the thread has gone, and goes on if not.
StopLooked(s) ==
    /\ Era.skips_gone
    /\ phase # "finished"
    /\ Go(s, "called", "looked")
    /\ UNCHANGED <<vars, got, parkme>>

\* set_bit.
StopRequested(s) ==
    /\ Go(s, IF Era.skips_gone THEN "looked" ELSE "called", IF Era.parks THEN "requested" ELSE "wakes")
    /\ StopRequest
    /\ UNCHANGED <<got, parkme>>

\* The unpark that a stop does between its request and its wake.  It may look
\* whether there is anything to do ...
StopUnparkLooked(s) ==
    /\ Era.unpark_looks
    /\ Go(s, "requested", IF should_park THEN "unparking" ELSE "wakes")
    /\ UNCHANGED <<vars, got, parkme>>

AtUnpark == IF Era.unpark_looks THEN "unparking" ELSE "requested"

\* ... and takes the request to park back ...
StopUnparked(s) == Go(s, AtUnpark, "unparked") /\ StopUnpark /\ UNCHANGED <<got, parkme>>

\* ... or finds none.
StopUnparkedUnasked(s) ==
    /\ Go(s, AtUnpark, "unparked")
    /\ ~should_park
    /\ UNCHANGED <<vars, got, parkme>>

\* An unpark wakes a thread that sleeps in TASK_PARKED, or is about to: it looks
\* once more, and two wakes between two looks are one.  A thread that is not
\* known to stand aside may be in front of its look, or not.  (To 4.17 only one that
\* has marked itself parked is woken, and the mark taken away.)
Wakes ==
    IF Era.marks_parked
    THEN /\ looks' = IF marked THEN 1 ELSE looks
         /\ marked' = FALSE
    ELSE /\ CASE phase \in {"holding", "parking"}  -> looks' = 1
              [] phase \in {"held", "parked"}      -> looks' \in {1, looks + 1} \cap 0..2
              [] phase \in {"decided", "running"}  -> looks' \in {looks, 1}
              [] OTHER                             -> looks' = looks
         /\ UNCHANGED marked

StopWokeParked(s) == Go(s, "unparked", "wakes") /\ Wakes /\ UNCHANGED <<vars, got>>

\* The wake: it ends the first sleep, or comes when another one has.
StopWoke(s)      == Go(s, "wakes", "waits") /\ StopWake /\ UNCHANGED <<got, parkme>>
StopWokeLater(s) == Go(s, "wakes", "waits") /\ WakeLater /\ UNCHANGED <<got, parkme>>

\* The await.  The value is fixed by now: it is the thread's at this moment.
Gets(s) == got' = [got EXCEPT ![s] = code] /\ UNCHANGED parkme
StopGotValue(s) == Go(s, "waits", "got") /\ StopReturnValue /\ Gets(s)
StopGotEintr(s) == Go(s, "waits", "got") /\ StopReturnEintr /\ Gets(s)

\* A stop that finds the thread gone (to 4.9).
StopSkippedValue(s) == Go(s, "called", "got") /\ StopSkipValue /\ Gets(s)
StopSkippedEintr(s) == Go(s, "called", "got") /\ StopSkipEintr /\ Gets(s)

\* The return, with the value that was got, and a name for each kind of it.
StopReturned(s) == Go(s, "got", "returned") /\ UNCHANGED <<vars, got, parkme>>

StopReturnedValue(s)   == got[s] \notin Signals \cup {EINTR, Nothing} /\ StopReturned(s)
StopReturnedEintr(s)   == got[s] = EINTR /\ StopReturned(s)
StopReturnedSignal(s)  == got[s] \in Signals /\ StopReturned(s)
StopReturnedNothing(s) == got[s] = Nothing /\ StopReturned(s)

-----------------------------------------------------------------------------
\* kthread_park(), asked, waited for, returned; or refused; or, to 4.17, returned at
\* once; and kthread_unpark().

\* It is called with success only where nobody has asked yet, and the thread is
\* not seen to exit; to 4.17, where the thread is not marked parked, whoever has
\* asked.
ParkCalled(p) ==
    /\ Go(p, "idle", "called")
    /\ Era.parks /\ Shown
    /\ IF Era.marks_parked THEN ~marked ELSE ~should_park
    /\ phase # "finished"
    /\ UNCHANGED <<vars, got, parkme>>

ParkRequested(p) == Go(p, "called", "wakes") /\ ParkRequest /\ UNCHANGED <<got, parkme>>

\* The wake: it ends the first sleep, where the request still stands and where somebody
\* has taken it back, or comes when another wake has.
ParkWoke(p)        == Go(p, "wakes", "waits") /\ ParkWake /\ UNCHANGED <<got, parkme>>
ParkWokeUnasked(p) == Go(p, "wakes", "waits") /\ ~should_park /\ Wake /\ UNCHANGED <<got, parkme>>
ParkWokeLater(p)   == Go(p, "wakes", "waits") /\ WakeLater /\ UNCHANGED <<got, parkme>>

ParkReturned(p)  == Go(p, "waits", "returned") /\ ParkReturn /\ UNCHANGED <<got, parkme>>

ParkRefusedBusy(p) == Go(p, "idle", "refused") /\ Shown /\ ParkBusy /\ UNCHANGED <<got, parkme>>
ParkRefusedGone(p) == Go(p, "idle", "refused") /\ Shown /\ ParkGone /\ UNCHANGED <<got, parkme>>

\* To 4.17: the thread is marked parked, and the call returns 0 without a wait.
ParkSkipped(p) ==
    /\ Go(p, "idle", "returned")
    /\ Shown /\ marked
    /\ ParkAlready
    /\ UNCHANGED <<got, parkme>>

\* kthread_unpark() may look first, and find that a stop was there before it.
UnparkCalled(p) ==
    /\ Era.unpark_looks
    /\ should_park
    /\ Go(p, "returned", "unparking")
    /\ UNCHANGED <<vars, got, parkme>>

UnparkSkipped(p) ==
    /\ Era.unpark_looks
    /\ ~should_park
    /\ Go(p, "returned", "woke")
    /\ UNCHANGED <<vars, got, parkme>>

Unparked(p) ==
    /\ Go(p, IF Era.unpark_looks THEN "unparking" ELSE "returned", "unparked")
    /\ Unpark
    /\ UNCHANGED <<got, parkme>>

UnparkWoke(p) == Go(p, "unparked", "woke") /\ Wakes /\ UNCHANGED <<vars, got>>

-----------------------------------------------------------------------------
\* The thread.

DecidedRun    == DecideRun /\ UNCHANGED cvars
DecidedNotRun == DecideNotRun /\ UNCHANGED cvars

\* A thread that has stood aside looks again, and stays or leaves, if it was woken.
SeenToPark ==
    /\ looks' = IF phase \in {"held", "parked"} THEN looks - 1 ELSE looks
    /\ looks' >= 0
    /\ UNCHANGED <<creator, caller, got, marked>>
SeenToLeave == looks > 0 /\ looks' = 0 /\ UNCHANGED <<creator, caller, got, marked>>

\* To 4.17 it marks itself parked before it tells a kthread_park() so.  An unpark
\* that comes before the mark wakes nobody; one that comes after takes it away.
Marked ==
    /\ Era.marks_parked
    /\ phase \in {"holding", "parking"}
    /\ ~marked /\ looks = 0
    /\ marked' = TRUE
    /\ UNCHANGED <<vars, creator, caller, got, looks>>

WasMarked == Era.marks_parked => marked \/ looks > 0

HoldingAsked  == HoldAsked /\ SeenToPark
HoldingBegun  == WasMarked /\ Hold /\ UNCHANGED cvars
HoldingEnded  == HoldEnd /\ SeenToLeave
ParkingAsked  == ParkAsked /\ SeenToPark
ParkingBegun  == WasMarked /\ Park /\ UNCHANGED cvars
ParkingEnded  == ParkEnd /\ SeenToLeave

\* It looks and is not asked to park: before threadfn ...
HoldingUnasked == HoldUnasked /\ looks' = 0 /\ UNCHANGED <<creator, caller, got, marked>>

\* ... or in it, past a wake that came meanwhile.
ParkingUnasked ==
    /\ phase = "running"
    /\ looks > 0
    /\ looks' = 0
    /\ UNCHANGED <<vars, creator, caller, got, marked>>

Entered       == Enter /\ UNCHANGED cvars
Worked        == Work /\ UNCHANGED cvars
TestedFalse   == TestFalse /\ UNCHANGED cvars
TestedTrue    == TestTrue /\ UNCHANGED cvars
ReturnedValue == ReturnValue /\ UNCHANGED cvars
ReturnedEintr == ReturnEintr /\ UNCHANGED cvars
ExitedValue   == ExitValue /\ UNCHANGED cvars
ExitedEintr   == ExitEintr /\ UNCHANGED cvars
Oopsed        == Oops /\ UNCHANGED cvars
Finished      == Finish /\ UNCHANGED cvars

\* A wake that nobody meant, and so no caller's: it is not in ClientsNext.  KThread
\* has it in its models with SpuriousWakes.  It may end the first sleep in the place of
\* a creator's, a stop's or a park's.
WokenByNobody == (Wake \/ WakeLater) /\ UNCHANGED cvars

-----------------------------------------------------------------------------

ClientsNext ==
    \/ Created \/ CreateFailed \/ CreateReturned \/ Woke \/ WokeLater \/ NeverWoke
    \/ DecidedRun \/ DecidedNotRun
    \/ Marked \/ HoldingUnasked \/ HoldingAsked \/ HoldingBegun \/ HoldingEnded
    \/ ParkingUnasked \/ ParkingAsked \/ ParkingBegun \/ ParkingEnded
    \/ Entered \/ Worked \/ TestedFalse \/ TestedTrue
    \/ ReturnedValue \/ ReturnedEintr \/ ExitedValue \/ ExitedEintr \/ Oopsed
    \/ Finished
    \/ \E s \in Stoppers :
        \/ StopCalled(s) \/ StopLooked(s) \/ StopRequested(s)
        \/ StopUnparkLooked(s) \/ StopUnparked(s) \/ StopUnparkedUnasked(s) \/ StopWokeParked(s)
        \/ StopWoke(s) \/ StopWokeLater(s)
        \/ StopGotValue(s) \/ StopGotEintr(s) \/ StopSkippedValue(s) \/ StopSkippedEintr(s)
        \/ StopReturnedValue(s) \/ StopReturnedEintr(s) \/ StopReturnedSignal(s)
        \/ StopReturnedNothing(s)
    \/ \E p \in Parkers :
        \/ ParkCalled(p) \/ ParkRequested(p) \/ ParkReturned(p)
        \/ ParkWoke(p) \/ ParkWokeUnasked(p) \/ ParkWokeLater(p)
        \/ ParkRefusedBusy(p) \/ ParkRefusedGone(p) \/ ParkSkipped(p)
        \/ UnparkCalled(p) \/ UnparkSkipped(p) \/ Unparked(p) \/ UnparkWoke(p)

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
