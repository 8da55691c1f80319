package checker

import "github.com/kthread-tla/tracecheck/traces"

// An Actor is who does an action.
type Actor string

const (
	Creator Actor = "creator"
	Stopper Actor = "stopper"
	Thread  Actor = "thread"
)

// An Action describes one action of spec/KThreadAPI.tla to a person. Which
// action may follow which is not said here: that is in the state graph alone.
type Action struct {
	Name  string
	By    Actor
	Calls string // what the caller does; empty for the thread's own actions
	Does  string // what the thread does, or what becomes of it
	Where string // the kernel function, as of Linux 5.4
}

// Actions are all actions of the specification, in the order of a life.
var Actions = []Action{
	{"Create", Creator, "kthread_create", "announced, in its first sleep (D)", "kernel/kthread.c kthread"},
	{"CreateFail", Creator, "kthread_create returns an error", "", "kernel/kthread.c create_kthread"},
	{"Wake", Creator, "wake_up_process", "runnable", "kernel/sched/core.c try_to_wake_up"},
	{"StopRequest", Stopper, "kthread_stop: set SHOULD_STOP, wake", "", "kernel/kthread.c kthread_stop"},
	{"DecideRun", Thread, "", "last test: no stop, threadfn is next", "kernel/kthread.c kthread"},
	{"DecideNotRun", Thread, "", "last test: should stop, -EINTR, threadfn never called", "kernel/kthread.c kthread"},
	{"Enter", Thread, "", "threadfn entered", "kernel/kthread.c kthread"},
	{"Work", Thread, "", "threadfn runs", "the module"},
	{"TestFalse", Thread, "", "kthread_should_stop() is false", "kernel/kthread.c kthread_should_stop"},
	{"TestTrue", Thread, "", "kthread_should_stop() is true", "kernel/kthread.c kthread_should_stop"},
	{"ReturnValue", Thread, "", "threadfn returns", "kernel/kthread.c kthread"},
	{"ReturnEintr", Thread, "", "threadfn itself returns -EINTR", "kernel/kthread.c kthread"},
	{"ExitValue", Thread, "", "threadfn calls do_exit()", "kernel/exit.c do_exit"},
	{"ExitEintr", Thread, "", "threadfn calls do_exit(-EINTR)", "kernel/exit.c do_exit"},
	{"Oops", Thread, "", "oops in threadfn", "kernel/exit.c do_exit"},
	{"Finish", Thread, "", "do_exit: exit_code stored, complete(exited)", "kernel/fork.c mm_release"},
	{"StopReturnValue", Stopper, "kthread_stop returns the exit code", "", "kernel/kthread.c kthread_stop"},
	{"StopReturnEintr", Stopper, "kthread_stop returns -EINTR (-4)", "", "kernel/kthread.c kthread_stop"},
}

func describe(name string) Action {
	for _, a := range Actions {
		if a.Name == name {
			return a
		}
	}
	return Action{Name: name, By: Thread, Does: name}
}

// shown says which actions a message of each kind is about.
var shown = map[traces.Kind][]string{
	traces.Create:       {"Create"},
	traces.CreateFailed: {"CreateFail"},
	traces.Wake:         {"Wake"},
	traces.StopCall:     {"StopRequest"},
	traces.StopReturn:   {"StopReturnValue", "StopReturnEintr"},
	traces.Enter:        {"Enter"},
	traces.Return:       {"ReturnValue", "ReturnEintr"},
	traces.Exit:         {"ExitValue", "ExitEintr"},
}

// silent are the kinds whose absence says something, in a set that is known to
// be in use. Their message comes before the action (stop-call, return), so
// that an action without one has not happened; or the same task's next step
// proves that it would have come (enter, stop-return). A creator's messages
// come at a time of its own: that none was seen says nothing.
var silent = map[traces.Kind][]string{
	traces.StopCall:   shown[traces.StopCall],
	traces.StopReturn: shown[traces.StopReturn],
	traces.Enter:      shown[traces.Enter],
	// A module that announces every end of its threadfn announces that too.
	traces.Return: {"ReturnValue", "ReturnEintr", "ExitValue", "ExitEintr"},
}

// eintr is -EINTR, the value of a thread whose threadfn was never called
// (kernel/kthread.c kthread: ret = -EINTR).
const eintr = -4

// coded are the actions of a kind that agree with a value that was seen.
func coded(kind traces.Kind, code int) []string {
	names := shown[kind]
	if code == eintr {
		return names[1:]
	}
	return names[:1]
}
