----------------------------- MODULE KThreadTask -----------------------------
(***************************************************************************)
(* KThreadAPI and Task in one: a kernel thread as its callers see it and   *)
(* as the scheduler sees it.  A trace shows both, and one event is often   *)
(* both: the thread's first sleep in D is the end of kthread_create(), the *)
(* waking that ends it is the wake that starts the thread, its exit is the *)
(* completion that kthread_stop() waits for.                               *)
(*                                                                         *)
(* Each action of the thread happens while it is on a CPU; each sleep of   *)
(* it is in a state that the place allows where it is; each wake by a      *)
(* caller is a try_to_wake_up().  A stop and a park are two steps here:    *)
(* the bit, and the wake_up_process() that follows.                        *)
(*                                                                         *)
(* TLC dumps this module's state graph, one for each era, and tracecheck   *)
(* walks it with what tracers show.  (Kernel logs show callers only: for   *)
(* them it walks KThreadAPI's.)                                            *)
(*                                                                         *)
(* Sources: those of both modules.                                         *)
(***************************************************************************)
EXTENDS Integers

CONSTANTS
    Era, FnValues, EINTR, Signals, Nothing, NoValue, MaxParked  \* see KThreadAPI.tla

VARIABLES
    phase, should_stop, should_park, exited, parked, code, woken, ran, unasked,  \* see KThreadAPI.tla
    on, state, waking, seen  \* see Task.tla

L == INSTANCE KThreadAPI  \* the life
T == INSTANCE Task        \* the task

life == <<phase, should_stop, should_park, exited, parked, code, woken, ran, unasked>>
task == <<on, state, waking, seen>>
vars == <<life, task>>

TypeOK ==
    /\ L!TypeOK
    /\ T!TaskTypeOK

Init == L!Init /\ T!TaskInit

-----------------------------------------------------------------------------
\* The callers' side.

SameTask == UNCHANGED task
SameLife == UNCHANGED life

\* wake_up_process() by anybody who is not in kthread_stop() or kthread_park(), of a
\* thread in its first sleep ...
Wake == L!Wake /\ T!Wakes(T!Normal)

\* ... or of one that has been woken out of that: the creator, late, a timer, an interrupt,
\* whoever threadfn has to do with, or the freezer.  (A threadfn may return with a state
\* set that it never sleeps in.  From its completion on that is not followed any more: it
\* may be woken out of it, or not.)
WakeLater ==
    /\ phase \notin {"absent", "created"}
    /\ phase = "failed" => seen # "no"
    /\ T!Woken \/ (phase = "finished" /\ on \in {"queued", "cpu"} /\ UNCHANGED task)
    /\ SameLife

\* A thread that has not told its creator may wait to be moved to another CPU, and is woken
\* by the migration thread, or for memory, and is woken by kswapd or an interrupt.  Nobody
\* else has its pointer.
WakeEarly == phase \in {"absent", "failed"} /\ T!Wakes(T!Normal) /\ SameLife

\* kthread_stop() and kthread_park() wake when they have set their bit: a thread in its
\* first sleep ...
StopWake == L!StopWake /\ T!Wakes(T!Normal)
ParkWake == L!ParkWake /\ T!Wakes(T!Normal)

\* ... or one that sleeps later ...
StopWakeLater == should_stop /\ phase # "created" /\ T!Wakes(T!Normal) /\ SameLife
ParkWakeLater == Era.parks /\ L!Exists /\ phase # "created" /\ T!Wakes(T!Normal) /\ SameLife

\* ... or one that does not sleep, and then they do nothing; nor where they do not match: a
\* frozen thread is not in TASK_NORMAL, nor one that waits for a lock on PREEMPT_RT.
InLock == Era.locks_sleep /\ state = "D" /\ phase \notin {"created", "running"} /\ UNCHANGED task

StopWakesNothing == should_stop /\ (T!WakesNothing(T!Normal) \/ InLock) /\ SameLife
ParkWakesNothing == Era.parks /\ L!Exists /\ (T!WakesNothing(T!Normal) \/ InLock) /\ SameLife

\* kthread_unpark(), also kthread_stop()'s, wakes when it has cleared the bit, a thread
\* in TASK_PARKED alone ...
UnparkWake == Era.parks /\ L!Exists /\ T!WokenParked /\ SameLife

\* ... or nothing.
UnparkWakesNothing == Era.parks /\ L!Exists /\ T!WakesNothing({"P"}) /\ SameLife

-----------------------------------------------------------------------------
\* The thread's side.

\* The thread executes, in one of some states, and may set another one.
Runs(in, to) ==
    /\ on = "cpu"
    /\ state \in in
    /\ state' \in to
    /\ UNCHANGED <<on, waking, seen>>

\* complete(&create->done), in the state in which it will sleep.
Create == L!Create /\ Runs({"D"}, {"D"})

\* The last test, in kthread().
DecideRun    == L!DecideRun /\ Runs({"R"}, {"R"})
DecideNotRun == L!DecideNotRun /\ Runs({"R"}, {"R"})

\* In __kthread_parkme(): it has set TASK_PARKED, which an unpark may have undone, and
\* sets TASK_RUNNING when it leaves.
Parkme == {"P", "R"}
Leaves == Runs(Parkme, {"R"})
Stays  == on = "cpu" /\ state \in Parkme /\ UNCHANGED task

HoldUnasked == L!HoldUnasked /\ Leaves
HoldAsked   == L!HoldAsked /\ Stays
Hold        == L!Hold /\ Stays
HoldEnd     == L!HoldEnd /\ Leaves
ParkAsked   == L!ParkAsked /\ Stays
Park        == L!Park /\ Stays
ParkEnd     == L!ParkEnd /\ Leaves

\* kthread() calls threadfn.
Enter == L!Enter /\ Runs({"R"}, {"R"})

\* threadfn may have set any state when it does something, but not be in
\* __kthread_parkme(); nor in the refrigerator, which tests kthread_should_stop() alone.
Executes == on = "cpu" /\ state \notin {"P", "frozen"} /\ UNCHANGED task

Work        == L!Work /\ Executes
TestFalse   == L!TestFalse /\ on = "cpu" /\ state # "P" /\ UNCHANGED task
TestTrue    == L!TestTrue /\ on = "cpu" /\ state # "P" /\ UNCHANGED task
ReturnValue == L!ReturnValue /\ Executes
ReturnEintr == L!ReturnEintr /\ Executes
ExitValue   == L!ExitValue /\ Executes
ExitEintr   == L!ExitEintr /\ Executes
Oops        == L!Oops /\ Executes

\* It wakes another task, in its own context.  kthread() does so by its completions alone:
\* it tells its creator (and may have waited for memory or a lock before, or, from 6.14 on,
\* before its last test), and who parks it.  Once it has told them, it is not its own turn.
\* threadfn and do_exit() wake whomever they like.
Wakers == {"absent", "failed", "holding", "running", "parking", "returned", "finished"}
              \cup (IF Era.may_sleep_again THEN {"started"} ELSE {})

WakesAnother == phase \in Wakers /\ on = "cpu" /\ UNCHANGED vars

\* complete(&kthread->exited), from 6.16 on behind sched_process_exit.
Finish ==
    /\ L!Finish
    /\ Era.exit_event = "before completion" => seen # "no"
    /\ Runs({"R", "S", "D"}, {"R"})

-----------------------------------------------------------------------------
\* What a thread's task does besides.

\* The wake that was under way, see Task.  A waker that found the thread before it had told
\* its creator may come to the runqueue afterwards: then it ends the first sleep.
WakeLands == T!WakeLands /\ (IF phase = "created" THEN L!Wake ELSE SameLife)

\* The states that it may set, and sleep in, by where it is.  Before it has told its
\* creator it may wait for memory, or to be moved; from 6.14 on also between its first
\* sleep and its last test.  In do_exit() it may wait for a lock.  Only threadfn sleeps
\* interruptibly, is frozen, or stops by kernel_signal_stop().  (TASK_IDLE is here an S
\* that prints an I: both are in TASK_NORMAL.  TASK_STOPPED is frozen, and prints a T.)
Waits == {"R", "D"}

MaySet ==
    CASE phase \in {"absent", "returned"} -> Waits
      [] phase = "created"                -> {}
      [] phase = "started"                -> IF Era.may_sleep_again THEN Waits ELSE {}
      [] phase \in {"decided", "held"}    -> {"R", "P"}
      [] phase = "chosen"                 -> {"R"}
      [] phase \in {"holding", "parking"} -> {}
      [] phase = "running"                -> IF state = "P" THEN {"R"}
                                             ELSE {"R", "D", "S", "frozen"} \cup (IF Era.parks THEN {"P"} ELSE {})
      [] phase = "parked"                 -> {"R", "P"}
      [] phase \in {"finished", "failed"} -> Waits

SetState == \E s \in MaySet : T!SetState(s) /\ SameLife

Forked           == T!Fork /\ phase \in {"absent", "failed"} /\ SameLife
WokenNew         == T!WakeNew /\ SameLife
SwitchIn         == T!SwitchIn /\ SameLife
Preempted        == T!Preempted /\ SameLife

\* (threadfn may return with the state set, and then does not sleep in it.)
InThreadfn == phase = "running"

\* It sleeps in TASK_PARKED when it has told a kthread_park() so.
StandsAside == phase \in {"held", "parked"}

\* Where it may sleep in the state that it has set.
MaySleep ==
    CASE state \in {"S", "frozen"} -> InThreadfn
      [] state = "P"          -> StandsAside
      [] OTHER                -> TRUE

SwitchOutR       == T!SwitchOutR /\ (MaySleep \/ on' = "queued") /\ SameLife
SwitchOutS       == InThreadfn /\ T!SwitchOutS /\ SameLife
SwitchOutI       == InThreadfn /\ T!SwitchOutS /\ SameLife
SwitchOutD       == (T!SwitchOut("D") \/ (Era.locks_sleep /\ T!SwitchOut("frozen"))) /\ SameLife
SwitchOutP       == T!SwitchOutP /\ (MaySleep \/ on' = "queued") /\ SameLife
SwitchOutT       == InThreadfn /\ T!SwitchOut("frozen") /\ SameLife

\* kthread_stop() has left a signal pending (from 6.1 on).
SwitchOutPending == should_stop /\ T!SwitchOutPending /\ SameLife

\* sched_process_exit is printed behind the completion to 6.15, before it from 6.16 on.
ProcessExit ==
    /\ T!Exit
    /\ \/ phase = "failed"
       \/ phase = "returned" /\ Era.exit_event # "after completion"
       \/ phase = "finished" /\ Era.exit_event # "before completion"
    /\ SameLife

Died     == T!Die /\ phase \in {"finished", "failed"} /\ SameLife
Freed    == T!Free /\ SameLife
PidReuse == T!PidReuse /\ SameLife
Frozen   == phase = "running" /\ T!Frozen /\ SameLife
Thawed   == phase = "running" /\ T!Thawed /\ state' \notin {"I", "stopped"} /\ SameLife

-----------------------------------------------------------------------------
\* What changes the life and not the task.

CreateFail  == L!CreateFail /\ SameTask
StopRequest == L!StopRequest /\ SameTask
StopUnpark  == L!StopUnpark /\ SameTask
ParkRequest == L!ParkRequest /\ SameTask
ParkReturn  == L!ParkReturn /\ SameTask
ParkBusy    == L!ParkBusy /\ SameTask
ParkAlready == L!ParkAlready /\ SameTask
ParkGone    == L!ParkGone /\ SameTask
Unpark      == L!Unpark /\ SameTask
StopReturnValue == L!StopReturnValue /\ SameTask
StopReturnEintr == L!StopReturnEintr /\ SameTask
StopSkipValue   == L!StopSkipValue /\ SameTask
StopSkipEintr   == L!StopSkipEintr /\ SameTask

Next ==
    \/ Create \/ CreateFail \/ Wake \/ WakeLater \/ WakeEarly
    \/ StopRequest \/ StopUnpark \/ StopWake \/ StopWakeLater \/ StopWakesNothing
    \/ StopReturnValue \/ StopReturnEintr \/ StopSkipValue \/ StopSkipEintr
    \/ ParkRequest \/ ParkWake \/ ParkWakeLater \/ ParkWakesNothing
    \/ ParkReturn \/ ParkBusy \/ ParkAlready \/ ParkGone
    \/ Unpark \/ UnparkWake \/ UnparkWakesNothing
    \/ DecideRun \/ DecideNotRun
    \/ HoldUnasked \/ HoldAsked \/ Hold \/ HoldEnd
    \/ Enter \/ Work \/ WakesAnother \/ TestFalse \/ TestTrue
    \/ ParkAsked \/ Park \/ ParkEnd
    \/ ReturnValue \/ ReturnEintr \/ ExitValue \/ ExitEintr \/ Oops
    \/ Finish
    \/ WakeLands \/ SetState \/ Forked \/ WokenNew \/ SwitchIn \/ Preempted \/ SwitchOutR
    \/ SwitchOutS \/ SwitchOutI \/ SwitchOutD \/ SwitchOutP \/ SwitchOutT \/ SwitchOutPending
    \/ ProcessExit \/ Died \/ Freed \/ PidReuse \/ Frozen \/ Thawed

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
\* What is rare, see Task: legal all the same, but whoever takes it for granted finds hardly
\* anything wrong any more.  A trace that fits with one of these alone is no proof of either.

\* A signal is pending because threadfn has called allow_signal().
SwitchOutSignal == phase = "running" /\ T!SwitchOutPending /\ SameLife

FaultsInExit   == phase \in {"returned", "finished", "failed"} /\ T!FaultsInExit /\ SameLife
SwitchOutDying == phase \in {"finished", "failed"} /\ T!SwitchOutDying /\ SameLife
SwitchInProxy  == phase # "created" /\ T!SwitchInProxy /\ SameLife

RareNext == SwitchOutSignal \/ FaultsInExit \/ SwitchOutDying \/ SwitchInProxy

RareSpec == Init /\ [][Next \/ RareNext]_vars

-----------------------------------------------------------------------------
\* Each of the two alone is what its own module says.
IsALife == L!Spec
IsATask == T!TaskSpec

\* The thread is in threadfn only when it has been forked and put on a CPU.
RanMeansForked == ran => on \notin {"absent", "new"}

\* A thread that sleeps on in its first sleep has decided nothing.
FirstSleeperWaits == phase = "created" => ~ran /\ code = NoValue /\ state = "D" /\ on # "dead"

\* Once its first sleep is over, or all but, nothing keeps it from its last test.
StartedIsAwake == phase = "started" /\ ~Era.may_sleep_again => state = "R" \/ waking

\* Whatever the thread itself does, it does on a CPU.
ByOthers == {"created", "started", "failed"}
ActsOnACPU == [][(phase' # phase /\ phase' \notin ByOthers) \/ code' # code => on = "cpu"]_vars

\* It tells its creator in the state in which it will sleep, or has been woken from.
ToldFromCPU == [][phase = "absent" /\ phase' = "created" => on = "cpu" /\ state = "D"]_vars

\* Only threadfn sleeps interruptibly, and only one that has told a kthread_park() so
\* sleeps parked.
OnlyThreadfnSleepsInS == on = "asleep" /\ state = "S" => phase = "running"
ParkedHasTold == on = "asleep" /\ state = "P" => phase \in {"held", "parked"}

\* A kthread_stop() that returns finds a thread that came so far: it does not sleep parked.
FinishedIsNotParked == phase = "finished" => ~(on = "asleep" /\ state = "P")

\* The event at the end is on the era's side of the completion, and the dead have completed
\* kthread->exited.
TracedAfterCompletion ==
    Era.exit_event = "after completion" /\ seen # "no" => phase \in {"finished", "failed"}
CompletedAfterTrace ==
    Era.exit_event = "before completion" /\ phase = "finished" => seen # "no"
DeadHasFinished == on = "dead" => phase \in {"finished", "failed"}
=============================================================================
