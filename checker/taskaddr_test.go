package checker

import (
	"testing"

	"github.com/kthread-tla/tracecheck/traces"
)

// A stop that is known by an address is the stop of the thread whose address it
// is, where the log shows whose, and nobody's elsewhere; nobody is then said not
// to have been stopped.
func TestStopsByAddress(t *testing.T) {
	const x, y = 0xff190faec29aa100, 0xff190faec3964200
	at := func(addr uint64) traces.Task { return traces.Task{Addr: addr} }
	fork := func(k int) traces.Event { return traces.Event{Kind: traces.Fork, Thread: task(k), By: task(2)} }
	exit := func(k int) traces.Event {
		return traces.Event{Kind: traces.ProcessExit, Thread: task(k), By: task(k)}
	}
	ran := func(k int) traces.Event {
		return traces.Event{Kind: traces.ThreadFn, Thread: task(k), By: task(k), Probe: true}
	}
	named := func(k, by int) traces.Event {
		return traces.Event{Kind: traces.Renamed, Thread: task(k), By: task(by)}
	}
	created := func(thread traces.Task, by int) traces.Event {
		return traces.Event{Kind: traces.Create, Thread: thread, By: task(by), Probe: true}
	}
	stop := func(thread traces.Task, by int) traces.Event {
		return traces.Event{Kind: traces.StopCall, Thread: thread, By: task(by), Probe: thread.Addr != 0}
	}
	ret := func(by, code int) traces.Event {
		return traces.Event{Kind: traces.StopReturn, By: task(by), Code: code, HasCode: true, Probe: true}
	}
	traced := func(by, code int) traces.Event { // by the tracepoint
		return traces.Event{Kind: traces.StopReturn, By: task(by), Code: code, HasCode: true}
	}
	freed := func(k int) traces.Event { return traces.Event{Kind: traces.Freed, Thread: task(k)} }
	both := traces.Task{Comm: "t50", PID: 50, Addr: x}
	for _, test := range []struct {
		name   string
		events *replay
		want   string
	}{
		{"of nobody known, and another one's stop is", tracedEvents(fork(50), fork(51), ran(50), stop(at(x), 9), exit(50), ret(9, 3), stop(task(51), 9), traced(9, -4)),
			"50#1 yes unknown ; 51#1 yes stopped -4; "},
		{"its creator has named it", tracedEvents(fork(50), named(50, 9), created(at(x), 9), ran(50), stop(at(x), 8), exit(50), ret(8, 3)),
			"50#1 yes ran_then_stopped 3; "},
		{"an event has both", tracedEvents(fork(50), created(both, 9), ran(50), stop(at(x), 8), exit(50), ret(8, 3)),
			"50#1 yes ran_then_stopped 3; "},
		{"two creators at once", tracedEvents(fork(50), fork(51), named(51, 8), named(50, 9), created(at(x), 9), created(at(y), 8), stop(at(y), 9), ret(9, 5)),
			"50#1 yes unknown ; 51#1 yes ran_then_stopped 5; "},
		{"probe and tracepoint of one call, and the address again", tracedEvents(fork(50), ran(50), exit(50), fork(51), stop(at(y), 9), stop(task(51), 9), traced(9, 5), ret(9, 5), stop(at(y), 9), ret(9, 6)),
			"50#1 yes exited_by_itself ; 51#1 no unknown ; "},
		{"of an address that is known not to be its own", tracedEvents(fork(50), created(both, 9), ran(50), exit(50), fork(51), stop(task(51), 9), traced(9, 3), stop(at(y), 9), ret(9, 3)),
			"50#1 yes exited_by_itself ; 51#1 yes ran_then_stopped 3; "},
		{"an address that may be another thread's by now", tracedEvents(fork(50), created(both, 9), ran(50), stop(both, 9), exit(50), ret(9, 3), fork(51), stop(at(x), 9), ret(9, 5)),
			"50#1 yes ran_then_stopped 3; 51#1 yes unknown ; "},
		{"one that is, because the first thread is freed", tracedEvents(fork(50), created(both, 9), ran(50), exit(50), freed(50), fork(51), stop(at(x), 9), ret(9, 5)),
			"50#1 yes unknown ; 51#1 yes unknown ; "},
		{"of a thread that has ended and is not freed", tracedEvents(fork(40), ran(40), exit(40), freed(40), fork(50), created(both, 9), ran(50), exit(50), fork(51), stop(at(x), 9), ret(9, 5)),
			"40#1 yes exited_by_itself ; 50#1 yes exited_by_itself_then_stopped 5; 51#1 yes unknown ; "},
		{"lost events since", tracedEvents(fork(50), created(both, 9), traces.Event{Kind: traces.Loss}, stop(at(x), 9), ret(9, 5)),
			"50#1 yes unknown ; "},
		{"a stop that goes on at the end", tracedEvents(fork(50), ran(50), fork(51), stop(task(51), 8), traced(8, 1), stop(at(x), 9), exit(50)),
			"50#1 yes unknown ; 51#1 yes ran_then_stopped 1; "},
	} {
		if got := livesOf(t, test.events); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
