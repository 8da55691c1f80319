package life

import (
	"testing"

	"github.com/kthread-tla/tracecheck/traces"
)

// Clocks of CPUs may differ: lines of two threads with one pid may stand on the wrong side of
// the second one's fork.
func TestPidUsedAgainNearby(t *testing.T) {
	at := func(k traces.Kind, cpu int, ms int64, line int) *traces.Event {
		e := &traces.Event{Kind: k, CPU: cpu, Line: line, Thread: traces.Task{Comm: "kt", PID: 50}}
		e.Stamp, e.Clock = 1e9+ms*1e6, traces.Nanoseconds
		if k == traces.Fork {
			e.By = traces.Task{Comm: "kthreadd", PID: 2}
		}
		return e
	}
	for _, c := range []struct {
		cpu   int // of the lines before the second fork
		ms    int64
		whole bool
	}{{1, 95, false}, {0, 95, true}, {1, 40, true}} {
		a := New(new(traces.Stats), nil, func() traces.Kinds { return 0 })
		a.Add(at(traces.Fork, 0, 0, 1))
		a.Add(at(traces.SwitchIn, c.cpu, c.ms, 2))
		a.Add(at(traces.Fork, 0, 100, 3))
		lives := a.End(3)
		if len(lives) != 2 {
			t.Fatalf("%d lives", len(lives))
		}
		for _, l := range lives {
			if l.Whole() != c.whole {
				t.Errorf("CPU %d, %d ms before the fork: whole %v", c.cpu, 100-c.ms, l.Whole())
			}
		}
	}
}
