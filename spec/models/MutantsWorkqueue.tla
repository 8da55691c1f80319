-------------------------- MODULE MutantsWorkqueue --------------------------
(***************************************************************************)
(* Wrong workqueues and wrong kernels under them, each a few steps of      *)
(* Workqueue replaced by the lines `Step <- OtherStep` of its .cfg file.   *)
(***************************************************************************)
EXTENDS Workqueue

\* create_workqueue_thread() with kthread_run(): the thread is awake before it is bound.
CreateWakesToo ==
    /\ owner = "create" /\ at # "kthread" /\ OwnerGoes("created")
    /\ WakeUpProcess
    /\ UNCHANGED <<course, kthread, stop_ret, at, should_stop, exited>>

\* kthread_stop() returns 0 whatever the thread ended with.
StopReturnsZero == owner = "stop_read" /\ OwnerSteps("returned")

\* kthread() calls threadfn though it should stop.
LastTestRunsAnyway ==
    /\ at = "last_test" /\ ThreadGoes("set_freezable")
    /\ ran' = TRUE
    /\ UNCHANGED <<worklist, work_vars, sleep_vars, end_vars, ret, exit_code, freeze_flags>>
LastTestNever == FALSE /\ UNCHANGED vars

\* A stop cuts a work short.
StopCutsWork == at = "work_func" /\ should_stop = 1 /\ current_work \in Works /\ Exits(0)

\* flush_cpu_workqueue() does not wait for its barrier.
FlushWaitsForNothing(f) ==
    /\ flush[f] = "wait" /\ flush' = [flush EXCEPT ![f] = "returned"]
    /\ UNCHANGED <<queuer, before, worklist, lock, others>> /\ UNCHANGED sleep_vars

\* refrigerator() leaves when the thread should stop, frozen or not.
FridgeLeavesForStop ==
    at = "fridge_test" /\ (~frozen \/ should_stop = 1) /\ ThreadSets("second_test", TASK_RUNNING, FALSE)

\* mm_release() completes nothing.
ExitCompletesNothing == at = "complete" /\ ThreadSteps("do_task_dead")

\* A barrier completes for the owner alone.
FlushWaitsOfOwner(f) ==
    /\ f \in finished /\ f = Owner
    /\ flush[f] = "wait" /\ flush' = [flush EXCEPT ![f] = "returned"]
    /\ UNCHANGED <<queuer, before, worklist, lock, others>> /\ UNCHANGED sleep_vars

\* cleanup_workqueue_thread() waits until the thread sleeps in worker_thread().
CleanupWaitsForSleep ==
    owner = "flush" /\ flush[Owner] = "returned" /\ at = "wait_sleep" /\ OwnerSteps("stop_find")
=============================================================================
