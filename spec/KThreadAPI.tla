----------------------------- MODULE KThreadAPI -----------------------------
(***************************************************************************)
(* What a caller may rely on: one kernel thread, seen from outside.        *)
(*                                                                         *)
(* KThread.tla says how the kernel does it, step by step.  This module     *)
(* says what that amounts to: create, wake, park, stop, exit, and what     *)
(* each may return.  threadfn is arbitrary here: it may test               *)
(* kthread_should_stop(), ignore it, end at any time and with any value,   *)
(* or oops.                                                                *)
(*                                                                         *)
(* The object has no idea who calls it.  That a stop has been requested    *)
(* (one flag), the completions' counters and the exit value are enough,    *)
(* because one exit serves one return.  KThreadClients puts the callers    *)
(* around it.                                                              *)
(*                                                                         *)
(* TLC dumps this module's state graph, one for each era, and tracecheck   *)
(* walks it.  TLC labels an edge of the dump with the action's name and    *)
(* nothing else, so whatever a log can tell apart is an action with a name *)
(* of its own.                                                             *)
(*                                                                         *)
(* Sources: kernel/kthread.c, kernel/exit.c and mm_release() in            *)
(* kernel/fork.c.  What differs between kernels is in the constant Era,    *)
(* see Eras.tla.                                                           *)
(***************************************************************************)
EXTENDS Integers

CONSTANTS
    Era,        \* whose rules: a record of Eras.tla
    FnValues,   \* what threadfn, or a do_exit() inside it, may end with
    EINTR,      \* the value -EINTR; threadfn may end with it too
    Signals,    \* what an oops leaves where kthread_stop() looks: do_exit(signr)
    Nothing,    \* what kthread_stop() finds where nothing was left: 0
    NoValue,    \* the thread's value is not fixed yet
    MaxParked   \* how many kthread_park() may be under way at once

VARIABLES
    phase,        \* how far the thread's own life has come, see Phases
    should_stop,  \* KTHREAD_SHOULD_STOP has been set; nothing clears it
    should_park,  \* KTHREAD_SHOULD_PARK is set
    exited,       \* the counter x->done of the completion kthread->exited
    parked,       \* the counter x->done of the completion kthread->parked
    code,         \* the value that the thread ends with and kthread_stop() returns
    woken,        \* history: the wake that ended the first sleep was not a stop's
    ran,          \* history: threadfn was entered
    unasked       \* history: the thread's end was fixed before any stop request

vars == <<phase, should_stop, should_park, exited, parked, code, woken, ran, unasked>>

Phases == {
    "absent",     \* kthread_create() has not made it yet
    "failed",     \* kthread_create() returned an error
    "created",    \* announced to its creator, in its first sleep (D state)
    "started",    \* woken out of the first sleep
    "decided",    \* the last test in kthread() found no stop: threadfn will be
                  \* called, once it has looked whether to park first
    "chosen",     \* threadfn is next
    "holding",    \* about to park before threadfn: it has seen that it should
    "held",       \* parked before threadfn
    "running",    \* in threadfn
    "parking",    \* about to park in threadfn
    "parked",     \* parked in threadfn
    "returned",   \* on its way out, the value fixed
    "finished" }  \* complete(&kthread->exited) has been called

TypeOK ==
    /\ phase \in Phases
    /\ should_stop \in BOOLEAN
    /\ should_park \in BOOLEAN
    /\ exited \in 0..1
    /\ parked \in 0..MaxParked
    /\ code \in FnValues \cup Signals \cup {EINTR, Nothing, NoValue}
    /\ woken \in BOOLEAN
    /\ ran \in BOOLEAN
    /\ unasked \in BOOLEAN

Init ==
    /\ phase = "absent"
    /\ should_stop = FALSE
    /\ should_park = FALSE
    /\ exited = 0
    /\ parked = 0
    /\ code = NoValue
    /\ woken = FALSE
    /\ ran = FALSE
    /\ unasked = FALSE

Exists == phase \notin {"absent", "failed"}

-----------------------------------------------------------------------------
\* The caller's side.  Whoever calls holds the thread: a pointer that is good
\* for as long as the call lasts.  (KThread has the references.)

\* kthread_create() succeeded: the thread has announced itself, which is when
\* others can get hold of it.  From here it sleeps in TASK_UNINTERRUPTIBLE.
Create ==
    /\ phase = "absent"
    /\ phase' = "created"
    /\ UNCHANGED <<should_stop, should_park, exited, parked, code, woken, ran, unasked>>

\* kthread_create() returned an error; there is no thread, or one that ends by
\* itself and that nobody ever gets hold of.
CreateFail ==
    /\ phase = "absent"
    /\ phase' = "failed"
    /\ UNCHANGED <<should_stop, should_park, exited, parked, code, woken, ran, unasked>>

\* wake_up_process() of a thread in its first sleep ends it: there is one wake that
\* does, whoever it is by, and that is all that the thread asks.  A stop and a park
\* set their bit and then wake, so another wake may come between the two.  A tracer
\* sees the one, as sched_waking: the state of a thread in its first sleep always
\* matches.  By the creator, or by anyone but a stopper or a parker:
Wake ==
    /\ phase = "created"
    /\ phase' = "started"
    /\ woken' = TRUE
    /\ UNCHANGED <<should_stop, should_park, exited, parked, code, ran, unasked>>

\* A wake of a thread whose first sleep is over, by anyone: it has nothing to do
\* with the lifecycle, and a tracer sees it only if the thread sleeps.
WakeLater ==
    /\ Exists
    /\ phase # "created"
    /\ UNCHANGED vars

\* kthread_stop() up to set_bit(KTHREAD_SHOULD_STOP), which is what the thread
\* reacts to.  A second request changes nothing.
StopRequest ==
    /\ Exists
    /\ should_stop' = TRUE
    /\ UNCHANGED <<phase, should_park, exited, parked, code, woken, ran, unasked>>

\* kthread_stop(): its wake_up_process(), if the thread is in its first sleep still.
StopWake ==
    /\ phase = "created"
    /\ should_stop
    /\ phase' = "started"
    /\ UNCHANGED <<should_stop, should_park, exited, parked, code, woken, ran, unasked>>

\* kthread_stop() -> kthread_unpark(): what has been parked must come out to end.
StopUnpark ==
    /\ should_stop
    /\ should_park
    /\ should_park' = FALSE
    /\ UNCHANGED <<phase, should_stop, exited, parked, code, woken, ran, unasked>>

\* The other half of kthread_stop(): wait_for_completion() takes the one count
\* that the exit has left, and the value is read.  Nothing puts the count back,
\* so a second stop waits for ever.
StopAwait ==
    /\ should_stop
    /\ exited > 0
    /\ exited' = exited - 1
    /\ UNCHANGED <<phase, should_stop, should_park, parked, code, woken, ran, unasked>>

StopReturnValue == StopAwait /\ code # EINTR
StopReturnEintr == StopAwait /\ code = EINTR

\* To 4.9: a kthread_stop() that finds vfork_done NULL sets nothing and waits
\* for nobody, and reads the value: it can be called again and again.
StopSkipValue == Era.skips_gone /\ phase = "finished" /\ code # EINTR /\ UNCHANGED vars
StopSkipEintr == Era.skips_gone /\ phase = "finished" /\ code = EINTR /\ UNCHANGED vars

\* kthread_park() up to set_bit(KTHREAD_SHOULD_PARK).
ParkRequest ==
    /\ Era.parks
    /\ Exists
    /\ should_park' = TRUE
    /\ UNCHANGED <<phase, should_stop, exited, parked, code, woken, ran, unasked>>

\* kthread_park(): its wake_up_process(), if the thread is in its first sleep still:
\* smpboot parks its threads so before they have run.  (If somebody has taken the
\* request back meanwhile, it is a Wake as good as any.)
ParkWake ==
    /\ phase = "created"
    /\ should_park
    /\ phase' = "started"
    /\ woken' = TRUE
    /\ UNCHANGED <<should_stop, should_park, exited, parked, code, ran, unasked>>

\* The other half: wait_for_completion(&kthread->parked).
ParkReturn ==
    /\ parked > 0
    /\ parked' = parked - 1
    /\ UNCHANGED <<phase, should_stop, should_park, exited, code, woken, ran, unasked>>

\* kthread_park() says -EBUSY: somebody has asked already.
ParkBusy == Era.parks /\ ~Era.marks_parked /\ Exists /\ should_park /\ UNCHANGED vars

\* To 4.17 nobody says so: kthread_park() of a thread that is parked, or all but,
\* says 0 at once; of one that is only asked to it waits.
ParkAlready ==
    /\ Era.parks /\ Era.marks_parked
    /\ phase \in {"holding", "held", "parking", "parked"}
    /\ UNCHANGED vars

\* kthread_park() says -ENOSYS: the thread is exiting; to 4.9, it has gone.
ParkGone ==
    /\ Era.parks
    /\ phase = "finished" \/ (phase = "returned" /\ ~Era.skips_gone)
    /\ UNCHANGED vars

\* kthread_unpark().
Unpark ==
    /\ Era.parks
    /\ Exists
    /\ should_park' = FALSE
    /\ UNCHANGED <<phase, should_stop, exited, parked, code, woken, ran, unasked>>

-----------------------------------------------------------------------------
\* The thread's side.

\* kthread(): the last test, test_bit(KTHREAD_SHOULD_STOP), after the one
\* schedule() and before threadfn.  No stop: threadfn will be called, whatever
\* happens from here on.
DecideRun ==
    /\ phase = "started"
    /\ ~should_stop
    /\ phase' = IF Era.parks THEN "decided" ELSE "chosen"
    /\ UNCHANGED <<should_stop, should_park, exited, parked, code, woken, ran, unasked>>

\* The same test finds the flag set: ret stays -EINTR, threadfn is never called.
DecideNotRun ==
    /\ phase = "started"
    /\ should_stop
    /\ phase' = "returned"
    /\ code' = EINTR
    /\ UNCHANGED <<should_stop, should_park, exited, parked, woken, ran, unasked>>

\* __kthread_parkme(), between the last test and threadfn: the thread sees that
\* nobody asks it to park ...
HoldUnasked ==
    /\ phase = "decided"
    /\ ~should_park
    /\ phase' = "chosen"
    /\ UNCHANGED <<should_stop, should_park, exited, parked, code, woken, ran, unasked>>

\* ... or that it should ...
HoldAsked ==
    /\ phase \in {"decided", "held"}
    /\ should_park
    /\ phase' = "holding"
    /\ UNCHANGED <<should_stop, should_park, exited, parked, code, woken, ran, unasked>>

\* ... and stands aside and tells one kthread_park() so ...
Hold ==
    /\ phase = "holding"
    /\ parked < MaxParked
    /\ phase' = "held"
    /\ parked' = parked + 1
    /\ UNCHANGED <<should_stop, should_park, exited, code, woken, ran, unasked>>

\* ... until nobody asks for it any more.
HoldEnd ==
    /\ phase = "held"
    /\ ~should_park
    /\ phase' = "chosen"
    /\ UNCHANGED <<should_stop, should_park, exited, parked, code, woken, ran, unasked>>

\* The same in threadfn, by kthread_parkme().
ParkAsked ==
    /\ phase \in {"running", "parked"}
    /\ should_park
    /\ phase' = "parking"
    /\ UNCHANGED <<should_stop, should_park, exited, parked, code, woken, ran, unasked>>

Park ==
    /\ phase = "parking"
    /\ parked < MaxParked
    /\ phase' = "parked"
    /\ parked' = parked + 1
    /\ UNCHANGED <<should_stop, should_park, exited, code, woken, ran, unasked>>

ParkEnd ==
    /\ phase = "parked"
    /\ ~should_park
    /\ phase' = "running"
    /\ UNCHANGED <<should_stop, should_park, exited, parked, code, woken, ran, unasked>>

\* The first instruction of threadfn.  A stop may have come since the last test.
Enter ==
    /\ phase = "chosen"
    /\ phase' = "running"
    /\ ran' = TRUE
    /\ UNCHANGED <<should_stop, should_park, exited, parked, code, woken, unasked>>

\* threadfn does something of its own: a printk, a lock, a sleep.  Nothing
\* changes, but whoever sees it knows that threadfn is being executed.
Work == phase = "running" /\ UNCHANGED vars

\* kthread_should_stop() in threadfn answers no ...
TestFalse == phase = "running" /\ ~should_stop /\ UNCHANGED vars

\* ... or yes, and then for good.
TestTrue == phase = "running" /\ should_stop /\ UNCHANGED vars

\* threadfn is over, and one of the values is the thread's.  threadfn need not
\* have been told.
End(values) ==
    /\ phase' = "returned"
    /\ code' \in values
    /\ unasked' = ~should_stop
    /\ UNCHANGED <<should_stop, should_park, exited, parked, woken, ran>>

\* (The conjunctions below keep their names in TLC's dump: an action that is
\* nothing but a call of End would be labelled End.)

\* By return.  A threadfn that returns -EINTR itself looks to its stopper like
\* one that was never called, hence the name of its own.
ReturnValue == phase = "running" /\ End(FnValues \ {EINTR})
ReturnEintr == phase = "running" /\ End(FnValues \cap {EINTR})

\* By a do_exit() of its own, without returning to kthread().  Where
\* kthread->result is what counts, nobody has written it: kthread_stop() says 0.
ExitValue == phase = "running" /\ End(IF Era.oops_shows THEN FnValues \ {EINTR} ELSE {Nothing})
ExitEintr == phase = "running" /\ End(IF Era.oops_shows THEN FnValues \cap {EINTR} ELSE {})

\* By an oops or BUG: the exit path is the same, so stoppers are not stranded.
Oops == phase = "running" /\ End(IF Era.oops_shows THEN Signals ELSE {Nothing})

\* do_exit() -> exit_mm() -> mm_release(): complete(vfork_done), which for a
\* kthread is &kthread->exited.  The thread is still far from dead, but a
\* kthread_stop() can return from here on.
Finish ==
    /\ phase = "returned"
    /\ phase' = "finished"
    /\ exited' = exited + 1
    /\ UNCHANGED <<should_stop, should_park, parked, code, woken, ran, unasked>>

-----------------------------------------------------------------------------

Next ==
    \/ Create \/ CreateFail \/ Wake \/ WakeLater
    \/ StopRequest \/ StopWake \/ StopUnpark \/ StopReturnValue \/ StopReturnEintr
    \/ StopSkipValue \/ StopSkipEintr
    \/ ParkRequest \/ ParkWake \/ ParkReturn \/ ParkBusy \/ ParkAlready \/ ParkGone \/ Unpark
    \/ DecideRun \/ DecideNotRun \/ HoldUnasked \/ HoldAsked \/ Hold \/ HoldEnd
    \/ Enter \/ Work \/ ParkAsked \/ Park \/ ParkEnd \/ TestFalse \/ TestTrue
    \/ ReturnValue \/ ReturnEintr \/ ExitValue \/ ExitEintr \/ Oops
    \/ Finish

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
\* What follows from the rules, in a caller's words.

\* The kernel ends a thread that it does not run in one way only.
NotRunMeansStopped ==
    phase \in {"returned", "finished"} /\ ~ran => should_stop /\ code = EINTR

\* A value other than -EINTR proves that threadfn ran.
ValueMeansRan ==
    code \notin {EINTR, NoValue} => ran

\* Where nobody but a stopper has ended the first sleep, there is a stop request, and
\* threadfn is never called.
NotWokenMeansStopped ==
    ~woken => phase \in {"absent", "failed", "created"} \/ (should_stop /\ ~ran)

\* Only a thread out of its first sleep is decided on, and for threadfn only if
\* no stop has been requested yet.
DecidedOnce ==
    [][phase = "started" /\ phase' \in {"decided", "chosen"} => ~should_stop]_vars

\* A thread that was asked to park before its last test, and all the time since, does
\* not enter threadfn: smpboot relies on it.
ParkedFirst ==
    [][phase # "chosen" /\ phase' = "chosen" => ~should_park]_vars

\* unasked says what its name says.
UnaskedIsUnasked ==
    [][ran /\ phase' = "returned" /\ phase # "returned" => unasked' = ~should_stop]_vars

\* A count is there to be taken only after the exit, and only once.
CountOnlyAfterExit ==
    exited > 0 => phase = "finished"
=============================================================================
