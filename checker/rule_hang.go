package checker

import (
	"fmt"
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/traces"
)

// Rules on threads whose stop does not return, or did so late.

var KT016 = Rule{
	ID: "KT016", Title: "probably the thread that a blocked kthread_stop waits for", Level: Warning, Kernels: "all",
	Text: `A task is blocked in a kthread_stop() that a module called, and this is the one
thread of that module whose stack the log shows in its threadfn. A stack does not say
which thread is being stopped, and a thread that sleeps interruptibly has no hung-task
report, so this is likely and not certain.`,
	Find: func(c *Case) (found []Evidence) {
		for i := range c.Life.Suspected {
			found = append(found, Evidence{Wait: i + 1})
		}
		return found
	},
	Say: func(l *Life, e Evidence) Text {
		w := &l.Suspected[e.Wait-1]
		return Text{
			Message:     fmt.Sprintf("%s is blocked in kthread_stop, called by module %s, and this is the one thread of that module that the log shows in its threadfn", w.Waiter, w.Module),
			Lines:       w.Lines,
			WouldSettle: "sysrq-t, which shows interruptible sleepers too, or a trace of sched_kthread_stop",
		}
	},
}

var KT030 = Rule{
	ID: "KT030", Title: "a thread stops itself", Level: Error, Hang: true, Kernels: "all",
	Text: `kthread_stop() waits for the thread to end, and here the caller is that thread: it
waits for itself for ever, in D state. It happens where a clean-up function is reached from
threadfn too (an error path, the last put of an object, a work that the thread runs).
Nothing on the live machine ends it. A thread that wants to end returns from threadfn; who
cleans up tests current against the thread, or leaves the stop to somebody else.`,
	Find: func(c *Case) (found []Evidence) {
		for _, s := range c.h.stops {
			if s.Returned < 0 && c.Life.Thread.PID != 0 && c.Life.Events()[s.Made].By.PID == c.Life.Thread.PID {
				found = append(found, Evidence{Events: []int{s.Made}})
			}
		}
		return found
	},
	Say: func(l *Life, _ Evidence) Text {
		return Text{
			Message: fmt.Sprintf("%s stops itself: in kthread_stop() it waits for its own end", l.Thread),
			Advice:  "let threadfn return instead; on this machine nothing ends the wait but a reboot",
		}
	},
}

var KT031 = Rule{
	ID: "KT031", Title: "the thread that is stopped is frozen", Level: Warning, Kernels: "all",
	Text: `A thread in __refrigerator() leaves it when it is thawed. A kthread_stop() sets
the flag and waits until then. Up to 6.0 its wake gets as far as the loop in the
refrigerator: kthread_freezable_should_stop() sees the flag there and goes, try_to_freeze()
sleeps on. From 6.1 on a frozen thread is in TASK_FROZEN, which no kthread_stop() wakes:
all of them stay. It is no hang of its own: the stop lasts as long as the freeze. It becomes
one where whoever would thaw waits for the stopper.

Stop threads before they are frozen (a PM notifier), or do not make them freezable: a
kernel thread is not, until it calls set_freezable().`,
	Find: func(c *Case) []Evidence { return incidents(c.Life.Incidents, life.Frozen) },
	Say: func(l *Life, e Evidence) Text {
		i := &l.Incidents[e.Incident-1]
		return Text{
			Message: fmt.Sprintf("it is frozen, in %s, and %s waits in kthread_stop: it ends when it is thawed", i.Wait.Where, i.Wait.Waiter),
			Lines:   i.Lines,
			Advice:  "on the live machine: thaw it (end the suspend, or thaw its cgroup). In the module: stop the thread before it is frozen, or from a task that is frozen too",
		}
	},
}

var KT032 = Rule{
	ID: "KT032", Title: "asleep behind the stop's wake", Level: Warning, Kernels: "all",
	Text: `kthread_stop() sets the flag and wakes the thread once. That wake found the thread
awake, so it did nothing, and after that the thread went to sleep. This is how a wake-up is
lost: threadfn tests kthread_should_stop() (no), kthread_stop() sets the flag and wakes,
threadfn sets its state and calls schedule(). It also is what a threadfn looks like that
does not test at all, and one that sleeps for a while and tests then.

  set_current_state(TASK_UNINTERRUPTIBLE);  first: it is a barrier, and from here on
  if (!kthread_should_stop())               a wake makes the thread runnable again
          schedule();
  __set_current_state(TASK_RUNNING);

or wait_event(), with kthread_should_stop() in its condition. From 6.1 on a sleep in
TASK_INTERRUPTIBLE does not last there, because kthread_stop() leaves a signal pending
(TIF_NOTIFY_SIGNAL); in TASK_UNINTERRUPTIBLE and TASK_IDLE it does on every kernel. On the
live machine one more wake is enough, if there is a way to cause what the thread waits for.`,
	Find: func(c *Case) []Evidence {
		stops, _, since := stopTests(c.Life)
		if t := &c.Life.Trace; !c.stopStays() || !t.AfterStop.Missed || t.AfterStop.Times != 1 || !life.Sleeper(t.Asleep) || since != nil {
			return nil
		}
		return []Evidence{{Events: stops}}
	},
	Say: func(l *Life, e Evidence) Text {
		t := &l.Trace
		_, before, _ := stopTests(l)
		text := Text{
			Message: fmt.Sprintf("the stop sets the flag and wakes (line %d), and the thread is awake: the wake does nothing (no sched_waking); the stopper sleeps (line %d); the thread goes to sleep (line %d, state %c), and nobody has woken it since",
				l.Events()[e.Events[0]].Line, t.AfterStop.Made, t.AfterStop.Line, t.Asleep),
			Advice: "set_current_state() first, test kthread_should_stop() after it, then schedule(). On the live machine one more wake is enough: make happen what the thread waits for",
		}
		if before != nil && before.Code == 0 {
			text.Message += fmt.Sprintf("; it has asked kthread_should_stop() before that (line %d: no) and not since", before.Line)
		}
		return text.ofStop(l, e)
	},
}

