package traces

import (
	"fmt"
)

// FormatTracepoint is how traces show an event, as far as all of them do it alike: a
// tracepoint's name and fields, or a probe's function. What is not known is "…".
func (e *Event) FormatTracepoint() string {
	pid := "pid=…"
	if e.Thread.PID != 0 {
		pid = fmt.Sprintf("pid=%d", e.Thread.PID)
	}
	task := pid
	if e.Thread.Comm != "" {
		task = "comm=" + e.Thread.Comm + " " + pid
	}
	ret := "…"
	if e.HasCode {
		ret = fmt.Sprint(e.Code)
	}
	switch e.Kind {
	case StopCall:
		return "sched_kthread_stop: " + task
	case StopReturn:
		return "sched_kthread_stop_ret: ret=" + ret
	case ParkCall:
		return "kthread_park() of " + e.Thread.String()
	case ParkReturn:
		return "kthread_park() returns " + ret
	case Unpark:
		return "kthread_unpark() of " + e.Thread.String()
	case Woken:
		return "sched_waking: " + task
	case SwitchOut:
		state := "…"
		if e.State != 0 {
			state = string(e.State)
		}
		return "sched_switch: prev_" + pid + " prev_state=" + state
	case ProcessExit:
		return "sched_process_exit: " + task
	case Freed:
		return "sched_process_free: " + task
	case ParkMe:
		return "kthread_parkme() in " + e.Thread.String()
	case ExitCall:
		fn := e.Func
		if fn == "" {
			fn = "kthread_exit"
		}
		return fn + "(" + ret + ") in " + e.Thread.String()
	case ShouldStop:
		return "kthread_should_stop() returns " + ret + " in " + e.Thread.String()
	case ThreadFn:
		return "threadfn entered in " + e.Thread.String()
	}
	return e.Kind.String()
}
