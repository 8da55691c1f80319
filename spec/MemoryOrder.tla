---------------------------- MODULE MemoryOrder ----------------------------
(***************************************************************************)
(* Why a kthread_stop() is not lost: the two barriers that KThread takes   *)
(* for granted.                                                            *)
(*                                                                         *)
(*     threadfn                            kthread_stop()                  *)
(*     state = TASK_INTERRUPTIBLE          set KTHREAD_SHOULD_STOP         *)
(*     [barrier: set_current_state()]      [barrier: wake_up_process()]    *)
(*     load KTHREAD_SHOULD_STOP            load the thread's state         *)
(*     clear: schedule()                   TASK_RUNNING: nothing to wake   *)
(*                                                                         *)
(* Each side stores, then loads what the other one stores.  If both loads  *)
(* come before either store is seen, the thread goes to sleep for good.    *)
(*                                                                         *)
(* The memory is x86-TSO: a CPU's stores go into a FIFO buffer of its own, *)
(* its loads see that buffer first, the buffer drains into memory in its   *)
(* own time, and a locked instruction or a full barrier waits until it is  *)
(* empty.  Other architectures reorder more; late stores are all that this *)
(* race needs, so TSO stands for them too, but proves less: what is lost   *)
(* here can be lost there, what holds here is no proof for there.          *)
(*                                                                         *)
(* SBarrier = FALSE is no x86 kernel.  On x86 taking pi_lock is itself a   *)
(* locked instruction, and smp_mb__after_spinlock() adds nothing to it.    *)
(* FALSE removes what the lock drains as well: the waker loads the state   *)
(* as if it took no lock.                                                  *)
(*                                                                         *)
(* There is one waker, so of pi_lock only the barrier is modelled.  2.6.3x *)
(* has the runqueue's lock in its place; the steps are 5.4's.  Left out is *)
(* kthread_unpark(), which 5.4 calls before wake_up_process() (barriers    *)
(* more).                                                                  *)
(*                                                                         *)
(* From 6.1 on (Notifies) there is a second pair:                          *)
(*                                                                         *)
(*     schedule()                          kthread_stop()                  *)
(*     state = TASK_INTERRUPTIBLE          set TIF_NOTIFY_SIGNAL           *)
(*     [barrier: rq_lock(), smp_mb()]      [barrier: wake_up_process()]    *)
(*     signal_pending_state(): pending?    load the thread's state         *)
(*     no: block                           TASK_RUNNING: nothing to wake   *)
(*                                                                         *)
(* Its barrier on the thread's side is the scheduler's own, so it saves a  *)
(* threadfn that uses __set_current_state(), and cannot save it from a     *)
(* waker without a barrier.  kthread_stop() sets the bare flag, and none   *)
(* of what set_notify_signal() does besides: what wakes is the wake.       *)
(*                                                                         *)
(* Sources: kernel/kthread.c and kernel/sched/core.c of Linux 5.4; for     *)
(* Notifies those of 6.1, __schedule() and the comment in it about         *)
(* signal_pending_state(), and include/linux/sched/signal.h.               *)
(***************************************************************************)
EXTENDS Integers, Sequences

CONSTANTS
    KBarrier,  \* TRUE: set_current_state(); FALSE: __set_current_state()
    SBarrier,  \* TRUE: try_to_wake_up() drains before it loads the state
    StopFlag,  \* how kthread_stop() sets its flag, see StopSetBit
    Notifies   \* TRUE: it sets TIF_NOTIFY_SIGNAL too (6.1), in the same way

ASSUME /\ {KBarrier, SBarrier, Notifies} \subseteq BOOLEAN
       /\ StopFlag \in {"plain store", "locked set_bit", "unordered set_bit"}

\* <linux/sched.h>.  TASK_WAKING: taken by a waker, not on a runqueue yet.
TASK_RUNNING       == 0
TASK_INTERRUPTIBLE == 1
TASK_WAKING        == 512

VARIABLES
    memory,   \* the words that the CPUs share
    buffer,   \* [CPUs -> the stores that are not in memory yet, oldest first]
    at,       \* where the thread is
    stopper   \* where the task in kthread_stop() is

vars == <<memory, buffer, at, stopper>>
CPUs == {"thread", "stopper"}

Words == [
    should_stop: 0..1,   \* KTHREAD_SHOULD_STOP
    notify: 0..1,        \* TIF_NOTIFY_SIGNAL
    state: {TASK_RUNNING, TASK_INTERRUPTIBLE, TASK_WAKING},
    on_rq: 0..1,         \* the thread is on a runqueue
    on_cpu: 0..1,        \* a CPU still executes it
    rq_lock: 0..1 ]      \* the runqueue's lock is taken

Stores == [op: {"store", "or"}, word: DOMAIN memory, value: {0, 1, TASK_WAKING}]

TypeOK ==
    /\ memory \in Words
    /\ buffer \in [CPUs -> Seq(Stores)]
    /\ at \in {"fn_set_state", "fn_barrier", "fn_test", "schedule", "schedule_locked",
               "asleep", "fn_return"}
    /\ stopper \in {"set_bit", "notify", "pi_lock", "state", "on_rq", "ttwu_remote",
                    "ttwu_remote_locked", "on_cpu", "ttwu_queue", "ttwu_queue_locked", "wait"}

\* A thread on its CPU, about to go once round the loop of its threadfn.
Init ==
    /\ memory = [should_stop |-> 0, notify |-> 0, state |-> TASK_RUNNING, on_rq |-> 1, on_cpu |-> 1,
                 rq_lock |-> 0]
    /\ buffer = [c \in CPUs |-> <<>>]
    /\ at = "fn_set_state"
    /\ stopper = "set_bit"

-----------------------------------------------------------------------------
\* The machine.

Store(word, value) == [op |-> "store", word |-> word, value |-> value]
Or(word, bit)      == [op |-> "or", word |-> word, value |-> bit]

\* What a store does to memory.  An Or is read, modified and written in one.
Apply(m, s) == [m EXCEPT ![s.word] = IF s.op = "or" /\ @ = 1 THEN 1 ELSE s.value]

RECURSIVE ApplyAll(_, _)
ApplyAll(m, q) == IF q = <<>> THEN m ELSE ApplyAll(Apply(m, Head(q)), Tail(q))

\* A load sees its own CPU's stores, and of another's those that are in memory.
Load(c, word) == ApplyAll(memory, buffer[c])[word]

\* Plain stores, in program order.
Buffered(c, stores) ==
    buffer' = [buffer EXCEPT ![c] = @ \o stores] /\ UNCHANGED memory

NoStore == UNCHANGED <<memory, buffer>>
Barrier(c) == buffer[c] = <<>> /\ NoStore   \* a full one

\* A locked instruction stores past the buffer, which is empty by then.
Locked(c, word, value) ==
    /\ buffer[c] = <<>> /\ UNCHANGED buffer
    /\ memory' = [memory EXCEPT ![word] = value]

TakesRqLock(c) == memory.rq_lock = 0 /\ Locked(c, "rq_lock", 1)
RqUnlock == Store("rq_lock", 0)   \* spin_unlock() is a plain store

\* A CPU's oldest store reaches memory.
Drain(c) ==
    /\ buffer[c] # <<>>
    /\ buffer' = [buffer EXCEPT ![c] = Tail(@)]
    /\ memory' = Apply(memory, Head(buffer[c]))

ThreadDrains == Drain("thread") /\ UNCHANGED <<at, stopper>>
StopDrains   == Drain("stopper") /\ UNCHANGED <<at, stopper>>

-----------------------------------------------------------------------------
\* The thread: a cooperative threadfn, the same as in KThread.

ThreadGoes(from, to) == at = from /\ at' = to /\ UNCHANGED stopper

\* threadfn: the store of set_current_state(TASK_INTERRUPTIBLE).  It is all that
\* __set_current_state() does.
FnSetState ==
    /\ ThreadGoes("fn_set_state", IF KBarrier THEN "fn_barrier" ELSE "fn_test")
    /\ Buffered("thread", <<Store("state", TASK_INTERRUPTIBLE)>>)

\* threadfn: the barrier of set_current_state(), which is smp_store_mb().
FnBarrier == ThreadGoes("fn_barrier", "fn_test") /\ Barrier("thread")

\* threadfn: kthread_should_stop() says no.
FnTestFalse ==
    Load("thread", "should_stop") = 0 /\ ThreadGoes("fn_test", "schedule") /\ NoStore

\* threadfn: kthread_should_stop() says yes; __set_current_state(TASK_RUNNING).
FnTestTrue ==
    /\ Load("thread", "should_stop") = 1
    /\ ThreadGoes("fn_test", "fn_return")
    /\ Buffered("thread", <<Store("state", TASK_RUNNING)>>)

\* __schedule(): rq_lock().  A full barrier, but one that comes too late for a
\* threadfn without its own: after it the state is loaded again, the flag not.
ScheduleLocks == ThreadGoes("schedule", "schedule_locked") /\ TakesRqLock("thread")

\* __schedule(): prev->state is TASK_RUNNING, a wake has come in between.
ScheduleRunsOn ==
    /\ Load("thread", "state") = TASK_RUNNING
    /\ ThreadGoes("schedule_locked", "fn_set_state")
    /\ Buffered("thread", <<RqUnlock>>)

\* __schedule(): it is not, but signal_pending_state() says that a signal is
\* pending, which an interruptible sleep does not begin with: TASK_RUNNING.
ScheduleSeesSignal ==
    /\ Load("thread", "state") # TASK_RUNNING
    /\ Load("thread", "notify") = 1
    /\ ThreadGoes("schedule_locked", "fn_set_state")
    /\ Buffered("thread", <<Store("state", TASK_RUNNING), RqUnlock>>)

\* __schedule(): neither; deactivate_task(), then the switch, at the end of
\* which finish_task() clears on_cpu.
ScheduleBlocks ==
    /\ Load("thread", "state") # TASK_RUNNING
    /\ Load("thread", "notify") = 0
    /\ ThreadGoes("schedule_locked", "asleep")
    /\ Buffered("thread", <<Store("on_rq", 0), Store("on_cpu", 0), RqUnlock>>)

\* __schedule() on the CPU that picks the woken thread.  It picks under the
\* runqueue's lock, so the old CPU has stored all; it may be the same CPU.
FnWakeUp ==
    /\ ThreadGoes("asleep", "fn_set_state")
    /\ memory.on_rq = 1 /\ memory.rq_lock = 0
    /\ Locked("thread", "on_cpu", 1)

ThreadNext ==
    \/ FnSetState \/ FnBarrier \/ FnTestFalse \/ FnTestTrue
    \/ ScheduleLocks \/ ScheduleRunsOn \/ ScheduleSeesSignal \/ ScheduleBlocks \/ FnWakeUp

-----------------------------------------------------------------------------
\* The stopper: set_bit(), wake_up_process(), wait_for_completion().

StopperGoes(from, to) == stopper = from /\ stopper' = to /\ UNCHANGED at

\* A flag, in one of the ways that StopFlag can be.
SetFlag(word) ==
    CASE StopFlag = "plain store"       -> Buffered("stopper", <<Store(word, 1)>>)
      [] StopFlag = "locked set_bit"    -> Locked("stopper", word, 1)
      [] StopFlag = "unordered set_bit" -> Buffered("stopper", <<Or(word, 1)>>)

AfterFlags == IF SBarrier THEN "pi_lock" ELSE "state"

\* kthread_stop(): the flag.  2.6.3x stores an int.  set_bit() on x86 is a
\* "lock or", which drains; on arm64 or powerpc it is atomic but orders nothing,
\* so it waits in the buffer like a store.  (Nobody else writes the word in this
\* model, so these two differ in name alone.)
StopSetBit ==
    /\ StopperGoes("set_bit", IF Notifies THEN "notify" ELSE AfterFlags)
    /\ SetFlag("should_stop")

\* kthread_stop(), from 6.1 on: set_tsk_thread_flag(k, TIF_NOTIFY_SIGNAL), which
\* is a set_bit() too.
StopNotify == StopperGoes("notify", AfterFlags) /\ SetFlag("notify")

\* try_to_wake_up(): pi_lock is taken, smp_mb__after_spinlock().
WakeLocks == StopperGoes("pi_lock", "state") /\ Barrier("stopper")

\* try_to_wake_up(): if (!(p->state & state)) goto unlock.
WakeTestsState ==
    /\ StopperGoes("state", IF Load("stopper", "state") = TASK_INTERRUPTIBLE
                            THEN "on_rq" ELSE "wait")
    /\ NoStore

\* try_to_wake_up(): p->on_rq says whether the thread has left the runqueue.
WakeTestsOnRq ==
    /\ StopperGoes("on_rq", IF Load("stopper", "on_rq") = 1 THEN "ttwu_remote" ELSE "on_cpu")
    /\ NoStore

\* ttwu_remote(): __task_rq_lock() ...
WakeRemoteLocks == StopperGoes("ttwu_remote", "ttwu_remote_locked") /\ TakesRqLock("stopper")

\* ... and TASK_RUNNING is all it takes, unless the thread has left meanwhile.
WakeRemote ==
    LET queued == Load("stopper", "on_rq") = 1 IN
    /\ StopperGoes("ttwu_remote_locked", IF queued THEN "wait" ELSE "on_cpu")
    /\ Buffered("stopper", IF queued THEN <<Store("state", TASK_RUNNING), RqUnlock>>
                                     ELSE <<RqUnlock>>)

\* try_to_wake_up(): smp_cond_load_acquire(&p->on_cpu, !VAL), TASK_WAKING.
WakeWaitsForSwitch ==
    /\ Load("stopper", "on_cpu") = 0
    /\ StopperGoes("on_cpu", "ttwu_queue")
    /\ Buffered("stopper", <<Store("state", TASK_WAKING)>>)

\* ttwu_queue(): rq_lock() ...
WakeQueueLocks == StopperGoes("ttwu_queue", "ttwu_queue_locked") /\ TakesRqLock("stopper")

\* ... activate_task(), TASK_RUNNING, rq_unlock().
WakeQueue ==
    /\ StopperGoes("ttwu_queue_locked", "wait")
    /\ Buffered("stopper", <<Store("on_rq", 1), Store("state", TASK_RUNNING), RqUnlock>>)

\* All that follows the flag, up to wait_for_completion(), where it wakes nobody.
WakeNext ==
    \/ StopNotify \/ WakeLocks \/ WakeTestsState \/ WakeTestsOnRq \/ WakeRemoteLocks \/ WakeRemote
    \/ WakeWaitsForSwitch \/ WakeQueueLocks \/ WakeQueue

-----------------------------------------------------------------------------

Next == ThreadNext \/ StopSetBit \/ WakeNext \/ ThreadDrains \/ StopDrains

Spec == Init /\ [][Next]_vars

\* Who can go on does, and no store stays in a buffer for ever.  That anybody
\* stops the thread is not promised.
FairSpec ==
    /\ Spec /\ WF_vars(ThreadNext) /\ WF_vars(WakeNext)
    /\ WF_vars(ThreadDrains) /\ WF_vars(StopDrains)

\* The thread sleeps off the runqueue, the flag is there for all to see, who set
\* it has done its wake, and nothing is under way in any buffer.
LostStop ==
    /\ at = "asleep" /\ memory.on_rq = 0 /\ stopper = "wait" /\ memory.should_stop = 1
    /\ \A c \in CPUs : buffer[c] = <<>>

NoLostStop == ~LostStop

\* Nothing else brings the two to a halt, except that both are done ...
NoOtherHalt == ENABLED Next \/ LostStop \/ (at = "fn_return" /\ stopper = "wait")

\* ... so where no stop is lost, every stop is seen.
StopIsSeen == stopper # "set_bit" ~> at = "fn_return"
=============================================================================
