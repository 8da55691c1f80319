package checker

import (
	"fmt"

	"github.com/kthread-tla/tracecheck/traces"
)

// Rules on lives that do not fit. The graph says where a life stops fitting and what was
// possible there. These rules say what that means.

var KT002 = Rule{
	ID: "KT002", Title: "kthread_stop returned another value than the thread ended with", Level: Error, Kernels: "all",
	Text: `The value that threadfn returns is stored in the task (exit_code) before the
completion that kthread_stop() waits for, and kthread_stop() returns that very value:
an int, not shifted, not cut to 8 bits. Two different values for one thread mean that
the messages are about two threads, or that one of them prints another variable.`,
	Find: findMisfit(func(m *misfit, e *traces.Event) bool {
		return m.differs >= 0 ||
			e.Kind == traces.StopReturn && e.HasCode && e.Code == eintr && !m.neverRan && len(m.missing) == 0 && !m.possible
	}),
	Say: func(l *Life, e Evidence) Text {
		m := e.Detail.(*misfit)
		if m.differs < 0 {
			return m.says(l, ", but threadfn ran and did not return -EINTR")
		}
		bad := &l.Events()[m.event]
		first := &l.Events()[m.differs]
		t := Text{
			Message: fmt.Sprintf("%s, but %s: a thread ends with one value, and kthread_stop returns it",
				saysCode(bad, said(bad), m.code), saysCode(first, fmt.Sprintf("%s (line %d)", said(first), first.Line), m.earlierCode)),
			Allowed: []string{logWords(l, bad.Kind, &m.earlierCode)},
		}
		if m.nothing && first.Kind == traces.Exit && first.Code != 0 {
			t.Message += ", or 0 after a do_exit()"
			t.Allowed = append(t.Allowed, logWords(l, bad.Kind, new(int)))
		}
		return t
	},
}

// saysCode says which value of the thread's end an event shows. words are the event's. From
// 5.17 on a do_exit() that does not come from kthread_exit() leaves 0, whatever it is given.
func saysCode(e *traces.Event, words string, code int) string {
	if e.Code != code {
		return fmt.Sprintf("%s leaves %d", words, code)
	}
	return fmt.Sprintf("%s says %d", words, code)
}

var KT003 = Rule{
	ID: "KT003", Title: "kthread_stop returned a value of a threadfn that never ran", Level: Error, Kernels: "2.6.31 and later",
	Text: `A thread that never entered threadfn ends with -EINTR (-4), and so does its
kthread_stop(). Any other value comes from a threadfn that was entered, or from an
oops inside it. A message of threadfn that was filtered or lost explains it; otherwise
the value printed is not kthread_stop()'s.`,
	Find: findMisfit(func(m *misfit, e *traces.Event) bool {
		return e.Kind == traces.StopReturn && (m.misses(traces.Enter) ||
			m.neverRan && e.HasCode && e.Code != eintr && !m.possible && m.eintr)
	}),
	Say: sayMisfit(", but threadfn was never entered: then kthread_stop returns -EINTR (-4)"),
}

var KT004 = Rule{
	ID: "KT004", Title: "kthread_stop returned before threadfn did", Level: Error, Kernels: "all",
	Text: `kthread_stop() waits for the completion that the thread raises in do_exit(),
after threadfn has returned. Nothing of threadfn can come after it. Either the message
is not printed after kthread_stop(), or the two lines are about two threads.`,
	Find: func(c *Case) []Evidence {
		m := c.misfit
		switch e := &c.Life.Events()[m.event]; {
		case m.early >= 0:
			return []Evidence{{Events: []int{m.early, m.event}, Detail: m}}
		case e.Kind == traces.StopReturn && m.misses(traces.Return):
			return []Evidence{{Events: []int{m.event}, Detail: m}}
		}
		return nil
	},
	Say: func(l *Life, e Evidence) Text {
		m := e.Detail.(*misfit)
		if m.early < 0 {
			return m.says(l, ", but threadfn has not returned")
		}
		t := m.says(l, "")
		t.Message = fmt.Sprintf("%s comes after %s (line %d), but kthread_stop does not return before threadfn has",
			said(&l.Events()[m.event]), said(&l.Events()[m.early]), l.Events()[m.early].Line)
		return t
	},
}

