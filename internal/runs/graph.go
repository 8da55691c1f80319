// Package runs makes random legal lives of kernel threads from the mechanism, and holds
// tracecheck's verdicts against what is true of them.
//
// A walk of TLC's state graph of spec/KThread.tla is a behaviour of one thread. A simulated
// machine gives its steps to tasks on CPUs, preempts, puts to sleep and wakes them, and
// writes down what each step shows in a trace. None of that is taken from the checker. In
// a second part one event is changed, and spec/KThreadTrace.tla says whether what is left
// can still have happened.
package runs

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	specgraph "github.com/kthread-tla/tracecheck/spec/graph"
)

// A State is a state of spec/KThread.tla for one thread, as far as a walk needs it. The
// words are the specification's.
type State struct {
	At         string // where the thread is: thread[k].at
	TaskState  byte   // R, D, P or X: thread[k].state
	ShouldStop bool
	Notify     bool   // TIF_NOTIFY_SIGNAL
	Entered    bool   // threadfn was entered
	Woken      bool   // a creator's wake ended the first sleep
	Marked     bool   // KTHREAD_IS_PARKED
	Value      string // what the thread ended with: an int, or empty
	Ret        int    // what do_exit() is called with
	Direct     bool   // by threadfn or an oops
	Unasked    bool   // its end was fixed before any stop was requested
	Creator    string // where the creator is
	Result     int    // of the creation: 0 not yet, 1 a thread, else an errno
	Done       bool   // the creator's completion is complete
	Parked     bool   // kthread->parked is complete
	Callers    [3]Caller
}

// A Caller is a task that calls kthread_stop(), or kthread_park() and kthread_unpark().
type Caller struct {
	At  string
	Ret int
}

// callers are the names of State.Callers in the models.
var callers = [3]string{"s1", "s2", "p1"}

// An edge is a step from a state.
type edge struct {
	to     int
	action string
	actor  Actor
}

// A graph is a state graph of KThread that TLC has dumped. State 0 is the initial one.
type graph struct {
	states []State
	edges  [][]edge
}

// readGraph makes a graph of TLC's dump.
func readGraph(r io.Reader) (*graph, error) {
	g := &graph{}
	numbers := map[string]int{}
	type raw struct {
		from, to, action string
	}
	var raws []raw
	err := specgraph.ScanDot(r, func(id, text string, _ bool) error {
		if _, known := numbers[id]; known {
			return nil
		}
		s, err := readState(text)
		if err != nil {
			return err
		}
		numbers[strings.Clone(id)] = len(g.states)
		g.states = append(g.states, s)
		return nil
	}, func(from, action, to string) error {
		raws = append(raws, raw{from, to, action})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(g.states) == 0 {
		return nil, fmt.Errorf("no states in TLC's dump")
	}
	g.edges = make([][]edge, len(g.states))
	for _, e := range raws {
		from, ok := numbers[e.from]
		to, ok2 := numbers[e.to]
		if !ok || !ok2 {
			return nil, fmt.Errorf("edge %s from a state that is not there", e.action)
		}
		if from == to {
			continue // what changes nothing: AnyWorks, AnyTestFalse
		}
		g.edges[from] = append(g.edges[from], edge{to, e.action, actorOf(e.action, &g.states[from], &g.states[to])})
	}
	return g, nil
}

var letters = map[string]byte{
	"TASK_RUNNING": 'R', "TASK_UNINTERRUPTIBLE": 'D', "TASK_INTERRUPTIBLE": 'S', "TASK_PARKED": 'P', "TASK_DEAD": 'X',
}

// readState reads the text of a state.
func readState(text string) (State, error) {
	text = strings.ReplaceAll(text, "\n", " ")
	part := func(name string) string {
		_, s, _ := strings.Cut(text, `/\ `+name+" = ")
		s, _, _ = strings.Cut(s, `/\ `)
		return s
	}
	thread, creator := part("thread"), part("creator")
	s := State{
		At: field(thread, "at"), TaskState: letters[field(thread, "state")],
		ShouldStop: field(thread, "should_stop") == "TRUE", Notify: field(thread, "notify") == "TRUE",
		Entered: field(thread, "entered") != "0", Woken: field(thread, "woken") == "TRUE",
		Marked: field(thread, "is_parked") == "TRUE", Value: field(thread, "value"), Ret: number(thread, "ret"),
		Direct: field(thread, "direct") == "TRUE", Unasked: field(thread, "unasked") == "TRUE", Parked: field(thread, "parked") != "0",
		Creator: field(creator, "at"), Result: number(creator, "result"), Done: field(creator, "done") != "0",
	}
	if s.Value == "NoValue" {
		s.Value = ""
	}
	for i, name := range callers {
		for _, of := range []string{"stopper", "parker"} {
			if _, rec, ok := strings.Cut(part(of), name+" |-> ["); ok {
				rec, _, _ = strings.Cut(rec, "]")
				s.Callers[i] = Caller{field(rec, "at"), number(rec, "ret")}
			}
		}
	}
	if s.At == "" || s.TaskState == 0 || s.Creator == "" {
		return s, fmt.Errorf("a state that cannot be read: %s", text)
	}
	return s, nil
}

// field is the value of a record's field, without quotes.
func field(rec, name string) string {
	for {
		i := strings.Index(rec, name+" |-> ")
		if i < 0 {
			return ""
		}
		if before := i == 0 || rec[i-1] == ' ' || rec[i-1] == '['; before {
			v := rec[i+len(name)+len(" |-> "):]
			if end := strings.IndexAny(v, ",] "); end >= 0 {
				v = v[:end]
			}
			return strings.Trim(v, `"`)
		}
		rec = rec[i+1:]
	}
}

func number(rec, name string) int {
	n, _ := strconv.Atoi(field(rec, name))
	return n
}
