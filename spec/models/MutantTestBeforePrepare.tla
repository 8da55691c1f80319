---------------------- MODULE MutantTestBeforePrepare ----------------------
(***************************************************************************)
(* A wrong worker_thread(): it tests, and does prepare_to_wait() only when *)
(* the tests have told it to sleep.                                        *)
(***************************************************************************)
EXTENDS Workqueue

PreparesNothing == at = "prepare_to_wait" /\ ThreadSteps("test_freezing")

PreparesAndSchedules ==
    \/ at = "wait_sched" /\ ThreadSets("prepared", TASK_INTERRUPTIBLE, TRUE)
    \/ at = "prepared" /\ Schedules("finish_wait", "wait_sleep")
=============================================================================
