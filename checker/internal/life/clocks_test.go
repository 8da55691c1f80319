package life

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kthread-tla/tracecheck/checker/internal/clock"
	"github.com/kthread-tla/tracecheck/traces"
)

// A scheduled is a simulated machine of some CPUs, on which kernel threads are created,
// sleep, are woken, migrate, and are stopped. All times are nanoseconds.
type scheduled struct {
	rng    *rand.Rand
	cpus   int
	clock  func(cpu int, now int64) int64
	events []traces.Event
	at     []int64 // when the events truly happened
}

func (s *scheduled) event(kind traces.Kind, cpu int, now int64, thread, by int, state byte) {
	e := traces.Event{
		Kind: kind, CPU: cpu, Thread: traces.Task{Comm: "kt", PID: thread}, State: state, Context: traces.TaskContext,
		Time: traces.Time{Stamp: s.clock(cpu, now), Clock: traces.Nanoseconds},
	}
	if by > 0 {
		e.By = traces.Task{Comm: "by", PID: by}
	}
	s.events, s.at = append(s.events, e), append(s.at, now)
}

// some is a random time of about n.
func (s *scheduled) some(n int64) int64 { return n/2 + s.rng.Int64N(n) }

// thread simulates one life from a time on.
func (s *scheduled) thread(pid int, now int64) {
	any := func() int { return s.rng.IntN(s.cpus) }
	stopper := 10_000 + pid
	cpu := any()
	s.event(traces.Fork, any(), now, pid, 2, 0)
	now += s.some(20e3)
	s.event(traces.SwitchIn, cpu, now, pid, 0, 0)
	sleeps := s.rng.IntN(6)
	for i := range sleeps + 1 {
		if s.rng.IntN(4) == 0 { // preempted, and moved
			now += s.some(10e3)
			s.event(traces.SwitchOut, cpu, now, pid, 0, 'R')
			cpu, now = any(), now+s.some(10e3)
			s.event(traces.SwitchIn, cpu, now, pid, 0, 0)
		}
		if s.rng.IntN(4) == 0 { // woken before it has left its CPU
			now += s.some(5e3)
			s.event(traces.Woken, any(), now, pid, 77, 0)
		}
		now += s.some(10e3)
		s.event(traces.SwitchOut, cpu, now, pid, 0, "DSI"[min(i, 1+s.rng.IntN(2))])
		if s.rng.IntN(3) == 0 {
			now += s.some(30e6)
		} else {
			now += s.some(100e3)
		}
		if i == sleeps {
			break
		}
		s.event(traces.Woken, any(), now, pid, 77, 0)
		cpu, now = any(), now+s.some(10e3)
		s.event(traces.SwitchIn, cpu, now, pid, 0, 0)
	}
	on := any()
	s.event(traces.StopCall, on, now, pid, stopper, 0)
	s.event(traces.Woken, on, now+2e3, pid, stopper, 0)
	s.event(traces.SwitchOut, on, now+6e3, stopper, 0, 'D')
	cpu, now = any(), now+8e3+s.some(5e3)
	s.event(traces.SwitchIn, cpu, now, pid, 0, 0)
	now += s.some(10e3)
	s.event(traces.Woken, cpu, now, stopper, pid, 0)
	s.event(traces.ProcessExit, cpu, now+1e3, pid, pid, 0)
	s.event(traces.SwitchOut, cpu, now+2e3, pid, 0, 'X')
	on = any()
	s.event(traces.SwitchIn, on, now+5e3, stopper, 0, 0)
	s.event(traces.StopReturn, on, now+8e3, 0, stopper, 0)
}

// run gives the events to an Assembler in the order of their stamps.
func (s *scheduled) run(t *testing.T) *Assembler {
	t.Helper()
	a := New(&traces.Stats{}, nil, nil)
	order := make([]int, len(s.events))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Or(cmp.Compare(s.events[i].Stamp, s.events[j].Stamp), cmp.Compare(s.at[i], s.at[j]))
	})
	for n, i := range order {
		e := s.events[i]
		e.Line = n + 1
		a.Add(&e)
	}
	return a
}

// The offsets are right, whatever the clocks do and however the lines stand. Where there is
// enough to go by, they are narrow.
func TestOffsetsOfSimulatedTraces(t *testing.T) {
	skewed := func(by int64) func(int, int64) int64 {
		return func(cpu int, now int64) int64 { return now + []int64{0, by, by / 3, by / 2}[cpu] }
	}
	for _, c := range []struct {
		name  string
		clock func(cpu int, now int64) int64
	}{
		{"equal", skewed(0)},
		{"25 us", skewed(25e3)},
		{"1 ms", skewed(1e6)},
		{"9 ms", skewed(9e6)},
		{"drift", func(cpu int, now int64) int64 { return now + now/1e6*int64(20*cpu) }},
		{"a step", func(cpu int, now int64) int64 {
			if cpu == 1 && now > 4e9 {
				now += 3e6
			}
			return now
		}},
	} {
		for _, every := range []int64{200e3, 5e6, 100e6} { // between two forks
			asked, narrow := 0, 0
			for seed := range uint64(12) {
				s := &scheduled{rng: rand.New(rand.NewPCG(seed, 5)), cpus: 2 + int(seed%3), clock: c.clock}
				now := int64(3e9)
				for pid := range 300 {
					now += s.some(every)
					s.thread(100+pid, now)
				}
				a := s.run(t)
				for range 300 {
					at := 3e9 + s.rng.Int64N(now-3e9)
					if now > 5e9 {
						at = now - s.rng.Int64N(2e9)
					}
					x, y := s.rng.IntN(s.cpus), s.rng.IntN(s.cpus)
					ahead := s.clock(y, at) - s.clock(x, at)
					lo, hi := a.traced.clocks.Offset(x, clock.Moment{CPU: y, Stamp: s.clock(y, at)})
					if ahead < lo || ahead > hi {
						t.Fatalf("%s, a thread every %d us, seed %d: at %d CPU %d is %d ns ahead of CPU %d, not %d to %d (%v)", c.name, every/1000, seed, at, y, ahead, x, lo, hi, a.traced.clocks.Differences())
					}
					if asked++; hi-lo < 1e6 {
						narrow++
					}
				}
			}
			t.Logf("%s, a thread every %d us: %d %% are narrow", c.name, every/1000, 100*narrow/asked)
		}
	}
}

