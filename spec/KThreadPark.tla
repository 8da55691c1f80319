---------------------------- MODULE KThreadPark ----------------------------
(***************************************************************************)
(* Parking, from 3.7 on: kthread_park() asks the thread to stand aside,    *)
(* and waits until it does; kthread_unpark() lets it go on.                *)
(*                                                                         *)
(* To 4.17 (Era.marks_parked) the thread marks itself KTHREAD_IS_PARKED:   *)
(* it completes once for each parking and not at each turn of its loop,    *)
(* and kthread_park() of a parked thread returns 0 at once.  -EBUSY is     *)
(* from 4.19 on.  The old way can lose an unpark, see MarkedIsLetGo.       *)
(* (In 3.7 and 3.8 there is no TASK_PARKED: any wake sends a parked thread *)
(* round its loop.)                                                        *)
(*                                                                         *)
(* Sources: kernel/kthread.c of 3.18, 4.14, 4.19, 6.1 and 6.12.            *)
(***************************************************************************)
EXTENDS KThreadState

\* __kthread_parkme() is called by kthread() before threadfn, and by threadfn
\* through kthread_parkme().  The steps are the same; where they lead is not.
ParkSteps == [
    first |-> [start |-> "parkme", test |-> "parkme_test", mark |-> "parkme_mark",
               complete |-> "parkme_complete", schedule |-> "parkme_schedule", sleep |-> "parkme_sleep"],
    in_fn |-> [start |-> "fn_parkme", test |-> "fn_parkme_test", mark |-> "fn_parkme_mark",
               complete |-> "fn_parkme_complete", schedule |-> "fn_parkme_schedule", sleep |-> "fn_parkme_sleep"]]

AfterPark(k, w) ==
    IF w = "first" THEN "call_threadfn"
    ELSE IF DoesAnything(k) THEN "fn_any" ELSE "fn_set_state"

\* __kthread_parkme(): set_special_state(TASK_PARKED), which no late wake from
\* an earlier sleep can undo.
ParkSetState(k) == \E w \in DOMAIN ParkSteps :
    /\ thread[k].at = ParkSteps[w].start
    /\ thread' = [thread EXCEPT ![k].at = ParkSteps[w].test, ![k].state = TASK_PARKED]
    /\ OnlyThread

\* __kthread_parkme(): nobody asks it to park (any more): it leaves.  To 4.17 it
\* clears KTHREAD_IS_PARKED then.  (One step: in between the thread does nothing
\* that anybody sees, and what others do there they can do just before as well.)
ParkLeaves(k) == \E w \in DOMAIN ParkSteps :
    /\ thread[k].at = ParkSteps[w].test
    /\ ~thread[k].should_park
    /\ thread' = [thread EXCEPT ![k].at = AfterPark(k, w), ![k].state = TASK_RUNNING,
                                ![k].held = FALSE, ![k].is_parked = FALSE]
    /\ OnlyThread

\* __kthread_parkme(): somebody does.
ParkStays(k) == \E w \in DOMAIN ParkSteps :
    /\ thread[k].at = ParkSteps[w].test
    /\ thread[k].should_park
    /\ thread' = [thread EXCEPT ![k].at = IF Era.marks_parked THEN ParkSteps[w].mark
                                         ELSE ParkSteps[w].complete]
    /\ OnlyThread

\* __kthread_parkme(), to 4.17: if (!test_and_set_bit(KTHREAD_IS_PARKED, ...)) it
\* completes, else it only sleeps again.
ParkMarks(k) == \E w \in DOMAIN ParkSteps :
    /\ thread[k].at = ParkSteps[w].mark
    /\ thread' = [thread EXCEPT ![k].is_parked = TRUE,
           ![k].at = IF thread[k].is_parked THEN ParkSteps[w].schedule ELSE ParkSteps[w].complete]
    /\ OnlyThread

\* __kthread_parkme(): complete(&self->parked), for one kthread_park().
ParkComplete(k) == \E w \in DOMAIN ParkSteps :
    /\ thread[k].at = ParkSteps[w].complete
    /\ thread' = [thread EXCEPT ![k].at = ParkSteps[w].schedule, ![k].parked = @ + 1,
                                ![k].held = TRUE]
    /\ OnlyThread

