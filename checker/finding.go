package checker

import (
	"cmp"
	"math"
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/model"
)

// A Finding is something worth saying about a life or a log. It holds what was
// found and where; Text puts it into words.
type Finding struct {
	Rule     *Rule
	Evidence Evidence

	wouldSettle string // by the graph: what would have decided what the finding leaves open
	life        *Life  // whose finding it is; nil: the log's
	log         *Log
}

// Evidence is where a rule found something in a life. The evidence is used again for
// other lives that went the same way, as the verdict is. So it holds places and numbers,
// and no name, line number or other text of the log.
type Evidence struct {
	Events   []int // indices in Life.Events, in the order in which the report names their lines
	Incident int   // 1 + an index in Life.Incidents, or in the log's; 0: none
	Wait     int   // 1 + an index in Life.Suspected or Log.Waits; 0: none
	Detail   any   // what else the rule needs for its words; nil: nothing
}

// A Text is what a report says of a finding.
type Text struct {
	Message     string
	Lines       []int    // 1-based numbers of the lines that show it
	Advice      string   // what to do about it; may be empty
	WouldSettle string   // what would have decided what is open; may be empty
	Allowed     []string // what the specification allowed in place of the last line, as this log would show it
}

// Text is the finding in words. They are made anew each time.
func (f Finding) Text() Text {
	var t Text
	if f.log == nil {
		t = f.on(f.life)
	} else {
		t = f.Rule.SayLog(f.log, f.Evidence)
		t.Lines = slices.Clone(t.Lines)
		slices.Sort(t.Lines)
		t.Lines = slices.Compact(t.Lines)
	}
	if f.wouldSettle != "" {
		t.WouldSettle = f.wouldSettle
	}
	return t
}

// on puts the finding into words, about l, which may be any life that went the same way.
func (f Finding) on(l *Life) Text {
	t := f.Rule.Say(l, f.Evidence)
	if t.Lines == nil {
		t.Lines = f.Evidence.lines(l)
	}
	return t
}

// lines returns the line numbers of the events.
func (e *Evidence) lines(l *Life) (lines []int) {
	for _, i := range e.Events {
		lines = append(lines, l.Events()[i].Line)
	}
	return lines
}

// same says whether two findings are of one rule and on the same lines of one life.
func (f *Finding) same(g *Finding) bool {
	return f.Rule == g.Rule && slices.Equal(f.Evidence.Events, g.Evidence.Events) &&
		f.Evidence.Incident == g.Evidence.Incident && f.Evidence.Wait == g.Evidence.Wait
}

// ofLife makes l the life that the verdict and its findings are about.
func (v *Verdict) ofLife(l *Life) {
	v.Life = l
	for i := range v.Findings {
		v.Findings[i].life = l
	}
}

// A Case is what a rule looks at: a life, and what is known of it by the rules of
// one kernel.
type Case struct {
	Life    *Life
	Verdict *Verdict // without findings
	era     *eraChecker
	h       *history
	ends    model.StateSet // where the orders that fit end
	misfit  *misfit        // nil: the life fits
}

// stopEvents returns the calls and returns of stops that the log shows, as indices in
// Life.Events.
func (c *Case) stopEvents() (events []int) {
	for _, s := range c.h.stops {
		for _, i := range []int{s.Made, s.Returned} {
			if i >= 0 {
				events = append(events, i)
			}
		}
	}
	return events
}

// findings returns what the rules find in a life that fits. Findings on the kernel's
// reports come first, in the order of the log, then the others in the order of the rules.
func (c *Case) findings() (found []Finding) {
	for _, r := range fitting {
		for _, e := range r.Find(c) {
			found = append(found, Finding{Rule: r, Evidence: e})
		}
	}
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Compare(uint(a.Evidence.Incident-1), uint(b.Evidence.Incident-1)) // none: the largest
	})
	return found
}

// finding returns the finding of the first rule that speaks of the misfit.
func (c *Case) finding() Finding {
	for _, r := range misfitting {
		for _, e := range r.Find(c) {
			c.misfit.rule = r
			return Finding{Rule: r, Evidence: e}
		}
	}
	panic("KT009 knows every misfit")
}

// find fills in Findings: what the rules find that belongs to no one thread, in the order
// of the lines. Findings on the log as a whole come last.
func (log *Log) find() {
	for _, r := range Rules {
		if r.FindLog == nil {
			continue
		}
		for _, e := range r.FindLog(log) {
			log.Findings = append(log.Findings, Finding{Rule: r, Evidence: e, log: log})
		}
	}
	first := func(f *Finding) int {
		if f.Evidence.Incident == 0 && f.Evidence.Wait == 0 {
			return math.MaxInt
		}
		return f.Text().Lines[0]
	}
	slices.SortStableFunc(log.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(first(&a), first(&b)), cmp.Compare(a.Evidence.Wait, b.Evidence.Wait))
	})
}

// incidents returns the places of the incidents of one kind in a list.
func incidents(list []Incident, kind IncidentKind) (found []Evidence) {
	for i := range list {
		if list[i].Kind == kind {
			found = append(found, Evidence{Incident: i + 1})
		}
	}
	return found
}
