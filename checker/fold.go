package checker

import (
	"math"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/checker/internal/model"
)

// fold judges the first events of a life that has very many for good. Where no era's rules
// allow them, the life is left as it is: what does not fit stays in it, and is found when
// the life is judged.
func (c *check) fold(l *Life) {
	n := l.InWhichCall(foldable(l))
	if n == 0 {
		l.FoldLater()
		return
	}
	var ends []endsBy
	checkers, _ := c.erasFor(l)
	first := l.First(n)
	for _, r := range checkers {
		h := r.history(first)
		switch states, ans := h.Ends(); ans {
		case model.Yes:
			ends = append(ends, endsBy{r.m, states})
		case model.Undecided:
			l.FoldLater()
			return
		}
	}
	if ends == nil {
		l.FoldLater()
		return
	}
	l.Fold(n, &life.Said{Verdict: &Verdict{how: judgement{ends: ends}}})
}

// foldable returns how many of a life's first events certainly happened before all later
// ones. It is 0 where the trace does not say so of any.
func foldable(l *Life) int {
	t := newTimeline(l, nil)
	earlier := 0
	if l.Revived != nil {
		earlier = l.Revived.Events
	}
	n := len(t.windows)
	from := make([]int64, n+1) // [i]: the earliest beginning of events i and later
	from[n] = math.MaxInt64
	for i := n - 1; i >= earlier; i-- {
		from[i] = min(t.windows[i].from, from[i+1])
	}
	found, to := 0, int64(math.MinInt64)
	for i := earlier; i < n-1; i++ {
		if to = max(to, t.windows[i].to); to < from[i+1] {
			found = i + 1
		}
	}
	return found
}
