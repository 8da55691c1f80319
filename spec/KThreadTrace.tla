---------------------------- MODULE KThreadTrace ----------------------------
(***************************************************************************)
(* Is a recorded history one that KThread can have made?                   *)
(*                                                                         *)
(* A history is what a tracer has printed about one thread, and about the  *)
(* tasks that create, stop and park it: a sequence of lines for each CPU.  *)
(* A CPU's own lines are in order.  Of two CPUs a line comes before        *)
(* another only where its stamp is earlier by more than the clocks can     *)
(* differ: the line says so by `need`.  A step of KThread that a tracer    *)
(* prints takes the line that shows it; a step that nobody prints is free. *)
(*                                                                         *)
(* KThread leaves out the scheduler, so the kernel's facts about it are    *)
(* here: a task takes steps while it has a CPU; who goes to sleep leaves   *)
(* its CPU in that state, and gets none before somebody wakes it; a waking *)
(* is printed if it finds the task asleep, or about to be; a dead task     *)
(* does nothing.                                                           *)
(*                                                                         *)
(* A history is legal if some behaviour says all of it.  That is "exists", *)
(* not "for all": TLC prints each history that has been said, and one that *)
(* it does not print is impossible.  Many histories go into one run.  What *)
(* is said is kept in TLC's registers, so there must be one worker.        *)
(*                                                                         *)
(* TraceLogs is written from traces: Logs, the histories, and Recorded,    *)
(* the kinds of lines that would have been printed.                        *)
(***************************************************************************)
EXTENDS KThread, Eras, TLC, TraceLogs

VARIABLES
    h,      \* which of Logs
    pos,    \* for each CPU, how many of its lines have been said
    on,     \* for each task the CPU that it has; 0: none
    slept,  \* for each task whether it sleeps, and nobody has woken it
    late,   \* for each task whether it was woken while it had its CPU: it may
            \* leave it as if it slept, by a line that is printed later
    must,   \* the state in which the thread leaves its CPU next; "": none
    due     \* what the thread prints before its next step; "": nothing

tvars == <<vars, h, pos, on, slept, late, must, due>>
sched == <<on, slept, late, must, due>>

K     == "t1"
C     == "c"
Tasks == {K, C} \cup Stoppers \cup Parkers
Log   == Logs[h]
CPUs  == DOMAIN pos

AllAfterT1 == [c \in Stoppers \cup Parkers |-> K]
Arbitrary  == [k \in Threads |-> "arbitrary"]
Values     == {-5, -4, 0, 77}

ASSUME \A n \in DOMAIN Logs : TLCSet(n, 0)

TraceInit ==
    /\ Init
    /\ h \in DOMAIN Logs
    /\ pos = [c \in DOMAIN Logs[h].cpus |-> 0]
    /\ on = [t \in Tasks |-> IF t \in DOMAIN Logs[h].on THEN Logs[h].on[t] ELSE 0]
    /\ slept = [t \in Tasks |-> FALSE]
    /\ late = [t \in Tasks |-> FALSE]
    /\ must = ""
    /\ due = ""

-----------------------------------------------------------------------------
\* What a step says.

\* The next line of a CPU is this one, and all that must come before it has been said.
Next1(c, kind, task, by, value) ==
    /\ pos[c] < Len(Log.cpus[c])
    /\ LET l == Log.cpus[c][pos[c] + 1] IN
       /\ l.kind = kind /\ l.task = task /\ by \in l.by /\ l.value = value
       /\ \A d \in CPUs : pos[d] >= l.need[d]

Take(c) == pos' = [pos EXCEPT ![c] = @ + 1]

\* A task of the history says it, on the CPU that it has; "other" is any other task,
\* or an interrupt.
Says(kind, task, by, value) ==
    IF kind \notin Recorded THEN UNCHANGED pos
    ELSE \E c \in CPUs :
        /\ by \in Tasks => on[by] = c
        /\ Next1(c, kind, task, by, value)
        /\ Take(c)

\* A line of that kind and value has not been said yet.  What could only be said by a line
\* that there is not need not be tried.
Left(kind, value) == \E c \in CPUs : \E i \in pos[c] + 1 .. Len(Log.cpus[c]) :
    Log.cpus[c][i].kind = kind /\ Log.cpus[c][i].value = value

Quiet == UNCHANGED pos
Same  == UNCHANGED sched

\* The task has a CPU, and is not about to leave it asleep.
Acts(t) == on[t] # 0 /\ ~slept[t]
KActs   == Acts(K) /\ must = "" /\ due = ""

\* A waking of a task: it will run again.
IsWoken(t) ==
    /\ slept' = [slept EXCEPT ![t] = FALSE]
    /\ late' = [late EXCEPT ![t] = on[t] # 0]
    /\ UNCHANGED <<on, must, due>>

-----------------------------------------------------------------------------
\* The scheduler.

\* Places where the thread may set its state and sleep, without KThread knowing of it:
\* for a mutex, for memory, for another CPU; and in threadfn for whatever it likes.
MaySleepIn(at) ==
    CASE at = "fn_any" -> {"S", "D", "I"}
      [] at \in {"do_exit", "mm_release", "exit_event", "do_task_dead"} -> {"D"}
      [] at = "set_state" -> IF Era.notifies THEN {"D"} ELSE {}
      [] OTHER -> {}

\* A caller that is in no call does what it likes.
Free(t) ==
    CASE t = C -> creator[K].at \in {"idle", "listed", "created", "finished", "failed"}
      [] t \in Stoppers -> stopper[t].at \in {"idle", "returned"}
      [] t \in Parkers -> parker[t].at \in {"idle", "parked", "unparked", "refused"}
      [] OTHER -> FALSE

\* A caller that waits for a completion.
Waits(t) ==
    CASE t = C -> creator[K].at = "wait" /\ creator[K].done = 0
      [] t \in Stoppers -> stopper[t].at = "asleep"
      [] t \in Parkers -> parker[t].at = "wait"
      [] OTHER -> FALSE

MaySleep(t) ==
    IF t = K THEN MaySleepIn(thread[K].at)
    ELSE IF Free(t) THEN {"S", "D", "I"} ELSE IF Waits(t) THEN {"D"} ELSE {}

\* Preempted, or it yields.
LeavesRunnable(t) ==
    /\ on[t] # 0
    /\ t = K => must = "" \/ (~slept[K] /\ ~Era.notifies)  \* to 5.17 prev_state is read again
    /\ ~slept[t]
    /\ Says("out-R", t, t, 0)
    /\ on' = [on EXCEPT ![t] = 0]
    /\ late' = [late EXCEPT ![t] = FALSE]
    /\ must' = IF t = K THEN "" ELSE must
    /\ UNCHANGED <<slept, due>>

\* It sets its state and sleeps.  A pending signal lets no S sleep begin; in 6.1 the line
\* is printed all the same.
LeavesAsleep(t) == \E s \in MaySleep(t) :
    /\ Acts(t) /\ (t = K => KActs)
    /\ Says("out-" \o s, t, t, 0)
    /\ on' = [on EXCEPT ![t] = 0]
    /\ slept' = [slept EXCEPT ![t] = ~(t = K /\ s = "S" /\ thread[K].notify)]
    /\ late' = [late EXCEPT ![t] = FALSE]
    /\ UNCHANGED <<must, due>>

\* The same, but its waking was printed first.
LeavesLate(t) == \E s \in {"S", "D", "I"} :
    /\ on[t] # 0 /\ late[t]
    /\ Says("out-" \o s, t, t, 0)
    /\ on' = [on EXCEPT ![t] = 0]
    /\ late' = [late EXCEPT ![t] = FALSE]
    /\ UNCHANGED <<slept, must, due>>

\* The thread leaves its CPU in a sleep that KThread knows of.
LeavesAsKThreadSays ==
    /\ on[K] # 0 /\ must # ""
    /\ Says("out-" \o must, K, K, 0)
    /\ on' = [on EXCEPT ![K] = 0]
    /\ late' = [late EXCEPT ![K] = FALSE]
    /\ must' = ""
    /\ UNCHANGED <<slept, due>>

GetsCPU(t) ==
    /\ on[t] = 0 /\ ~slept[t]
    /\ t = K => thread[K].at \notin {"none", "dead", "released"}
    /\ \E c \in CPUs :
        /\ \A u \in Tasks : on[u] # c
        /\ Next1(c, "in", t, t, 0)
        /\ Take(c)
        /\ on' = [on EXCEPT ![t] = c]
    /\ UNCHANGED <<slept, late, must, due>>

\* Somebody else, or an interrupt, wakes it: out of a sleep of its own, or on its way there.
WokenByOthers(t) ==
    /\ t = K => KActs \/ on[K] = 0
    /\ MaySleep(t) # {}
    /\ \E by \in {"other"} \cup {u \in Tasks \ {t, K} : Free(u) /\ Acts(u)} : Says("waking", t, by, 0)
    /\ IsWoken(t)

SchedNext ==
    /\ UNCHANGED vars
    /\ \/ \E t \in Tasks : LeavesRunnable(t) \/ LeavesAsleep(t) \/ LeavesLate(t) \/ GetsCPU(t) \/ WokenByOthers(t)
       \/ LeavesAsKThreadSays

-----------------------------------------------------------------------------
\* Wakes of the thread.

\* wake_up_process(K), by a task, or by "other".  In KThread's sleeps and in one of its own a
\* waking is printed; where the thread has perhaps just set its state, it may be.
WakeSays(by) ==
    LET known == thread[K].state \in TASK_NORMAL
        own   == MaySleepIn(thread[K].at) # {}
    IN \/ (known \/ slept[K]) /\ Says("waking", K, by, 0) /\ IsWoken(K)
       \/ ~known /\ ~slept[K] /\ own /\ Says("waking", K, by, 0) /\ IsWoken(K)
       \/ ~known /\ ~slept[K] /\ Quiet /\ Same

\* wake_up_state(K, TASK_PARKED).
UnparkSays(by) ==
    IF LetGo(K).state # thread[K].state THEN Says("waking", K, by, 0) /\ IsWoken(K) ELSE Quiet /\ Same

\* A completion wakes a caller: it sleeps, or it has perhaps just set its state.
CompletesSays(by, t) ==
    \/ Says("waking", t, by, 0) /\ IsWoken(t)
    \/ ~slept[t] /\ Quiet /\ Same

-----------------------------------------------------------------------------
\* The creation.  Of what comes before the fork nothing is recorded.

CreateSteps ==
    \/ Acts(C) /\ CreateRequest(K) /\ Quiet /\ Same
    \/ creator[K].at # "idle" /\ thread[K].at = "none" /\ Quiet /\ Same
       /\ (KthreaddSetState \/ KthreaddTest \/ KthreaddTakes)
    \/ KthreaddForks(K) /\ Says("fork", K, "other", 0) /\ Same
    \/ thread[K].at # "none" /\ Acts(C) /\ CreateWakesKthreadd(K) /\ Quiet /\ Same
    \/ Acts(C) /\ CreateReturnsThread(K) /\ Says("create_ret", K, C, 0) /\ Same
    \/ Acts(C) /\ (CreatorStarts(K) \/ CreatorWakesLate(K)) /\ WakeSays(C)
    \/ Acts(C) /\ CreatorNeverWakes(K) /\ Quiet /\ Same
    \* Anybody else may have been given the thread.
    \/ creator[K].at \in {"created", "finished"} /\ SpuriousWake(K) /\ Says("waking", K, "other", 0) /\ IsWoken(K)

-----------------------------------------------------------------------------
\* The thread.

ThreadSilently ==
    /\ KActs /\ Quiet /\ Same
    /\ \/ Kzalloc(K) \/ TakesRequest(K) \/ SetUninterruptible(K) \/ FirstWakeUp(K) \/ Affine(K) \/ LastTestStop(K)
       \/ ParkSetState(K) \/ FirstParkLeaves(K) \/ FnParkLeaves(K) \/ ParkLeavesUnasked(K)
       \/ FirstParkStays(K) \/ FnParkStays(K) \/ ParkMarks(K) \/ ParkWakeUp(K) \/ CallThreadfn(K) \/ AnyOopses(K)
       \/ AffineWakes(K)
       \/ /\ \E v \in FnValues :
               AnyReturnsValue(K, v) \/ AnyReturnsEintr(K, v) \/ AnyExitsValue(K, v) \/ AnyExitsEintr(K, v)
          /\ (thread'[K].direct /\ ~Era.oops_shows) \/ Left("exit_call", thread'[K].ret)

\* It sleeps where KThread says so.
Blocking(s, asleep) ==
    /\ Quiet
    /\ IF asleep THEN must' = s /\ slept' = [slept EXCEPT ![K] = TRUE] ELSE UNCHANGED <<must, slept>>
    /\ UNCHANGED <<on, late, due>>

ThreadSteps ==
    \/ ThreadSilently
    \/ KActs /\ Announce(K) /\ CompletesSays(K, C)
    \/ KActs /\ FirstSchedule(K) /\ Blocking("D", thread'[K].at = "first_sleep")
    \/ KActs /\ AffineSleeps(K) /\ Blocking("D", TRUE)
    \/ slept[K] /\ AffineWakes(K) /\ Says("waking", K, "other", 0) /\ IsWoken(K)
    \/ KActs /\ LastTestRun(K) /\ Quiet /\ due' = (IF Era.parks THEN "parkme" ELSE "") /\ UNCHANGED <<on, slept, late, must>>
    \/ KActs /\ AnyParkme(K) /\ Left("parkme", 0) /\ Quiet /\ due' = "parkme" /\ UNCHANGED <<on, slept, late, must>>
    \/ KActs /\ (FirstParkComplete(K) \/ FnParkComplete(K))
       /\ (IF \E p \in Parkers : Waits(p) THEN \E p \in Parkers : CompletesSays(K, p) ELSE Quiet /\ Same)
    \/ KActs /\ ParkSchedule(K) /\ Blocking("P", thread'[K].at \in {"parkme_sleep", "fn_parkme_sleep"})
    \/ KActs /\ ExitStore(K) /\ Same
       /\ (IF thread[K].direct /\ ~Era.oops_shows THEN Quiet ELSE Says("exit_call", K, K, thread[K].ret))
    \/ KActs /\ ExitEvent(K) /\ Says("exit", K, K, 0) /\ Same
    \/ KActs /\ ExitCompleteCounts(K)
       /\ IF thread[K].waiters = <<>> THEN Quiet /\ Same
          ELSE Says("waking", Head(thread[K].waiters), K, 0) /\ IsWoken(Head(thread[K].waiters))
    \/ KActs /\ Dies(K) /\ Says("out-X", K, K, 0) /\ on' = [on EXCEPT ![K] = 0] /\ UNCHANGED <<slept, late, must, due>>
    \/ DropsOwnReference(K) /\ Says("free", K, "other", 0) /\ Same

\* What probes on its functions print: the entry of __kthread_parkme(), and what
\* kthread_should_stop() has returned, which it read a moment before.
ThreadSays ==
    /\ UNCHANGED vars
    /\ Acts(K) /\ must = ""
    /\ \/ due = "parkme" /\ Says("parkme", K, K, 0) /\ due' = ""
       \/ due = "no" /\ Says("should_stop", K, K, 0) /\ due' = ""
       \/ due = "yes" /\ Says("should_stop", K, K, 1) /\ due' = ""
       \/ due = "" /\ Left("should_stop", IF thread[K].should_stop THEN 1 ELSE 0) /\ thread[K].at = "fn_any" /\ Quiet
          /\ due' = (IF thread[K].should_stop THEN "yes" ELSE "no")
    /\ UNCHANGED <<on, slept, late, must>>

-----------------------------------------------------------------------------
\* Stops and parks.  kthread_unpark() is a function of its own, and a stop calls it (from 4.10
\* on).

StopSteps(s) ==
    /\ Acts(s)
    /\ \/ StopCall(s) /\ Says("stop", K, s, 0) /\ Same
       \/ (StopGet(s) \/ StopFindsLive(s) \/ StopFindsGoneValue(s) \/ StopFindsGoneEintr(s)
           \/ StopSetBit(s) \/ StopNotify(s)
           \/ StopAwaitValue(s) \/ StopAwaitEintr(s) \/ StopSleeps(s) \/ StopReadsCode(s)) /\ Quiet /\ Same
       \/ StopUnparkLooks(s) /\ Says("unpark", K, s, 0) /\ Same
       \/ (StopUnparkAsked(s) \/ StopUnparkUnasked(s)) /\ Same
          /\ (IF Era.unpark_looks \/ Era.skips_gone THEN Quiet ELSE Says("unpark", K, s, 0))
       \/ StopUnparkWake(s) /\ UnparkSays(s)
       \/ (StopWakeStarts(s) \/ StopWakeLate(s)) /\ WakeSays(s)
       \/ (StopReturnsValue(s) \/ StopReturnsEintr(s) \/ StopReturnsSignal(s) \/ StopReturnsZero(s))
          /\ Says("stop_ret", K, s, stopper[s].ret) /\ Same

ParkSteps1(p) ==
    /\ Acts(p)
    /\ \/ ParkCall(p) /\ Says("park", K, p, 0) /\ Same
       \/ ParkSetBit(p) /\ Quiet /\ Same
       \/ (ParkWakeStarts(p) \/ ParkWakeLate(p)) /\ WakeSays(p)
       \/ ParkReturns(p) /\ Says("park_ret", K, p, 0) /\ Same
       \/ (UnparkLooksAsked(p) \/ UnparkLooksUnasked(p)) /\ Says("unpark", K, p, 0) /\ Same
       \/ UnparkClearBit(p) /\ (IF Era.unpark_looks THEN Quiet ELSE Says("unpark", K, p, 0)) /\ Same
       \/ UnparkWake(p) /\ UnparkSays(p)

\* Steps that say nothing, and that make no difference to what anybody else can do: they go
\* first, so that there are fewer orders to try.
Unnoticed(s) == stopper[s].at \in {"get", "read"} /\ Acts(s)
Newborn      == KActs /\ thread[K].at \in {"kzalloc", "xchg"}
Requested    == creator[K].at # "idle" /\ thread[K].at = "none" /\ kthreadd.at # "fork"

TraceNext ==
    /\ UNCHANGED h
    /\ IF Requested THEN CreateSteps
       ELSE IF Newborn THEN ThreadSilently
       ELSE IF \E s \in Stoppers : Unnoticed(s) THEN \E s \in Stoppers : Unnoticed(s) /\ StopSteps(s)
       ELSE \/ SchedNext
            \/ CreateSteps
            \/ ThreadSteps
            \/ ThreadSays
            \/ \E s \in Stoppers : StopSteps(s)
            \/ \E p \in Parkers : ParkSteps1(p)

TraceSpec == TraceInit /\ [][TraceNext]_tvars

-----------------------------------------------------------------------------
Sum[c \in 0..8] == IF c = 0 THEN 0 ELSE Sum[c - 1] + (IF c \in CPUs THEN pos[c] ELSE 0)
Said == Sum[8]

\* How far a history has been said, for whoever asks where it breaks.
Progress == Said > TLCGet(h) => TLCSet(h, Said) /\ (Said = Log.lines => PrintT(<<"legal", h>>))

\* A history that has been said is left alone.
StillOpen == TLCGet(h) < Log.lines
=============================================================================
