---------------------------- MODULE KThreadExit ----------------------------
(***************************************************************************)
(* do_exit(): the value, then the completion, then, later, death.          *)
(*                                                                         *)
(* What a trace shows of it is the event sched_process_exit:               *)
(*                                                                         *)
(*     to 6.15                             from 6.16 on                    *)
(*     tsk->exit_code = code               tsk->exit_code = code           *)
(*     exit_mm(): complete(exited)         trace_sched_process_exit()      *)
(*     trace_sched_process_exit()          exit_mm(): complete(exited)     *)
(*     exit_notify(), do_task_dead()       exit_notify(), do_task_dead()   *)
(*                                                                         *)
(* It changes nothing that a task could notice, so it is a step only where *)
(* a model puts it, by AfterComplete <- EventIsNext or AfterStore <-       *)
(* EventIsNext.  That is also why the event on the wrong side, mutant 14,  *)
(* breaks no rule of KThread and no promise of KThreadClients: only a      *)
(* trace can tell.                                                         *)
(***************************************************************************)
EXTENDS KThreadState

\* What comes after the value, and what after the completion.
AfterStore    == "mm_release"
AfterComplete == "do_task_dead"

\* The other choice for either.
EventIsNext == "exit_event"

\* To 5.16 kthread() calls do_exit(ret): tsk->exit_code = code.  From 5.17 on
\* kthread_exit(ret) stores kthread->result = ret, and a do_exit() that does not
\* come by it leaves the result alone, until 7.0.
ExitStore(k) ==
    /\ thread[k].at = "do_exit"
    /\ thread' = [thread EXCEPT
           ![k].at = AfterStore,
           ![k].exit_code = IF Era.returns = "exit_code" \/ thread[k].direct THEN thread[k].ret ELSE 0,
           ![k].result = IF thread[k].direct /\ ~Era.oops_shows THEN @ ELSE thread[k].ret]
    /\ OnlyThread

\* What complete() does to the waiters: the first one is woken, leaves the list,
\* and looks at the counter again.
WakeFirstWaiter(k) ==
    IF thread[k].waiters = <<>> THEN stopper
    ELSE [stopper EXCEPT ![Head(thread[k].waiters)].at = "wait"]

\* exit_mm() -> mm_release(): vfork_done = NULL and complete(vfork_done), which
\* is &kthread->exited.  complete(), not complete_all(): the counter goes up by
\* one.  A thread that was never announced has nobody waiting for it.
ExitComplete(k) ==
    /\ thread[k].at = "mm_release"
    /\ IF creator[k].result = 1
       THEN /\ thread' = [thread EXCEPT ![k].at = AfterComplete, ![k].live = FALSE, ![k].exited = @ + 1,
                              ![k].waiters = IF @ = <<>> THEN @ ELSE Tail(@)]
            /\ stopper' = WakeFirstWaiter(k)
       ELSE /\ thread' = [thread EXCEPT ![k].at = AfterComplete, ![k].live = FALSE]
            /\ UNCHANGED stopper
    /\ UNCHANGED <<kthreadd, creator, parker, freezing, use_after_free>>

\* do_exit(): trace_sched_process_exit(tsk).  After it comes what has not been
\* done yet.
ExitEvent(k) ==
    /\ thread[k].at = "exit_event"
    /\ thread' = [thread EXCEPT ![k].at = IF thread[k].live THEN "mm_release" ELSE "do_task_dead"]
    /\ OnlyThread

\* exit_notify(), then do_task_dead(): the last switch.  A kthread_stop() may
\* have returned long before.
Dies(k) ==
    /\ thread[k].at = "do_task_dead"
    /\ thread' = [thread EXCEPT ![k].at = "dead", ![k].state = TASK_DEAD]
    /\ OnlyThread

\* put_task_struct_rcu_user() -> delayed_put_task_struct(): a grace period
\* after the last switch the thread's own reference is dropped.
DropsOwnReference(k) ==
    /\ thread[k].at = "dead"
    /\ thread' = [thread EXCEPT ![k].at = "released", ![k].usage = @ - 1]
    /\ OnlyThread

\* The completion of a thread that somebody was given, and of one that nobody was.
ExitCompleteCounts(k) == creator[k].result = 1 /\ ExitComplete(k)
ExitCompleteUnseen(k) == creator[k].result # 1 /\ ExitComplete(k)

ExitNext(k) ==
    \/ ExitStore(k) \/ ExitCompleteCounts(k) \/ ExitCompleteUnseen(k)
    \/ ExitEvent(k) \/ Dies(k) \/ DropsOwnReference(k)
=============================================================================
