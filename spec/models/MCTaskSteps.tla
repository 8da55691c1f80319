---------------------------- MODULE MCTaskSteps ----------------------------
(***************************************************************************)
(* KThread with what it leaves out of scheduling: a thread that is on a    *)
(* CPU may be preempted, in whatever state it has set; a wake may come     *)
(* from anyone, at any time; and what it does may come later than its      *)
(* sched_waking.                                                           *)
(*                                                                         *)
(* Why it exists.  Each step is printed, the first time that it is taken,  *)
(* as one of Task and as one of the ties between a thread's phase and its  *)
(* task, which KThreadTask adds to KThreadAPI and Task: a test,            *)
(* spec/tasksteps_test.go, looks them up in the graphs, and has a reason   *)
(* for each edge that nobody takes.                                        *)
(***************************************************************************)
EXTENDS MCScheduled, TLC

VARIABLES
    preempted,  \* the threads that have lost their CPU
    waking      \* the threads that a wake is under way to

stepsVars == <<vars, caller_task, preempted, waking>>

StepsInit == ScheduledInit /\ preempted = {} /\ waking = {}

Place(k) == IF k \in preempted THEN "queued" ELSE On(k)

\* The state of a thread becomes TASK_RUNNING, and it has not moved.
IsWoken(k) ==
    /\ thread[k].state # TASK_RUNNING /\ thread'[k].state = TASK_RUNNING
    /\ thread'[k].at = thread[k].at

\* A step of KThread.  A preempted thread takes none, and a wake that is under way keeps
\* other wakes waiting, and a thread that dies or (see Task's Special) is about to park.
KThreadGoesOn ==
    /\ Next
    /\ \A k \in preempted :
        /\ thread'[k].at = thread[k].at
        /\ thread'[k].state = thread[k].state \/ IsWoken(k)
    /\ \A k \in waking :
        /\ IsWoken(k) => thread[k].at = "fn_any" /\ k \notin preempted  \* it sets its state itself
        /\ thread'[k].at # "dead"
        /\ thread'[k].state = TASK_PARKED => Era.frees_early \/ thread[k].state = TASK_PARKED
    /\ UNCHANGED <<caller_task, preempted, waking>>

Preempted(k) ==
    /\ Place(k) = "cpu"
    /\ preempted' = preempted \cup {k}
    /\ UNCHANGED <<vars, caller_task, waking>>

Resumed(k) ==
    /\ k \in preempted
    /\ preempted' = preempted \ {k}
    /\ UNCHANGED <<vars, caller_task, waking>>

\* wake_up_process() by anyone, of any thread that sleeps or is about to, and kthread_unpark():
\* with its effect at once ...  (See KThreadSpurious for "announce".)
Matches(k) ==
    /\ k \notin waking
    /\ thread[k].at # "announce"
    /\ thread[k].state \in TASK_NORMAL \cup {TASK_PARKED, TASK_FROZEN}

Wakes(k) ==
    /\ thread' = [thread EXCEPT ![k].state = TASK_RUNNING, ![k].woken = @ \/ InFirstSleep(k)]
    /\ UNCHANGED <<kthreadd, creator, stopper, parker, freezing, use_after_free, caller_task, preempted>>

WokenAtOnce(k) == Matches(k) /\ Wakes(k) /\ UNCHANGED waking

\* ... or later.  (One that sleeps is put on a runqueue before anything else happens to it;
\* one that has finished is not followed.)
WakeBegins(k) ==
    /\ Matches(k)
    /\ Place(k) # "asleep"
    /\ LifeLetter(k) # "R"
    /\ waking' = waking \cup {k}
    /\ UNCHANGED <<vars, caller_task, preempted>>

WakeLands(k) == k \in waking /\ waking' = waking \ {k} /\ Wakes(k)

StepsNext ==
    \/ KThreadGoesOn
    \/ \E k \in Threads :
        Preempted(k) \/ Resumed(k) \/ WokenAtOnce(k) \/ WakeBegins(k) \/ WakeLands(k)

StepsSpec == StepsInit /\ [][StepsNext]_stepsVars

-----------------------------------------------------------------------------
\* In the order of the graphs' variables.

TaskStep(k) == <<Place(k), Seen(k), Letter(thread[k].state), k \in waking>>

\* The wake that ends the first sleep has been printed: that is over for its callers.
StepsPhase(k) == IF Phase(k) = "created" /\ k \in waking THEN "started" ELSE Phase(k)

Tie(k) == <<Place(k), StepsPhase(k), Seen(k), LifeLetter(k), k \in waking>>

ASSUME TLCSet(1, {}) /\ TLCSet(2, {})

Once(i, module, from, to) ==
    \/ from = to
    \/ <<from, to>> \in TLCGet(i)
    \/ TLCSet(i, TLCGet(i) \cup {<<from, to>>}) /\ PrintT(ToString(<<module, from, to>>))

\* An action constraint.  It prints, and forbids nothing but that kthreadd, which has
\* nothing to do with a thread any more, waits for others, and that a thread which nobody
\* lets go parks again and again.
Printed ==
    /\ \A k \in Threads : thread'[k].parked <= 1
    /\ (\A k \in Threads : thread[k].at # "none") /\ (kthreadd.at # "sleep" \/ kthreadd.state = TASK_RUNNING)
           => kthreadd' # kthreadd
    /\ \A k \in Threads :
        /\ Once(1, "Task", TaskStep(k), TaskStep(k)')
        /\ Once(2, "KThreadTask", Tie(k), Tie(k)')
=============================================================================
