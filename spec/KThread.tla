------------------------------ MODULE KThread ------------------------------
(***************************************************************************)
(* The lifecycle of a Linux kernel thread, all of it together: what can    *)
(* happen, what must hold, what must not be believed, what must happen,    *)
(* and that it keeps the promises of KThreadClients.                       *)
(*                                                                         *)
(* KThreadState says what there is and where the steps are.                *)
(***************************************************************************)
EXTENDS KThreadCreate, KThreadFn, KThreadPark, KThreadExit, KThreadStop, KThreadSpurious

ThreadNext(k) == BirthNext(k) \/ ParkmeNext(k) \/ FnNext(k) \/ ExitNext(k)

Next ==
    \/ KthreaddNext
    \/ \E k \in Threads : CreatorNext(k) \/ ThreadNext(k)
    \/ \E s \in Stoppers : StopCall(s) \/ StopNext(s)
    \/ \E p \in Parkers :
        \/ ParkCall(p) \/ ParkRefusedExiting(p) \/ ParkRefusedBusy(p) \/ ParkFindsParked(p)
        \/ ParkSetBit(p) \/ ParkWakeStarts(p) \/ ParkWakeLate(p) \/ ParkReturns(p)
        \/ UnparkLooksAsked(p) \/ UnparkLooksUnasked(p) \/ UnparkClearBit(p) \/ UnparkWake(p)
    \/ FreezerNext
    \/ SpuriousNext

Spec == Init /\ [][Next]_vars

\* A task that can run gets to run.  That a creator wakes its thread, that
\* anybody stops, parks or unparks it, or that the freezer thaws, is not promised.
Fairness ==
    /\ WF_vars(KthreaddNext)
    /\ \A k \in Threads : WF_vars(CreateWakesKthreadd(k) \/ CreateReturns(k))
    /\ \A k \in Threads : WF_vars(ThreadNext(k))
    /\ \A s \in Stoppers : WF_vars(StopNext(s))
    /\ \A p \in Parkers : WF_vars(ParkNext(p))

FairSpec == Spec /\ Fairness

\* The freezer thaws, and for good.
FairThawSpec == FairSpec /\ WF_vars(Thaw) /\ <>[]~freezing

\* A parked thread is unparked.
FairUnparkSpec == FairSpec /\ \A p \in Parkers : WF_vars(UnparkCall(p))

-----------------------------------------------------------------------------
(***************************************************************************)
(* What must hold.                                                         *)
(***************************************************************************)

\* Nobody touches a task_struct after its last reference is gone: by then it may be
\* another task's memory, and a set_bit() into it corrupts that one.
NoUseAfterFree == ~use_after_free

\* threadfn is called at most once: the schedule() before it is in no loop.  A
\* threadfn that were called twice would free its data twice.
EnteredAtMostOnce == \A k \in Threads : thread[k].entered <= 1

\* The kernel skips threadfn for one reason only, a stop seen by the last test,
\* and then returns -EINTR; or for a thread that its creator never got.  Who
\* neither stops a thread nor is refused one can rely on threadfn's cleaning up.
SkippedOnlyByStop ==
    \A k \in Threads :
        Exiting(k) /\ thread[k].entered = 0
            => (thread[k].should_stop /\ thread[k].ret = EINTR) \/ creator[k].result # 1

\* kthread_create() gives away only a thread that has announced itself, so
\* struct kthread is there for whoever calls kthread_stop().
CreatedMeansAnnounced ==
    \A k \in Threads :
        creator[k].at \in {"created", "finished"}
            => thread[k].at \notin {"none", "kzalloc", "xchg", "set_state", "announce"}

\* kthread_create() says that it failed where it did, and nowhere else: no
\* thread is left behind that waits for somebody to wake it.
FailedMeansError ==
    \A k \in Threads :
        creator[k].at = "failed" =>
            /\ creator[k].result \in {EINTR, ENOMEM, EAGAIN}
            /\ thread[k].at \in {"none", "kzalloc", "xchg"} \/ Exiting(k)

\* One request has one owner: either the creator was killed and somebody else
\* frees it, or the creator gets an answer and frees it itself.  With two it would
\* be freed twice, with none never.
OneOwnerOfTheRequest ==
    \A k \in Threads :
        creator[k].result = EINTR => creator[k].at = "failed" /\ creator[k].done = 0