var KT035 = Rule{
	ID: "KT035", Title: "reported as hung, and finished", Level: Note, Kernels: "all",
	Text: `khungtaskd reports a task that has not been scheduled for 120 seconds
(kernel.hung_task_timeout_secs), or two looks were far apart, in a wait for a kernel thread. A later
message of the same task shows that the wait came to an end. The thread was slow to see
the flag, or had much to finish. If that is too long, test kthread_should_stop() more often,
and before long sleeps.`,
	Find:    func(c *Case) []Evidence { return incidents(c.Life.Incidents, life.Slow) },
	FindLog: func(log *Log) []Evidence { return incidents(log.incidents, life.Slow) },
	Say:     func(l *Life, e Evidence) Text { return slowText(&l.Incidents[e.Incident-1]) },
	SayLog:  func(log *Log, e Evidence) Text { return slowText(&log.incidents[e.Incident-1]) },
}

var KT036 = Rule{
	ID: "KT036", Title: "threadfn runs on after the request to stop", Level: Warning, Kernels: "all",
	Text: `The stopper has set the flag and sleeps. The thread has slept and run since, more
than once, and has not ended by the end of the trace. Either threadfn does not test
kthread_should_stop() where it loops, or it is finishing something that takes several
sleeps. kthread_stop() has no timeout, a kernel thread takes no signals unless it asks for
them, and nothing that root can do ends it: only what makes threadfn return.

From 6.1 on interruptible waits return -ERESTARTSYS at once after the request; a loop that
ignores that spins.`,
	Find: func(c *Case) []Evidence {
		if !c.stopStays() || c.Life.Trace.AfterStop.Times < 2 {
			return nil
		}
		stops, _, _ := stopTests(c.Life)
		return []Evidence{{Events: stops}}
	},
	Say: func(l *Life, e Evidence) Text {
		after := &l.Trace.AfterStop
		_, _, since := stopTests(l)
		text := Text{
			Message: fmt.Sprintf("since the request was made (line %d) the thread has gone to sleep %d times and has not ended: threadfn runs on", after.Made, after.Times),
			Advice:  "test kthread_should_stop() in every loop of threadfn, after every wake. On the live machine end what threadfn works on (close the device, the connection), if it looks at that; no signal ends a kernel thread, nor anything that root can do",
		}
		switch {
		case since != nil && since.Code != 0:
			text.Message += fmt.Sprintf(", though kthread_should_stop() has said yes (line %d)", since.Line)
		case since == nil && l.Sees.Has(traces.ShouldStop):
			text.Message += ", and has not asked kthread_should_stop()"
		}
		return text.ofStop(l, e)
	},
}

// stopStays says whether a whole trace shows a stop of the thread that has not returned,
// and shows the thread asleep since, without an end.
func (c *Case) stopStays() bool {
	t := &c.Life.Trace
	return c.Life.Whole() && c.h.pending() > 0 && c.h.returned() == 0 && !t.Ended && t.AfterStop.Times > 0
}

// stopTests returns the stops of a life, as indices of its events, and two calls of
// kthread_should_stop() by the thread: the last before the first stop, and the last after
// it. nil: there is none.
func stopTests(l *Life) (stops []int, before, since *traces.Event) {
	for i := range l.Events() {
		switch e := &l.Events()[i]; {
		case e.Kind == traces.StopCall:
			stops = append(stops, i)
		case e.Kind == traces.ShouldStop && len(stops) == 0:
			before = e
		case e.Kind == traces.ShouldStop:
			since = e
		}
	}
	return stops, before, since
}

// ofStop adds the lines that show a stop that does not return.
func (t Text) ofStop(l *Life, e Evidence) Text {
	t.Lines = append(e.lines(l), l.Trace.AfterStop.Made, l.Trace.AfterStop.Line)
	slices.Sort(t.Lines)
	t.Lines = slices.Compact(t.Lines)
	if !l.Sees.Has(traces.ShouldStop) {
		t.WouldSettle = "a probe on kthread_should_stop"
	}
	return t
}

// slowText puts a long wait that is over into words.
func slowText(i *Incident) Text {
	w := i.Wait
	if w.For == (traces.Task{}) {
		return Text{
			Message: fmt.Sprintf("%s was reported blocked in %s()%s, and goes on in line %d: it was slow, and it does not hang", w.Waiter, w.In, lasts(w), i.Back),
			Lines:   i.Lines,
		}
	}
	return Text{
		Message:     fmt.Sprintf("%s was reported blocked in kthread_stop()%s, most likely of %s, and a stop of that has returned since (line %d)", w.Waiter, lasts(w), w.For, i.Back),
		Lines:       i.Lines,
		WouldSettle: "a message that names the stopper with its pid ({by})",
	}
}
