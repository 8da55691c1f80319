---------------------------- MODULE KThreadStop ----------------------------
(***************************************************************************)
(* kthread_stop(k), by stopper s.                                          *)
(***************************************************************************)
EXTENDS KThreadState

StopperGoes(s, from, to) == stopper[s].at = from /\ stopper' = [stopper EXCEPT ![s].at = to]
ThreadAndStopper == UNCHANGED <<kthreadd, creator, parker, freezing, use_after_free>>
OnlyStopper == UNCHANGED <<kthreadd, creator, thread, parker, freezing, use_after_free>>

\* The call, and trace_sched_kthread_stop(k), which comes before anything else.
\* Somebody must have been given k: after the creator is done with it, or (Early)
\* before, which without a reference of the creator's own (Held) is a bug.  A
\* thread that stops itself calls it from threadfn.
StopCall(s) ==
    LET k == Target[s] IN
    /\ IF Fn[k] = "stops_itself" THEN thread[k].at = "fn_self_stop"
       ELSE creator[k].at \in IF Early THEN {"created", "finished"} ELSE {"finished"}
    /\ StopperGoes(s, "idle", "get")
    /\ OnlyStopper

\* What comes after the get, by era.
AfterGet == IF Era.skips_gone THEN "look" ELSE "set_bit"

\* kthread_stop(): get_task_struct(k).  If k is gone, this is where a kernel that
\* checks its reference counts says "use-after-free".
StopGet(s) ==
    LET k == Target[s] IN
    /\ stopper[s].at = "get"
    /\ IF Freed(k)
       THEN /\ stopper' = [stopper EXCEPT ![s].at = "oops"]
            /\ use_after_free' = TRUE
            /\ UNCHANGED thread
       ELSE /\ stopper' = [stopper EXCEPT ![s].at = AfterGet]
            /\ thread' = [thread EXCEPT ![k].usage = @ + 1]
            /\ UNCHANGED use_after_free
    /\ UNCHANGED <<kthreadd, creator, parker, freezing>>

\* kthread_stop(), to 4.9: k->vfork_done is read again.  The thread is still
\* there (or was, a moment ago) ...
StopFindsLive(s) ==
    /\ thread[Target[s]].live
    /\ StopperGoes(s, "look", "set_bit")
    /\ OnlyStopper

\* ... or it has gone: nothing is set, nobody waited for, and exit_code is read.
StopFindsGone(s) ==
    /\ ~thread[Target[s]].live
    /\ StopperGoes(s, "look", "read")
    /\ OnlyStopper

\* What comes after the unpark, by era.
AfterUnpark == IF Era.notifies THEN "notify" ELSE "wake"

\* How kthread_unpark() begins, by era.
BeforeUnpark == IF Era.unpark_looks THEN "unpark_look" ELSE "unpark"

\* kthread_stop(): set_bit(KTHREAD_SHOULD_STOP, &kthread->flags); a plain store
\* to should_stop in 2.6.3x.
StopSetBit(s) ==
    /\ StopperGoes(s, "set_bit", IF Era.parks THEN BeforeUnpark ELSE AfterUnpark)
    /\ thread' = [thread EXCEPT ![Target[s]].should_stop = TRUE]
    /\ ThreadAndStopper

\* kthread_stop() -> kthread_unpark(k): test_bit(KTHREAD_SHOULD_PARK), and out if
\* nobody asks the thread to park.
StopUnparkLooks(s) ==
    /\ StopperGoes(s, "unpark_look",
                   IF thread[Target[s]].should_park THEN "unpark" ELSE AfterUnpark)
    /\ OnlyStopper

\* kthread_stop() -> kthread_unpark(k): clear_bit(KTHREAD_SHOULD_PARK).  It is a
\* bit of the same word, so whoever sees it cleared by a stop sees the stop too.
StopUnpark(s) ==
    /\ StopperGoes(s, "unpark", "unpark_wake")
    /\ thread' = [thread EXCEPT ![Target[s]].should_park = FALSE]
    /\ ThreadAndStopper

\* kthread_stop() -> kthread_unpark(k): wake_up_state(k, TASK_PARKED), see LetGo.
StopUnparkWake(s) ==
    /\ StopperGoes(s, "unpark_wake", AfterUnpark)
    /\ thread' = [thread EXCEPT ![Target[s]] = LetGo(Target[s])]
    /\ ThreadAndStopper

