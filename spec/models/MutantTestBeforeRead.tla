------------------------ MODULE MutantTestBeforeRead ------------------------
(***************************************************************************)
(* A wrong kthread_stop(): it tests k->vfork_done, and takes it afterwards *)
(* to find struct kthread.                                                 *)
(***************************************************************************)
EXTENDS Workqueue

StopTestsFirst ==
    owner = "stop_find" /\ OwnerSteps(IF vfork_done = "NULL" THEN "stop_read" ELSE "stop_test")

StopReadsThen ==
    /\ owner = "stop_test" /\ OwnerGoes("stop_set")
    /\ kthread' = IF vfork_done = "NULL" THEN "wild" ELSE "self"
    /\ UNCHANGED <<course, stop_ret, at, state, should_stop, exited>>
=============================================================================