\* One exit is one count.  With two, a second stop would return too, and believe
\* that it was the one that has ended the thread.
CompletedAtMostOnce == \A k \in Threads : thread[k].exited <= 1

\* Between its get and its put a stopper keeps the task_struct alive: it looks at
\* exited and at the value when the thread may be gone already.
Holds(s) == stopper[s].at \in {"look", "set_bit", "unpark_look", "unpark", "unpark_wake", "notify", "wake",
                               "wait", "asleep", "read", "put"}
StopperKeepsReference == \A s \in Stoppers : Holds(s) => thread[Target[s]].usage > 0

\* A thread that kthread_park() has parked is there for kthread_unpark().  Only if
\* somebody holds it: a stop lets it out of its parking, and it ends.
ParkedIsThere ==
    \A p \in Parkers : parker[p].at \in {"parked", "unpark", "unpark_wake"} => ~Freed(Target[p])

\* Every reference is given back, none twice: else the task_struct leaks, or
\* goes while somebody uses it.
UsageExact ==
    \A k \in Threads :
        thread[k].usage = (IF thread[k].at \in {"none", "released"} THEN 0 ELSE 1)
                 + (IF Held /\ creator[k].at \in {"created", "finished"} THEN 1 ELSE 0)
                 + Cardinality({s \in StoppersOf(k) : Holds(s)})

\* Nothing wakes the dead: a task that ran after its last switch would run on a
\* stack that is freed.
DeadStaysDead ==
    \A k \in Threads : thread[k].at \in {"dead", "released"} => thread[k].state = TASK_DEAD

\* kthread_stop() looks for the value only after the completion, before which it
\* need not be there.
GotMeansCompleted ==
    \A s \in Stoppers : stopper[s].at \in {"read", "put", "returned"} => ~thread[Target[s]].live

\* kthread_stop() returns what the thread ended with: for its caller the value is
\* threadfn's verdict, or the news that threadfn was never called.
ReturnsWhatThreadEndedWith ==
    \A s \in Stoppers :
        stopper[s].at = "returned" => stopper[s].ret = thread[Target[s]].value

\* After kthread_stop() no code of threadfn runs any more: a module may unload.
ReturnedMeansThreadfnOver ==
    \A s \in Stoppers : stopper[s].at = "returned" => Exiting(Target[s])

\* A thread that a stop lets out of its parking sees that stop.  Else it would go on
\* with its work, as after a kthread_unpark().
ReleasedByStopSeesStop ==
    \A k \in Threads :
        \A s \in StoppersOf(k) :
            stopper[s].at \in {"unpark_look", "unpark_wake", "notify", "wake", "wait", "asleep"}
                => thread[k].should_stop

\* A thread that sleeps parked and is no longer asked to is about to be woken by
\* whoever has taken the request back.  From 4.18 on; before, see lost-unpark-3.18:
\* a stop that comes between the thread's look at KTHREAD_SHOULD_PARK and its mark
\* KTHREAD_IS_PARKED takes the request back and wakes nobody.
MarkedIsLetGo ==
    \A k \in Threads :
        thread[k].at \in {"parkme_sleep", "fn_parkme_sleep"} /\ thread[k].state = TASK_PARKED
        /\ ~thread[k].should_park
            => \/ \E s \in StoppersOf(k) : stopper[s].at = "unpark_wake"
               \/ \E p \in Parkers : Target[p] = k /\ parker[p].at = "unpark_wake"

\* kthread_should_stop() says yes only when a stop has been requested: a thread that
\* left on a false yes would leave its work undone, and its stopper a dead task.
ToldMeansStop == \A k \in Threads : thread[k].told => thread[k].should_stop

