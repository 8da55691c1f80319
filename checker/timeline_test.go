package checker

import (
	"slices"
	"testing"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/traces"
)

// testsAt is the one life of a trace in which a thread calls kthread_should_stop(), each time on
// a CPU, at a stamp in µs.
func testsAt(t *testing.T, clock traces.Clock, coarse int64, at ...[2]int) *Life {
	t.Helper()
	thread := traces.Task{Comm: "kt", PID: 300}
	a := life.New(&traces.Stats{}, nil, nil)
	for i, e := range at {
		a.Add(&traces.Event{
			Kind: traces.ShouldStop, Line: i + 1, Thread: thread, By: thread, CPU: e[0], HasCode: true, Code: i % 2,
			Time: traces.Time{Stamp: int64(e[1]) * 1000, Clock: clock, Coarse: coarse},
		})
	}
	lives := a.End(len(at))
	if len(lives) != 1 || lives[0].Count() != len(at) {
		t.Fatalf("%d lives", len(lives))
	}
	return lives[0]
}

func TestTimeline(t *testing.T) {
	const ms = 1_000_000
	for _, c := range []struct {
		name   string
		clock  traces.Clock
		coarse int64
		at     [][2]int
		cpu    int
		want   []span
	}{
		{"events of the CPU with most of them have windows of no width", traces.Nanoseconds, 1, [][2]int{{2, 50000}, {1, 60000}, {1, 70000}}, 1,
			[]span{{40*ms - 1, 60*ms + 1}, {60 * ms, 60 * ms}, {70 * ms, 70 * ms}}},
		{"of two CPUs the same microsecond has no order", traces.Nanoseconds, 1000, [][2]int{{2, 50000}, {1, 60000}, {1, 70000}}, 1,
			[]span{{40*ms - 1000, 60*ms + 1000}, {60 * ms, 60 * ms}, {70 * ms, 70 * ms}}},
		{"without CPUs each stamp is off by half of what two differ by", traces.Nanoseconds, 1, [][2]int{{-1, 50000}, {-1, 60000}}, -1,
			[]span{{45 * ms, 55 * ms}, {55 * ms, 65 * ms}}},
		{"a clock that counts something else gives no windows", traces.Ticks, 0, [][2]int{{1, 5}, {1, 6}}, -1,
			[]span{{first, last}, {first, last}}},
	} {
		times := newTimeline(testsAt(t, c.clock, c.coarse, c.at...), nil)
		if times.cpu != c.cpu {
			t.Errorf("%s: by the clock of CPU %d, want %d", c.name, times.cpu, c.cpu)
		}
		for i, got := range times.windows {
			if got != c.want[i] {
				t.Errorf("%s: event %d has the window %v, want %v", c.name, i, got, c.want[i])
			}
		}
	}
}

func TestChainsAreBounded(t *testing.T) {
	l := testsAt(t, traces.Nanoseconds, 1, [2]int{0, 50000}, [2]int{1, 60000})
	times := newTimeline(l, nil)
	c := newChains(&times)
	for pid := range 3 * model.MaxChains {
		for range 2 {
			var o model.Operation
			c.put(&o, ofTask(traces.Task{PID: pid}))
			c.put(&o, ofCPU(pid%4))
			if pid == 0 && o.Places != 1 {
				t.Errorf("idle tasks have a chain: %+v", o)
			}
		}
	}
	if len(c.of) != model.MaxChains {
		t.Errorf("%d chains", len(c.of))
	}
}

// The order of a task's operations on two CPUs counts where it is certain.
func TestChainsOfTasksThatMigrate(t *testing.T) {
	for _, c := range []struct {
		name string
		at   [][2]int // CPU and stamp in µs
		want []model.Place
	}{
		{"on one CPU", [][2]int{{0, 50000}, {0, 50001}}, []model.Place{{Chain: 0, Seq: 0}, {Chain: 0, Seq: 1}}},
		{"long enough after it left the other", [][2]int{{0, 50000}, {1, 70001}}, []model.Place{{Chain: 0, Seq: 0}, {Chain: 0, Seq: 1}}},
		{"too soon", [][2]int{{0, 50000}, {1, 50100}, {1, 50200}}, []model.Place{{Chain: 0, Seq: 0}, {Chain: 1, Seq: 0}, {Chain: 1, Seq: 1}}},
		{"to and fro", [][2]int{{0, 50000}, {1, 50100}, {0, 50200}}, []model.Place{{Chain: 0, Seq: 0}, {Chain: 1, Seq: 0}, {Chain: 2, Seq: 0}}},
		{"without CPUs", [][2]int{{-1, 50000}, {-1, 50100}}, []model.Place{{Chain: 0, Seq: 0}, {Chain: 0, Seq: 1}}},
	} {
		l := testsAt(t, traces.Nanoseconds, 1, c.at...)
		times := newTimeline(l, nil)
		chains := newChains(&times)
		for i, want := range c.want {
			o := model.Operation{Event: i}
			chains.put(&o, ofTask(l.Thread))
			if o.Places != 1 || o.In[0] != want {
				t.Errorf("%s: event %d is in %v, want %v", c.name, i, o.In[:o.Places], want)
			}
		}
	}
}

func TestOrder(t *testing.T) {
	for _, c := range []struct {
		windows []span
		want    []int
	}{
		{[]span{{1, 1}, {2, 2}, {3, 3}}, []int{0, 1, 2}},
		{[]span{{1, 4}, {2, 3}, {1, 1}}, []int{0, 2, 1}},
		{[]span{{5, 9}, {1, 7}, {1, 4}, {8, 9}}, []int{2, 0, 1, 3}},
		{[]span{{7, 9}, {4, 6}, {1, 3}}, []int{2, 1, 0}},
	} {
		times := timeline{windows: c.windows}
		if got := times.order(); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.windows, got, c.want)
		}
	}
}
