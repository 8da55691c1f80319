----------------------------- MODULE KThreadFn -----------------------------
(***************************************************************************)
(* What threadfn does, by its kind.                                        *)
(*                                                                         *)
(* cooperative, as in Documentation and in most modules:                   *)
(*     set_current_state(TASK_INTERRUPTIBLE);                              *)
(*     while (!kthread_should_stop()) {                                    *)
(*         schedule();                                                     *)
(*         set_current_state(TASK_INTERRUPTIBLE);                          *)
(*     }                                                                   *)
(*     __set_current_state(TASK_RUNNING);                                  *)
(*     return v;                                                           *)
(* sleeps_...: the state is set after the test, and a stop in between is   *)
(* lost.  The others are the first with something added.                   *)
(***************************************************************************)
EXTENDS KThreadState

SleepsLate == [sleeps_int |-> TASK_INTERRUPTIBLE, sleeps_unint |-> TASK_UNINTERRUPTIBLE,
               sleeps_idle |-> TASK_IDLE]
IsLate(k) == Fn[k] \in DOMAIN SleepsLate
Freezable(k) == Fn[k] \in {"freezes", "freezes_stop"}

FirstStep(k) ==
    IF IsLate(k) THEN "fn_test"
    ELSE IF Fn[k] = "deaf" THEN "fn_deaf"
    ELSE IF Fn[k] = "stops_itself" THEN "fn_self_stop"
    ELSE IF DoesAnything(k) THEN "fn_any"
    ELSE "fn_set_state"

\* Where the loop goes on after schedule().
Again(k) ==
    IF IsLate(k) THEN "fn_test" ELSE IF Freezable(k) THEN "fn_freeze" ELSE "fn_set_state"

Step(k, from, to) ==
    /\ thread[k].at = from
    /\ thread' = [thread EXCEPT ![k].at = to]
    /\ OnlyThread

\* kthread(): ret = threadfn(data).  A stop may have come since the last test:
\* threadfn is called all the same.
CallThreadfn(k) ==
    /\ thread[k].at = "call_threadfn"
    /\ thread' = [thread EXCEPT ![k].at = FirstStep(k), ![k].entered = @ + 1]
    /\ OnlyThread

\* threadfn: set_current_state(TASK_INTERRUPTIBLE), before the test, so that a
\* stop between the test and schedule() is not lost.
FnSetState(k) ==
    /\ thread[k].at = "fn_set_state"
    /\ thread' = [thread EXCEPT ![k].at = "fn_test", ![k].state = TASK_INTERRUPTIBLE]
    /\ OnlyThread

\* threadfn: kthread_should_stop() says no.
FnTestFalse(k) ==
    /\ ~thread[k].should_stop
    /\ Step(k, "fn_test", IF IsLate(k) THEN "fn_late_state"
                          ELSE IF Fn[k] = "parks" THEN "fn_test_park" ELSE "fn_schedule")

\* threadfn: kthread_should_stop() says yes; __set_current_state(TASK_RUNNING).
FnTestTrue(k) ==
    /\ thread[k].at = "fn_test"
    /\ thread[k].should_stop
    /\ thread' = [thread EXCEPT ![k].at = "fn_return", ![k].state = TASK_RUNNING, ![k].told = TRUE]
    /\ OnlyThread

\* threadfn: it leaves the loop unasked: an error, a job that is done.
FnQuits(k) ==
    /\ Fn[k] = "quits"
    /\ thread[k].at = "fn_test"
    /\ thread' = [thread EXCEPT ![k].at = "fn_quit", ![k].state = TASK_RUNNING]
    /\ OnlyThread

\* threadfn: kthread_should_park(): if so, run and kthread_parkme().
FnTestPark(k) ==
    /\ thread[k].at = "fn_test_park"
    /\ thread' = IF thread[k].should_park
                 THEN [thread EXCEPT ![k].at = "fn_parkme", ![k].state = TASK_RUNNING]
                 ELSE [thread EXCEPT ![k].at = "fn_schedule"]
    /\ OnlyThread

\* threadfn: sets its state when it has tested.  Whatever woke it in between is
\* forgotten: the lost wake-up.
FnLateState(k) ==
    /\ thread[k].at = "fn_late_state"
    /\ thread' = [thread EXCEPT ![k].at = "fn_schedule", ![k].state = SleepsLate[Fn[k]]]
    /\ OnlyThread

