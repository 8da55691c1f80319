package checker

import (
	"fmt"

	"github.com/kthread-tla/tracecheck/traces"
)

// Rules on stops that returned, or that cannot: what kthread_stop() promises.

var KT001 = Rule{
	ID: "KT001", Title: "stopped before it ran", Level: Note, Kernels: "2.6.31 and later",
	Text: `kthread() tests KTHREAD_SHOULD_STOP once, after its first sleep and before
it calls threadfn. A kthread_stop() that sets the flag before that test makes the
thread exit with -EINTR, and threadfn is never called. That is legal, whether or not
wake_up_process() was called before: waking a thread makes it runnable, no more.
kthread_stop()'s own comment ("-EINTR if wake_up_process() was never called") names
only one of the two ways to get there.

If threadfn must run at least once, wait for it before stopping: let threadfn call
complete() on a completion first thing, and call wait_for_completion() on it between
kthread_run() and kthread_stop(). Do not count on a sleep. If threadfn frees what it
was given, free that yourself when kthread_stop() returns -EINTR.`,
	Open: "woken",
	Find: func(c *Case) []Evidence {
		if c.Verdict.Outcome != StoppedBeforeRun {
			return nil
		}
		return []Evidence{{Events: c.stopEvents(), Detail: c.Verdict.Woken}}
	},
	Say: func(l *Life, e Evidence) Text {
		return Text{
			Message: "legal: kthread_stop set KTHREAD_SHOULD_STOP before the thread's last test in kthread(), so threadfn was never called and kthread_stop returned -EINTR (-4); " + whoWoke(l, e.Detail.(Truth)),
			Advice:  "if threadfn must run once, let it complete() a completion first thing, and wait for that between kthread_run and kthread_stop",
		}
	},
}

var KT008 = Rule{
	ID: "KT008", Title: "a second kthread_stop cannot return", Level: Error, Hang: true, Kernels: "4.10 and later",
	Text: `The thread's exit calls complete(), not complete_all(): it serves one
kthread_stop(). A second one on the same thread waits for ever in D state, even with a
reference held; without one it touches a task_struct that is gone. Stop each thread
once: let one owner do it, and clear the pointer under a lock.
(Up to 4.9 a second stop that comes after the exit returns at once.)`,
	Find: func(c *Case) []Evidence {
		s := stuckStops{pending: c.h.pending(), returned: c.h.returned()}
		if s.stuck = c.era.stuck(c.h, c.ends); s.stuck <= 0 || !c.era.canAccuse(c.Life) {
			return nil
		}
		var events []int
		for _, stop := range c.h.stops {
			if stop.Returned < 0 {
				events = append(events, stop.Made)
			}
		}
		return []Evidence{{Events: events, Detail: s}}
	},
	Say: sayStuck,
}

var KT011 = Rule{
	ID: "KT011", Title: "-EINTR, and no evidence whether threadfn ran", Level: Note, Kernels: "2.6.31 and later",
	Text: `-EINTR from kthread_stop() nearly always means that threadfn was never called.
But a threadfn can return -EINTR itself, and then the two look alike from outside.`,
	Open: "ran",
	Find: func(c *Case) []Evidence {
		if v := c.Verdict; v.Outcome != Stopped || v.ExitCodeFrom == "" || v.ExitCode != eintr {
			return nil
		}
		return []Evidence{{Events: c.stopEvents()}}
	},
	Say: func(*Life, Evidence) Text {
		return Text{Message: "kthread_stop returned -EINTR (-4): either threadfn was never called, or it was and returned -EINTR itself"}
	},
}

var KT014 = Rule{
	ID: "KT014", Title: "a second kthread_stop cannot return on Linux 4.10 and later", Level: Warning, Kernels: "4.10 and later",
	Text: `As KT008, in a log that does not tell its kernel. Up to 4.9 a second stop that
comes after the thread's exit returns at once; from 4.10 on it waits for ever. Name
the kernel with --kernel to have it decided.`,
	Say: sayStuck,
}

// whoWoke says who ended the first sleep of a thread that was stopped before it ran.
func whoWoke(l *Life, woken Truth) string {
	switch woken {
	case Yes:
		return "wake_up_process() had been called, but the request was faster than the thread"
	case No:
		return "nobody had called wake_up_process(): kthread_stop woke the thread itself"
	}
	for _, e := range l.Events() {
		if e.Kind == traces.Wake {
			return fmt.Sprintf("a message about wake_up_process() is there (line %d), but not whether the call came before or after it", e.Line)
		}
	}
	if l.Traced() {
		return "who ended its first sleep, this trace does not tell"
	}
	return "whether wake_up_process() had been called, this log does not tell: the kernel does the same either way"
}

// A stuckStops counts the stops of one thread: those that have not returned (pending),
// those that have, and those of the pending ones that never will (stuck).
type stuckStops struct{ pending, returned, stuck int }

func sayStuck(_ *Life, e Evidence) Text {
	s := e.Detail.(stuckStops)
	if s.returned > 0 {
		return Text{Message: "the second kthread_stop of one thread cannot return: the exit has left one count in the completion, and one stop has taken it"}
	}
	return Text{Message: fmt.Sprintf("%d stops of one thread, of which only %d can return: the exit leaves one count in the completion", s.pending, s.pending-s.stuck)}
}
