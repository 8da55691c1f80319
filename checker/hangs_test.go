package checker

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

// hangRules are the rules about hangs that a log's findings name, in order; the
// other findings are not what these tests are about.
func hangRules(t *testing.T, src Source) (rules string, outcome Outcome) {
	t.Helper()
	c, err := New(nil, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	note := func(list []Finding) {
		for _, f := range list {
			if f.Rule.ID >= "KT030" || f.Rule == &KT015 {
				found = append(found, f.Rule.ID)
			}
			if lines := f.Text().Lines; slices.Contains(lines, 0) || len(lines) == 0 {
				t.Errorf("%s names lines %v", f.Rule.ID, lines)
			}
		}
	}
	log, err := c.Check(src, Options{}, func(v *Verdict) error {
		if v.Fits != FitsYes {
			t.Errorf("%v fits %s: %s", v.Life.Thread, v.Fits, v.Why)
		}
		note(v.Findings)
		if v.Life.Thread.PID == 50 {
			outcome = v.Outcome
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	note(log.Findings)
	return strings.Join(found, " "), outcome
}

// What a trace must show to be sure that a stop's wake came to nothing.
func TestTracedHangs(t *testing.T) {
	k, p := task(50), task(9)
	fork := traces.Event{Kind: traces.Fork, Thread: k, By: task(2)}
	in := traces.Event{Kind: traces.SwitchIn, Thread: k}
	out := func(t traces.Task, state byte) traces.Event {
		return traces.Event{Kind: traces.SwitchOut, Thread: t, State: state}
	}
	woken := func(by traces.Task) traces.Event {
		return traces.Event{Kind: traces.Woken, Thread: k, By: by, Context: traces.TaskContext}
	}
	late := woken(task(1))
	late.Late = true
	stop := traces.Event{Kind: traces.StopCall, Thread: k, By: p}
	self := traces.Event{Kind: traces.StopCall, Thread: k, By: k}
	asks := func(yes int) traces.Event {
		return traces.Event{Kind: traces.ShouldStop, Thread: k, By: k, Code: yes, HasCode: true}
	}
	exit := traces.Event{Kind: traces.ProcessExit, Thread: k, By: k}
	back := traces.Event{Kind: traces.StopReturn, By: p, HasCode: true}
	born := []traces.Event{fork, in, out(k, 'D'), woken(task(1)), in}
	lateBorn := []traces.Event{fork, in, out(k, 'D'), late, in}
	for _, test := range []struct {
		name   string
		born   []traces.Event
		events []traces.Event
		want   string
	}{
		{"awake at the wake, then asleep", born, []traces.Event{stop, out(p, 'D'), out(k, 'D')}, "KT032"},
		{"asleep before the stopper is", born, []traces.Event{stop, out(k, 'S'), out(p, 'D')}, "KT032"},
		{"it has asked before", born, []traces.Event{asks(0), stop, out(p, 'D'), out(k, 'D')}, "KT032"},
		{"it asks, and sleeps on", born, []traces.Event{stop, out(p, 'D'), asks(0), out(k, 'D')}, ""},
		{"the stop wakes it", born, []traces.Event{out(k, 'S'), stop, woken(p), out(p, 'D'), in, out(k, 'D')}, ""},
		{"asleep when the stop began", born, []traces.Event{out(k, 'D'), stop, out(p, 'D')}, ""},
		{"sched_waking is not traced", lateBorn, []traces.Event{stop, out(p, 'D'), out(k, 'D')}, ""},
		{"no fork in the trace", []traces.Event{woken(task(1)), in}, []traces.Event{stop, out(p, 'D'), out(k, 'D')}, ""},
		{"somebody wakes it", born, []traces.Event{stop, out(p, 'D'), out(k, 'D'), woken(task(1))}, ""},
		{"the stopper has not slept", born, []traces.Event{stop, out(k, 'D')}, ""},
		{"preempted", born, []traces.Event{stop, out(p, 'D'), out(k, 'R')}, ""},
		{"parked", born, []traces.Event{stop, out(p, 'D'), out(k, 'P')}, ""},
		{"on its way out", born, []traces.Event{stop, out(p, 'D'), exit, out(k, 'D')}, ""},
		{"stopped in the end", born, []traces.Event{stop, out(p, 'D'), out(k, 'D'), woken(task(1)), in, exit, back}, ""},
		{"lost lines", born, []traces.Event{stop, out(p, 'D'), {Kind: traces.Loss}, out(k, 'D')}, ""},

		{"again and again", born, []traces.Event{stop, out(p, 'D'), out(k, 'D'), woken(task(1)), in, out(k, 'D'), woken(task(1)), in}, "KT036"},
		{"again and again, and ended", born, []traces.Event{stop, out(p, 'D'), out(k, 'D'), woken(task(1)), in, out(k, 'D'), woken(task(1)), in, exit}, ""},
		{"again and again, with no stop", born, []traces.Event{out(k, 'S'), woken(task(1)), in, out(k, 'S'), woken(task(1)), in}, ""},

		{"itself", born, []traces.Event{self, out(k, 'D')}, "KT030"},
		{"another one", born, []traces.Event{{Kind: traces.StopCall, Thread: task(51), By: k}, out(k, 'D')}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, outcome := hangRules(t, tracedEvents(append(slices.Clone(test.born), test.events...)...))
			if got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
			if test.want == "KT030" != (outcome == StopHung) {
				t.Errorf("outcome %s", outcome)
			}
		})
	}
}

// A finding names the thread that it is about, however many went the same way.
func TestEachThatStopsItselfIsNamed(t *testing.T) {
	var log []traces.Event
	for pid := range 4 {
		k := task(50 + pid)
		log = append(log,
			traces.Event{Kind: traces.Fork, Thread: k, By: task(2)}, traces.Event{Kind: traces.SwitchOut, Thread: k, By: k, State: 'D'},
			traces.Event{Kind: traces.Woken, Thread: k, By: task(1), Context: traces.TaskContext}, traces.Event{Kind: traces.StopCall, Thread: k, By: k})
	}
	c, err := New(nil, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	if _, err := c.Check(tracedEvents(log...), Options{}, func(v *Verdict) error {
		for _, f := range v.Findings {
			if named++; f.Rule != &KT030 || !strings.HasPrefix(f.Text().Message, v.Life.Thread.String()) {
				t.Errorf("of %v: %s %s", v.Life.Thread, f.Rule.ID, f.Text().Message)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if named != 4 {
		t.Errorf("%d findings", named)
	}
}

// What wakes a thread that is being stopped need not be its stopper.
func TestWakesInTheMidstOfAStop(t *testing.T) {
	k, p := task(50), task(9)
	born := []traces.Event{{Kind: traces.Fork, Thread: k, By: task(2)}, {Kind: traces.SwitchOut, Thread: k, By: k, State: 'D'}, {Kind: traces.StopCall, Thread: k, By: p}}
	wake := func(by traces.Task, in traces.Context) traces.Event {
		return traces.Event{Kind: traces.Woken, Thread: k, By: by, Context: in}
	}
	asleep := traces.Event{Kind: traces.SwitchOut, Thread: k, By: k, State: 'D'}
	exit := traces.Event{Kind: traces.ProcessExit, Thread: k, By: k}
	returns := func(code int) traces.Event {
		return traces.Event{Kind: traces.StopReturn, By: p, Code: code, HasCode: true}
	}
	for _, test := range []struct {
		name   string
		events []traces.Event
		want   Fits
		ran    Truth
		woken  Truth
		rule   *Rule
	}{
		{"it sleeps again before the last test, or in do_exit", []traces.Event{wake(p, traces.TaskContext), asleep, wake(task(7), traces.TaskContext), exit, returns(eintr)}, FitsYes, No, No, &KT001},
		{"an interrupt wakes it then", []traces.Event{wake(p, traces.TaskContext), asleep, wake(p, traces.InterruptContext), exit, returns(eintr)}, FitsYes, No, No, &KT001},
		{"an interrupt is faster than the request", []traces.Event{wake(p, traces.InterruptContext), exit, returns(0)}, FitsYes, Yes, Yes, nil},
		{"it may be an interrupt's", []traces.Event{wake(p, traces.UnknownContext), exit, returns(0)}, FitsYes, Yes, Yes, nil},
		{"the stop wakes it, and it has run", []traces.Event{wake(p, traces.TaskContext), exit, returns(0)}, FitsNo, Unknown, Unknown, &KT003},
		{"the stop wakes it, and it sleeps in threadfn", []traces.Event{wake(p, traces.TaskContext), {Kind: traces.SwitchOut, Thread: k, By: k, State: 'S'}}, FitsNo, Unknown, Unknown, &KT009},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := New(nil, 10*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Check(tracedEvents(append(slices.Clone(born), test.events...)...), Options{}, func(v *Verdict) error {
				if v.Fits != test.want || v.Ran != test.ran || v.Woken != test.woken {
					t.Errorf("fits %s, ran %s, woken %s: %s", v.Fits, v.Ran, v.Woken, v.Why)
				}
				if _, ans := v.history().Ends(); (ans == model.Yes) != (v.Fits == FitsYes) {
					t.Errorf("fits %s, but what is drawn: %v", v.Fits, ans)
				}
				if (test.rule == nil) != (len(v.Findings) == 0) || test.rule != nil && v.Findings[0].Rule != test.rule {
					t.Errorf("findings %v", v.Findings)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Who holds what the thread waits for, and what kthreadd is doing, is said where the
// log shows it, and what is likely stays so.
func TestWhatElseAWaitHangsOn(t *testing.T) {
	p, k, o := traces.Task{Comm: "rmmod", PID: 9}, traces.Task{Comm: "k", PID: 50}, traces.Task{Comm: "o", PID: 60}
	d := traces.Task{Comm: "kthreadd", PID: 2}
	line := 0
	report := func(who traces.Task, kind traces.Report, frames ...string) traces.Event {
		line += 10
		s := stack('D', frames...)
		s.Report, s.Task, s.Last = kind, who, line+9
		if kind == traces.HungTask {
			s.Blocked = 120
		}
		return traces.Event{Kind: traces.KernelReport, Line: line, Before: line - 1, Thread: who, Stack: s, Time: traces.Time{Stamp: 100e9}}
	}
	stops := func() traces.Event {
		return report(p, traces.HungTask, "schedule", "wait_for_completion", "kthread_stop", "m_exit[m]", "do_syscall_64")
	}
	thread := func() traces.Event {
		return report(k, traces.HungTask, "schedule", "__mutex_lock", "fn[m]", "kthread", "ret_from_fork")
	}
	creates := func() traces.Event {
		return report(p, traces.HungTask, "schedule", "wait_for_completion", "kthread_create_on_node", "m_init[m]", "do_syscall_64")
	}
	lock := func(waiter, owner traces.Task) traces.Event {
		line += 10
		return traces.Event{Kind: traces.Blocked, Line: line, Thread: waiter, By: owner, Text: "a mutex likely owned by"}
	}
	for _, test := range []struct {
		name    string
		events  []traces.Event
		has     string
		without string
	}{
		{"each waits for the other", []traces.Event{stops(), thread(), lock(k, p)}, "that one is blocked on a mutex likely owned by rmmod[9] (line 30): likely each waits for the other", ""},
		{"a third holds it", []traces.Event{stops(), thread(), lock(k, o)}, "blocked on a mutex likely owned by o[60]", "each"},
		{"a third holds it, and waits too", []traces.Event{stops(), thread(), lock(k, o), lock(o, p)}, "o[60] is blocked on a mutex likely owned by rmmod[9]", ""},
		{"a circle without the stopper", []traces.Event{stops(), thread(), lock(k, o), lock(o, k)}, "o[60] is blocked", "each"},
		{"another waits for the stopper", []traces.Event{stops(), lock(o, p)}, "meanwhile o[60] is blocked on a mutex likely owned by it", "each"},
		{"nobody", []traces.Event{stops(), thread(), lock(o, task(61))}, "most likely k[50]", "owned"},
		{"kthreadd is blocked", []traces.Event{creates(), report(d, traces.HungTask, "__schedule", "schedule", "io_schedule", "copy_process", "kthreadd", "ret_from_fork")}, "kthreadd itself is in io_schedule", ""},
		{"kthreadd waits", []traces.Event{creates(), report(d, traces.TaskDump, "__schedule", "schedule", "kthreadd", "ret_from_fork")}, "likely the new thread is there", ""},
		{"kthreadd has died", []traces.Event{report(d, traces.Oops, "copy_process", "kthreadd", "ret_from_fork"), creates()}, "kthreadd has died", ""},
		{"another of the name", []traces.Event{creates(), report(traces.Task{Comm: "x", PID: 2}, traces.TaskDump, "__schedule", "schedule", "kthreadd", "ret_from_fork")}, "kthread_create_on_node", "kthreadd itself"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := New(nil, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			log, err := c.Check(&replay{list: test.events}, Options{}, func(*Verdict) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, f := range log.Findings {
				if got += f.Text().Message + "\n"; !slices.IsSorted(f.Text().Lines) {
					t.Errorf("lines %v", f.Text().Lines)
				}
			}
			if !strings.Contains(got, test.has) || test.without != "" && strings.Contains(got, test.without) {
				t.Errorf("%q, want %q, and not %q", got, test.has, test.without)
			}
		})
	}
}

// What reports show of why a task waits, and their look-alikes.
func TestReportedHangs(t *testing.T) {
	pats, err := printk.Parse("p", strings.NewReader("stop-call {by} stops {thread}\nstop-return {by} stopped {thread}\nwake {by} wakes {thread}\n"))
	if err != nil {
		t.Fatal(err)
	}
	k, p := traces.Task{Comm: "k", PID: 50}, traces.Task{Comm: "rmmod", PID: 9}
	report := func(line int, who traces.Task, kind traces.Report, frames ...string) traces.Event {
		s := stack('D', frames...)
		s.Report, s.Task, s.Last = kind, who, line+9
		if kind == traces.HungTask {
			s.Blocked = 120
		}
		return traces.Event{Kind: traces.KernelReport, Line: line, Before: line - 1, Thread: who, Stack: s, Time: traces.Time{Stamp: 100e9}}
	}
	later := func(seconds int64, e traces.Event) traces.Event {
		e.Stamp += seconds * 1e9
		return e
	}
	says := func(line int, kind traces.Kind, by traces.Task) traces.Event {
		return traces.Event{Kind: kind, Line: line, Before: line - 1, Thread: k, By: by, Text: "x", Printed: traces.Printed{Set: pats}}
	}
	stops := []string{"schedule", "schedule_timeout", "wait_for_completion", "kthread_stop", "m_exit[m]", "do_syscall_64"}
	hung := report(20, p, traces.HungTask, stops...)
	frozen := func(fn, mod string) traces.Event {
		return report(40, k, traces.TaskDump, "__schedule", "schedule", fn, "fn["+mod+"]", "kthread", "ret_from_fork")
	}
	creates := []string{"schedule", "schedule_timeout", "wait_for_completion", "kthread_create_on_node", "m_init[m]", "do_syscall_64"}
	for _, test := range []struct {
		name   string
		events []traces.Event
		want   string
	}{
		{"stops itself", []traces.Event{says(1, traces.StopCall, k), report(20, k, traces.HungTask, "schedule", "wait_for_completion", "kthread_stop", "fn[m]", "kthread")}, "KT030 KT015"},
		{"a thread stops another", []traces.Event{says(1, traces.StopCall, p), report(20, task(7), traces.HungTask, "schedule", "wait_for_completion", "kthread_stop", "fn[m]", "kthread")}, "KT015"},
		{"frozen", []traces.Event{hung, frozen("__refrigerator", "m")}, "KT031 KT015"},
		{"frozen, another module's", []traces.Event{hung, frozen("__refrigerator", "other")}, "KT015"},
		{"asleep, not frozen", []traces.Event{hung, frozen("schedule_timeout", "m")}, "KT015"},
		{"frozen, and nobody stops it", []traces.Event{frozen("__refrigerator", "m")}, ""},
		{"hung, and back", []traces.Event{says(1, traces.StopCall, p), hung, says(30, traces.StopReturn, p)}, "KT035"},
		{"hung, and at something else", []traces.Event{says(1, traces.StopCall, p), hung, says(30, traces.Wake, p)}, "KT035"},
		{"hung, and another comes back", []traces.Event{says(1, traces.StopCall, p), hung, says(30, traces.Wake, task(8))}, "KT015"},
		{"hung, back, and hung again", []traces.Event{says(1, traces.StopCall, p), hung, says(30, traces.StopReturn, p), report(40, p, traces.HungTask, stops...)}, "KT035 KT015"},
		{"hung, and the likely thread is stopped", []traces.Event{hung, frozen("schedule_timeout", "m"), says(60, traces.StopReturn, traces.Task{})}, "KT035"},
		{"hung, and the likely thread is stopped by another", []traces.Event{hung, frozen("schedule_timeout", "m"), says(60, traces.StopReturn, task(8))}, "KT015"},
		{"hung, and a thread of another module is stopped", []traces.Event{hung, frozen("schedule_timeout", "other"), says(60, traces.StopReturn, traces.Task{})}, "KT015"},
		{"a creation", []traces.Event{report(20, p, traces.HungTask, creates...)}, "KT033"},
		{"a look at a creation", []traces.Event{report(20, p, traces.TaskDump, creates...)}, ""},
		{"a creation that waits for memory", []traces.Event{report(20, p, traces.HungTask, "schedule", "io_schedule", "shrink_folio_list", "__kmalloc", "__kthread_create_on_node", "m_init[m]", "do_syscall_64")}, ""},
		{"one look at a stop", []traces.Event{report(20, p, traces.TaskDump, stops...)}, "KT037"},
		{"one look at a stop that messages tell of", []traces.Event{says(1, traces.StopCall, p), report(20, p, traces.TaskDump, stops...)}, "KT037"},
		{"two looks at once", []traces.Event{report(20, p, traces.TaskDump, stops...), later(5, report(40, p, traces.TaskDump, stops...))}, "KT037"},
		{"two looks far apart", []traces.Event{report(20, p, traces.TaskDump, stops...), later(60, report(40, p, traces.TaskDump, stops...))}, "KT015"},
		{"two looks far apart, between which it did something", []traces.Event{report(20, p, traces.TaskDump, stops...), report(30, p, traces.TaskDump, "schedule", "m_exit[m]"), later(60, report(40, p, traces.TaskDump, stops...))}, "KT037"},
		{"two looks far apart, and it is over", []traces.Event{says(1, traces.StopCall, p), report(20, p, traces.TaskDump, stops...), later(60, report(40, p, traces.TaskDump, stops...)), says(60, traces.StopReturn, p)}, "KT035"},
		{"one look, and it is over", []traces.Event{says(1, traces.StopCall, p), report(20, p, traces.TaskDump, stops...), says(60, traces.StopReturn, p)}, ""},
		{"a look at a park", []traces.Event{report(20, p, traces.TaskDump, "schedule", "wait_for_completion", "kthread_park", "m_pause[m]", "do_syscall_64")}, "KT037"},
		{"a park", []traces.Event{report(20, p, traces.HungTask, "schedule", "wait_for_completion", "kthread_park", "m_pause[m]", "do_syscall_64")}, "KT034"},
		{"a lock of a parker's", []traces.Event{report(20, p, traces.HungTask, "schedule", "__mutex_lock", "m_pause[m]", "do_syscall_64")}, ""},
		{"a wait for a completion of a module's own", []traces.Event{report(20, p, traces.HungTask, "schedule", "wait_for_completion", "m_pause[m]", "kthread_park[m]")}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, outcome := hangRules(t, &replay{list: test.events})
			if got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
			if outcome == StopHung && !strings.Contains(got, "KT015") {
				t.Errorf("%s, and %s", outcome, got)
			}
		})
	}
}