\* threadfn: schedule().
FnSchedule(k) ==
    /\ thread[k].at = "fn_schedule"
    /\ thread' = IF Blocks(k) THEN [thread EXCEPT ![k].at = "fn_sleep"]
                 ELSE [thread EXCEPT ![k].at = Again(k), ![k].state = TASK_RUNNING]
    /\ OnlyThread

\* threadfn: back from schedule().
FnWakeUp(k) ==
    /\ thread[k].state = TASK_RUNNING
    /\ Step(k, "fn_sleep", Again(k))

\* threadfn returns v to kthread().
FnReturn(k, v) ==
    /\ thread[k].at \in {"fn_quit", "fn_return"}
    /\ thread' = [thread EXCEPT ![k].at = "do_exit", ![k].ret = v, ![k].value = v,
                                ![k].unasked = ~thread[k].should_stop]
    /\ OnlyThread

\* threadfn: kthread_stop(current) has returned.  It never does.
FnSelfStopped(k) ==
    /\ \E s \in StoppersOf(k) : stopper[s].at = "returned"
    /\ Step(k, "fn_self_stop", "fn_return")

-----------------------------------------------------------------------------
\* An arbitrary threadfn.

\* It does something of its own, which changes nothing here.
AnyWorks(k) == thread[k].at = "fn_any" /\ UNCHANGED vars

\* kthread_should_stop() says no: nothing follows from it.
AnyTestFalse(k) == thread[k].at = "fn_any" /\ ~thread[k].should_stop /\ UNCHANGED vars

\* It says yes: nothing need follow from it either.
AnyTestTrue(k) ==
    /\ thread[k].at = "fn_any"
    /\ thread[k].should_stop
    /\ thread' = [thread EXCEPT ![k].told = TRUE]
    /\ OnlyThread

\* kthread_parkme().
AnyParkme(k) == Era.parks /\ Step(k, "fn_any", "fn_parkme")

\* return v;
AnyReturns(k, v) ==
    /\ thread[k].at = "fn_any"
    /\ thread' = [thread EXCEPT ![k].at = "do_exit", ![k].ret = v, ![k].value = v,
                                ![k].unasked = ~thread[k].should_stop]
    /\ OnlyThread

\* What kthread_stop() will find of a do_exit(v) that kthread() knows nothing of.
Shows(v) == IF Era.oops_shows THEN v ELSE 0

\* do_exit(v) in the middle of threadfn.
AnyExits(k, v) ==
    /\ thread[k].at = "fn_any"
    /\ thread' = [thread EXCEPT ![k].at = "do_exit", ![k].ret = v, ![k].direct = TRUE,
                                ![k].value = Shows(v), ![k].unasked = ~thread[k].should_stop]
    /\ OnlyThread

\* An oops or a BUG: do_exit(signr) (make_task_dead() in later kernels).
AnyOopses(k) ==
    /\ thread[k].at = "fn_any"
    /\ thread' = [thread EXCEPT ![k].at = "do_exit", ![k].ret = SIGKILL, ![k].direct = TRUE,
                                ![k].value = Shows(SIGKILL), ![k].unasked = ~thread[k].should_stop]
    /\ OnlyThread

\* One step, a name for each outcome.
AnyReturnsValue(k, v) == v # EINTR /\ AnyReturns(k, v)
AnyReturnsEintr(k, v) == v = EINTR /\ AnyReturns(k, v)
AnyExitsValue(k, v)   == Shows(v) # EINTR /\ AnyExits(k, v)
AnyExitsEintr(k, v)   == Shows(v) = EINTR /\ AnyExits(k, v)

\* One that sleeps sets any state that wake_up_process() ends (kthread_parkme() and the
\* refrigerator have the others), and may leave it set and do whatever it likes ...
AnySetsState(k) ==
    /\ Fn[k] = "sleeps_any"
    /\ thread[k].at = "fn_any"
    /\ \E state \in TASK_NORMAL \cup {TASK_RUNNING} : thread' = [thread EXCEPT ![k].state = state]
    /\ OnlyThread

\* ... or calls schedule() ...
AnySchedules(k) ==
    /\ Fn[k] = "sleeps_any"
    /\ thread[k].at = "fn_any"
    /\ thread' = IF Blocks(k) THEN [thread EXCEPT ![k].at = "fn_any_sleep"]
                 ELSE [thread EXCEPT ![k].state = TASK_RUNNING]
    /\ OnlyThread

