-------------------------- MODULE KThreadSpurious --------------------------
(***************************************************************************)
(* Wakes that nobody meant.  A wake_up_process() that belongs to an        *)
(* earlier wait of the task (for memory, a mutex, its affinity) may come   *)
(* when that wait is long over, so every sleeper must be ready for a wake  *)
(* without a reason.  All are, being in loops, but one: the schedule() of  *)
(* kthread() before its last test is in no loop, and nothing behind it     *)
(* asks who has woken the thread.  So from 2.6.31 to 7.x one such wake     *)
(* starts the thread, and threadfn may run before kthread_create() has     *)
(* returned.  ("Spurious wakeup on a newly created kthread" was reported   *)
(* in 2022; kthread() was left as it was.)  A caller who fills in what     *)
(* threadfn uses between kthread_create() and wake_up_process() relies on  *)
(* its not happening.                                                      *)
(*                                                                         *)
(* For the object it is a Wake as good as any: the object does not know    *)
(* who wakes.  So all invariants and the refinement hold with it, if a     *)
(* wake is allowed that is no caller's.                                    *)
(*                                                                         *)
(* Sources: kernel/kthread.c kthread() and kernel/sched/completion.c       *)
(* do_wait_for_common() of 3.18, 4.14, 4.19, 6.1 and 6.12.                 *)
(***************************************************************************)
EXTENDS KThreadState

\* Off, unless a model puts TRUE here: SpuriousWakes <- Yes.
SpuriousWakes == FALSE
Yes           == TRUE

\* try_to_wake_up() of a thread that sleeps, or is about to.  TASK_PARKED and
\* TASK_FROZEN are not in TASK_NORMAL: there it has no effect.  (In the instant
\* before the thread has announced itself it does what it does just after.)
SpuriousWake(k) ==
    /\ SpuriousWakes
    /\ thread[k].at \notin {"announce", "none"}
    /\ thread[k].state \in TASK_NORMAL
    /\ thread' = [thread EXCEPT ![k].state = TASK_RUNNING, ![k].woken = @ \/ InFirstSleep(k)]
    /\ OnlyThread

\* The same of kthreadd, which finds no request and sleeps again.
SpuriousWakeOfKthreadd ==
    /\ SpuriousWakes
    /\ kthreadd.at = "sleep"
    /\ kthreadd' = [kthreadd EXCEPT !.state = TASK_RUNNING]
    /\ UNCHANGED <<creator, thread, stopper, parker, freezing, use_after_free>>

\* The same of a stopper in wait_for_completion(): while (!x->done) it sleeps
\* again, at its old place among the waiters.  If there is a count that is meant
\* for the waiter before it, it takes that.
SpuriousWakeOfStopper(s) ==
    LET k == Target[s] IN
    /\ SpuriousWakes
    /\ stopper[s].at = "asleep"
    /\ thread[k].exited > 0
    /\ stopper' = [stopper EXCEPT ![s].at = "read"]
    /\ thread' = [thread EXCEPT ![k].exited = @ - 1, ![k].waiters = SelectSeq(@, LAMBDA t : t # s)]
    /\ UNCHANGED <<kthreadd, creator, parker, freezing, use_after_free>>

SpuriousNext ==
    \/ SpuriousWakeOfKthreadd
    \/ \E k \in Threads : SpuriousWake(k)
    \/ \E s \in Stoppers : SpuriousWakeOfStopper(s)
=============================================================================
