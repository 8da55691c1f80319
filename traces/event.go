// Package traces has the words that all readers and the checker share.
package traces

import (
	"fmt"
)

// A Kind is the kind of an event. The kinds from Begin to Exit are the actions of printk
// patterns.
type Kind uint8

const (
	// Begin: the module whose messages a pattern set recognises has been loaded; from here
	// on the set is used.
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

	// Tracepoints. sched_kthread_stop and sched_kthread_stop_ret are StopCall and
	// StopReturn.
	Fork        // kthreadd has forked the thread (sched_process_fork)
	Woken       // the thread was asleep, and By wakes it (sched_waking; sched_wakeup, where By may be any task)
	SwitchOut   // the thread leaves its CPU, in State (sched_switch)
	SwitchIn    // the thread gets a CPU (sched_switch)
	ProcessExit // the thread is in do_exit() (sched_process_exit)
	Freed       // the thread is gone: its task_struct is about to be freed (sched_process_free)
	// Probes on functions; By is the task in whose context they hit.
	ParkMe     // the thread itself is in __kthread_parkme or kthread_parkme
	ExitCall   // the thread itself calls kthread_exit or do_exit, with the argument Code where HasCode
	ShouldStop // the thread's own kthread_should_stop() has returned Code, 0 or 1
	ThreadFn   // the thread's own threadfn has been entered

	KernelReport // of the kernel about one task, with its stack: see Stack

	Boot  // another boot begins
	Loss  // messages or events are missing: see Count and Since. With a Thread: events of that alone
	Crash // the kernel reports an oops or a BUG: a task may have died

	Renamed // the thread's name is Thread.Comm from here on (task_rename)

	Cut // kernel logs: tracecheck --shrink has left out Count lines here

	Blocked // khungtaskd, from 6.15 on: Thread waits for a lock that By likely holds; Text: "a mutex likely owned by"

	OwnCall // the thread itself is in a call that only its threadfn makes, such as a kthread_stop of another thread; Text: that event
)

var kindNames = [...]string{
	"begin", "create", "create-failed", "wake", "stop-call", "stop-return",
	"enter", "return", "park-call", "park-return", "unpark", "exit",
	"fork", "woken", "switch-out", "switch-in", "process-exit", "freed",
	"parkme", "exit-call", "should-stop", "threadfn", "stacked",
	"boot", "loss", "crash", "renamed", "cut", "blocked", "own-call",
}

// String is the kind as docs and pattern files name it, "stop-call".
func (k Kind) String() string { return kindNames[k] }

// Own says whether an event of this kind is printed by the thread that it is about, while
// that has a CPU.
func (k Kind) Own() bool {
	switch k {
	case ProcessExit, ParkMe, ExitCall, ShouldStop, ThreadFn:
		return true
	}
	return false
}

// Kinds is a set of kinds.
type Kinds uint32

// Has says whether the set has k.
func (s Kinds) Has(k Kind) bool { return s&(1<<k) != 0 }

// With is the set with k added.
func (s Kinds) With(k Kind) Kinds { return s | 1<<k }

// A Task is a task as a log names it.
type Task struct {
	Comm string // empty where the log has no name
	PID  int    // 0 where the log has no pid
	Addr uint64 // of its task_struct, where a probe printed it; else 0
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

// Same says whether two logs may mean one task. A pid decides: a task keeps it, whereas its
// name may change (up to 6.3 a new thread is called kthreadd until its creator names it).
// Without a pid the names must be equal.
func (t Task) Same(u Task) bool {
	if t.PID != 0 || u.PID != 0 {
		return t.PID == u.PID
	}
	return t == u
}

// An Event is what one record of a log tells about a thread, or about the log itself.
type Event struct {
	Kind    Kind
	Line    int  // 1-based number of the line in its input
	Before  int  // number of the line with the kernel message before it; 0: there is none
	Thread  Task // the kernel thread it is about; zero for Begin, Boot, Crash, Cut, and mostly for Loss
	By      Task // the task that does it; zero: the log does not say
	Code    int  // the value returned; valid where HasCode
	HasCode bool
	Count   int    // Loss, Cut: how many messages, events or lines are missing; 0: not known
	Text    string // the message, without stamp and line end; empty in traces
	Kernel  string // Boot: the release, as `uname -r` prints it
	Printed
	// Of tracers' events:
	CPU int // -1 where the trace has none
	Time
	State   byte    // SwitchOut: the letter of the state, R for "R+"; 0 where the letter has two meanings. Woken, in a life: the state in which the thread had left its CPU; 0: the trace does not show it asleep
	Context Context // whether By itself did it, or an interrupt
	Late    bool    // Woken: from sched_wakeup, which another CPU may print after the waking (kernel/sched/core.c ttwu_queue_wakelist)
	Probe   bool    // from a probe on Func, not from a tracepoint
	// Func is the kernel function of a probe. For do_exit, Code is the argument: it depends on
	// the release whether kthread_stop returns it.
	Func string
	Extent
	Stack *Stack // of a KernelReport; else nil
}

// An Extent says where a Loss may be. It is zero in other events.
type Extent struct {
	// Since: messages or events may be missing anywhere behind line Since and before this
	// line. 0: anywhere before this line.
	Since int
	ToEnd bool // events may be missing behind this line as well, up to the log's end
}

// A Printed says which pattern an event of a module's message comes from. It is zero in
// other events.
type Printed struct {
	Set PatternSet // the set whose pattern matched
	// OrNames are the threads that the message would be about if a pattern with less
	// literal text were the right one.
	OrNames []string
}

// A Time is when an event happened.
type Time struct {
	Stamp  int64 // by the trace's Clock; of KernelReport and Blocked: nanoseconds since boot, 0 where the log has no stamps
	Clock  Clock
	Coarse int64 // the step of Stamp, in the same units: 1000 where the trace prints microseconds
}

// A PatternSet is a set of printk patterns, which recognise a module's messages. printk.Set
// is one.
type PatternSet interface {
	// Shows is the set of kinds for which there is a message.
	Shows() Kinds
	// Names says whether every message of a kind would name the thread as t does.
	Names(k Kind, t Task) bool
	// Message is what the module would print about a thread, for a person to read. It is
	// empty where the set has no message of the kind. code is the value returned; nil: not
	// known.
	Message(k Kind, thread Task, code *int) string
}

// A Clock says what the stamps of a trace count.
type Clock uint8

const (
	NoClock     Clock = iota // kernel logs: the order of the lines is used instead
	Nanoseconds              // Stamp counts nanoseconds
	Ticks                    // Stamp counts something else
)

// A Context says whether the current task has caused an event, or an interrupt on top of
// the task.
type Context uint8

const (
	UnknownContext   Context = iota // the log does not say
	TaskContext                     // the task itself
	InterruptContext                // a hard or soft interrupt, or an NMI
)