\* ... until something of its own wakes it: a timer, a queue, a lock.
AnyWoken(k) ==
    /\ Fn[k] = "sleeps_any"
    /\ thread[k].at \in {"fn_any", "fn_any_sleep"}
    /\ thread[k].state \in TASK_NORMAL
    /\ thread' = [thread EXCEPT ![k].state = TASK_RUNNING]
    /\ OnlyThread

AnyWakesUp(k) ==
    /\ thread[k].state = TASK_RUNNING
    /\ Step(k, "fn_any_sleep", "fn_any")

AnyNext(k) ==
    \/ AnySetsState(k) \/ AnySchedules(k) \/ AnyWoken(k) \/ AnyWakesUp(k)
    \/ AnyWorks(k) \/ AnyTestFalse(k) \/ AnyTestTrue(k) \/ AnyParkme(k) \/ AnyOopses(k)
    \/ \E v \in FnValues :
        AnyReturnsValue(k, v) \/ AnyReturnsEintr(k, v) \/ AnyExitsValue(k, v) \/ AnyExitsEintr(k, v)

-----------------------------------------------------------------------------
(***************************************************************************)
(* The freezer.  A kernel thread freezes only if it has said that it can,  *)
(* and where it calls try_to_freeze().                                     *)
(***************************************************************************)

\* try_to_freeze(): freezing(current)?  Then into the refrigerator.
FnFreeze(k) ==
    /\ thread[k].at = "fn_freeze"
    /\ thread' = IF freezing
                 THEN [thread EXCEPT ![k].at = "fn_frozen", ![k].state = Era.freezes_as]
                 ELSE [thread EXCEPT ![k].at = "fn_set_state"]
    /\ OnlyThread

\* __refrigerator(check_kthr_stop): it leaves when nobody freezes any more, or,
\* for kthread_freezable_should_stop(), when it should stop; else it sleeps.
FnFrozen(k) ==
    /\ thread[k].at = "fn_frozen"
    /\ thread' = IF ~freezing \/ (Fn[k] = "freezes_stop" /\ thread[k].should_stop)
                 THEN [thread EXCEPT ![k].at = "fn_set_state", ![k].state = TASK_RUNNING]
                 ELSE IF Blocks(k) THEN [thread EXCEPT ![k].at = "fn_cold"]
                 ELSE [thread EXCEPT ![k].state = Era.freezes_as]
    /\ OnlyThread

\* __refrigerator(): woken, it goes round its loop.
FnThaws(k) ==
    /\ thread[k].state = TASK_RUNNING
    /\ Step(k, "fn_cold", "fn_frozen")

\* freeze_kernel_threads(): from now on they shall freeze.
Freeze ==
    /\ CanFreeze
    /\ ~freezing
    /\ freezing' = TRUE
    /\ UNCHANGED <<kthreadd, creator, thread, stopper, parker, use_after_free>>

\* freeze_task(): a freezable thread that sleeps is woken, to freeze.
FreezeWakes(k) ==
    /\ freezing
    /\ Freezable(k)
    /\ thread[k].at \in {"fn_schedule", "fn_sleep"}
    /\ thread[k].state \in Era.freeze_wakes
    /\ thread' = [thread EXCEPT ![k].state = TASK_RUNNING]
    /\ OnlyThread

\* thaw_processes(): the frozen are woken.
Thaw ==
    /\ freezing
    /\ freezing' = FALSE
    /\ thread' = [k \in Threads |->
           IF thread[k].at \in {"fn_frozen", "fn_cold"}
           THEN [thread[k] EXCEPT !.state = TASK_RUNNING] ELSE thread[k]]
    /\ UNCHANGED <<kthreadd, creator, stopper, parker, use_after_free>>

FreezerNext == Freeze \/ Thaw \/ \E k \in Threads : FreezeWakes(k)

FnNext(k) ==
    \/ CallThreadfn(k) \/ FnSetState(k) \/ FnTestFalse(k) \/ FnTestTrue(k) \/ FnQuits(k)
    \/ FnTestPark(k) \/ FnLateState(k) \/ FnSchedule(k) \/ FnWakeUp(k) \/ FnSelfStopped(k)
    \/ FnFreeze(k) \/ FnFrozen(k) \/ FnThaws(k) \/ AnyNext(k)
    \/ \E v \in FnValues : FnReturn(k, v)
=============================================================================
