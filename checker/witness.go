package checker

import (
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/model"
)

// A Step is one action of a witness.
type Step struct {
	Action
	Line int // of the line that shows it; 0: hidden
}

// Witness returns one interleaving that fits; nil: there is none. Each call searches for it.
func (v *Verdict) Witness() []Step {
	c, h := v.how.era, v.how.history
	if v.Fits != FitsYes || h == nil {
		return nil
	}
	if way := c.inLineOrder(v); way != nil {
		return way
	}
	i := slices.IndexFunc(v.how.ends, func(e endsBy) bool { return e.m == c.m })
	return c.witness(h, v, v.how.ends[i].ends)
}

// inLineOrder returns a witness in which the events happened in the order of their lines,
// across all tasks; nil: the stamps do not allow that order, or it does not fit.
func (c *eraChecker) inLineOrder(v *Verdict) []Step {
	if !v.Life.Traced() || !v.Life.InTime() {
		return nil
	}
	if t := newTimeline(v.Life, nil); !t.inLines() {
		return nil
	}
	h := c.history(inLineOrder(v.Life))
	ends, ans := h.Ends()
	if ans != model.Yes {
		return nil
	}
	return c.witness(h, v, ends)
}

// witness prefers, among the orders that fit, one that shows the outcome, one in
// which the thread was woken (who has called kthread_run and wonders about
// -EINTR has woken it), and one in which threadfn returns what most do.
func (c *eraChecker) witness(h *history, v *Verdict, ends model.StateSet) []Step {
	var goal model.StateSet
	c.outcomes(h, ends, func(o Outcome, states model.StateSet) {
		if o == v.Outcome || v.Outcome == Stopped || v.Outcome == OutcomeUnknown {
			goal = goal.Union(states)
		}
	})
	for _, want := range [][2]string{{"woken", "TRUE"}, {"code", "value"}} {
		if some := goal.Intersect(c.m.Where(want[0], want[1])); !some.Empty() {
			goal = some
		}
	}
	way, ok := h.Witness(goal)
	if !ok {
		return nil
	}
	var steps []Step
	unordered := slices.Clone(h.unordered)
	for _, s := range way {
		name := c.m.Graph.Actions[s.Action]
		if name == "Work" && !v.Life.Traced() {
			continue // the line shows another action too
		}
		line := 0
		if s.Event < 0 {
			i := slices.IndexFunc(unordered, func(i int) bool { return slices.Contains(shown[v.Life.Events()[i].Kind], name) })
			if i >= 0 {
				s.Event = unordered[i]
				unordered = slices.Delete(unordered, i, i+1)
			}
		}
		if s.Event >= 0 {
			line = v.Life.Events()[s.Event].Line
		}
		step := Step{describe(name), line}
		if line == 0 && step.ofTask() {
			continue
		}
		steps = append(steps, step)
	}
	return steps
}
