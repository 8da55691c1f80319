--------------------------- MODULE KThreadCreate ---------------------------
(***************************************************************************)
(* kthread_create(): the creator asks, kthreadd forks, the thread answers. *)
(* kthread(): what the thread does before threadfn.                        *)
(***************************************************************************)
EXTENDS KThreadState

CreatorGoes(k, from, to) == creator[k].at = from /\ creator' = [creator EXCEPT ![k].at = to]
OnlyCreator == UNCHANGED <<kthreadd, thread, stopper, parker, freezing, use_after_free>>
OnlyKthreadd == UNCHANGED <<creator, thread, stopper, parker, freezing, use_after_free>>

\* __kthread_create_on_node(): the request is allocated, filled in and put at
\* the end of kthread_create_list under kthread_create_lock.
CreateRequest(k) ==
    /\ CreatorGoes(k, "idle", "listed")
    /\ kthreadd' = [kthreadd EXCEPT !.list = Append(@, k)]
    /\ UNCHANGED <<thread, stopper, parker, freezing, use_after_free>>

\* __kthread_create_on_node(): kmalloc() of the request failed, -ENOMEM.
CreateNoMemory(k) ==
    /\ CanFail
    /\ creator[k].at = "idle"
    /\ creator' = [creator EXCEPT ![k].at = "failed", ![k].result = ENOMEM]
    /\ OnlyCreator

\* __kthread_create_on_node(): wake_up_process(kthreadd_task), after the lock
\* has been dropped.
CreateWakesKthreadd(k) ==
    /\ CreatorGoes(k, "listed", "wait")
    /\ kthreadd' = [kthreadd EXCEPT !.state = TASK_RUNNING]
    /\ UNCHANGED <<thread, stopper, parker, freezing, use_after_free>>

\* __kthread_create_on_node(): a fatal signal while it waits (from 3.13 on), and
\* xchg(&create->done, NULL) finds it still armed: the request is left to
\* whoever takes it, and kthread_create() returns -EINTR.  A thread may still be
\* forked for it, and ends by itself.
CreateKilled(k) ==
    /\ Era.killable /\ CanKill
    /\ creator[k].at = "wait"
    /\ creator[k].armed
    /\ creator' = [creator EXCEPT ![k].at = "failed", ![k].armed = FALSE, ![k].result = EINTR]
    /\ OnlyCreator

\* The same, but the thread, or kthreadd for a fork that failed, was faster:
\* the creator goes on waiting, and can no longer be killed.
CreateKilledTooLate(k) ==
    /\ Era.killable /\ CanKill
    /\ ~creator[k].armed
    /\ CreatorGoes(k, "wait", "killed")
    /\ OnlyCreator

\* __kthread_create_on_node(): the wait for done is over, and create->result is
\* the new task or an error.  Only this creator waits on this completion, so its
\* sleep and its waking are the guard.  With Held it takes a reference before it
\* hands the pointer to anybody.
CreateReturns(k) ==
    /\ creator[k].at \in {"wait", "killed"}
    /\ creator[k].done > 0
    /\ creator' = [creator EXCEPT ![k].done = @ - 1,
                                  ![k].at = IF creator[k].result = 1 THEN "created" ELSE "failed"]
    /\ thread' = [thread EXCEPT ![k].usage = IF creator[k].result = 1 /\ Held THEN @ + 1 ELSE @]
    /\ UNCHANGED <<kthreadd, stopper, parker, freezing, use_after_free>>

\* wake_up_process() by the creator: with CreateReturns it makes kthread_run().
\* Nothing tells this wake from any other one; the thread's schedule() is in
\* no loop, so whichever wake comes first lets it go on.
CreatorWakes(k) ==
    /\ CreatorGoes(k, "created", "finished")
    /\ IF Freed(k)
       THEN use_after_free' = TRUE /\ UNCHANGED thread
       ELSE /\ thread' = [thread EXCEPT ![k].state = Woken(k, TASK_NORMAL),
                                        ![k].woken = @ \/ InFirstSleep(k)]
            /\ UNCHANGED use_after_free
    /\ UNCHANGED <<kthreadd, stopper, parker, freezing>>

\* A creator may also leave the thread asleep, and somebody stop it later.
CreatorNeverWakes(k) == CreatorGoes(k, "created", "finished") /\ OnlyCreator

-----------------------------------------------------------------------------

\* kthreadd(): set_current_state(TASK_INTERRUPTIBLE).
KthreaddSetState ==
    /\ kthreadd.at = "set_state"
    /\ kthreadd' = [kthreadd EXCEPT !.at = "test", !.state = TASK_INTERRUPTIBLE]
    /\ OnlyKthreadd

