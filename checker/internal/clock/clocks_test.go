package clock

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A simulated is a CPU's clock. All times are nanoseconds. It steps forward only: a ring
// buffer has no stamps that fall back (kernel/trace/ring_buffer.c __rb_reserve_next).
type simulated struct {
	ahead  int64 // at the beginning
	ppm    int64
	step   int64
	stepAt int64
}

// read is what the clock shows at a true time.
func (s *simulated) read(now int64) int64 {
	t := now + s.ahead + now/1_000_000*s.ppm
	if now >= s.stepAt {
		t += s.step
	}
	return t
}

// A happening is a cause and its effect, in true time.
type happening struct{ from, to, start, end int64 }

// happenings are n causes between random CPUs, in the order of their ends.
func happenings(rng *rand.Rand, cpus int, n int, every, latency int64) (list []happening) {
	now := int64(1e9)
	for range n {
		now += rng.Int64N(2 * every)
		from := rng.IntN(cpus)
		to := (from + 1 + rng.IntN(cpus-1)) % cpus
		list = append(list, happening{int64(from), int64(to), now, now + 1 + rng.Int64N(latency)})
	}
	slices.SortFunc(list, func(a, b happening) int { return cmp.Compare(a.end, b.end) })
	return list
}

var kinds = []struct {
	name   string
	clocks []simulated
}{
	{"no skew", make([]simulated, 3)},
	{"25 us", []simulated{{}, {ahead: 25e3}, {ahead: -25e3}}},
	{"1 ms", []simulated{{}, {ahead: 1e6}, {ahead: -1e6}}},
	{"9 ms", []simulated{{ahead: 4.5e6}, {ahead: -4.5e6}, {}}},
	{"2 s", []simulated{{}, {ahead: 2e9}, {ahead: 1e9}}},
	{"drift", []simulated{{ppm: 25}, {ppm: -25}, {ahead: 5e3}}},
	{"a step", []simulated{{step: 5e6, stepAt: 1.5e9}, {}, {}}},
	{"a step of another", []simulated{{}, {step: 5e6, stepAt: 1.2e9}, {ahead: 3e6}}},
	{"drift and a step", []simulated{{ppm: 25, step: 5e6, stepAt: 1.8e9}, {ppm: -25}, {}}},
}

// The true offset is in the interval at every moment, also where a clock steps, and when no
// causes have come since.
func TestOffsetIsInTheInterval(t *testing.T) {
	const latency = 50e3
	for _, kind := range kinds {
		for seed := range uint64(60) {
			rng := rand.New(rand.NewPCG(seed, 1))
			clocks := kind.clocks
			coarse := []int64{0, 1000}[seed%2]
			n := []int{5, 200, 3000}[seed%3]
			every := int64(1e9) / int64(n)
			print := func(cpu, now int64) Moment {
				stamp := clocks[cpu].read(now)
				if coarse > 0 {
					stamp -= stamp % coarse
				}
				return Moment{CPU: int(cpu), Stamp: stamp, Coarse: coarse}
			}
			var c Clocks
			check := func(now int64, when string) {
				for a := range clocks {
					for b := range clocks {
						ahead := clocks[b].read(now) - clocks[a].read(now)
						lo, hi := c.Offset(a, print(int64(b), now))
						if ahead < lo || ahead > hi {
							t.Fatalf("%s, seed %d, %s %d: CPU %d's clock is %d ns ahead of CPU %d's, not %d to %d", kind.name, seed, when, now, b, ahead, a, lo, hi)
						}
					}
				}
			}
			list := happenings(rng, len(clocks), n, every, latency)
			for _, h := range list {
				if kind.name == "2 s" && !c.Beyond {
					for i := range int64(enoughAgainst) {
						c.Cause(print(0, h.start+i), print(1, h.end+i))
						c.Cause(print(1, h.start+i), print(0, h.end+i))
					}
				}
				c.Cause(print(h.from, h.start), print(h.to, h.end))
				check(h.end, "at")
			}
			end := list[len(list)-1].end
			for range 200 {
				now := 1e9 + rng.Int64N(end-1e9)
				check(now, "afterwards")
			}
		}
	}
}

// A hundred causes in each direction bound the offset within 200 µs.
func TestIntervalIsNarrow(t *testing.T) {
	for _, kind := range kinds {
		var c Clocks
		rng := rand.New(rand.NewPCG(7, 7))
		clocks := kind.clocks
		list := happenings(rng, 2, 200, 5e6, 50e3)
		for _, h := range list {
			c.Cause(Moment{CPU: int(h.from), Stamp: clocks[h.from].read(h.start)}, Moment{CPU: int(h.to), Stamp: clocks[h.to].read(h.end)})
		}
		for _, h := range list[60:190] {
			lo, hi := c.Offset(0, Moment{CPU: 1, Stamp: clocks[1].read(h.start)})
			// Of the time about a step that is long ago less is remembered.
			wide := func(s simulated) bool {
				return s.step != 0 && abs(h.start-s.stepAt) < around
			}
			if hi-lo > 200e3 && !slices.ContainsFunc(clocks, wide) {
				t.Errorf("%s, at %d: an interval of %d ns", kind.name, h.start, hi-lo)
				break
			}
		}
	}
}