\* __kthread_parkme(): schedule(), unless an unpark has come already.
ParkSchedule(k) == \E w \in DOMAIN ParkSteps :
    /\ thread[k].at = ParkSteps[w].schedule
    /\ thread' = [thread EXCEPT ![k].at = IF Blocks(k) THEN ParkSteps[w].sleep ELSE ParkSteps[w].start]
    /\ OnlyThread

\* __kthread_parkme(): woken, and round the loop.
ParkWakeUp(k) == \E w \in DOMAIN ParkSteps :
    /\ thread[k].at = ParkSteps[w].sleep
    /\ thread[k].state = TASK_RUNNING
    /\ thread' = [thread EXCEPT ![k].at = ParkSteps[w].start]
    /\ OnlyThread

\* One step, a name for each place and outcome.
InFn(k) == thread[k].entered > 0

FirstParkLeaves(k)   == ~InFn(k) /\ thread[k].held /\ ParkLeaves(k)
FnParkLeaves(k)      == InFn(k) /\ thread[k].held /\ ParkLeaves(k)
ParkLeavesUnasked(k) == ~thread[k].held /\ ParkLeaves(k)

FirstParkStays(k) == ~InFn(k) /\ ParkStays(k)
FnParkStays(k)    == InFn(k) /\ ParkStays(k)

FirstParkComplete(k) == ~InFn(k) /\ ParkComplete(k)
FnParkComplete(k)    == InFn(k) /\ ParkComplete(k)

ParkmeNext(k) ==
    \/ ParkSetState(k) \/ FirstParkLeaves(k) \/ FnParkLeaves(k) \/ ParkLeavesUnasked(k)
    \/ FirstParkStays(k) \/ FnParkStays(k) \/ ParkMarks(k) \/ FirstParkComplete(k) \/ FnParkComplete(k)
    \/ ParkSchedule(k) \/ ParkWakeUp(k)

-----------------------------------------------------------------------------

ParkerGoes(p, from, to) == parker[p].at = from /\ parker' = [parker EXCEPT ![p].at = to]
OnlyParker == UNCHANGED <<kthreadd, creator, thread, stopper, freezing>>

\* Neither kthread_park() nor kthread_unpark() takes a reference: each step
\* looks into the task_struct or into struct kthread, which goes with it (to 4.9,
\* with the stack), so the caller must hold the thread from before the first to
\* after the last.
ParkerTouches(p) == use_after_free' = (use_after_free \/ Freed(Target[p]))

Shown(k) == creator[k].at \in IF Early THEN {"created", "finished"} ELSE {"finished"}

\* kthread_park(): the thread has PF_EXITING: WARN, -ENOSYS.  do_exit() sets the
\* flag early, so in its first moments it may be seen or not.  To 4.9 the sign is
\* vfork_done, as for a stop: a thread that is still on its way to the completion
\* is not refused, and parks no more.
MaySeeGone(k)  == IF Era.skips_gone THEN ~thread[k].live ELSE Exiting(k)
MaySeeThere(k) == IF Era.skips_gone THEN thread[k].live
                  ELSE ~Exiting(k) \/ thread[k].at = "do_exit"

ParkRefusedExiting(p) ==
    /\ Era.parks /\ Shown(Target[p])
    /\ parker[p].at = "idle"
    /\ MaySeeGone(Target[p])
    /\ parker' = [parker EXCEPT ![p].at = "refused", ![p].ret = ENOSYS]
    /\ ParkerTouches(p)
    /\ OnlyParker

\* kthread_park(): KTHREAD_SHOULD_PARK is set already: WARN, -EBUSY.
ParkRefusedBusy(p) ==
    /\ Era.parks /\ ~Era.marks_parked /\ Shown(Target[p])
    /\ parker[p].at = "idle"
    /\ thread[Target[p]].should_park
    /\ parker' = [parker EXCEPT ![p].at = "refused", ![p].ret = EBUSY]
    /\ ParkerTouches(p)
    /\ OnlyParker

\* kthread_park(), to 4.17: KTHREAD_IS_PARKED is set already: return 0.  This caller
\* has not waited, and another one's kthread_unpark() ends its parking.
ParkFindsParked(p) ==
    /\ Era.parks /\ Era.marks_parked /\ Shown(Target[p])
    /\ MaySeeThere(Target[p])
    /\ thread[Target[p]].is_parked
    /\ ParkerGoes(p, "idle", "parked")
    /\ ParkerTouches(p)
    /\ OnlyParker