\* kthread_stop(), from 6.1 on: set_tsk_thread_flag(k, TIF_NOTIFY_SIGNAL).  An
\* interruptible sleep has a signal pending from here on, and does not begin.
StopNotify(s) ==
    /\ StopperGoes(s, "notify", "wake")
    /\ thread' = [thread EXCEPT ![Target[s]].notify = TRUE]
    /\ ThreadAndStopper

\* kthread_stop(): wake_up_process(k).  For a thread that nobody has woken this
\* is the wake that ends its first sleep.
StopWake(s) ==
    /\ StopperGoes(s, "wake", "wait")
    /\ thread' = [thread EXCEPT ![Target[s]].state = Woken(Target[s], TASK_NORMAL)]
    /\ ThreadAndStopper

\* kthread_stop(): wait_for_completion(&kthread->exited) finds a count and
\* takes it.
StopAwait(s) ==
    /\ thread[Target[s]].exited > 0
    /\ StopperGoes(s, "wait", "read")
    /\ thread' = [thread EXCEPT ![Target[s]].exited = @ - 1]
    /\ ThreadAndStopper

\* kthread_stop(): wait_for_completion() finds none and sleeps, uninterruptibly.
StopSleeps(s) ==
    /\ thread[Target[s]].exited = 0
    /\ StopperGoes(s, "wait", "asleep")
    /\ thread' = [thread EXCEPT ![Target[s]].waiters = Append(@, s)]
    /\ ThreadAndStopper

\* The value that kthread_stop() finds.
Found(k) == IF Era.returns = "exit_code" THEN thread[k].exit_code ELSE thread[k].result

\* kthread_stop(): ret = k->exit_code, or kthread->result from 5.17 on.
StopReadsCode(s) ==
    /\ stopper[s].at = "read"
    /\ stopper' = [stopper EXCEPT ![s].at = "put", ![s].ret = Found(Target[s])]
    /\ OnlyStopper

\* kthread_stop(): put_task_struct(k); trace_sched_kthread_stop_ret(ret);
\* return ret.
StopReturns(s) ==
    /\ StopperGoes(s, "put", "returned")
    /\ thread' = [thread EXCEPT ![Target[s]].usage = @ - 1]
    /\ ThreadAndStopper

-----------------------------------------------------------------------------
\* One step, a name for each outcome.

StopFindsGoneValue(s) == Found(Target[s]) # EINTR /\ StopFindsGone(s)
StopFindsGoneEintr(s) == Found(Target[s]) = EINTR /\ StopFindsGone(s)

StopUnparkAsked(s)   == thread[Target[s]].should_park /\ StopUnpark(s)
StopUnparkUnasked(s) == ~thread[Target[s]].should_park /\ StopUnpark(s)

\* The wake that ends the first sleep, and one that comes when another one has.
StopWakeStarts(s) == InFirstSleep(Target[s]) /\ StopWake(s)
StopWakeLate(s)   == ~InFirstSleep(Target[s]) /\ StopWake(s)

StopAwaitValue(s) == Found(Target[s]) # EINTR /\ StopAwait(s)
StopAwaitEintr(s) == Found(Target[s]) = EINTR /\ StopAwait(s)

StopReturnsValue(s)  == stopper[s].ret \notin {EINTR, SIGKILL, 0} /\ StopReturns(s)
StopReturnsEintr(s)  == stopper[s].ret = EINTR /\ StopReturns(s)
StopReturnsSignal(s) == stopper[s].ret = SIGKILL /\ StopReturns(s)
StopReturnsZero(s)   == stopper[s].ret = 0 /\ StopReturns(s)

-----------------------------------------------------------------------------

\* Once called, kthread_stop() goes on by itself as far as it can.
StopNext(s) ==
    \/ StopGet(s) \/ StopFindsLive(s) \/ StopFindsGoneValue(s) \/ StopFindsGoneEintr(s)
    \/ StopSetBit(s) \/ StopUnparkLooks(s) \/ StopUnparkAsked(s) \/ StopUnparkUnasked(s)
    \/ StopUnparkWake(s) \/ StopNotify(s) \/ StopWakeStarts(s) \/ StopWakeLate(s)
    \/ StopAwaitValue(s) \/ StopAwaitEintr(s) \/ StopSleeps(s)
    \/ StopReadsCode(s) \/ StopReturnsValue(s) \/ StopReturnsEintr(s) \/ StopReturnsSignal(s)
    \/ StopReturnsZero(s)
=============================================================================