func TestWithoutCausesTheDocumentedSlackHolds(t *testing.T) {
	var c Clocks
	at := func(cpu int, stamp int64) Moment { return Moment{CPU: cpu, Stamp: stamp} }
	want := func(cpu int, m Moment, lo, hi int64) {
		t.Helper()
		if l, h := c.Offset(cpu, m); l != lo || h != hi {
			t.Errorf("CPU %d's clock is ahead of CPU %d's by %d to %d ns, want %d to %d", m.CPU, cpu, l, h, lo, hi)
		}
	}
	want(3, at(3, 5), 0, 0)
	want(0, at(1, 0), -Slack, Slack)
	want(-1, at(1, 0), -Slack, Slack)
	const ms = 1_000_000
	c.Cause(at(0, 10*ms), at(1, 10*ms+20))
	want(0, at(1, 10*ms+20), -Slack, 20)
	want(0, at(1, 11*ms), -Slack, Slack)
	c.Cause(at(1, 20*ms), at(0, 20*ms+70))
	want(0, at(1, 15*ms), -Slack, Slack)
	c.Cause(at(0, 30*ms), at(1, 30*ms+30))
	want(0, at(1, 25*ms), -Slack, 20+1499)
	c.Cause(at(1, 40*ms), at(0, 40*ms+50))
	want(0, at(1, 25*ms), -50-1500, 20+1499)
	want(1, at(0, 25*ms), -20-1500, 50+1500)
	want(0, at(1, 2e9), -Slack, Slack)
	want(0, at(2, 1000), -Slack, Slack)
	if c.Beyond || c.Differences() != nil {
		t.Error(c.Differences())
	}
}

func TestCausesContradictTheDocumentedSlack(t *testing.T) {
	var c Clocks
	for i := range enoughAgainst {
		if c.Beyond {
			t.Errorf("%d causes are enough", i)
		}
		c.Cause(Moment{CPU: 2, Stamp: 1e9, Line: 7}, Moment{CPU: 1, Stamp: 1e9 - 30e6, Line: 5})
	}
	if got, want := fmt.Sprint(c.Differences()), fmt.Sprint([]Difference{{Ahead: 2, Behind: 1, By: 30e6, Cause: 7, Effect: 5}}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if lo, hi := c.Offset(1, Moment{CPU: 2, Stamp: 1e9 + 1e6}); lo != -Far || hi != Far {
		t.Errorf("after which nothing is known: got %d to %d", lo, hi)
	}
	if lo, hi := c.Offset(0, Moment{CPU: 2, Stamp: 1e9}); lo != -Far || hi != Far {
		t.Errorf("of CPUs without causes: got %d to %d", lo, hi)
	}
	// Effects, 30 ms later by their own clock, cause something on the first CPU.
	c.Cause(Moment{CPU: 1, Stamp: 1e9}, Moment{CPU: 2, Stamp: 1e9 + 30.05e6})
	c.Cause(Moment{CPU: 2, Stamp: 1e9 + 51e6}, Moment{CPU: 1, Stamp: 1e9 + 21e6})
	c.Cause(Moment{CPU: 1, Stamp: 1.021e9}, Moment{CPU: 2, Stamp: 1e9 + 51.05e6})
	if lo, hi := c.Offset(1, Moment{CPU: 2, Stamp: 1e9 + 40e6}); lo < 30e6-5e3 || lo > 30e6 || hi < 30.05e6 || hi > 30.05e6+5e3 {
		t.Errorf("got %d to %d", lo, hi)
	}
}

// A line that is not possible says nothing of clocks.
func TestOneCauseAgainstAnother(t *testing.T) {
	var c Clocks
	at := func(cpu int, stamp int64) Moment { return Moment{CPU: cpu, Stamp: stamp} }
	for range 10 {
		c.Cause(at(0, 1e9), at(1, 1e9-30e6))
		c.Cause(at(1, 1e9), at(0, 1e9+1e6))
	}
	if c.Beyond || c.Skewed || c.Differences() != nil {
		t.Error(c.Differences())
	}
}

// However long a log is, and however many CPUs it has, there is no more to remember.
func TestMemoryIsBounded(t *testing.T) {
	var c Clocks
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 200_000 {
		from, to := rng.IntN(8192), rng.IntN(8192)
		if i%2 == 0 {
			from, to = from%4, to%4
		}
		c.Cause(Moment{CPU: from, Stamp: int64(i) * 1e6}, Moment{CPU: to, Stamp: int64(i)*1e6 + 10})
	}
	if len(c.pairs) > maxPairs {
		t.Errorf("%d pairs", len(c.pairs))
	}
	for of, p := range c.pairs {
		if len(p.stretches) > maxStretches {
			t.Errorf("%v has %d stretches", of, len(p.stretches))
		}
	}
}

func BenchmarkCause(b *testing.B) {
	var c Clocks
	for i := range b.N {
		c.Cause(Moment{CPU: i % 8, Stamp: int64(i) * 1e4}, Moment{CPU: i * 7 % 8, Stamp: int64(i)*1e4 + 5000})
	}
}

func BenchmarkOffset(b *testing.B) {
	var c Clocks
	for i := range 1000 {
		c.Cause(Moment{CPU: i % 2, Stamp: int64(i) * 1e6}, Moment{CPU: 1 - i%2, Stamp: int64(i)*1e6 + 5000})
	}
	for i := range b.N {
		c.Offset(0, Moment{CPU: 1, Stamp: int64(i) % 1000 * 1e6})
	}
}