var KT005 = Rule{
	ID: "KT005", Title: "threadfn acts outside its one run", Level: Error, Kernels: "all",
	Text: `threadfn is called at most once in a thread's life, and when the thread has
ended, or kthread_stop() has returned, nothing of it runs any more. A second
"entered", or one after the stop, is another thread of the same name, or a message
that somebody else prints.`,
	Find: findMisfit(func(m *misfit, e *traces.Event) bool {
		return e.Kind == traces.Enter || e.Kind == traces.Return && !m.misses(traces.Enter)
	}),
	Say: sayMisfit(", but threadfn cannot be running here"),
}

var KT006 = Rule{
	ID: "KT006", Title: "threadfn returns without having been entered", Level: Error, Kernels: "all",
	Text: `A module that prints a line first thing in threadfn, and whose log holds no
such line for this thread, cannot have threadfn return. The line was filtered or lost
without a trace, or the message of the return is printed elsewhere too.`,
	Find: findMisfit(func(m *misfit, e *traces.Event) bool {
		return e.Kind == traces.Return && m.misses(traces.Enter)
	}),
	Say: sayMisfit(", but threadfn was never entered"),
}

var KT007 = Rule{
	ID: "KT007", Title: "a stop returned that nobody had called, or that nothing was left for", Level: Error, Kernels: "all",
	Text: `kthread_stop() sets the flag, waits, and returns. A return needs a call, and
it takes the one count that the exit left in the completion: of two stops of one
thread only one returns. (Up to 4.9 a stop that comes after the exit skips the wait.)
Where a message announces every call, a return without one, or a second return of one
call, is nobody's: so says the caller, whatever the kernel does.`,
	Find: findMisfit(func(m *misfit, e *traces.Event) bool {
		return e.Kind == traces.StopReturn
	}),
	Say: sayMisfit(", but no kthread_stop of this thread can return here"),
}

var KT009 = Rule{
	ID: "KT009", Title: "the order of the lines is not possible", Level: Error, Kernels: "all",
	Text: `No order of the kernel's steps explains the lines as they stand. The report
names the first line that does not fit, and what would have been possible there.`,
	Find: findMisfit(func(*misfit, *traces.Event) bool { return true }),
	Say:  sayMisfit(" is not possible here"),
}

var KT010 = Rule{
	ID: "KT010", Title: "not the lines of one thread", Level: Warning, Kernels: "all",
	Text: `The lines name a thread without a pid, outside a set of messages whose begin
line is in the log, and no one thread can have caused them all. They may well be about
two threads of the same name, so nothing is said against them. A log that begins where
the module is loaded, or messages with the pid, would decide it.`,
	Say: func(l *Life, e Evidence) Text {
		if m, ok := e.Detail.(*misfit); ok {
			t := m.rule.Say(l, e)
			t.Message = "not one thread's lines, or a violation: " + t.Message
			t.WouldSettle = "a log that begins where the module is loaded, or messages with the pid"
			return t
		}
		return e.Detail.(confusion).says(l)
	},
}

var KT013 = Rule{
	ID: "KT013", Title: "does not fit, by another kernel's rules", Level: Warning, Kernels: "all",
	Text: `The log's banner names a kernel that no era covers, and its lines do not fit the
rules of any. What differs between them may explain it, so nothing is said against them.`,
	Say: func(l *Life, e Evidence) Text { return e.Detail.(*misfit).rule.Say(l, e) },
}

var KT019 = Rule{
	ID: "KT019", Title: "depends on a change that this kernel may have", Level: Warning, Kernels: "all",
	Text: `The number of a distribution's kernel says which release it started from, not
which later changes were taken into it, and stable releases get some as well. The life
is judged by the rules of the number. By those of the next era it would be judged
otherwise, and no line of the log shows which of the two this kernel has: only its
source tells, or a test on it. What the number alone would call a violation is
inconclusive where the next era allows it. Where the two agree nothing is said.`,
	Say: func(l *Life, e Evidence) Text {
		if d, ok := e.Detail.(*backportDoubt); ok {
			return d.says(l)
		}
		return e.Detail.(*misfit).rule.Say(l, e)
	},
}
