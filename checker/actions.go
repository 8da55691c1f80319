package checker

import (
	"slices"
	"strings"

	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
)

// An Actor is who does an action.
type Actor string

const (
	Creator Actor = "creator"
	Stopper Actor = "stopper"
	Parker  Actor = "parker"
	Thread  Actor = "thread"
)

// An Action describes one action of spec/KThreadAPI.tla to a person. Which
// action may follow which is not said here: that is in the state graph alone.
type Action struct {
	Name  string
	By    Actor
	Calls string // what the caller does; empty for the thread's own actions
	Does  string // what the thread does, or what becomes of it; both empty: not worth a line
	Where string // the kernel function
}

// Actions are all actions of the specification, in the order of a life.
var Actions = []Action{
	{"Create", Creator, "kthread_create", "announced, in its first sleep (D)", "kernel/kthread.c kthread"},
	{"CreateFail", Creator, "kthread_create returns an error", "", "kernel/kthread.c create_kthread"},
	{"Wake", Creator, "wake_up_process", "runnable", "kernel/sched/core.c try_to_wake_up"},
	{"WakeLater", Creator, "wake_up_process", "", "kernel/sched/core.c try_to_wake_up"},
	{"StopRequest", Stopper, "kthread_stop: set SHOULD_STOP", "", "kernel/kthread.c kthread_stop"},
	{"StopWake", Stopper, "kthread_stop: wake_up_process", "runnable", "kernel/kthread.c kthread_stop"},
	{"ParkRequest", Parker, "kthread_park: set SHOULD_PARK", "", "kernel/kthread.c kthread_park"},
	{"ParkWake", Parker, "kthread_park: wake_up_process", "runnable", "kernel/kthread.c kthread_park"},
	{"ParkReturn", Parker, "kthread_park returns 0", "", "kernel/kthread.c kthread_park"},
	{"ParkBusy", Parker, "kthread_park returns -EBUSY", "", "kernel/kthread.c kthread_park"},
	{"ParkAlready", Parker, "kthread_park: parked already, returns 0", "", "kernel/kthread.c kthread_park"},
	{"ParkGone", Parker, "kthread_park returns -ENOSYS", "", "kernel/kthread.c kthread_park"},
	{"Unpark", Parker, "kthread_unpark", "", "kernel/kthread.c kthread_unpark"},
	{"StopUnpark", Stopper, "kthread_stop: kthread_unpark", "", "kernel/kthread.c kthread_stop"},
	{"DecideRun", Thread, "", "last test: no stop, threadfn is next", "kernel/kthread.c kthread"},
	{"DecideNotRun", Thread, "", "last test: should stop, -EINTR, threadfn never called", "kernel/kthread.c kthread"},
	{"HoldUnasked", Thread, "", "", "kernel/kthread.c __kthread_parkme"}, // nothing to tell: threadfn is next as before
	{"HoldAsked", Thread, "", "should park, before threadfn", "kernel/kthread.c __kthread_parkme"},
	{"Hold", Thread, "", "parked before threadfn, complete(parked)", "kernel/kthread.c __kthread_parkme"},
	{"HoldEnd", Thread, "", "unparked, threadfn is next", "kernel/kthread.c __kthread_parkme"},
	{"Enter", Thread, "", "threadfn entered", "kernel/kthread.c kthread"},
	{"Work", Thread, "", "threadfn runs", "the module"},
	{"TestFalse", Thread, "", "kthread_should_stop() is false", "kernel/kthread.c kthread_should_stop"},
	{"TestTrue", Thread, "", "kthread_should_stop() is true", "kernel/kthread.c kthread_should_stop"},
	{"ParkAsked", Thread, "", "kthread_parkme(): should park", "kernel/kthread.c __kthread_parkme"},
	{"Park", Thread, "", "parked, complete(parked)", "kernel/kthread.c __kthread_parkme"},
	{"ParkEnd", Thread, "", "unparked, threadfn goes on", "kernel/kthread.c __kthread_parkme"},
	{"ReturnValue", Thread, "", "threadfn returns", "kernel/kthread.c kthread"},
	{"ReturnEintr", Thread, "", "threadfn itself returns -EINTR", "kernel/kthread.c kthread"},
	{"ExitValue", Thread, "", "threadfn calls do_exit()", "kernel/exit.c do_exit"},
	{"ExitEintr", Thread, "", "threadfn calls do_exit(-EINTR)", "kernel/exit.c do_exit"},
	{"Oops", Thread, "", "oops in threadfn", "kernel/exit.c do_exit"},
	{"Finish", Thread, "", "do_exit: exit_code stored, complete(exited)", "kernel/fork.c mm_release"},
	{"StopReturnValue", Stopper, "kthread_stop returns the exit code", "", "kernel/kthread.c kthread_stop"},
	{"StopReturnEintr", Stopper, "kthread_stop returns -EINTR (-4)", "", "kernel/kthread.c kthread_stop"},
	{"StopSkipValue", Stopper, "kthread_stop: thread gone, returns its exit code", "", "kernel/kthread.c kthread_stop"},
	{"StopSkipEintr", Stopper, "kthread_stop: thread gone, returns -EINTR (-4)", "", "kernel/kthread.c kthread_stop"},
}

