------------------------------ MODULE Mutants ------------------------------
(***************************************************************************)
(* Wrong kernels.  Each is KThread with a few steps replaced, by the lines *)
(* `Step <- OtherStep` of its .cfg file, and TLC must find out: a          *)
(* specification that nothing contradicts says nothing.                    *)
(***************************************************************************)
EXTENDS MCKThread

Moves(s, from, to) == StopperGoes(s, from, to) /\ OnlyStopper

\* 1: the wake before the bit.
GetThenWake == "wake"
StopWakeThenSetBit(s) ==
    /\ StopperGoes(s, "wake", "set_bit")
    /\ thread' = [thread EXCEPT ![Target[s]].state = Woken(Target[s], TASK_NORMAL)]
    /\ ThreadAndStopper
UnparkThenWait == "wait"

\* 2: the completion before the value.
ExitCompleteFirst(k) ==
    /\ thread[k].at = "do_exit"
    /\ thread' = [thread EXCEPT ![k].at = "mm_release", ![k].live = FALSE, ![k].exited = @ + 1,
                                ![k].waiters = IF @ = <<>> THEN @ ELSE Tail(@)]
    /\ stopper' = WakeFirstWaiter(k)
    /\ UNCHANGED <<kthreadd, creator, parker, freezing, use_after_free>>
ExitStoreLast(k) ==
    /\ thread[k].at = "mm_release"
    /\ thread' = [thread EXCEPT ![k].at = "do_task_dead", ![k].exit_code = thread[k].ret]
    /\ OnlyThread

\* 3: no reference at all; 24: one that is never given back.
StopGetNothing(s) == Moves(s, "get", AfterGet)
StopPutsNothing(s) == Moves(s, "put", "returned")

\* 4: the reference when the bit is set already.
StopUnparkThenGet(s) ==
    LET k == Target[s] IN
    /\ stopper[s].at = "unpark"
    /\ IF Freed(k)
       THEN /\ stopper' = [stopper EXCEPT ![s].at = "oops"]
            /\ use_after_free' = TRUE
            /\ UNCHANGED thread
       ELSE /\ stopper' = [stopper EXCEPT ![s].at = "unpark_wake"]
            /\ thread' = [thread EXCEPT ![k].should_park = FALSE, ![k].usage = @ + 1]
            /\ UNCHANGED use_after_free
    /\ UNCHANGED <<kthreadd, creator, parker, freezing>>

\* 6: no unpark.
StopUnparksNothing(s) == Moves(s, "unpark", "unpark_wake")
StopUnparkWakesNothing(s) == Moves(s, "unpark_wake", AfterUnpark)

\* 7: the unpark before the bit.
GetThenUnpark == "unpark"
StopUnparkWakeThenSetBit(s) ==
    /\ StopperGoes(s, "unpark_wake", "set_bit")
    /\ thread' = [thread EXCEPT ![Target[s]].state = Woken(Target[s], {TASK_PARKED})]
    /\ ThreadAndStopper
StopSetBitThenWake(s) ==
    /\ StopperGoes(s, "set_bit", "wake")
    /\ thread' = [thread EXCEPT ![Target[s]].should_stop = TRUE]
    /\ ThreadAndStopper

\* 8: no wake.
StopWakesNothing(s) == Moves(s, "wake", "wait")

\* 9: the wrong mask.
OnlyInterruptible == {TASK_INTERRUPTIBLE}

\* 10: the last test before the sleep.
AnnounceThenTest(k) ==
    /\ thread[k].at = "announce"
    /\ thread' = [thread EXCEPT ![k].at = "last_test"]
    /\ creator' = [creator EXCEPT ![k].result = 1, ![k].done = @ + 1]
    /\ UNCHANGED <<kthreadd, stopper, parker, freezing, use_after_free>>
LastTestThenSchedule(k) == ~thread[k].should_stop /\ Step(k, "last_test", "schedule")
SleptThenParkme == "parkme"

