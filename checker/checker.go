package checker

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
)

// A Checker judges lives. It may be used by several goroutines.
type Checker struct {
	timeout  time.Duration
	only     *graph.Era                       // the user's word; nil: the log's banner, or else all
	release  string                           // the --kernel argument, verbatim; empty: none
	machines map[string]func() *model.Machine // by Module.FileOf; each is built once, when a life is judged by it
	printed  func() []*eraChecker             // of all eras, for what modules and the kernel print
	traced   func() []*eraChecker             // of all eras, for what tracers see
	memos    model.Cache[*memo]               // by cacheKey and addOrder
	probes   model.Cache[probeSets]           // by what was searched
	ending   func() traces.Kinds              // the kinds after which threadfn runs no more, by the rules of all eras
	grace    *life.Grace                      // tests: how long lives wait; nil: as long as usual
}

// New returns a checker by the rules of one era, or, with nil, of the era that
// a log names, or of all of them. timeout is the longest time for one question
// about one life; 0 means no limit.
func New(only *graph.Era, timeout time.Duration) (*Checker, error) {
	c := &Checker{timeout: timeout, only: only, machines: make(map[string]func() *model.Machine)}
	for _, module := range graph.Modules {
		for _, kernel := range module.Kernels() {
			c.machines[module.FileOf(kernel)] = sync.OnceValue(func() *model.Machine {
				g, err := graph.Load(module, kernel)
				if err != nil {
					panic(fmt.Sprintf("the graph of Linux %s that is built in: %v", kernel, err))
				}
				return model.New(g, actionNames())
			})
		}
	}
	c.printed = sync.OnceValue(func() []*eraChecker { return c.eras(graph.KThreadAPI, graph.Eras()...) })
	c.traced = sync.OnceValue(func() []*eraChecker { return c.eras(graph.KThreadTask, graph.Eras()...) })
	c.ending = sync.OnceValue(c.findEnding)
	return c, nil
}

// NewFor is New for the kernel that is called so by `uname -r`. Where that kernel
// may have the rules of another era than its number says, a verdict that hangs on
// it says so.
func NewFor(release string, timeout time.Duration) (*Checker, error) {
	e, err := graph.EraOf(release)
	if err != nil {
		return nil, err
	}
	c, err := New(&e, timeout)
	if err == nil {
		c.release = release
	}
	return c, err
}

// moduleOf is the module of the specification that a life is judged by: tracers also see
// what the scheduler does.
func moduleOf(l *Life) graph.Module {
	if l.Traced() {
		return graph.KThreadTask
	}
	return graph.KThreadAPI
}

// all returns the checkers of all eras by a module.
func (c *Checker) all(module graph.Module) []*eraChecker {
	if module == graph.KThreadTask {
		return c.traced()
	}
	return c.printed()
}

// eras returns the checkers for some eras by a module. Eras with the same graph share one
// checker. Machines that do not exist yet are built, in parallel.
func (c *Checker) eras(module graph.Module, list ...graph.Era) (checkers []*eraChecker) {
	for _, e := range list {
		i := slices.IndexFunc(checkers, func(r *eraChecker) bool { return module.Kernel(r.eras[0]) == module.Kernel(e) })
		if i < 0 {
			i = len(checkers)
			checkers = append(checkers, &eraChecker{Checker: c})
		}
		checkers[i].eras = append(checkers[i].eras, e)
	}
	var built sync.WaitGroup
	for i, r := range checkers {
		machine := c.machines[module.FileOf(module.Kernel(r.eras[0]))]
		if i == len(checkers)-1 {
			r.m = machine()
			break
		}
		built.Go(func() { r.m = machine() })
	}
	built.Wait()
	return checkers
}

// erasFor returns the checkers that judge a life. covered is false if the log names a
// kernel that belongs to no era.
func (c *Checker) erasFor(l *Life) (checkers []*eraChecker, covered bool) {
	if c.only != nil {
		return c.eras(moduleOf(l), *c.only), true
	}
	if l.Kernel == "" {
		return fitsSoFar(l, c.within(moduleOf(l), eraSet(l.As.Eras))), true
	}
	e, err := graph.EraOf(l.Kernel)
	if err != nil {
		return fitsSoFar(l, c.all(moduleOf(l))), false
	}
	return c.eras(moduleOf(l), e), true
}

// within returns the checkers for a set of eras by a module.
func (c *Checker) within(module graph.Module, s eraSet) []*eraChecker {
	if s == 0 {
		return c.all(module)
	}
	return c.eras(module, slices.DeleteFunc(slices.Clone(graph.Eras()), func(e graph.Era) bool { return !s.has(e) })...)
}

