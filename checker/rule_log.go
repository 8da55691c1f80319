package checker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kthread-tla/tracecheck/traces"
)

// Rules on what the reports of a whole log show together: who waits, and for what.

var KT015 = Rule{
	ID: "KT015", Title: "a kthread_stop is blocked", Level: Error, Hang: true, Kernels: "all",
	Text: `A hung-task report shows a task in kthread_stop(), waiting for a thread to end, or
two looks at it (sysrq) do that are 30 seconds or more apart. kthread_stop() has no timeout: it returns when the thread
has, whenever that is. Look at what the thread does: a threadfn that does not test
kthread_should_stop(), that tests it before it sets its state and so loses the wake-up,
that is frozen, or that waits for something the stopper holds, never returns. If it
is just slow the stop returns late, and the report was all there is to it.

On the live machine only the thread's end ends the wait. The stopper takes no signal
there, SIGKILL neither, and rmmod -f does not get past it. What can be done: look at the
thread (cat /proc/PID/stack, sysrq-t), and make happen what it waits for, or thaw it. If
it loops without testing kthread_should_stop(), that is a reboot.`,
	FindLog: func(log *Log) []Evidence {
		return log.waits(func(w *Wait) bool { return w.In == "kthread_stop" && w.Seconds > 0 })
	},
	SayLog: sayBlockedStop,
}

var KT017 = Rule{
	ID: "KT017", Title: "hung tasks, but none in kthread_stop", Level: Note, Kernels: "all",
	Text: `The log has hung-task reports, and kthread_stop() is in none of their stacks.
What hangs there waits for a lock, for I/O, for memory or for a reference, and not for
a kernel thread to end. Where stacks are cut, or messages missing, that is said of what the
log has, and the finding says so.`,
	FindLog: func(log *Log) []Evidence {
		if log.hung.Reports == 0 || len(log.Waits) > 0 || log.hung.Back {
			return nil // a stop hangs, or nothing does
		}
		return []Evidence{{}}
	},
	SayLog: func(log *Log, _ Evidence) Text {
		t := Text{Message: counted(log.hung.Reports, "hung-task report"), Lines: []int{log.hung.LastLine}}
		switch {
		case log.hung.Incomplete:
			t.Message += ", and no kthread_stop in any stack that is in the log; but messages are missing, and a report of a stop may be among them"
			t.WouldSettle = "the whole log, or a stack of each task that hangs (sysrq-w)"
		case log.hung.Cut > 0:
			t.Message += fmt.Sprintf(", and no kthread_stop in any whole stack; %d of the stacks are not whole, and may have it in what is missing", log.hung.Cut)
			t.WouldSettle = "the whole reports: the console's log level may keep stacks out of the log, dmesg has them"
		default:
			t.Message += ", and no kthread_stop in any stack: whatever hangs there, it is not a stop of a kernel thread"
		}
		return t
	},
}

var KT034 = Rule{
	ID: "KT034", Title: "a kthread_park is blocked", Level: Error, Hang: true, Kernels: "3.7 and later",
	Text: `kthread_park() sets a flag, wakes the thread and waits, without a timeout, until it
has come to kthread_parkme(). A threadfn that tests kthread_should_stop() alone never does,
nor one that sleeps without testing again, nor one that has ended before; and a
kthread_stop() at the same time takes the flag back. On the live machine there is nothing
to be done but to make the thread run on to where it parks.`,
	FindLog: func(log *Log) []Evidence {
		return log.waits(func(w *Wait) bool { return w.In == "kthread_park" && w.Seconds > 0 })
	},
	SayLog: sayBlockedPark,
}

var KT037 = Rule{
	ID: "KT037", Title: "a stop or a park waits at one moment", Level: Note, Kernels: "all",
	Text: `A look at a task (sysrq-w, sysrq-t, /proc/PID/stack) shows it in kthread_stop() or
kthread_park(). Every call of these waits there until the thread has come to its end, or to
kthread_parkme(): one look does not tell a wait of a millisecond from one without end. A
second look 30 seconds later or more, with its stamp, or khungtaskd's report after 120
seconds (kernel.hung_task_timeout_secs), shows that it lasts: then KT015 or KT034 says so.`,
	FindLog: func(log *Log) []Evidence {
		return log.waits(func(w *Wait) bool { return (w.In == "kthread_stop" || w.In == "kthread_park") && w.Seconds == 0 })
	},
	SayLog: func(log *Log, e Evidence) Text {
		if log.Waits[e.Wait-1].In == "kthread_park" {
			return sayBlockedPark(log, e)
		}
		return sayBlockedStop(log, e)
	},
}

