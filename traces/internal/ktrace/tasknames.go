package ktrace

import (
	"github.com/kthread-tla/tracecheck/traces"
)

// A taskNames has the names of tasks as strings, each once. The zero value is empty.
type taskNames struct {
	strings map[string]string
	byPID   map[int]string // the latest name of each pid, for lines without names
}

// maxNames bounds each of the two maps; a map that is full is emptied.
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

// task is a task as an event's text names it. Until 6.3 a new kernel thread is called
// kthreadd, like its parent, until its creator names it; from 6.4 on it is forked with its
// name (kernel/fork.c copy_process).
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

// ofPID is the name of a task: the one in this line where has is true, else the latest
// one before. It is empty where neither is known.
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

// forget drops the name of a pid: another task has the pid now.
func (n *taskNames) forget(pid int) { delete(n.byPID, pid) }