// taskActions are the actions of spec/KThreadTask.tla besides: what the scheduler does with
// the thread. A step of them is worth a line only where the log shows it.
var taskActions = []Action{
	{"Forked", Creator, "kthreadd forks", "forked", "kernel/fork.c copy_process"},
	{"WokenNew", Creator, "", "on a runqueue for the first time", "kernel/sched/core.c wake_up_new_task"},
	{"WakeEarly", Thread, "", "woken, before it is announced", "kernel/sched/core.c try_to_wake_up"},
	{"SwitchIn", Thread, "", "gets a CPU", "kernel/sched/core.c __schedule"},
	{"WakesAnother", Thread, "", "wakes another task", "kernel/sched/completion.c complete"},
	{"SetState", Thread, "", "sets its state", "include/linux/sched.h set_current_state"},
	{"SwitchOutD", Thread, "", "goes to sleep (D)", "kernel/sched/core.c __schedule"},
	{"SwitchOutR", Thread, "", "leaves its CPU (R)", "kernel/sched/core.c __schedule"},
	{"SwitchOutS", Thread, "", "goes to sleep (S)", "kernel/sched/core.c __schedule"},
	{"SwitchOutI", Thread, "", "goes to sleep (I)", "kernel/sched/core.c __schedule"},
	{"SwitchOutP", Thread, "", "goes to sleep (P)", "kernel/sched/core.c __schedule"},
	{"SwitchOutT", Thread, "", "stopped (T)", "kernel/sched/core.c __schedule"},
	{"Preempted", Thread, "", "preempted", "kernel/sched/core.c __schedule"},
	{"WakeLands", Thread, "", "runnable", "kernel/sched/core.c try_to_wake_up"},
	{"SwitchOutPending", Thread, "", "a signal keeps it from sleep (S)", "kernel/sched/core.c __schedule"},
	{"StopWakeLater", Stopper, "kthread_stop: wake_up_process", "runnable", "kernel/kthread.c kthread_stop"},
	{"StopWakesNothing", Stopper, "kthread_stop: wake_up_process", "does not sleep", "kernel/kthread.c kthread_stop"},
	{"ParkWakeLater", Parker, "kthread_park: wake_up_process", "runnable", "kernel/kthread.c kthread_park"},
	{"ParkWakesNothing", Parker, "kthread_park: wake_up_process", "does not sleep", "kernel/kthread.c kthread_park"},
	{"UnparkWake", Parker, "kthread_unpark: wake_up_state", "runnable", "kernel/kthread.c kthread_unpark"},
	{"UnparkWakesNothing", Parker, "kthread_unpark: wake_up_state", "is not parked", "kernel/kthread.c kthread_unpark"},
	{"ProcessExit", Thread, "", "sched_process_exit", "kernel/exit.c do_exit"},
	{"Died", Thread, "", "dies", "kernel/sched/core.c do_task_dead"},
	{"Freed", Thread, "", "freed", "kernel/exit.c delayed_put_task_struct"},
	{"PidReuse", Thread, "", "its pid is given to another task", "kernel/fork.c copy_process"},
	{"Frozen", Thread, "", "frozen", "kernel/freezer.c freeze_task"},
	{"Thawed", Thread, "", "thawed", "kernel/freezer.c __thaw_task"},
}

