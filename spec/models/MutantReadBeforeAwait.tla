----------------------- MODULE MutantReadBeforeAwait -----------------------
(***************************************************************************)
(* A wrong kernel: kthread_stop() reads exit_code when it has woken the    *)
(* thread, and not after its wait_for_completion().                        *)
(***************************************************************************)
EXTENDS MCKThread

StopWakeAndRead(s) ==
    /\ StopperGoes(s, "wake", "wait")
    /\ WakeUpProcess(Target[s])
    /\ stop_ret' = [stop_ret EXCEPT ![s] = exit_code[Target[s]]]
    /\ UNCHANGED <<create_vars, at, should_stop, ret, exit_code, exited, waiters, usage, history>>

StopReadsNothing(s) ==
    /\ StopperGoes(s, "read", "put")
    /\ UNCHANGED <<create_vars, thread_vars, stop_ret, history>>
=============================================================================