\* kthread_park(): neither.
ParkCall(p) ==
    /\ Era.parks /\ Shown(Target[p])
    /\ MaySeeThere(Target[p])
    /\ IF Era.marks_parked THEN ~thread[Target[p]].is_parked ELSE ~thread[Target[p]].should_park
    /\ ParkerGoes(p, "idle", "set_bit")
    /\ ParkerTouches(p)
    /\ OnlyParker

\* kthread_park(): set_bit(KTHREAD_SHOULD_PARK, &kthread->flags).
ParkSetBit(p) ==
    /\ ParkerGoes(p, "set_bit", "wake")
    /\ thread' = [thread EXCEPT ![Target[p]].should_park = TRUE]
    /\ ParkerTouches(p)
    /\ UNCHANGED <<kthreadd, creator, stopper, freezing>>

\* kthread_park(): wake_up_process(k).  For a thread that nobody has woken this
\* is the first wake: smpboot parks its threads before they have run.
ParkWake(p) ==
    LET k == Target[p] IN
    /\ ParkerGoes(p, "wake", "wait")
    /\ thread' = [thread EXCEPT ![k].state = Woken(k, TASK_NORMAL),
                                ![k].woken_to_park = @ \/ InFirstSleep(k)]
    /\ ParkerTouches(p)
    /\ UNCHANGED <<kthreadd, creator, stopper, freezing>>

\* kthread_park(): wait_for_completion(&kthread->parked); return 0.  A thread
\* that never comes to a kthread_parkme() leaves it here for ever.
ParkReturns(p) ==
    /\ thread[Target[p]].parked > 0
    /\ ParkerGoes(p, "wait", "parked")
    /\ thread' = [thread EXCEPT ![Target[p]].parked = @ - 1]
    /\ ParkerTouches(p)
    /\ UNCHANGED <<kthreadd, creator, stopper, freezing>>

\* kthread_unpark(), by era: test_bit(KTHREAD_SHOULD_PARK): there is something to
\* do, or a stop has done it already.
UnparkLooksAsked(p) ==
    /\ Era.unpark_looks
    /\ thread[Target[p]].should_park
    /\ ParkerGoes(p, "parked", "unpark")
    /\ ParkerTouches(p)
    /\ OnlyParker

UnparkLooksUnasked(p) ==
    /\ Era.unpark_looks
    /\ ~thread[Target[p]].should_park
    /\ ParkerGoes(p, "parked", "unparked")
    /\ ParkerTouches(p)
    /\ OnlyParker

\* kthread_unpark(): clear_bit(KTHREAD_SHOULD_PARK, &kthread->flags).
UnparkClearBit(p) ==
    /\ ParkerGoes(p, IF Era.unpark_looks THEN "unpark" ELSE "parked", "unpark_wake")
    /\ thread' = [thread EXCEPT ![Target[p]].should_park = FALSE]
    /\ ParkerTouches(p)
    /\ UNCHANGED <<kthreadd, creator, stopper, freezing>>

\* kthread_unpark(): wake_up_state(k, TASK_PARKED), see LetGo.
UnparkWake(p) ==
    /\ ParkerGoes(p, "unpark_wake", "unparked")
    /\ thread' = [thread EXCEPT ![Target[p]] = LetGo(Target[p])]
    /\ ParkerTouches(p)
    /\ UNCHANGED <<kthreadd, creator, stopper, freezing>>

\* The call of kthread_unpark(), which nobody promises.
UnparkCall(p) == parker[p].at = "parked" /\ (UnparkLooksAsked(p) \/ UnparkLooksUnasked(p) \/ UnparkClearBit(p))

\* The wake that ends the first sleep, and one that comes when another one has.
ParkWakeStarts(p) == InFirstSleep(Target[p]) /\ ParkWake(p)
ParkWakeLate(p)   == ~InFirstSleep(Target[p]) /\ ParkWake(p)

\* Once called, kthread_park() and kthread_unpark() go on by themselves as far as
\* they can.
ParkNext(p) ==
    \/ ParkSetBit(p) \/ ParkWakeStarts(p) \/ ParkWakeLate(p) \/ ParkReturns(p)
    \/ (parker[p].at = "unpark" /\ UnparkClearBit(p)) \/ UnparkWake(p)
=============================================================================
