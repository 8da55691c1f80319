// Package traces has the words that all readers and the checker share.
package traces

import (
	"fmt"
)

// A Kind says what an event tells. The kinds from Begin to Exit are the
// actions of printk patterns.
type Kind uint8

const (
	// Begin: the module that prints a pattern set's messages has been loaded;
	// from here on the set is known to be in use.
	Begin        Kind = iota
	Create            // kthread_create returned a thread
	CreateFailed      // kthread_create returned an error
	Wake              // wake_up_process is called or was called
	StopCall          // kthread_stop is about to be called
	StopReturn        // kthread_stop has returned
	Enter             // threadfn has been entered
	Return            // threadfn is about to return
	ParkCall          // kthread_park is about to be called
	ParkReturn        // kthread_park has returned
	Unpark            // kthread_unpark is called or was called
	Exit              // the thread ends itself by do_exit or kthread_exit

	// What tracers see. The tracepoints sched_kthread_stop and
	// sched_kthread_stop_ret are StopCall and StopReturn.
	Fork        // kthreadd has forked the thread (sched_process_fork)
	Woken       // the thread was asleep, and By wakes it (sched_waking; sched_wakeup, where By may be anybody)
	SwitchOut   // the thread leaves its CPU, in State (sched_switch)
	SwitchIn    // the thread gets a CPU (sched_switch)
	ProcessExit // the thread is in do_exit() (sched_process_exit)
	Freed       // the last of the thread is gone (sched_process_free)
	// What probes on functions see; By is the task in whose context.
	ParkMe     // the thread itself is in __kthread_parkme or kthread_parkme
	ExitCall   // the thread itself calls kthread_exit or do_exit, with Code where HasCode
	ShouldStop // the thread's own kthread_should_stop() has returned Code, 0 or 1
	ThreadFn   // the thread's own threadfn has been entered

	KernelReport // a report with the thread's, or another task's, stack: Stack

	Boot  // the kernel's banner: another boot begins
	Loss  // messages were lost here, by the log's own words
	Crash // the kernel reports an oops or a BUG: some task may have died

	Renamed // the thread's name is Thread.Comm from here on (task_rename)

	Cut // of a kernel log: lines were left out here, by tracecheck --shrink

	Blocked // khungtaskd says that Thread waits for a lock that By likely holds; Text: "a mutex likely owned by" (6.15)
)

var kindNames = [...]string{
	"begin", "create", "create-failed", "wake", "stop-call", "stop-return",
	"enter", "return", "park-call", "park-return", "unpark", "exit",
	"fork", "woken", "switch-out", "switch-in", "process-exit", "freed",
	"parkme", "exit-call", "should-stop", "threadfn", "stacked",
	"boot", "loss", "crash", "renamed", "cut", "blocked",
}

// String is the kind as docs and pattern files name it, "stop-call".
func (k Kind) String() string { return kindNames[k] }

// Kinds is a set of kinds.
type Kinds uint32

// Has says whether k is in the set.
func (s Kinds) Has(k Kind) bool { return s&(1<<k) != 0 }

// With is the set and k.
func (s Kinds) With(k Kind) Kinds { return s | 1<<k }

// A Task is a task as a log names it.
type Task struct {
	Comm string // empty where the log has no name
	PID  int    // 0 where the log has no pid
	Addr uint64 // of its task_struct, where a probe printed it; 0 elsewhere
}

// String is the task by its name and pid, "kt[310]", or by what is known of it.
func (t Task) String() string {
	switch {
	case t.PID == 0 && t.Comm == "" && t.Addr != 0:
		return fmt.Sprintf("task %#x", t.Addr)
	case t.PID == 0:
		return t.Comm
	case t.Comm == "":
		return fmt.Sprintf("pid %d", t.PID)
	}
	return fmt.Sprintf("%s[%d]", t.Comm, t.PID)
}

// An Event is one record of a log that says something.
type Event struct {
	Kind    Kind
	Line    int  // 1-based number of the line in its input
	Before  int  // number of the kernel log record before it, 0 where there is none
	Thread  Task // the kernel thread it is about; zero for Begin, Boot, Loss, Crash
	By      Task // the task that does it, zero where the log does not say
	Code    int  // the value returned; meaningful where HasCode
	HasCode bool
	Count   int    // Loss: how many messages were lost, 0 where not known
	Text    string // the message, without stamp and line end
	Kernel  string // Boot: the release, as `uname -r` prints it
	Printed
	// Of tracers' events:
	CPU int // -1 where the trace has none
	Time
	State   byte    // SwitchOut: the letter of the state, of "R+" the R; 0 where its letter has two meanings
	Context Context // whether By itself did it
	Late    bool    // Woken: by sched_wakeup, which another CPU's interrupt may print, after the waking (kernel/sched/core.c ttwu_queue_wakelist)
	Probe   bool    // a probe on Func told it, not a tracepoint
	Func    string  // Probe: the kernel function; of do_exit, Code is its argument, and HasCode is not set, because it depends on the kernel who gets it
	// Since is, of a Loss, the number of the last line before which
	// nothing is missing: the loss may lie anywhere between the two lines, not
	// just before its own. 0: anywhere before.
	Since int
	Stack *Stack
}

// Printed is what is known of a module's message.
type Printed struct {
	Set PatternSet // the set whose pattern matched; nil for all that is no printk of a module's
	// OrNames are the threads that the line would be about if a pattern with
	// less literal text were the right one.
	OrNames []string
}

// A Time is when an event happened.
type Time struct {
	Stamp  int64 // by the trace's Clock; of KernelReport and Blocked: nanoseconds since boot, 0 where the log has no stamps
	Clock  Clock
	Coarse int64 // the step of Stamp in its own units: 1000 where Clock is Nanoseconds and the trace prints microseconds
}

// A PatternSet is a set of printk patterns, by which a module's messages are known.
type PatternSet interface {
	// Shows are the kinds of events for which the set has a message.
	Shows() Kinds
	// Names says whether every message of a kind would name the thread as t does.
	Names(k Kind, t Task) bool
	// Message is what the set would print of a thread, for a person to read; it is
	// empty where the set has no message of the kind. code is nil where no value is
	// known.
	Message(k Kind, thread Task, code *int) string
}

// A Clock says what the stamps of a trace are worth.
type Clock uint8

const (
	NoClock     Clock = iota // lines of a kernel log: their order is what counts
	Nanoseconds              // Stamp counts nanoseconds
	Ticks                    // Stamp counts something else
)

// A Context says whether an event was made by its task, or by an interrupt on
// top of it.
type Context uint8

const (
	UnknownContext Context = iota // the trace does not tell
	TaskContext
	InterruptContext
)
