// Package traces reads logs and turns them into events. It knows formats, and
// nothing of what a kernel thread may do.
package traces

import "fmt"

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

	Boot  // the kernel's banner: another boot begins
	Loss  // messages were lost here, by the log's own words
	Crash // the kernel reports an oops or a BUG: some task may have died
)

var kindNames = [...]string{
	"begin", "create", "create-failed", "wake", "stop-call", "stop-return",
	"enter", "return", "park-call", "park-return", "unpark", "exit",
	"boot", "loss", "crash",
}

func (k Kind) String() string { return kindNames[k] }

// patternKind is the kind that a pattern file calls name.
func patternKind(name string) (Kind, bool) {
	for k := Begin; k <= Exit; k++ {
		if kindNames[k] == name {
			return k, true
		}
	}
	return 0, false
}

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
}

func (t Task) String() string {
	switch {
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
	// OrNames are the threads that the line would be about if a pattern with
	// less literal text were the right one.
	OrNames []string
	Set     *Patterns // the set whose pattern matched; nil for Boot, Loss, Crash
}

// A Diagnostic is something in an input that could not be used.
type Diagnostic struct {
	Line    int // 1-based; 0: the input as a whole
	Message string
}

// Stats counts what a reader has seen of one input.
type Stats struct {
	Lines       int          // lines of any kind
	KernelLines int          // lines that are kernel log records
	LastLine    int          // number of the last kernel log record that is complete, 0: none
	Events      int          // events that speak of a kernel thread
	Lost        int          // messages lost, by the log's own count
	Diagnostics []Diagnostic // the first MaxDiagnostics of them
	Unusable    int          // how many diagnostics there were in all
}

// MaxDiagnostics bounds the diagnostics that are kept, not those that are
// counted.
const MaxDiagnostics = 20

func (s *Stats) diagnose(line int, format string, args ...any) {
	s.Unusable++
	if len(s.Diagnostics) < MaxDiagnostics {
		s.Diagnostics = append(s.Diagnostics, Diagnostic{line, fmt.Sprintf(format, args...)})
	}
}