\* kthreadd(): if (list_empty(&kthread_create_list)) schedule().  A request
\* that came in between has set the state back, and schedule() returns at once.
KthreaddTest ==
    /\ kthreadd.at = "test"
    /\ kthreadd' = IF kthreadd.list = <<>>
                   THEN [kthreadd EXCEPT !.at = "sleep"]
                   ELSE [kthreadd EXCEPT !.at = "take", !.state = TASK_RUNNING]
    /\ OnlyKthreadd

\* kthreadd(): back from schedule().
KthreaddWakes ==
    /\ kthreadd.at = "sleep"
    /\ kthreadd.state = TASK_RUNNING
    /\ kthreadd' = [kthreadd EXCEPT !.at = "take"]
    /\ OnlyKthreadd

\* kthreadd(): unlink one request under the lock, or find that none is left.
KthreaddTakes ==
    /\ kthreadd.at = "take"
    /\ kthreadd' = IF kthreadd.list = <<>>
                   THEN [kthreadd EXCEPT !.at = "set_state"]
                   ELSE [kthreadd EXCEPT !.at = "fork", !.create = Head(kthreadd.list),
                                         !.list = Tail(@)]
    /\ OnlyKthreadd

KthreaddGoesOn(k) ==
    /\ kthreadd.at = "fork"
    /\ kthreadd.create = k
    /\ kthreadd' = [kthreadd EXCEPT !.at = "take", !.create = "none"]

\* create_kthread() -> kernel_thread(): the thread exists, with one reference
\* of its own that is dropped a grace period after its last switch.  kthreadd
\* goes on to the next request and does not wait for the thread.
KthreaddForks(k) ==
    /\ KthreaddGoesOn(k)
    /\ thread' = [thread EXCEPT ![k].at = "kzalloc", ![k].usage = 1]
    /\ UNCHANGED <<creator, stopper, parker, freezing, use_after_free>>

\* create_kthread(): the fork failed; kthreadd answers in the thread's place, if
\* the creator has not been killed meanwhile.
ForkFails(k) ==
    /\ CanFail
    /\ KthreaddGoesOn(k)
    /\ creator' = IF creator[k].armed
                  THEN [creator EXCEPT ![k].armed = FALSE, ![k].result = EAGAIN, ![k].done = @ + 1]
                  ELSE creator
    /\ UNCHANGED <<thread, stopper, parker, freezing, use_after_free>>

-----------------------------------------------------------------------------

\* kthread(): the allocation of struct kthread (to 5.16; later it is part of the
\* fork, and before 4.10 there is none) is done.
Kzalloc(k) ==
    /\ thread[k].at = "kzalloc"
    /\ thread' = [thread EXCEPT ![k].at = "xchg"]
    /\ OnlyThread

\* kthread(): done = xchg(&create->done, NULL): the creator is still there.
TakesRequest(k) ==
    /\ thread[k].at = "xchg"
    /\ creator[k].armed
    /\ creator' = [creator EXCEPT ![k].armed = FALSE]
    /\ thread' = [thread EXCEPT ![k].at = "set_state"]
    /\ UNCHANGED <<kthreadd, stopper, parker, freezing, use_after_free>>

\* kthread(): then it looks: there was no memory, and the creator is told -ENOMEM.
KzallocFails(k) ==
    /\ CanFail
    /\ thread[k].at = "set_state"
    /\ creator' = [creator EXCEPT ![k].result = ENOMEM, ![k].done = @ + 1]
    /\ thread' = [thread EXCEPT ![k].at = "do_exit", ![k].ret = ENOMEM]
    /\ UNCHANGED <<kthreadd, stopper, parker, freezing, use_after_free>>

\* kthread(): the creator was killed: do_exit(-EINTR), unnoticed by anybody.
Orphan(k) ==
    /\ thread[k].at = "xchg"
    /\ ~creator[k].armed
    /\ thread' = [thread EXCEPT ![k].at = "do_exit"]
    /\ OnlyThread

\* kthread(): __set_current_state(TASK_UNINTERRUPTIBLE), before the creator is
\* told.  The thread is "asleep" for every waker from here, and still runs.
SetUninterruptible(k) ==
    /\ thread[k].at = "set_state"
    /\ thread' = [thread EXCEPT ![k].at = "announce", ![k].state = TASK_UNINTERRUPTIBLE]
    /\ OnlyThread

\* kthread(): create->result = current; complete(done).
Announce(k) ==
    /\ thread[k].at = "announce"
    /\ thread' = [thread EXCEPT ![k].at = "schedule"]
    /\ creator' = [creator EXCEPT ![k].result = 1, ![k].done = @ + 1]
    /\ UNCHANGED <<kthreadd, stopper, parker, freezing, use_after_free>>

\* Where the thread is once its first sleep is over.
AfterFirstSleep == IF Era.sleeps_again THEN "affine" ELSE "last_test"