// waits returns the places of the waits for which is is true.
func (log *Log) waits(is func(w *Wait) bool) (found []Evidence) {
	for i := range log.Waits {
		if is(&log.Waits[i]) {
			found = append(found, Evidence{Wait: i + 1})
		}
	}
	return found
}

// lasts says in words how long a wait lasts.
func lasts(w *Wait) string {
	switch {
	case w.Seconds == 0:
		return " at that moment"
	case w.Looks:
		return fmt.Sprintf(", in looks %d s apart (in one call, if it makes no other)", w.Seconds)
	}
	return fmt.Sprintf(" for more than %d s", w.Seconds)
}

// verb says what a waiter does, in words.
func verb(w *Wait) string {
	does := "is blocked"
	if w.Seconds == 0 {
		does = "waits"
	}
	in := w.In
	if in != "kthread_stop" {
		in += "()"
	}
	s := fmt.Sprintf("%s %s in %s%s", w.Waiter, does, in, lasts(w))
	if w.Module != "" {
		s += ", called by module " + w.Module
	}
	return s
}

// sayBlockedStop puts a blocked stop into words.
func sayBlockedStop(log *Log, e Evidence) Text {
	w := &log.Waits[e.Wait-1]
	t := Text{
		Lines:  slices.Clone(w.Lines),
		Advice: "a thread ends when its threadfn returns: it must test kthread_should_stop() after every wake, and after setting its state before it sleeps",
	}
	var b strings.Builder
	b.WriteString(verb(w))
	switch {
	case w.Certain && w.For.PID == w.Waiter.PID:
		b.WriteString(": it waits for itself to end")
	case w.Certain:
		fmt.Fprintf(&b, ": it waits for %s to end", w.For)
	case w.For != traces.Task{}:
		fmt.Fprintf(&b, ": it waits for a thread to end, most likely %s, the one reported thread of that module in its threadfn", w.For)
		t.WouldSettle = "sysrq-t, which shows interruptible sleepers too, or a trace of sched_kthread_stop"
	default:
		b.WriteString(": it waits for a thread to end, and the log does not say which")
		t.WouldSettle = "sysrq-t (echo t > /proc/sysrq-trigger) shows the stacks of all threads, those that sleep interruptibly too"
	}
	if w.Where != "" {
		fmt.Fprintf(&b, "; that one sleeps in %s", w.Where)
	}
	for _, o := range log.Waits {
		if o.Waiter.PID == w.For.PID && w.For.PID != 0 && w.For.PID != w.Waiter.PID {
			fmt.Fprintf(&b, "; and that one is blocked itself, in %s (line %d)", o.In, o.Lines[0])
			if o.For != (traces.Task{}) {
				fmt.Fprintf(&b, " of %s", o.For)
			}
		}
	}
	for i, e := range w.Locks {
		who := "that one"
		if i > 0 {
			who = e.Thread.String()
		}
		fmt.Fprintf(&b, "; %s is blocked on %s %s (line %d)", who, e.Text, e.By, e.Line)
		if e.By.PID == w.Waiter.PID {
			b.WriteString(": likely each waits for the other")
		}
		t.Lines = append(t.Lines, e.Line)
	}
	for _, e := range w.Victims {
		fmt.Fprintf(&b, "; meanwhile %s is blocked on %s it (line %d)", e.Thread, e.Text, e.Line)
		t.Lines = append(t.Lines, e.Line)
	}
	t.Message = b.String()
	return t
}

// sayBlockedPark puts a blocked park into words.
func sayBlockedPark(log *Log, e Evidence) Text {
	w := &log.Waits[e.Wait-1]
	return Text{
		Message:     verb(w) + ": it waits for a thread to come to kthread_parkme()",
		Lines:       w.Lines,
		WouldSettle: "sysrq-t (echo t > /proc/sysrq-trigger) shows the stacks of all threads; a recording shows the thread that is parked",
		Advice:      "let threadfn test kthread_should_park() wherever it tests kthread_should_stop(), and call kthread_parkme(); a thread that has ended, or that is stopped meanwhile, never parks",
	}
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