\* Nothing takes a stop request back: a thread that looks late must still see it.
StopIsForGood == [][\A k \in Threads : thread[k].should_stop => thread'[k].should_stop]_vars

\* Up to two stops of one thread: one of them returns at most, but to 4.9, where
\* one that comes after the exit does not wait.
AtMostOneStopReturns ==
    ~Era.skips_gone =>
        \A s, t \in Stoppers :
            stopper[s].at = "returned" /\ stopper[t].at = "returned" /\ Target[s] = Target[t] => s = t

\* The true sentence about -EINTR: where threadfn never ends with -EINTR itself,
\* a thread whose stop returned -EINTR never entered threadfn.  (Where threadfn
\* does, the value proves nothing, and this fails.)
EintrMeansNeverEntered ==
    \A s \in Stoppers :
        stopper[s].at = "returned" /\ stopper[s].ret = EINTR => thread[Target[s]].entered = 0

\* The other direction of kthread_stop()'s comment: where no wake but the stop's has
\* ended the thread's first sleep, -EINTR.  True of a thread that nobody parks.
NeverWokenMeansEintr ==
    \A s \in Stoppers :
        stopper[s].at = "returned" /\ ~thread[Target[s]].woken => stopper[s].ret = EINTR

-----------------------------------------------------------------------------
(***************************************************************************)
(* What must not hold: each is a belief that TLC refutes with an example.  *)
(***************************************************************************)

\* kthread_stop()'s comment as people read it: "-EINTR if wake_up_process()
\* was never called", so -EINTR means that nobody called it: it was the stop that ended
\* the thread's first sleep.
EintrMeansNeverWoken ==
    \A s \in Stoppers :
        stopper[s].at = "returned" /\ stopper[s].ret = EINTR => ~thread[Target[s]].woken

\* "kthread_run() guarantees that threadfn runs."
WokenMeansEntered ==
    \A s \in Stoppers :
        stopper[s].at = "returned" /\ thread[Target[s]].woken => thread[Target[s]].entered = 1

\* "kthread_run() and kthread_stop() at once: threadfn never gets a chance."
WokenMeansNeverEntered ==
    \A s \in Stoppers :
        stopper[s].at = "returned" /\ thread[Target[s]].woken => thread[Target[s]].entered = 0

\* "When kthread_stop() has returned, the thread is dead."
ReturnedMeansDead ==
    \A s \in Stoppers : stopper[s].at = "returned" => thread[Target[s]].at \in {"dead", "released"}

\* "threadfn is not entered before the creator has got its thread", with time to
\* fill in what threadfn needs.  True but for a spurious wake.
EnteredMeansCreated ==
    \A k \in Threads : thread[k].entered > 0 => creator[k].at \in {"created", "finished"}

\* sched_process_exit has been emitted, in a model that has it as a step.
Traced(k) ==
    \/ AfterComplete = EventIsNext /\ thread[k].at \in {"do_task_dead", "dead", "released"}
    \/ AfterStore = EventIsNext /\ thread[k].at \in {"mm_release", "do_task_dead", "dead", "released"}

\* "When kthread_stop() has returned, sched_process_exit has been traced."  From
\* 6.16 on; before, the event may come after the stop's return, and a trace that
\* has it there is no sign of another thread.
ReturnedMeansTraced ==
    \A s \in Stoppers : stopper[s].at = "returned" => Traced(Target[s])

\* "When sched_process_exit has been traced, kthread_stop() need not wait any
\* more."  To 6.15; since then the thread may be preempted between the two, and
\* a stop that still waits is no sign of a lost completion.
TracedMeansCompleted == \A k \in Threads : Traced(k) => ~thread[k].live

\* "A second stop of one thread never returns."  True from 4.10 on.
NoSecondStopReturns ==
    \A s, t \in Stoppers :
        stopper[s].at = "returned" /\ stopper[t].at = "returned" /\ Target[s] = Target[t] => s = t

\* "A thread that kthread_stop() waits for is not parked: the stop has let it go."
\* False where kthread_park() sets its bit after the stop's kthread_unpark(): the
\* stop, and the thread, then wait for that parker's kthread_unpark().
StoppedIsNotParked ==
    \A s \in Stoppers :
        stopper[s].at = "asleep" /\ thread[Target[s]].at \in {"parkme_sleep", "fn_parkme_sleep"}
            => thread[Target[s]].state = TASK_RUNNING

\* "Whoever got a 0 from kthread_park() finds the thread parked until he unparks it
\* himself."  True of one parker; with two another one's unpark is enough.
ParkedMeansHeld ==
    \A p \in Parkers :
        parker[p].at = "parked" /\ ~thread[Target[p]].should_stop
            => thread[Target[p]].held \/ thread[Target[p]].at \in {"parkme_complete", "fn_parkme_complete"}

\* "kthread_stop() of a thread that oopsed says so."  Not from 5.17 to 6.x.
OopsShows ==
    \A s \in Stoppers :
        stopper[s].at = "returned" /\ thread[Target[s]].ret = SIGKILL => stopper[s].ret = SIGKILL

\* "A kthread_create() that was killed leaves no thread behind."
KilledMeansNoThread ==
    \A k \in Threads : creator[k].result = EINTR => thread[k].at = "none"

\* "A creator that is killed gets no thread."  It does if the thread was faster.
KilledGetsNothing ==
    [][\A k \in Threads : creator[k].at = "killed" => creator'[k].at # "created"]_vars

-----------------------------------------------------------------------------
(***************************************************************************)
(* What must happen.                                                       *)
(***************************************************************************)

\* Every kthread_create() returns.  Else an insmod hangs, or a killed one does not die.
CreateEndsInTime ==
    \A k \in Threads :
        creator[k].at # "idle" ~> creator[k].at \in {"created", "finished", "failed"}

\* A thread that is woken enters threadfn, unless a stop or a park comes first.  That
\* is all that kthread_run() promises, and it does promise it.
WokenThreadEnters ==
    \A k \in Threads :
        thread[k].woken ~> thread[k].entered = 1 \/ thread[k].should_stop \/ thread[k].should_park

\* Every kthread_stop() returns.  True for one stop of a thread that listens, and
\* that nobody parks while it is being stopped.
EveryStopReturns ==
    \A s \in Stoppers : stopper[s].at = "set_bit" ~> stopper[s].at = "returned"

\* kthread_stop() of a thread that is parked returns, though nobody unparks it: the
\* stop does.  (A kthread_park() that comes after that unpark holds the thread, and
\* the stop with it, until somebody unparks it.)
StopOfParkedReturns ==
    \A s \in Stoppers :
        LET parkers == {p \in Parkers : Target[p] = Target[s]} IN
        stopper[s].at = "set_bit" /\ parkers # {} /\ (\A p \in parkers : parker[p].at = "parked")
            ~> stopper[s].at = "returned"

\* However many stop it: one of them returns.  So the thread does end, and of the
\* others it is the completion that they wait for in vain.
SomeStopReturns ==
    \A k \in Threads :
        thread[k].should_stop ~> \E s \in StoppersOf(k) : stopper[s].at = "returned"

\* To 4.9: a stop that finds the thread gone returns, however many came before:
\* drivers of those days stop a thread in more than one place.
LateStopReturns ==
    \A s \in Stoppers :
        stopper[s].at = "look" /\ ~thread[Target[s]].live ~> stopper[s].at = "returned"

\* kthread_park() of a thread that parks when asked returns, if nobody stops it.  The
\* CPU that goes offline waits for it.
EveryParkReturns ==
    \A p \in Parkers : parker[p].at = "set_bit" ~> parker[p].at \in {"parked", "unpark_wake", "unparked"}

-----------------------------------------------------------------------------
(***************************************************************************)
(* KThread does what KThreadClients promises, thread by thread.            *)
(***************************************************************************)

Phase(k) ==
    LET at == thread[k].at IN
    IF creator[k].result \in {EINTR, ENOMEM, EAGAIN} THEN "failed"
    ELSE IF at \in {"none", "kzalloc", "xchg", "set_state", "announce"} THEN "absent"
    ELSE IF InFirstSleep(k) THEN "created"
    ELSE IF BeforeLastTest(k) THEN "started"
    ELSE IF at \in {"parkme_mark", "parkme_complete"} THEN "holding"
    ELSE IF at \in {"fn_parkme_mark", "fn_parkme_complete"} THEN "parking"
    ELSE IF at = "call_threadfn" THEN "chosen"
    ELSE IF at \in {"parkme", "parkme_test", "parkme_schedule", "parkme_sleep"} THEN
        IF thread[k].held THEN "held" ELSE "decided"
    ELSE IF InThreadfn(k) THEN IF thread[k].held THEN "parked" ELSE "running"
    ELSE IF at \in {"do_exit", "mm_release"} \/ (at = "exit_event" /\ thread[k].live) THEN "returned"
    ELSE "finished"

\* The wake that ended its first sleep was not a stop's.
WokenUnstopped(k) == thread[k].woken \/ thread[k].woken_to_park

\* What each stopper has got, also while it is still about to read it.
Got(s) ==
    CASE stopper[s].at = "read" -> Found(Target[s])
      [] stopper[s].at \in {"put", "returned"} -> stopper[s].ret
      [] OTHER -> NoValue

Caller(c) ==
    IF c \in Stoppers THEN
        CASE stopper[c].at = "idle" -> "idle"
          [] stopper[c].at \in {"get", "look", "oops"} -> "called"
          [] stopper[c].at = "set_bit" -> IF Era.skips_gone THEN "looked" ELSE "called"
          [] stopper[c].at = "unpark_look" -> "requested"
          [] stopper[c].at = "unpark" -> IF Era.unpark_looks THEN "unparking" ELSE "requested"
          [] stopper[c].at = "unpark_wake" -> "unparked"
          [] stopper[c].at \in {"notify", "wake"} -> "wakes"
          [] stopper[c].at \in {"wait", "asleep"} -> "waits"
          [] stopper[c].at \in {"read", "put"} -> "got"
          [] stopper[c].at = "returned" -> "returned"
    ELSE
        CASE parker[c].at = "idle" -> "idle"
          [] parker[c].at = "set_bit" -> "called"
          [] parker[c].at = "wake" -> "wakes"
          [] parker[c].at = "wait" -> "waits"
          [] parker[c].at = "parked" -> "returned"
          [] parker[c].at = "unpark" -> "unparking"
          [] parker[c].at = "unpark_wake" -> "unparked"
          [] parker[c].at = "unparked" -> "woke"
          [] parker[c].at = "refused" -> "refused"

\* How far the creator is: it has been given the thread; it has woken it, or left it.
CreatorAt(k) ==
    CASE creator[k].at = "created" -> "returned"
      [] creator[k].at = "finished" -> "done"
      [] OTHER -> "idle"

\* How often a thread in __kthread_parkme() will look before it sleeps: once if it
\* has stood aside and goes round the loop, and once more if it was woken after it
\* set TASK_PARKED.  (To 4.17 it can be woken only once it has marked itself parked.)
Looks(k) ==
    LET at == thread[k].at
        woken == IF thread[k].state = TASK_RUNNING THEN 1 ELSE 0
        round == IF thread[k].held THEN 1 ELSE 0
    IN IF at \in {"parkme", "fn_parkme"} THEN round
       ELSE IF at \in {"parkme_test", "fn_parkme_test"} THEN round + woken
       ELSE IF at \in {"parkme_complete", "parkme_schedule", "parkme_sleep",
                       "fn_parkme_complete", "fn_parkme_schedule", "fn_parkme_sleep"} THEN woken
       ELSE 0

ParkersOf(k) == {p \in Parkers : Target[p] = k}

API(k) == INSTANCE KThreadClients WITH
    EINTR       <- EINTR,
    Signals     <- {SIGKILL},
    Nothing     <- 0,
    MaxParked   <- 2,
    Stoppers    <- StoppersOf(k),
    Parkers     <- ParkersOf(k),
    phase       <- Phase(k),
    should_stop <- thread[k].should_stop,
    should_park <- thread[k].should_park,
    exited      <- thread[k].exited,
    parked      <- thread[k].parked,
    code        <- IF Phase(k) \in {"returned", "finished"} THEN thread[k].value ELSE NoValue,
    woken       <- WokenUnstopped(k),
    ran         <- thread[k].entered > 0,
    unasked     <- thread[k].unasked,
    creator     <- CreatorAt(k),
    looks       <- Looks(k),
    marked      <- thread[k].is_parked,
    caller      <- [c \in StoppersOf(k) \cup ParkersOf(k) |-> Caller(c)],
    got         <- [s \in StoppersOf(k) |-> Got(s)]

\* All that the object and its callers are made of.
APIVars(k) ==
    <<Phase(k), thread[k].should_stop, thread[k].should_park, thread[k].exited, thread[k].parked,
      thread[k].value, WokenUnstopped(k), thread[k].entered, thread[k].unasked,
      CreatorAt(k), Looks(k), thread[k].is_parked,
      [s \in StoppersOf(k) |-> <<Caller(s), Got(s)>>], [p \in ParkersOf(k) |-> Caller(p)]>>

RefinesClients ==
    /\ \A k \in Threads : API(k)!ClientsInit
    /\ [][\A k \in Threads : \/ UNCHANGED APIVars(k)
                             \/ API(k)!ClientsNext
                             \/ SpuriousWakes /\ API(k)!WokenByNobody]_vars

THEOREM Spec => RefinesClients
=============================================================================
