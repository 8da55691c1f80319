----------------------- MODULE MutantStopWithoutFlush -----------------------
(***************************************************************************)
(* A wrong cleanup_workqueue_thread(): kthread_stop() at once, no flush.   *)
(***************************************************************************)
EXTENDS Workqueue

CleanupStopsAtOnce == owner = "flush" /\ OwnerSteps("stop_find")
=============================================================================
