package checker

import (
	"math"
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/clock"
	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/traces"
)

// first and last bound all moments of a trace that has no clock to go by.
const first, last = math.MinInt64 / 4, model.Never - 1

// A span is when something happened: a closed interval.
type span struct{ from, to int64 }

// A timeline puts the events of a traced life on one clock: that of the CPU that most of
// them are of. Events of that CPU have windows of no width. Those of another are as wide as
// it is uncertain by how much its clock differs. The order of two events of one CPU is
// certain, and their windows do not say otherwise.
type timeline struct {
	life    *Life
	cpu     int    // whose clock it is; -1: the trace does not tell CPUs apart
	windows []span // by event, in nanoseconds, or from first to last
}

// newTimeline makes the timeline of a life that tracers saw. It appends the windows to buf,
// which must be empty.
func newTimeline(l *Life, buf []span) timeline {
	t := timeline{life: l, cpu: l.ClockOf(), windows: buf}
	for i := range l.Compact() {
		t.windows = append(t.windows, t.window(i))
	}
	return t
}

func (t *timeline) window(i int) span {
	k := &t.life.Compact()[i]
	lo, hi := int64(-clock.Slack/2), int64(clock.Slack/2)
	switch {
	case k.Clock != traces.Nanoseconds:
		return span{first, last}
	case t.cpu >= 0:
		lo, hi = t.life.Offset(t.cpu, i)
	default:
		// The clocks of no two CPUs differ by more than Slack. So there is a clock from
		// which none differs by more than half of it.
	}
	return span{max(first, k.Stamp-hi), min(last, k.Stamp-lo)}
}

// chains are the chains of a life's operations: what a task did, in the order in which it
// did so, and what a CPU has stamped.
type chains struct {
	of   []chain
	next [model.MaxChains]uint16
}

// A chain is a task's, or a CPU's.
type chain struct {
	number int // the task's pid, or the CPU's
	isCPU  bool
}

func ofTask(t traces.Task) chain { return chain{t.PID, false} }

func ofCPU(cpu int) chain { return chain{cpu, true} }

// put puts an operation behind those of a chain. If there are too many chains, the order of
// a further one is not kept, which allows more.
func (c *chains) put(o *model.Operation, in chain) {
	idle := in == chain{} // several tasks have pid 0
	n := slices.Index(c.of, in)
	if n < 0 && len(c.of) < model.MaxChains && !idle {
		n = len(c.of)
		c.of = append(c.of, in)
	}
	if n < 0 || o.Places == len(o.In) || idle && n != 0 {
		return
	}
	if slices.ContainsFunc(o.In[:o.Places], func(p model.Place) bool { return int(p.Chain) == n }) {
		return // a task that wakes itself
	}
	o.In[o.Places] = model.Place{Chain: int8(n), Seq: c.next[n]}
	o.Places++
	c.next[n]++
}