// actionNames are the names of all actions of the graphs.
func actionNames() (names []string) {
	for _, a := range Actions {
		names = append(names, a.Name)
	}
	for _, a := range taskActions {
		names = append(names, a.Name)
	}
	return names
}

// ofTask says whether an action is what the scheduler does with the thread.
func (a *Action) ofTask() bool { return position(a.Name) < 0 }

func position(name string) int {
	return slices.IndexFunc(Actions, func(a Action) bool { return a.Name == name })
}

func describe(name string) Action {
	if i := position(name); i >= 0 {
		return Actions[i]
	}
	if i := slices.IndexFunc(taskActions, func(a Action) bool { return a.Name == name }); i >= 0 {
		return taskActions[i]
	}
	return Action{Name: name, By: Thread, Does: name}
}

// shown says which actions a message of each kind is about.
var shown = map[traces.Kind][]string{
	traces.Create:       {"Create"},
	traces.CreateFailed: {"CreateFail"},
	traces.Wake:         {"Wake", "WakeLater"},
	traces.StopCall:     {"StopRequest", "StopSkipValue", "StopSkipEintr"}, // the last two: it looks, and the thread has gone
	traces.StopReturn:   model.StopReturns,
	traces.Enter:        {"Enter"},
	traces.Return:       {"ReturnValue", "ReturnEintr"},
	traces.Exit:         {"ExitValue", "ExitEintr"},
	traces.ParkCall:     {"ParkRequest", "ParkBusy", "ParkAlready", "ParkGone"},
	traces.ParkReturn:   {"ParkReturn", "ParkBusy", "ParkAlready", "ParkGone"},
	traces.Unpark:       {"Unpark"},
}

// silent has the kinds whose missing message proves something, if the pattern set is
// known to be in use, each with the actions that then have not happened. The message of a
// stop-call or a return is printed before its action: no message, no action. The message
// of an enter or a stop-return is printed after its action, but before the same task's
// next step. A creator prints at any time, so its missing message proves nothing.
var silent = map[traces.Kind][]string{
	traces.StopCall:   shown[traces.StopCall],
	traces.ParkCall:   {"ParkRequest"},
	traces.StopReturn: shown[traces.StopReturn],
	traces.Enter:      shown[traces.Enter],
	// A module that prints a message before every return prints one before an exit too.
	traces.Return: {"ReturnValue", "ReturnEintr", "ExitValue", "ExitEintr"},
}

// eintr is -EINTR, the value of a thread whose threadfn was never called
// (kernel/kthread.c kthread: ret = -EINTR).
const eintr = -4

// coded returns the actions of a kind that agree with an observed exit code. The actions
// whose names end in Eintr are for -EINTR, the others for every other code.
func coded(m *model.Machine, kind traces.Kind, code int) (actions model.ActionSet) {
	for _, n := range shown[kind] {
		if strings.HasSuffix(n, "Eintr") == (code == eintr) {
			actions |= m.Actions(n)
		}
	}
	return actions
}

// findEnding returns the kinds of messages after whose actions threadfn does not run again, in
// the state graph of any era that may be the log's.
func (c *Checker) findEnding() (ending traces.Kinds) {
	eras := c.printed
	if c.only != nil {
		eras = func() []*eraChecker { return c.eras(graph.KThreadAPI, *c.only) }
	}
	runs := func(names []string) bool {
		return slices.ContainsFunc(eras(), func(r *eraChecker) bool {
			after := r.m.Actions(names...)
			return after == 0 || r.m.Recurs("Work", after)
		})
	}
	for kind, actions := range shown {
		if !runs(actions) {
			ending = ending.With(kind)
		}
	}
	return ending
}
