--------------------------- MODULE MutantWorkers ---------------------------
(***************************************************************************)
(* Wrong kthread_workers: KThreadWorker with a step replaced, and TLC must *)
(* find out.                                                               *)
(***************************************************************************)
EXTENDS KThreadWorker

\* kthread_worker_fn() sets its state when it has looked and found nothing.
FnSetsNoState == at = "set_state" /\ ThreadSteps("test_stop")
FnSetsStateLate ==
    at = "test_freezing" /\ ThreadSets(IF freezing THEN "try_to_freeze" ELSE "fn_schedule",
               IF freezing THEN TASK_RUNNING ELSE TASK_INTERRUPTIBLE)

\* kthread_destroy_worker() stops at once.
DestroyStopsAtOnce ==
    /\ OwnerGoes("flush", "stop_set")
    /\ UNCHANGED <<worker_vars, thread_vars, warned, freezing>>
OnlyOthersFlush(f) ==
    /\ f # Owner /\ InUse
    /\ flush[f] = "idle" /\ flush' = [flush EXCEPT ![f] = "wait"]
    /\ before' = [before EXCEPT ![f] = queued]
    /\ Insert(f)
    /\ UNCHANGED queued

\* kthread_worker_fn() leaves current_work as it was when the list is empty.
OldWork == current_work

\* A stop is looked for inside a work as well: the work is left where it is.
FnTestsInWork == should_stop /\ at = "work_func" /\ ThreadSteps("leave")
=============================================================================
