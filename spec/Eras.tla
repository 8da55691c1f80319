-------------------------------- MODULE Eras --------------------------------
(***************************************************************************)
(* What differs between kernels, one record for each era.  A record is the *)
(* constant Era of KThread and of KThreadAPI.                              *)
(*                                                                         *)
(*   killable     a creator that waits can be killed (3.13)                *)
(*   parks        kthread_park() exists, and kthread_stop() unparks (3.7)  *)
(*   unpark_looks kthread_unpark() looks whether KTHREAD_SHOULD_PARK is    *)
(*                set, and does nothing if not (6.12, and 6.1 from 6.1.113 *)
(*                on); before it clears the bit and wakes in any case      *)
(*   marks_parked KTHREAD_IS_PARKED says that the thread is parked: it     *)
(*                completes once for each parking, kthread_park() of a     *)
(*                parked thread returns 0 at once, and kthread_unpark()    *)
(*                wakes only what is marked (to 4.17)                      *)
(*   skips_gone   kthread_stop() re-reads vfork_done and does not wait for *)
(*                a thread that has gone, and kthread_park() refuses one   *)
(*                by the same sign (to 4.9)                                *)
(*   notifies     kthread_stop() sets TIF_NOTIFY_SIGNAL (6.1)              *)
(*   returns      where kthread_stop() finds its value: task->exit_code,   *)
(*                or kthread->result (5.17)                                *)
(*   oops_shows   a do_exit() by an oops or by threadfn leaves its value   *)
(*                there too (not from 5.17 on, again from 7.0 on)          *)
(*   freezes_as   the state of a task in the refrigerator                  *)
(*   freeze_wakes the sleepers that freezing wakes                         *)
(*   exit_event   sched_process_exit is printed after the thread has       *)
(*                completed kthread->exited (to 6.15), or before (from     *)
(*                6.16 on)                                                 *)
(*   frees_early  sched_process_free may come before the last switch (to   *)
(*                5.3)                                                     *)
(*   shows_preempted  sched_switch may print the state of a preempted task *)
(*                as if it slept, without R+ (to 4.3, without              *)
(*                CONFIG_PREEMPT)                                          *)
(*   locks_sleep  there are sleeps that wake_up_process() does not end,    *)
(*                besides that in TASK_PARKED: TASK_RTLOCK_WAIT of         *)
(*                PREEMPT_RT (5.15), TASK_FROZEN (6.1)                     *)
(*   proxies      CONFIG_SCHED_PROXY_EXEC exists (6.15)                    *)
(*   prints_pending  sched_switch prints S of a task that does not sleep   *)
(*                because a signal is pending (5.18 to 6.14)               *)
(*   sleeps_again kthread() may sleep once more, for its affinity, between *)
(*                its first wake and its last test (6.14)                  *)
(*   may_sleep_again  ... in one of the releases that this record stands   *)
(*                for: Linux_6_1 does for all of 5.17 to 6.x               *)
(***************************************************************************)

INT    == "TASK_INTERRUPTIBLE"
UNINT  == "TASK_UNINTERRUPTIBLE"

Linux_2_6_32 == [
    killable |-> FALSE, parks |-> FALSE, marks_parked |-> FALSE,
    unpark_looks |-> FALSE, skips_gone |-> TRUE, notifies |-> FALSE,
    returns |-> "exit_code", oops_shows |-> TRUE, freezes_as |-> UNINT,
    freeze_wakes |-> {INT}, sleeps_again |-> FALSE,
    exit_event |-> "after completion", frees_early |-> TRUE, shows_preempted |-> TRUE,
    locks_sleep |-> FALSE, proxies |-> FALSE,
    prints_pending |-> FALSE, may_sleep_again |-> FALSE ]

Linux_3_18 == [
    killable |-> TRUE, parks |-> TRUE, marks_parked |-> TRUE,
    unpark_looks |-> FALSE, skips_gone |-> TRUE, notifies |-> FALSE,
    returns |-> "exit_code", oops_shows |-> TRUE, freezes_as |-> UNINT,
    freeze_wakes |-> {INT}, sleeps_again |-> FALSE,
    exit_event |-> "after completion", frees_early |-> TRUE, shows_preempted |-> TRUE,
    locks_sleep |-> FALSE, proxies |-> FALSE,
    prints_pending |-> FALSE, may_sleep_again |-> FALSE ]

\* 4.10 to 4.17: a stop always waits, parking is still the old one.  (It changed in
\* several commits, from "Fix kthread_parkme() completion issue" on.  In between, and
\* in 4.14.y's last years, a parking does complete_all() and kthread_unpark() makes
\* the completion new: of that there is no record.)
Linux_4_14 == [
    killable |-> TRUE, parks |-> TRUE, marks_parked |-> TRUE,
    unpark_looks |-> FALSE, skips_gone |-> FALSE, notifies |-> FALSE,
    returns |-> "exit_code", oops_shows |-> TRUE, freezes_as |-> UNINT,
    freeze_wakes |-> {INT}, sleeps_again |-> FALSE,
    exit_event |-> "after completion", frees_early |-> TRUE, shows_preempted |-> FALSE,
    locks_sleep |-> FALSE, proxies |-> FALSE,
    prints_pending |-> FALSE, may_sleep_again |-> FALSE ]

Linux_5_4 == [
    killable |-> TRUE, parks |-> TRUE, marks_parked |-> FALSE,
    unpark_looks |-> FALSE, skips_gone |-> FALSE, notifies |-> FALSE,
    returns |-> "exit_code", oops_shows |-> TRUE, freezes_as |-> UNINT,
    freeze_wakes |-> {INT}, sleeps_again |-> FALSE,
    exit_event |-> "after completion", frees_early |-> TRUE, shows_preempted |-> FALSE,
    locks_sleep |-> TRUE, proxies |-> FALSE,
    prints_pending |-> FALSE, may_sleep_again |-> FALSE ]

Linux_6_1 == [
    killable |-> TRUE, parks |-> TRUE, marks_parked |-> FALSE,
    unpark_looks |-> TRUE, skips_gone |-> FALSE, notifies |-> TRUE,
    returns |-> "result", oops_shows |-> FALSE, freezes_as |-> "TASK_FROZEN",
    freeze_wakes |-> {INT, UNINT}, sleeps_again |-> FALSE,
    exit_event |-> "either side", frees_early |-> FALSE, shows_preempted |-> FALSE,
    locks_sleep |-> TRUE, proxies |-> TRUE,
    prints_pending |-> TRUE, may_sleep_again |-> TRUE ]

\* The lifecycle's rules are those of 6.1; a release in between differs from it
\* in what a trace shows (the name at the fork).
Linux_6_12 == Linux_6_1

Linux_7_0 == [
    killable |-> TRUE, parks |-> TRUE, marks_parked |-> FALSE,
    unpark_looks |-> TRUE, skips_gone |-> FALSE, notifies |-> TRUE,
    returns |-> "result", oops_shows |-> TRUE, freezes_as |-> "TASK_FROZEN",
    freeze_wakes |-> {INT, UNINT}, sleeps_again |-> TRUE,
    exit_event |-> "before completion", frees_early |-> FALSE, shows_preempted |-> FALSE,
    locks_sleep |-> TRUE, proxies |-> TRUE,
    prints_pending |-> FALSE, may_sleep_again |-> TRUE ]
=============================================================================