\* kthread(): schedule(), the one and only.  If somebody was quick enough to
\* wake the thread already, it does not block.
FirstSchedule(k) ==
    /\ thread[k].at = "schedule"
    /\ thread' = [thread EXCEPT ![k].at = IF Blocks(k) THEN "first_sleep" ELSE AfterFirstSleep]
    /\ OnlyThread

\* kthread(): back from its one schedule().  Who woke it does not matter.
FirstWakeUp(k) ==
    /\ thread[k].at = "first_sleep"
    /\ thread[k].state = TASK_RUNNING
    /\ thread' = [thread EXCEPT ![k].at = AfterFirstSleep]
    /\ OnlyThread

\* kthread() -> kthread_affine_node(): goes through ...
Affine(k) ==
    /\ thread[k].at = "affine"
    /\ thread[k].state = TASK_RUNNING
    /\ thread' = [thread EXCEPT ![k].at = "last_test"]
    /\ OnlyThread

\* ... or has to wait for memory, a mutex, or the migration thread ...
AffineSetsState(k) ==
    /\ thread[k].at = "affine"
    /\ thread[k].state = TASK_RUNNING
    /\ thread' = [thread EXCEPT ![k].state = TASK_UNINTERRUPTIBLE]
    /\ OnlyThread

\* ... and sleeps, if nobody is quick enough to wake it ...
AffineSleeps(k) ==
    /\ thread[k].at = "affine"
    /\ Blocks(k)
    /\ thread' = [thread EXCEPT ![k].at = "affine_sleep"]
    /\ OnlyThread

\* ... until what it waits for is there, which comes by itself.
AffineWoken(k) ==
    /\ thread[k].at = "affine_sleep"
    /\ thread[k].state = TASK_UNINTERRUPTIBLE
    /\ thread' = [thread EXCEPT ![k].state = TASK_RUNNING]
    /\ OnlyThread

AffineWakes(k) ==
    /\ thread[k].at = "affine_sleep"
    /\ thread[k].state = TASK_RUNNING
    /\ thread' = [thread EXCEPT ![k].at = "last_test"]
    /\ OnlyThread

\* kthread(): ret = -EINTR; if (!test_bit(KTHREAD_SHOULD_STOP, &self->flags)).
\* Here it is decided, once, whether threadfn will be called.
LastTestRun(k) ==
    /\ thread[k].at = "last_test"
    /\ ~thread[k].should_stop
    /\ thread' = [thread EXCEPT ![k].at = IF Era.parks THEN "parkme" ELSE "call_threadfn"]
    /\ OnlyThread

\* kthread(): the flag is set; the thread exits with -EINTR, and threadfn is
\* never called.
LastTestStop(k) ==
    /\ thread[k].at = "last_test"
    /\ thread[k].should_stop
    /\ thread' = [thread EXCEPT ![k].at = "do_exit", ![k].value = EINTR]
    /\ OnlyThread

-----------------------------------------------------------------------------
\* One step, a name for each outcome.

CreateReturnsThread(k) == creator[k].result = 1 /\ CreateReturns(k)
CreateReturnsError(k)  == creator[k].result # 1 /\ CreateReturns(k)

\* The wake that ends the first sleep, and one that comes when another one has.
CreatorStarts(k)    == InFirstSleep(k) /\ CreatorWakes(k)
CreatorWakesLate(k) == ~InFirstSleep(k) /\ CreatorWakes(k)

ForkFailsTold(k)   == creator[k].armed /\ ForkFails(k)
ForkFailsUntold(k) == ~creator[k].armed /\ ForkFails(k)

-----------------------------------------------------------------------------

CreatorNext(k) ==
    \/ CreateRequest(k) \/ CreateNoMemory(k) \/ CreateWakesKthreadd(k) \/ CreateKilled(k)
    \/ CreateKilledTooLate(k) \/ CreateReturnsThread(k) \/ CreateReturnsError(k)
    \/ CreatorStarts(k) \/ CreatorWakesLate(k) \/ CreatorNeverWakes(k)

KthreaddNext ==
    \/ KthreaddSetState \/ KthreaddTest \/ KthreaddWakes \/ KthreaddTakes
    \/ \E k \in Threads : KthreaddForks(k) \/ ForkFailsTold(k) \/ ForkFailsUntold(k)

BirthNext(k) ==
    \/ Kzalloc(k) \/ TakesRequest(k) \/ KzallocFails(k) \/ Orphan(k)
    \/ SetUninterruptible(k) \/ Announce(k) \/ FirstSchedule(k) \/ FirstWakeUp(k)
    \/ Affine(k) \/ AffineSetsState(k) \/ AffineSleeps(k) \/ AffineWoken(k) \/ AffineWakes(k)
    \/ LastTestRun(k) \/ LastTestStop(k)
=============================================================================
