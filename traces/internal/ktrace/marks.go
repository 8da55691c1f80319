package ktrace

import (
	"github.com/kthread-tla/tracecheck/traces"
)

var (
	groupDeadMark = traces.Mark{
		Name: "group_dead=", First: "6.16",
		Source: "include/trace/events/sched.h sched_process_exit: v6.14 lacks the field, v6.17 has it; the change that adds it moves the event before exit_mm(), which is 6.16",
	}
	successMark = traces.Mark{
		Name: "success=", Last: "4.2",
		Source: "include/trace/events/sched.h sched_wakeup_template: the change that adds sched_waking (fbd705a0c618, 4.3) stops printing it",
	}
	wakingMark = traces.Mark{
		Name: "sched_waking", First: "4.3",
		Source: "include/trace/events/sched.h: added by fbd705a0c618",
	}
	unnamedMark = traces.Mark{
		Name: "child_comm=kthreadd", Last: "6.3",
		Source: "kernel/fork.c copy_process: kernel threads are forked with their name from 6.4 on",
	}
)

// mark notes the first line that has a mark.
func (t *Decoder) mark(m *traces.Mark, line int) {
	for i := range t.stats.Marks {
		if t.stats.Marks[i].Name == m.Name {
			return
		}
	}
	if m == &wakingMark {
		t.wakingMarked = true
	}
	seen := *m
	seen.Line = line
	t.stats.Marks = append(t.stats.Marks, seen)
}

// boot emits a Boot for the release that a trace's header names; only that of the option
// latency-format does (kernel/trace/trace.c print_trace_header). Another release is
// another machine's trace.
func (t *Decoder) boot(line int, release []byte) {
	if len(release) == 0 || string(release) == t.release {
		return
	}
	t.release = string(release)
	t.emit(traces.Event{Kind: traces.Boot, Line: line, Before: t.stats.LastLine, CPU: -1, Kernel: t.release})
}