// judge says what became of a life, and whether that is legal. Where the kernel is not
// known every era is tried, and the verdict says what holds under every era that allows
// the life. Where it is known, but its distribution may have changed it, the verdict says
// whether that matters.
func (c *Checker) judge(l *Life) Verdict {
	v := c.byNumber(l)
	release := c.release
	if c.only == nil {
		release = l.Kernel
	}
	for _, d := range graph.DoubtsOf(release) {
		w := c.eras(moduleOf(l), d.Era)[0].judge(l)
		v.doubt(&w, release, d)
	}
	v.ofLife(v.Life)
	return v
}

// byNumber is judge without doubts about backports: a kernel has the rules that its
// version number names.
func (c *Checker) byNumber(l *Life) Verdict {
	eras, covered := c.erasFor(l)
	var fit []Verdict
	var other *Verdict
	undecided := false // some era's rules came to no answer
	var names []string
	var ends []endsBy
	for _, r := range eras {
		v := r.judge(l)
		undecided = undecided || v.Fits == FitsInconclusive && v.Findings == nil
		switch {
		case v.Fits == FitsYes:
			fit, ends = append(fit, v), append(ends, v.how.ends...)
			for _, e := range r.eras {
				names = append(names, e.Name)
			}
		case other == nil || v.Fits == FitsInconclusive || other.Fits == FitsNo && slices.ContainsFunc(r.eras, mostCommon):
			other = &v
		}
	}
	if len(fit) == 0 {
		c.excuse(other, covered)
		return *other
	}
	v := agreed(fit)
	v.KernelsFit, v.how.ends = names, ends
	v.ForeignWake = slices.ContainsFunc(fit, func(w Verdict) bool { return w.ForeignWake })
	c.open(&v, fit)
	if undecided {
		v.how.ends = append(v.how.ends, endsBy{})
		// The eras that were not decided might say otherwise.
		v.Ran, v.Woken, v.Outcome, v.ExitCode, v.ExitCodeFrom = Unknown, Unknown, OutcomeUnknown, 0, ""
	}
	return v
}

// excuse turns "does not fit" into "inconclusive" if the rules may be the wrong ones. That
// is so if no era covers the log's kernel, or if the life fits the rules of an era that
// was ruled out only by the wording of the log's lines (traces.Mark).
func (c *Checker) excuse(v *Verdict, covered bool) {
	l := v.Life
	because := func(r *Rule, why string, args ...any) {
		v.Fits, v.FitsTo, v.Why = FitsInconclusive, 0, fmt.Sprintf(why, args...)
		for i := range v.Findings {
			v.Findings[i].Rule = r
		}
	}
	if !covered && v.Fits == FitsNo {
		because(&KT013, "it does not fit the rules of any era, but the log is of Linux %s, which none covers", l.Kernel)
	}
	if c.only != nil || l.Kernel != "" || l.As.Eras == 0 || v.Fits != FitsNo {
		return
	}
	for _, r := range c.within(moduleOf(l), ^eraSet(l.As.Eras)) {
		if w := r.judge(l); w.Fits == FitsYes {
			// A mark is too weak a reason to call this a violation.
			because(&KT019, "it fits the rules of Linux %s, but the log has words that such a kernel does not print", r.eras[0].Range())
			return
		}
	}
}

// mostCommon says whether this is the era whose verdict is reported if a life fits none.
func mostCommon(e graph.Era) bool { return e.Name == "5.4" }

// agreed returns what the verdicts by several eras' rules have in common.
func agreed(vs []Verdict) Verdict {
	v := vs[0]
	for _, w := range vs[1:] {
		if v.Ran != w.Ran {
			v.Ran = Unknown
		}
		if v.Woken != w.Woken {
			v.Woken = Unknown
		}
		if v.ExitCodeFrom != w.ExitCodeFrom || v.ExitCode != w.ExitCode {
			v.ExitCode, v.ExitCodeFrom = 0, ""
		}
		if v.Outcome != w.Outcome {
			v.Outcome = weaker(map[Outcome]bool{v.Outcome: true, w.Outcome: true})
		}
	}
	v.Findings = nil
	for _, f := range vs[0].Findings {
		if inAll(vs, f) {
			v.Findings = append(v.Findings, f)
		}
	}
	for _, w := range vs {
		for _, f := range w.Findings {
			if f.Rule != &KT008 || inAll(vs, f) {
				continue
			}
			// The stop hangs by some eras' rules, and returns by others'.
			f.Rule = &KT014
			if !holds(v.Findings, f) {
				v.Findings = append(v.Findings, f)
			}
		}
	}
	return v
}

// inAll says whether all verdicts have a finding of the rule on the same lines.
func inAll(vs []Verdict, f Finding) bool {
	return !slices.ContainsFunc(vs, func(v Verdict) bool { return !holds(v.Findings, f) })
}

func holds(findings []Finding, f Finding) bool {
	return slices.ContainsFunc(findings, func(g Finding) bool { return g.same(&f) })
}
