package clock

import "slices"

// A pair is what is known of two CPUs, a and b: by how much b's clock is ahead of a's, from
// time to time.
type pair struct {
	stretches []stretch  // in the order of time
	beyond    Difference // By 0: they do not differ that much
	against   [2]int     // causes that contradict Slack
}

// A stretch is a time, with the best bounds that its causes have given.
type stretch struct {
	first int64 // the stamp of its first cause, by a's clock
	best  [2]bound
	has   [2]bool
}

// The sides of an offset.
const (
	lower = 0
	upper = 1
)

// A bound says that the offset was no larger than value (upper), or no smaller (lower).
type bound struct {
	value int64
	at    int64 // when, by a's clock; by b's that is at + value
}

// shortest is how long a stretch is at first, in nanoseconds.
const shortest = 1 << 20

// maxStretches bounds the stretches of a pair. When there are as many, those of the older
// half become half as many.
const maxStretches = 128

// add notes a bound.
func (p *pair) add(side int, b bound) {
	n := len(p.stretches)
	if n == 0 || b.at-p.stretches[n-1].first > shortest {
		if n == maxStretches {
			p.merge()
		}
		p.stretches = append(p.stretches, stretch{first: b.at})
		n = len(p.stretches)
	}
	p.stretches[n-1].add(side, b)
}

func (s *stretch) add(side int, b bound) {
	better := !s.has[side] || b.value == s.best[side].value || (b.value < s.best[side].value) == (side == upper)
	if better {
		s.best[side], s.has[side] = b, true
	}
}

// merge makes one stretch of each two of the older half. Where the causes of two leave no
// offset, a clock stepped between them, and they stay apart as long as there is room.
func (p *pair) merge() {
	n, half := 0, maxStretches/2
	for i := 0; i < half; n++ {
		p.stretches[n] = p.stretches[i]
		if i++; i < half && p.stretches[n].agrees(&p.stretches[i]) {
			p.stretches[n].join(&p.stretches[i])
			i++
		}
	}
	if n == half {
		p.stretches[1].join(&p.stretches[2])
		n = 2 + copy(p.stretches[2:], p.stretches[3:half])
	}
	p.stretches = append(p.stretches[:n], p.stretches[half:]...)
}

// join adds the causes of the stretch behind s.
func (s *stretch) join(next *stretch) {
	for side := range next.best {
		if next.has[side] {
			s.add(side, next.best[side])
		}
	}
}

// agrees says whether one offset can have given the bounds of both.
func (s *stretch) agrees(next *stretch) bool {
	both := *s
	both.join(next)
	if !both.has[lower] || !both.has[upper] {
		return true
	}
	lo, hi := both.best[lower], both.best[upper]
	return lo.value <= hi.value+abs(hi.at-lo.at)/drift
}

// offset returns the interval of b's offset at a moment by the clock of a, or, with byB, by
// that of b. A side that the causes about the moment do not bound is Far.
//
// The clocks may step between the causes before the moment and those after it, or among
// either. If they step once in that time, one of the two intervals is of the moment. So the
// wider bound holds, and a side that only one of them bounds is not bounded.
func (p *pair) offset(at int64, byB bool) interval {
	before := p.near(at, byB, -1)
	if before == everything {
		return everything
	}
	after := p.near(at, byB, 1)
	return interval{min(before.lo, after.lo), max(before.hi, after.hi)}
}

// around is how far from a moment causes may be that speak of it, in nanoseconds. Clocks are
// taken to step once in twice that time at most.
const around = 1e9

// maxNear is how many stretches are asked on each side of a moment, and enough how many of
// them where they bound the offset on both sides.
const maxNear, enough = 32, 6

// near returns what the nearest causes before a moment say (direction -1), or those after
// it (1). Causes that are further away and contradict nearer ones are of another time: the
// clocks stepped between.
func (p *pair) near(at int64, byB bool, direction int) interval {
	i, _ := slices.BinarySearchFunc(p.stretches, at, func(s stretch, at int64) int {
		if s.clock(byB) <= at {
			return -1
		}
		return 1
	})
	i-- // the stretch that the moment is in, or -1
	known := everything
	for asked := 0; i < len(p.stretches); i += direction {
		if i < 0 {
			if direction < 0 {
				break
			}
			continue
		}
		if asked++; asked > maxNear || asked > enough && known.lo > -Far && known.hi < Far {
			break
		}
		s := &p.stretches[i]
		sides := [2]int{lower, upper}
		if s.has[lower] && s.has[upper] && (s.best[upper].at-s.best[lower].at)*int64(direction) < 0 {
			sides = [2]int{upper, lower} // the nearer first
		}
		for _, side := range sides {
			b := s.best[side]
			distance := at - b.at
			if byB {
				distance -= b.value
			}
			if !s.has[side] || distance != 0 && (distance > 0) != (direction < 0) || abs(distance) > around {
				continue
			}
			now := known
			if side == upper {
				now.hi = min(now.hi, b.value+abs(distance)/drift)
			} else {
				now.lo = max(now.lo, b.value-abs(distance)/drift)
			}
			if now.empty() {
				return known
			}
			known = now
		}
	}
	return known
}

// clock is the stamp of the stretch's first cause, by the clock of a, or about that of b.
func (s *stretch) clock(byB bool) int64 {
	switch {
	case !byB:
		return s.first
	case s.has[upper]:
		return s.first + s.best[upper].value
	}
	return s.first + s.best[lower].value
}

func abs(n int64) int64 { return max(n, -n) }
