// Package clock measures from causes by how much the clocks of CPUs differ. It knows
// nothing of threads or of logs.
package clock

import (
	"cmp"
	"slices"
)

// Slack is by how much the stamps that two CPUs put on the same moment may differ, in
// nanoseconds, where causes do not say it better. ftrace takes its local clock only where
// the TSCs (or their like) agree (kernel/trace/trace.c tracing_set_default_clock, 4.17 and
// later), and then they do to a microsecond.
const Slack = 10e6

// Far is a bound that no offset reaches, in nanoseconds: nothing bounds the offset there.
const Far = 1 << 60

// drift is how many nanoseconds of time it takes two clocks to drift apart by one: 100 ppm,
// twice what a cheap oscillator is off by.
const drift = 10_000

// maxPairs bounds the pairs of CPUs whose offset is measured.
const maxPairs = 1 << 12

// A Moment is when something happened, by the clock of the CPU on which it did.
type Moment struct {
	CPU    int   // 0 or more
	Stamp  int64 // nanoseconds
	Coarse int64 // the step of Stamp, nanoseconds; 0 is 1
	Line   int   // that shows it
}

// A Difference says that two clocks differ by more than Slack.
type Difference struct {
	Ahead, Behind int   // CPUs
	By            int64 // at least so far is Ahead's clock ahead, in nanoseconds
	Cause, Effect int   // the lines that show it: the clocks have the cause behind its effect
}

// Clocks are the clocks of a log's CPUs. The zero value knows of no cause yet.
//
// What causes say of two clocks holds near them in time: by a distance in time it is widened
// by what clocks drift. An offset is bounded only where causes within a second before the
// moment bound it, and causes within a second after it, and the wider of the two counts. So
// a clock may step at any time, once in two seconds.
type Clocks struct {
	pairs  map[[2]int]*pair // by two CPUs, the smaller number first
	last   *pair            // of the last cause
	lastOf [2]int
	Beyond bool // some two differ by more than Slack
	// Skewed: some effect has an earlier stamp than its cause. As long as that is not so, no
	// interval excludes that all clocks are equal.
	Skewed bool
}

// pairOf returns the pair of two CPUs, a < b; nil: there is none, and none was made.
func (c *Clocks) pairOf(a, b int, create bool) *pair {
	of := [2]int{a, b}
	if c.last != nil && c.lastOf == of {
		return c.last
	}
	p := c.pairs[of]
	if p == nil {
		if !create || len(c.pairs) >= maxPairs {
			return nil
		}
		if c.pairs == nil {
			c.pairs = make(map[[2]int]*pair)
		}
		p = new(pair)
		c.pairs[of] = p
	}
	c.last, c.lastOf = p, of
	return p
}

// Cause notes that something happened, and caused something else, which came later. On one
// CPU that says nothing of clocks. Causes come about in the order of their stamps.
func (c *Clocks) Cause(from, to Moment) {
	if from.CPU == to.CPU || from.CPU < 0 || to.CPU < 0 {
		return
	}
	// The offset of to's clock is no larger than if the cause had taken no time.
	most := to.Stamp - from.Stamp + max(from.Coarse, to.Coarse)
	p := c.pairOf(min(from.CPU, to.CPU), max(from.CPU, to.CPU), true)
	if p == nil {
		return
	}
	side, b := lower, bound{value: -most, at: to.Stamp}
	if from.CPU < to.CPU {
		side, b = upper, bound{value: most, at: from.Stamp}
	}
	if most < -Slack {
		if -most > p.beyond.By {
			p.beyond = Difference{Ahead: from.CPU, Behind: to.CPU, By: -most, Cause: from.Line, Effect: to.Line}
		}
		if p.against[side]++; p.against[side] < enoughAgainst {
			return
		}
		c.Beyond = true
	} else if n := &p.against[1-side]; *n > 0 && *n < enoughAgainst && most < p.beyond.By {
		p.beyond, *n = Difference{}, 0
	}
	c.Skewed = c.Skewed || most < 0
	p.add(side, b)
}

// enoughAgainst is how many causes of two CPUs must contradict Slack until that is believed.
// Lines that are not possible do so too. Before, one cause that contradicts them is enough
// to forget them.
const enoughAgainst = 3

// Offset returns bounds on how far the clock of m's CPU is ahead of another CPU's at that
// moment, in nanoseconds. What causes do not bound is Slack, or, where the causes of the
// log have contradicted Slack, Far.
func (c *Clocks) Offset(cpu int, m Moment) (lo, hi int64) {
	if cpu == m.CPU {
		return 0, 0
	}
	known := everything
	if cpu >= 0 && m.CPU >= 0 {
		if p := c.pairOf(min(cpu, m.CPU), max(cpu, m.CPU), false); p != nil {
			known = p.offset(m.Stamp, m.CPU > cpu)
		}
	}
	if cpu > m.CPU {
		known = interval{-known.hi, -known.lo}
	}
	if known.empty() {
		known = everything // the clocks step more often, or a cause was none
	}
	if !c.Beyond {
		if within := known.and(interval{-Slack, Slack}); !within.empty() {
			known = within
		}
	}
	return known.lo, known.hi
}

// Differences returns the pairs of CPUs whose clocks differ by more than Slack, one fact for
// each pair, the one that shows most.
func (c *Clocks) Differences() (list []Difference) {
	for _, p := range c.pairs {
		if p.beyond.By > 0 && max(p.against[lower], p.against[upper]) >= enoughAgainst {
			list = append(list, p.beyond)
		}
	}
	slices.SortFunc(list, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Ahead, b.Ahead), cmp.Compare(a.Behind, b.Behind))
	})
	return list
}

// An interval has all offsets from lo to hi.
type interval struct{ lo, hi int64 }

var everything = interval{-Far, Far}

func (i interval) empty() bool { return i.lo > i.hi }

func (i interval) and(j interval) interval { return interval{max(i.lo, j.lo), min(i.hi, j.hi)} }
