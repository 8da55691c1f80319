package traces

// A Mark is something in the text of a trace that only some kernels print.
type Mark struct {
	Name string // what it is, as the trace has it: "group_dead="
	Line int    // of the first line that has it
	// First and Last are the releases that print it, "2.6.33"; empty where
	// there is no bound. Distributions carry changes to older kernels: a mark is
	// a hint, and a release that the user names outranks it.
	First, Last string
	Source      string // where that is known from
}

var (
	groupDeadMark = Mark{
		Name: "group_dead=", First: "6.16",
		Source: "include/trace/events/sched.h sched_process_exit: v6.14 lacks the field, v6.17 has it; the change that adds it moves the event before exit_mm()",
	}
	successMark = Mark{
		Name: "success=", Last: "4.2",
		Source: "include/trace/events/sched.h sched_wakeup_template: not printed since 4.3, which adds sched_waking",
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
	seen := *m
	seen.Line = line
	t.stats.Marks = append(t.stats.Marks, seen)
}
