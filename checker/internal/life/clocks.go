package life

import (
	"github.com/kthread-tla/tracecheck/checker/internal/clock"
	"github.com/kthread-tla/tracecheck/traces"
)

// ClockOf returns the CPU by whose clock the life is best timed: the one that most of its
// events are of, of several the first. -1: the trace does not tell CPUs apart.
func (l *Life) ClockOf() int {
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

// Offset returns bounds on how far the clock of event i's CPU is ahead of another CPU's, in
// nanoseconds.
func (l *Life) Offset(cpu, i int) (lo, hi int64) {
	k := &l.compact[i]
	if int(k.cpu) == cpu {
		return 0, 0
	}
	return -clock.Slack - k.Coarse(), clock.Slack + k.Coarse()
}
