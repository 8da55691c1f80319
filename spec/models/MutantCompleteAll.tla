------------------------- MODULE MutantCompleteAll -------------------------
(***************************************************************************)
(* A wrong kernel: do_exit() calls complete_all() on kthread->exited.      *)
(* Every waiter is woken, and the count is never taken (the kernel's       *)
(* complete_all() sets it to UINT_MAX, which wait_for_completion() leaves  *)
(* alone).                                                                 *)
(***************************************************************************)
EXTENDS MCKThread

ExitCompleteAll(k) ==
    /\ ThreadGoes(k, "mm_release", "do_task_dead")
    /\ exited' = [exited EXCEPT ![k] = 1]
    /\ waiters' = [waiters EXCEPT ![k] = <<>>]
    /\ stopper' = [s \in Stoppers |->
                     IF Target[s] = k /\ stopper[s] = "asleep" THEN "wait" ELSE stopper[s]]
    /\ UNCHANGED <<create_vars, state, should_stop, ret, exit_code, usage, stop_ret, history>>

StopAwaitAll(s) ==
    /\ exited[Target[s]] > 0
    /\ StopperGoes(s, "wait", "read")
    /\ UNCHANGED <<create_vars, thread_vars, stop_ret, history>>
=============================================================================
