package life

import (
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/clock"
	"github.com/kthread-tla/tracecheck/traces"
)

// An offset bounds how far one clock is ahead of another, in nanoseconds.
type offset struct{ lo, hi int64 }

// offsets are by how much the clocks of a life's events are ahead of one CPU's.
type offsets struct {
	cpu     int
	byEvent []offset
}

// Time measures the offsets of the clocks of a traced life's CPUs, as far as they are known
// now. The life keeps them, and is judged by them: the Assembler's clocks go on.
func (a *Assembler) Time(l *Life) {
	c := &a.traced.clocks
	if !l.Trace.on || len(l.traceMore.offsets.byEvent) == len(l.compact) {
		return
	}
	cpu := l.ClockOf()
	alone := !slices.ContainsFunc(l.compact, func(k CompactEvent) bool { return int(k.cpu) != cpu })
	if cpu < 0 || c.disordered || alone {
		return
	}
	o := &l.traceMore.offsets
	o.cpu, o.byEvent = cpu, o.byEvent[:0]
	for i := range l.compact {
		k := &l.compact[i]
		lo, hi := c.Offset(cpu, clock.Moment{CPU: int(k.cpu), Stamp: k.Stamp})
		o.byEvent = append(o.byEvent, offset{lo, hi})
	}
}

// Offset returns bounds on how far the clock of event i's CPU is ahead of another CPU's, in
// nanoseconds.
func (l *Life) Offset(cpu, i int) (lo, hi int64) {
	k := &l.compact[i]
	if int(k.cpu) == cpu {
		return 0, 0
	}
	known := offset{-clock.Slack, clock.Slack}
	if o := &l.traceMore.offsets; i < len(o.byEvent) && o.cpu == cpu {
		known = o.byEvent[i]
	}
	return known.lo - k.Coarse(), known.hi + k.Coarse()
}

// ClockOf returns the CPU by whose clock the life is best timed: the one that most of its
// events are of, of several the first. -1: the trace does not tell CPUs apart.
func (l *Life) ClockOf() int {
	if o := &l.traceMore.offsets; len(o.byEvent) > 0 && len(o.byEvent) >= len(l.compact) {
		return o.cpu // of a life that has been cut too
	}
	events := l.compact
	if l.Revived != nil {
		events = events[min(l.Revived.Events, len(events)):] // of those before it, the CPU is not known
	}
	var cpus [8]struct{ cpu, n int } // events of further CPUs are not counted
	for i := range events {
		k := &events[i]
		if k.Clock != traces.Nanoseconds {
			continue
		}
		if k.cpu < 0 {
			return -1
		}
		for j := range cpus {
			c := &cpus[j]
			if c.n == 0 {
				c.cpu = int(k.cpu)
			}
			if c.cpu == int(k.cpu) {
				c.n++
				break
			}
		}
	}
	most := 0
	for j := range cpus {
		if cpus[j].n > cpus[most].n {
			most = j
		}
	}
	if cpus[most].n == 0 {
		return -1
	}
	return cpus[most].cpu
}
