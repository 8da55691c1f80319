package checker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/printk"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// However long a life is, and however many tasks are in calls of it at once, the
// search takes a few steps for each line: it would take more than there is time
// for if each order of the lines had to be tried.
func TestLongLivesAreDecided(t *testing.T) {
	cycles := numberOf(5000)
	head := []string{"C boss > t1", "W boss > t1", "in t1"}
	end := []string{"S s > t1", "out t1: 0", "R s > t1: 0"}
	parks := func(cycle ...string) (lines []string) {
		lines = append(lines, head...)
		for range cycles {
			lines = append(lines, cycle...)
		}
		return append(lines, end...)
	}
	stops := append([]string(nil), head...)
	for i := range 40 {
		stops = append(stops, fmt.Sprintf("S s%d > t1", i))
	}
	begun := []string{"== loaded"}
	tests := []struct {
		name  string
		lines []string
	}{
		{"parked and unparked for hours", append(begun, parks("P p > t1", "Q p > t1", "U p > t1")...)},
		{"of which the log does not show the beginning", parks("P p > t1", "Q p > t1", "U p > t1")},
		{"by two, who overlap", append(begun, parks("P p > t1", "P q > t1", "U p > t1", "Q p > t1", "Q q > t1", "U q > t1")...)},
		{"by two, and not from the beginning", parks("P p > t1", "P q > t1", "U p > t1", "Q p > t1", "Q q > t1", "U q > t1")},
		{"40 stop it", append(append(begun, stops...), "out t1: 0", "R s3 > t1: 0")},
		{"40 stop it, in a log that begins later", append(stops, "out t1: 0", "R s3 > t1: 0")},
		{"stopped while it is parked", append(append(begun, stops...), "P p > t1", "S s > t1", "Q p > t1", "out t1: 0", "R s > t1: 0")},
	}
	pats, err := printk.Parse("all", strings.NewReader(allPatterns))
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewFor("5.4", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var text strings.Builder
			for i, line := range tt.lines {
				fmt.Fprintf(&text, "[%5d.%06d] %s\n", i/1000, i%1000, line)
			}
			decided(t, c, reader.New(strings.NewReader(text.String()), reader.Options{Patterns: pats, Always: true}))
		})
	}
}

// The same of traces.
func TestLongTracedLivesAreDecided(t *testing.T) {
	k, p := traces.Task{Comm: "k", PID: 50}, traces.Task{Comm: "p", PID: 10}
	by := func(i int) traces.Task { return traces.Task{Comm: "s", PID: 100 + i} }
	out := func(who traces.Task, state byte) traces.Event {
		return traces.Event{Kind: traces.SwitchOut, Thread: who, By: who, State: state}
	}
	born := []traces.Event{
		{Kind: traces.Fork, Thread: k, By: traces.Task{Comm: "kthreadd", PID: 2}}, out(k, 'D'),
		{Kind: traces.Woken, Thread: k, By: traces.Task{Comm: "c", PID: 9}},
		{Kind: traces.ParkMe, Probe: true, Thread: k, By: k}, out(k, 'S'),
	}
	stopped := func(n int) (list []traces.Event) {
		for i := range n {
			if list = append(list, traces.Event{Kind: traces.StopCall, Thread: k, By: by(i)}); i == 0 {
				list = append(list, traces.Event{Kind: traces.Woken, Thread: k, By: by(i)})
			}
		}
		for i := range n {
			list = append(list, out(by(i), 'D'))
		}
		return append(list, traces.Event{Kind: traces.Woken, Thread: by(0), By: k}, traces.Event{Kind: traces.ProcessExit, Thread: k, By: k}, traces.Event{Kind: traces.StopReturn, By: by(0), HasCode: true})
	}
	parked := append([]traces.Event(nil), born...)
	for range numberOf(5000) {
		parked = append(parked, traces.Event{Kind: traces.ParkCall, Probe: true, Thread: k, By: p},
			traces.Event{Kind: traces.Woken, Thread: k, By: p}, out(p, 'D'),
			traces.Event{Kind: traces.ParkMe, Probe: true, Thread: k, By: k}, traces.Event{Kind: traces.Woken, Thread: p, By: k}, out(k, 'P'),
			traces.Event{Kind: traces.ParkReturn, Probe: true, Thread: k, By: p, HasCode: true},
			traces.Event{Kind: traces.Unpark, Probe: true, Thread: k, By: p}, traces.Event{Kind: traces.Woken, Thread: k, By: p}, out(k, 'S'))
	}
	tests := []struct {
		name  string
		every int64 // nanoseconds
		list  []traces.Event
	}{
		{"parked and unparked for hours", 1e9, append(parked, stopped(1)...)},
		{"or many times in a second", 1e6, append(parked, stopped(1)...)},
		{"40 stop it", 1e4, append(born, stopped(40)...)},
	}
	c, err := NewFor("6.1", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := new(replay)
			for i, e := range tt.list {
				e.Line, e.Stamp, e.Clock = i+1, int64(i)*tt.every, traces.Nanoseconds
				r.list, r.sees = append(r.list, e), r.sees.With(e.Kind)
			}
			decided(t, c, r)
		})
	}
}

// decided fails where a log's one life is not decided in a few steps.
func decided(t *testing.T, c *Checker, log Source) {
	t.Helper()
	lives := 0
	_, err := c.Check(log, Options{}, func(v *Verdict) error {
		lives++
		if v.Fits != FitsYes || v.Outcome != RanThenStopped {
			t.Errorf("%s, %s (%s)", v.Fits, v.Outcome, v.Why)
		}
		left := model.MaxSteps
		q := v.how.history.Query
		q.Timeout = 0
		if _, ans := q.Within(&left); ans != model.Yes {
			t.Errorf("answer %d", ans)
		}
		t.Logf("%d operations, %d steps", len(q.Operations), model.MaxSteps-left)
		if steps, most := model.MaxSteps-left, 2000+5*len(q.Operations); steps > most {
			t.Errorf("%d steps for %d operations, want at most %d", steps, len(q.Operations), most)
		}
		return nil
	})
	if err != nil || lives != 1 {
		t.Errorf("%d lives, %v", lives, err)
	}
}
