package ktrace

import (
	"github.com/kthread-tla/tracecheck/traces"
)

// taskNames makes strings of tasks' names, each once for all lines. Its zero value has
// none.
type taskNames struct {
	strings map[string]string
	byPID   map[int]string // of tasks of which a line has only the pid
}

// maxNames bounds the names that are kept; a log with more starts anew.
const maxNames = 1 << 14

// intern is a name as a string.
func (n *taskNames) intern(b []byte) string {
	if s, ok := n.strings[string(b)]; ok {
		return s
	}
	if n.strings == nil {
		n.strings = make(map[string]string)
	}
	if len(n.strings) >= maxNames {
		clear(n.strings)
	}
	s := string(b)
	n.strings[s] = s
	return s
}

// task is a task as an event's text names it. A new kernel thread is called
// kthreadd, like its parent, until somebody gives it its name (to 6.3 the
// creator; from 6.4 on it is forked with it).
func (n *taskNames) task(comm []byte, pid int) traces.Task {
	switch string(comm) {
	case "<...>", ":-1":
		return traces.Task{PID: pid}
	case "kthreadd":
		if pid != 2 {
			return traces.Task{PID: pid}
		}
	}
	return traces.Task{Comm: n.intern(comm), PID: pid}
}

// ofPID is the name of a task: the one that this line has, if any, or the latest
// before.
func (n *taskNames) ofPID(pid int, name []byte, has bool) string {
	if !has {
		return n.byPID[pid]
	}
	task := n.task(name, pid)
	if task.Comm == "" {
		return n.byPID[pid]
	}
	if old, ok := n.byPID[pid]; !ok || old != task.Comm {
		if n.byPID == nil {
			n.byPID = make(map[int]string)
		}
		if len(n.byPID) >= maxNames {
			clear(n.byPID)
		}
		n.byPID[pid] = task.Comm
	}
	return task.Comm
}

// forget is for a pid that another task has got.
func (n *taskNames) forget(pid int) { delete(n.byPID, pid) }