\* 11: no last test.
NoLastTest(k) == Step(k, "last_test", "parkme")
NoLastTestStop(k) == FALSE /\ UNCHANGED vars

\* 12: the flag taken back.
StopReturnsAndClears(s) ==
    /\ StopperGoes(s, "put", "returned")
    /\ thread' = [thread EXCEPT ![Target[s]].usage = @ - 1, ![Target[s]].should_stop = FALSE]
    /\ ThreadAndStopper

\* 13: complete_all(), which sets the count to UINT_MAX, and nobody takes it down.
ExitCompleteAll(k) ==
    /\ thread[k].at = "mm_release"
    /\ thread' = [thread EXCEPT ![k].at = "do_task_dead", ![k].live = FALSE, ![k].exited = 1,
                                ![k].waiters = <<>>]
    /\ stopper' = [s \in Stoppers |->
                     IF Target[s] = k /\ stopper[s].at = "asleep"
                     THEN [stopper[s] EXCEPT !.at = "wait"] ELSE stopper[s]]
    /\ UNCHANGED <<kthreadd, creator, parker, freezing, use_after_free>>
StopAwaitAll(s) == thread[Target[s]].exited > 0 /\ Moves(s, "wait", "read")

\* 15: a killed creator frees what kthreadd or the thread still uses.
CreateKilledNoXchg(k) ==
    /\ CreatorGoes(k, "wait", "failed")
    /\ OnlyCreator

\* 16: a killed creator that has lost believes to have won.
CreateKilledTwice(k) ==
    /\ ~creator[k].armed
    /\ creator[k].at = "wait"
    /\ creator' = [creator EXCEPT ![k].at = "failed", ![k].result = EINTR]
    /\ OnlyCreator

\* 17: the value read too early.
StopWakeAndRead(s) ==
    /\ stopper[s].at = "wake"
    /\ stopper' = [stopper EXCEPT ![s].at = "wait", ![s].ret = Found(Target[s])]
    /\ thread' = [thread EXCEPT ![Target[s]].state = Woken(Target[s], TASK_NORMAL)]
    /\ ThreadAndStopper
StopReadsNothing(s) == Moves(s, "read", "put")

\* 18: the reference dropped too early.
StopAwaitAndPut(s) ==
    /\ thread[Target[s]].exited > 0
    /\ StopperGoes(s, "wait", "read")
    /\ thread' = [thread EXCEPT ![Target[s]].exited = @ - 1, ![Target[s]].usage = @ - 1]
    /\ ThreadAndStopper

\* 19: threadfn called again, once: for ever would be states for ever.
FnReturnAndAgain(k, v) ==
    /\ thread[k].at \in {"fn_quit", "fn_return"}
    /\ thread' = IF thread[k].entered = 1
                 THEN [thread EXCEPT ![k].at = "call_threadfn", ![k].ret = v]
                 ELSE [thread EXCEPT ![k].at = "do_exit", ![k].ret = v, ![k].value = v,
                                     ![k].unasked = ~thread[k].should_stop]
    /\ OnlyThread

\* 20: the signal made pending too late.
UnparkThenWake == "wake"
StopWakeThenNotify(s) ==
    /\ StopperGoes(s, "wake", "notify")
    /\ thread' = [thread EXCEPT ![Target[s]].state = Woken(Target[s], TASK_NORMAL)]
    /\ ThreadAndStopper
StopNotifyThenWait(s) ==
    /\ StopperGoes(s, "notify", "wait")
    /\ thread' = [thread EXCEPT ![Target[s]].notify = TRUE]
    /\ ThreadAndStopper

\* 21: vfork_done not read again.
StopFindsAnything(s) == Moves(s, "look", "set_bit")
StopFindsNothing(s) == FALSE /\ UNCHANGED vars

