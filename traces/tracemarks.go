package traces

// A Mark is something in the text of a trace that only some kernels print. It
// is a hint: distributions and vendors carry changes to older kernels (some of
// MediaTek's print success= beside sched_waking). Where two marks contradict
// each other, neither counts, and a release that the user names outranks all.
type Mark struct {
	Name string // what it is, as the trace has it: "group_dead="
	Line int    // of the first line that has it
	// First and Last are the releases that print it, "4.2"; empty where there
	// is no bound.
	First, Last string
	Source      string // where that is known from
}

var (
	groupDeadMark = Mark{
		Name: "group_dead=", First: "6.16",
		Source: "include/trace/events/sched.h sched_process_exit: v6.14 lacks the field, v6.17 has it; the change that adds it moves the event before exit_mm(), which is 6.16",
	}
	successMark = Mark{
		Name: "success=", Last: "4.2",
		Source: "include/trace/events/sched.h sched_wakeup_template: the change that adds sched_waking (fbd705a0c618, 4.3) stops printing it",
	}
	wakingMark = Mark{
		Name: "sched_waking", First: "4.3",
		Source: "include/trace/events/sched.h: added by fbd705a0c618",
	}
	unnamedMark = Mark{
		Name: "child_comm=kthreadd", Last: "6.3",
		Source: "kernel/fork.c copy_process: kernel threads are forked with their name from 6.4 on",
	}
)

// mark notes a mark where it is seen first.
func (t *traceReader) mark(m *Mark, line int) {
	for i := range t.stats.Marks {
		if t.stats.Marks[i].Name == m.Name {
			return
		}
	}
	if m == &wakingMark {
		t.waking = true
	}
	seen := *m
	seen.Line = line
	t.stats.Marks = append(t.stats.Marks, seen)
}

// boot notes the release that a trace names itself, in the header of the option
// latency-format (kernel/trace/trace.c print_trace_header). Another one is another
// machine's trace.
func (t *traceReader) boot(line int, release []byte) {
	if len(release) == 0 || string(release) == t.release {
		return
	}
	t.release = string(release)
	t.emit(Event{Kind: Boot, Line: line, Before: t.stats.LastLine, CPU: -1, Kernel: t.release})
}