// A waking is matched with a run where no other can be meant.
func TestWakings(t *testing.T) {
	type line struct {
		kind  traces.Kind
		state byte
		cpu   int
		at    int64 // in µs
	}
	const out, in, woken, fork = traces.SwitchOut, traces.SwitchIn, traces.Woken, traces.Fork
	for _, c := range []struct {
		name  string
		lines []line
		want  string
	}{
		{"a fork bounds the offset once", []line{{fork, 0, 0, 1000}, {in, 0, 1, 1010}, {out, 'D', 1, 1020}}, "0>1:10"},
		{"a waking and a run", []line{{fork, 0, 0, 1000}, {in, 0, 0, 1010}, {out, 'S', 0, 21020}, {woken, 0, 1, 21500}, {in, 0, 0, 21510}, {out, 'R', 0, 50000}}, "1>0:10"},
		{"it sleeps for long", []line{{fork, 0, 0, 1000}, {in, 0, 0, 1010}, {out, 'S', 0, 21020}, {woken, 0, 1, 51500}, {in, 0, 0, 51510}, {out, 'R', 0, 80000}}, "1>0:10"},
		{"nothing shows yet that no other waking comes", []line{{fork, 0, 0, 1000}, {in, 0, 0, 1010}, {out, 'S', 0, 21020}, {woken, 0, 1, 21500}, {in, 0, 0, 21510}}, ""},
		{"the waking is printed late", []line{{fork, 0, 0, 1000}, {in, 0, 0, 1010}, {out, 'S', 0, 21020}, {in, 0, 0, 21510}, {woken, 0, 1, 22500}, {out, 'R', 0, 50000}}, "1>0:-990"},
		{"one waking too many", []line{{fork, 0, 0, 1000}, {in, 0, 0, 1010}, {out, 'S', 0, 21020}, {woken, 0, 1, 21500}, {in, 0, 0, 21510}, {woken, 0, 2, 22500}, {out, 'R', 0, 50000}}, ""},
		{"another may have come before the fork", []line{{fork, 0, 0, 1000}, {in, 0, 0, 1010}, {out, 'D', 0, 1020}, {woken, 0, 1, 1500}, {in, 0, 0, 1510}, {out, 'R', 0, 50000}}, ""},
		{"woken, and not yet running", []line{{fork, 0, 0, 1000}, {in, 0, 0, 1010}, {out, 'S', 0, 21020}, {woken, 0, 1, 21500}, {woken, 0, 1, 51500}, {in, 0, 0, 51510}, {out, 'R', 0, 80000}}, ""},
		{"it runs quietly, and then all is clear", []line{
			{fork, 0, 0, 1000}, {in, 0, 0, 1010}, {out, 'D', 0, 1020}, {woken, 0, 1, 1500}, {in, 0, 0, 1510}, {woken, 0, 2, 2500},
			{out, 'S', 0, 30000}, {woken, 0, 1, 30500}, {in, 0, 0, 30520}, {out, 'R', 0, 50000},
		}, "1>0:20"},
		{"it left one CPU after it came to another", []line{{fork, 0, 0, 1000}, {in, 0, 0, 1010}, {in, 0, 1, 1050}, {out, 'S', 0, 1100}, {woken, 0, 2, 1500}, {out, 'S', 1, 30000}}, ""},
		{"without a fork nothing is clear", []line{{out, 'S', 0, 1020}, {woken, 0, 1, 1500}, {in, 0, 0, 1510}, {out, 'R', 0, 30000}}, ""},
	} {
		a := New(&traces.Stats{}, nil, nil)
		first := traces.Event{Kind: traces.ShouldStop, Line: 1, Thread: traces.Task{PID: 300, Comm: "kt"}, CPU: 0, Time: traces.Time{Stamp: 900, Clock: traces.Nanoseconds}}
		if c.lines[0].kind != fork {
			a.Add(&first)
		}
		got := ""
		before := map[[2]int][2]int64{}
		for i, l := range c.lines {
			e := traces.Event{Kind: l.kind, State: l.state, Line: i + 2, CPU: l.cpu, Thread: traces.Task{PID: 300, Comm: "kt"}, Time: traces.Time{Stamp: l.at * 1000, Clock: traces.Nanoseconds}}
			a.Add(&e)
		}
		for x := range 3 {
			for y := range 3 {
				for _, l := range c.lines {
					lo, hi := a.traced.clocks.Offset(x, clock.Moment{CPU: y, Stamp: l.at * 1000})
					if was, ok := before[[2]int{x, y}]; x != y && hi < clock.Slack && (!ok || was != [2]int64{lo, hi}) {
						got += fmt.Sprintf("%d>%d:%d", x, y, hi/1000)
					}
					before[[2]int{x, y}] = [2]int64{lo, hi}
				}
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