\* 22: struct kthread on a stack that is freed while the task is still held.
StopSetBitOnStack(s) ==
    LET k == Target[s] IN
    /\ StopperGoes(s, "set_bit", "unpark")
    /\ thread' = [thread EXCEPT ![k].should_stop = TRUE]
    /\ use_after_free' = (use_after_free \/ thread[k].at \in {"dead", "released"})
    /\ UNCHANGED <<kthreadd, creator, parker, freezing>>

\* 23: the creator does not wait.
CreateReturnsAtOnce(k) ==
    /\ creator[k].at = "wait"
    /\ creator' = [creator EXCEPT ![k].at = IF creator[k].result = 1 THEN "created" ELSE "failed"]
    /\ OnlyCreator

\* 25: a wake that looks at no state.
WokenAlways(k, mask) == TASK_RUNNING

\* 26: kthread_park() wakes nobody.
ParkWakesNothing(p) == ParkerGoes(p, "wake", "wait") /\ ParkerTouches(p) /\ OnlyParker

\* 27: kthread_create() does not wake kthreadd.
CreateWakesNobody(k) == CreatorGoes(k, "listed", "wait") /\ OnlyCreator

\* 28: the state set again, right before the one schedule(): a wake in between is lost.
ScheduleSetsState(k) ==
    /\ thread[k].at = "schedule"
    /\ thread' = [thread EXCEPT ![k].at = "first_sleep", ![k].state = TASK_UNINTERRUPTIBLE]
    /\ OnlyThread

\* 29: kthreadd answers for a fork that failed without asking who owns the request.
ForkFailsTells(k) ==
    /\ CanFail
    /\ KthreaddGoesOn(k)
    /\ creator' = [creator EXCEPT ![k].done = @ + 1, ![k].armed = FALSE,
                                  ![k].result = IF @ = EINTR THEN EINTR ELSE EAGAIN]
    /\ UNCHANGED <<thread, stopper, parker, freezing, use_after_free>>

\* 30: the creator told before the thread has set its state.
TakesRequestAndTells(k) ==
    /\ thread[k].at = "xchg"
    /\ creator[k].armed
    /\ creator' = [creator EXCEPT ![k].armed = FALSE, ![k].result = 1, ![k].done = @ + 1]
    /\ thread' = [thread EXCEPT ![k].at = "set_state"]
    /\ UNCHANGED <<kthreadd, stopper, parker, freezing, use_after_free>>
AnnouncesNothing(k) == Step(k, "announce", "schedule")

\* 31: kthread_should_stop() says yes though nobody asked.
FnTestAlwaysTrue(k) ==
    /\ thread[k].at = "fn_test"
    /\ thread' = [thread EXCEPT ![k].at = "fn_return", ![k].state = TASK_RUNNING, ![k].told = TRUE]
    /\ OnlyThread

\* 32: kthread_park() does not wait.
ParkReturnsAtOnce(p) == ParkerGoes(p, "wait", "parked") /\ ParkerTouches(p) /\ OnlyParker

\* 33: the exit raises the count and wakes nobody.
NobodyWoken(k) == stopper

\* 34: kthread() forgets what threadfn returned.
FnReturnForgotten(k, v) ==
    /\ thread[k].at \in {"fn_quit", "fn_return"}
    /\ thread' = [thread EXCEPT ![k].at = "do_exit", ![k].value = EINTR,
                                ![k].unasked = ~thread[k].should_stop]
    /\ OnlyThread

\* 35: kthread_stop() does not wait.
StopAwaitsNothing(s) == Moves(s, "wait", "read")

\* 36: the exit completes twice.
ExitCompleteTwice(k) ==
    /\ thread[k].at = "mm_release"
    /\ thread' = [thread EXCEPT ![k].at = "do_task_dead", ![k].live = FALSE, ![k].exited = @ + 2,
                                ![k].waiters = IF @ = <<>> THEN @ ELSE Tail(@)]
    /\ stopper' = WakeFirstWaiter(k)
    /\ UNCHANGED <<kthreadd, creator, parker, freezing, use_after_free>>
=============================================================================
