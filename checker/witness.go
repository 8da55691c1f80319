package checker

import "slices"

// A Step is one action of a witness.
type Step struct {
	Action
	Line int // of the line that shows it; 0: hidden
}

// Witness is one interleaving that fits; nil where there is none. It is found
// when it is asked for.
func (v *Verdict) Witness() []Step {
	c, q := v.how.era, v.how.query
	if v.Fits != FitsYes || q == nil {
		return nil
	}
	if way := c.inLineOrder(v); way != nil {
		return way
	}
	i := slices.IndexFunc(v.how.ends, func(e endsBy) bool { return e.m == c.m })
	return c.witness(q, v, v.how.ends[i].ends)
}

// inLineOrder is a witness in which different tasks did what they did in the order
// of the lines; nil where the stamps do not allow that, or it does not fit.
func (c *eraChecker) inLineOrder(v *Verdict) []Step {
	if !v.Life.Traced() || !v.Life.inTime() {
		return nil
	}
	q := &question{c.m, newHistory(c.m, v.Life.inLineOrder()), c.timeout}
	ends, ans := q.ends()
	if ans != yes {
		return nil
	}
	return c.witness(q, v, ends)
}

// witness prefers, among the orders that fit, one that shows the outcome, one in
// which the thread was woken (who has called kthread_run and wonders about
// -EINTR has woken it), and one in which threadfn returns what most do.
func (c *eraChecker) witness(q *question, v *Verdict, ends stateSet) []Step {
	var goal stateSet
	c.outcomes(q.h, ends, func(o Outcome, states stateSet) {
		if o == v.Outcome || v.Outcome == Stopped || v.Outcome == OutcomeUnknown {
			goal = goal.union(states)
		}
	})
	for _, want := range [][2]string{{"woken", "TRUE"}, {"code", "value"}} {
		if some := goal.intersect(c.m.where(want[0], want[1])); !some.empty() {
			goal = some
		}
	}
	way, ok := q.witness(goal)
	if !ok {
		return nil
	}
	var steps []Step
	loose := slices.Clone(q.h.loose)
	for _, s := range way {
		name := c.m.g.Actions[s.action]
		if name == "Work" && !v.Life.Traced() {
			continue // the line shows another action too
		}
		line := 0
		if s.event < 0 {
			i := slices.IndexFunc(loose, func(i int) bool { return slices.Contains(shown[v.Life.Events()[i].Kind], name) })
			if i >= 0 {
				s.event = loose[i]
				loose = slices.Delete(loose, i, i+1)
			}
		}
		if s.event >= 0 {
			line = v.Life.Events()[s.event].Line
		}
		steps = append(steps, Step{describe(c.m.g.Actions[s.action]), line})
	}
	return steps
}
