package checker

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
)

// A Truth answers a question about a thread's past.
type Truth string

// A fact is Unknown where both answers fit the log.
const (
	Yes     Truth = "yes"
	No      Truth = "no"
	Unknown Truth = "unknown"
)

// Fits says whether the specification allows what a log shows of a thread.
type Fits string

const (
	FitsYes          Fits = "yes"
	FitsNo           Fits = "no"
	FitsInconclusive Fits = "inconclusive"
)

// An Outcome is what became of a thread.
type Outcome string

const (
	RanThenStopped            Outcome = "ran_then_stopped"
	StoppedBeforeRun          Outcome = "stopped_before_run"
	ExitedByItself            Outcome = "exited_by_itself"
	ExitedByItselfThenStopped Outcome = "exited_by_itself_then_stopped"
	Stopped                   Outcome = "stopped"
	Died                      Outcome = "died"
	StoppedAfterFree          Outcome = "stopped_after_free"
	NeverWoken                Outcome = "never_woken"
	Running                   Outcome = "running"
	StopHung                  Outcome = "stop_hung"
	StopPending               Outcome = "stop_pending"
	CreateFailed              Outcome = "create_failed"
	OutcomeUnknown            Outcome = "unknown"
)

// A Verdict is all that is said of one life.
type Verdict struct {
	Life    *Life
	Fits    Fits
	Why     string // one sentence where Fits is inconclusive, else empty
	Outcome Outcome
	Ran     Truth
	Woken   Truth // out of its first sleep, by a wake_up_process() that was not a stop's

	ExitCode     int
	ExitCodeFrom string // observed, inferred, or empty: not known

	// KernelsFit are the eras, by name, by whose rules the life fits; where Fits
	// is no, none.
	KernelsFit []string

	// TakenAsOwn: a wake in the context of a task in kthread_stop() was taken for the
	// stop's own, in a trace that does not show interrupts.
	TakenAsOwn bool

	Stops    []Stop
	Findings []Finding
	Open     []Open // the facts that are not known, of a life that fits

	// FitsTo is, where Fits is no, the line of the last event of the longest
	// part from the beginning that fits; 0: there is none.
	FitsTo int

	// Revision counts the verdicts on one life, from 1; Replaces is the one
	// before; nil: there is none.
	Revision int
	Replaces *Verdict

	// Alike is for how many more lives this verdict stands; see CountAlike.
	Alike int

	showHow func(*Verdict) []Step // finds the witness, by one era's rules; nil: there is none
	asked   *question             // by one era's rules
	other   bool                  // asked is of another life that went so
	like    *remembered           // what this verdict was recalled from; nil: it was not
	count   bool                  // see CountAlike
	ends    []endsBy              // where fitting orders end, by the rules of each era that it fits
	by      *Checker              // of one that does not fit
	early   bool                  // what does not fit is Life.intact
	shownBy int                   // index in Life.Events of the event that shows the exit code, where that is observed
}

// Witness is one interleaving that fits; nil where there is none. It is found
// when it is asked for.
func (v *Verdict) Witness() []Step {
	if v.showHow == nil {
		return nil
	}
	return v.showHow(v)
}

// Where an exit code is known from.
const (
	observed = "observed"
	inferred = "inferred"
)

// A Stop is one call of kthread_stop(). Lines are 0 where the log does not
// show them.
type Stop struct {
	By                   traces.Task
	CalledAt, ReturnedAt int
	Result               int
	HasResult            bool
}

// A Step is one action of a witness.
type Step struct {
	Action
	Line int // of the line that shows it; 0: hidden
}

// A Checker judges lives. It may be used by several goroutines.
type Checker struct {
	eras     []rules
	timeout  time.Duration
	only     *graph.Era         // the user's word; nil: the log's banner, or else all
	memory   cache[*remembered] // by course and order
	always   cache[*remembered] // by course alone
	release  string             // the same, as the user gave it; empty: an era, and no doubt
	patience *patience          // tests: how long lives wait; nil: as long as usual
}

// rules are those of one era.
type rules struct {
	m    *machine
	eras []graph.Era // one or more eras that have the same
	*Checker
}

// New returns a checker by the rules of one era, or, with nil, of the era that
// a log names, or of all of them. timeout is the longest time for one question
// about one life; 0 means no limit.
func New(only *graph.Era, timeout time.Duration) (*Checker, error) {
	c := &Checker{timeout: timeout, only: only}
	kernels := graph.Kernels()
	machines, errs := make([]*machine, len(kernels)), make([]error, len(kernels))
	var loaded sync.WaitGroup
	for i, k := range kernels {
		loaded.Go(func() {
			var g *graph.Graph
			if g, errs[i] = graph.Load(k); errs[i] == nil {
				machines[i] = newMachine(g)
			}
		})
	}
	loaded.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, e := range graph.Eras() {
		c.add(machines[slices.Index(kernels, e.Kernel())], e)
	}
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

func (c *Checker) add(m *machine, e graph.Era) {
	for i := range c.eras {
		if c.eras[i].m == m {
			c.eras[i].eras = append(c.eras[i].eras, e)
			return
		}
	}
	c.eras = append(c.eras, rules{m, []graph.Era{e}, c})
}

// rulesFor are the rules that a life is judged by. covered is false where the
// log is of a kernel that no era covers.
func (c *Checker) rulesFor(l *Life) (rs []rules, covered bool) {
	if c.only != nil {
		return []rules{c.rulesOf(*c.only)}, true
	}
	if l.Kernel == "" {
		return l.resumed.within(c.within(l.eras)), true
	}
	e, err := graph.EraOf(l.Kernel)
	if err != nil {
		return l.resumed.within(c.eras), false
	}
	return []rules{c.rulesOf(e)}, true
}

// within are the rules of the eras of a set.
func (c *Checker) within(s eraSet) (rs []rules) {
	if s == 0 {
		return c.eras
	}
	for _, r := range c.eras {
		eras := slices.DeleteFunc(slices.Clone(r.eras), func(e graph.Era) bool { return !s.has(e) })
		if len(eras) > 0 {
			rs = append(rs, rules{r.m, eras, c})
		}
	}
	return rs
}

// rulesOf are those of one era alone.
func (c *Checker) rulesOf(e graph.Era) rules {
	i := slices.IndexFunc(c.eras, func(r rules) bool { return slices.Contains(r.eras, e) })
	return rules{c.eras[i].m, []graph.Era{e}, c}
}

// Judge says what became of a life, and whether that is legal. Where the kernel
// is not known every era is tried: what is said is what all those agree on by
// whose rules the life fits. Where it is known, but its distribution may have
// changed it, the verdict says whether that matters.
func (c *Checker) Judge(l *Life) Verdict {
	like, v := c.like(l, nil)
	if like != nil {
		v = like.recall(l)
	}
	return *v
}

// like is what is remembered of lives that went as l did. Where there is nothing, l
// is judged. The buffer is room for what is looked up.
func (c *Checker) like(l *Life, buf []byte) (*remembered, *Verdict) {
	key := l.course(buf[:0])
	if key == nil {
		v := c.judge(l)
		return nil, &v
	}
	inTime := l.inTime()
	if inTime && c.release == "" {
		r, ok := c.always.get(key)
		switch {
		case !ok:
			c.always.put(key, &remembered{once: true})
		case r.once:
			v, always := c.regardless(l)
			if always {
				remember(&c.always, key, &v)
			} else {
				c.always.put(key, &remembered{ordered: true})
			}
			return nil, &v
		case !r.ordered:
			return r, nil
		}
	}
	key = l.order(key, inTime)
	if r, ok := c.memory.get(key); ok {
		return r, nil
	}
	v := c.judge(l)
	remember(&c.memory, key, &v)
	return nil, &v
}

// judge is Judge without what is remembered.
func (c *Checker) judge(l *Life) Verdict {
	v := c.byNumber(l)
	release := c.release
	if c.only == nil {
		release = l.Kernel
	}
	for _, d := range graph.DoubtsOf(release) {
		w := c.rulesOf(d.Era).judge(l)
		doubted(&v, &w, release, d)
	}
	v.ofLife(v.Life)
	return v
}

// byNumber is Judge by what the kernel's number says.
func (c *Checker) byNumber(l *Life) Verdict {
	rs, covered := c.rulesFor(l)
	var fit []Verdict
	var other *Verdict
	undecided := false // by some era's rules
	var names []string
	var ends []endsBy
	for _, r := range rs {
		v := r.judge(l)
		undecided = undecided || v.Fits == FitsInconclusive && v.Findings == nil
		switch {
		case v.Fits == FitsYes:
			fit, ends = append(fit, v), append(ends, v.ends...)
			for _, e := range r.eras {
				names = append(names, e.Name)
			}
		case other == nil || v.Fits == FitsInconclusive || other.Fits == FitsNo && slices.ContainsFunc(r.eras, mostCommon):
			other = &v
		}
	}
	if len(fit) == 0 {
		if !covered && other.Fits == FitsNo {
			other.Fits, other.FitsTo = FitsInconclusive, 0
			other.Why = fmt.Sprintf("it does not fit the rules of any era, but the log is of Linux %s, which none covers", l.Kernel)
			for i := range other.Findings {
				other.Findings[i].Rule = &KT013
			}
		}
		if c.only == nil && l.Kernel == "" && l.eras != 0 && other.Fits == FitsNo {
			for _, r := range c.within(^l.eras) {
				if w := r.judge(l); w.Fits == FitsYes {
					// A mark accuses nobody.
					other.Fits, other.FitsTo = FitsInconclusive, 0
					other.Why = fmt.Sprintf("it fits the rules of Linux %s, but the log has words that such a kernel does not print", r.eras[0].Range())
					for i := range other.Findings {
						other.Findings[i].Rule = &KT019
					}
					break
				}
			}
		}
		return *other
	}
	v := agreed(fit)
	v.KernelsFit, v.ends = names, ends
	v.TakenAsOwn = slices.ContainsFunc(fit, func(w Verdict) bool { return w.TakenAsOwn })
	v.open(fit)
	if undecided {
		v.ends = append(v.ends, endsBy{})
		// The eras that were not decided might say otherwise.
		v.Ran, v.Woken, v.Outcome, v.ExitCode, v.ExitCodeFrom = Unknown, Unknown, OutcomeUnknown, 0, ""
	}
	return v
}

// mostCommon is the era whose words are taken where none fits.
func mostCommon(e graph.Era) bool { return e.Name == "5.4" }

// agreed is what verdicts by several eras' rules have in common.
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
			// It hangs by some eras' rules and returns by others'.
			f.Rule = &KT014
			if !has(v.Findings, f) {
				v.Findings = append(v.Findings, f)
			}
		}
	}
	return v
}

// inAll says whether all verdicts have a finding of the rule on the same lines.
func inAll(vs []Verdict, f Finding) bool {
	return !slices.ContainsFunc(vs, func(v Verdict) bool { return !has(v.Findings, f) })
}

func has(findings []Finding, f Finding) bool {
	return slices.ContainsFunc(findings, func(g Finding) bool { return g.same(&f) })
}

// judge is Judge by one era's rules.
func (c rules) judge(l *Life) Verdict {
	if was := l.intact(); was != nil {
		if v := c.judge(was); v.Fits == FitsNo {
			v.Life, v.Stops, v.early = l, stopsOf(l, newHistory(c.m, l)), true
			return v
		}
	}
	h := newHistory(c.m, l)
	v := Verdict{Life: l, Fits: FitsYes, Outcome: OutcomeUnknown, Ran: Unknown, Woken: Unknown, Stops: stopsOf(l, h), asked: &question{c.m, h, c.timeout}}
	if n := h.parksAtOnce(l); n > 2 {
		v.Fits = FitsInconclusive
		v.Why = fmt.Sprintf("%d kthread_park() at once: the specification counts two", n)
		return v
	}
	if c := confusionOf(l); c != notConfused {
		v.Fits, v.Why, v.Findings = FitsInconclusive, c.why(), []Finding{{Rule: &KT010, Evidence: c.evidence()}}
		return v
	}
	q := &question{c.m, h, c.timeout}
	ends, ans := q.ends()
	if ans == no && h.died {
		// It went on, whatever was reported: a debugger, or a notifier, may have
		// seen to that.
		alive := *l
		alive.survived = true
		return c.judge(&alive)
	}
	if ans == no && h.anyones && !l.anyones {
		// A wake in the context of a task that stops the thread is taken for the
		// stop's own. Nobody is accused by that.
		as := *l
		as.anyones = true
		if w := c.judge(&as); w.Fits != FitsNo {
			w.Life = l
			w.ends = append(w.ends, endsBy{}) // not the same answer as one without this
			return w
		}
	}
	switch {
	case ans == undecided:
		v.Fits = FitsInconclusive
		v.Why = fmt.Sprintf("no answer within %v (--timeout) or %d steps", c.timeout, maxSteps)
		return v
	case ans == no:
		c.misfit(&v)
		return v
	}
	v.ends = []endsBy{{c.m, ends}}
	v.TakenAsOwn = h.anyones && !l.anyones
	c.facts(&v, h, ends)
	c.outcome(&v, h, ends)
	v.showHow = func(v *Verdict) []Step {
		if way := c.inLineOrder(v); way != nil {
			return way
		}
		return c.witness(q, v, ends)
	}
	v.Findings = (&Case{Life: l, Verdict: &v, era: c, h: h, ends: ends}).findings()
	return v
}

// A confusion is why it is not known which lines are a life's.
type confusion int

const (
	notConfused confusion = iota
	overlapping           // see Life.Mixed
	following             // see Life.Follows
	ambiguous             // see Event.OrNames
)

// confusionOf says why it is not known which lines are the life's, if that is so.
func confusionOf(l *Life) confusion {
	switch {
	case l.Mixed:
		return overlapping
	case l.Follows > 0 && !l.created():
		return following
	case l.readOtherwise():
		return ambiguous
	}
	return notConfused
}

func (c confusion) why() string {
	switch c {
	case overlapping:
		return "several threads have this name, and without a pid it is open which line is about which"
	case following:
		return "it may be the next thread of that name, or lines that the one before cannot have caused"
	}
	return "its lines may also be about a thread of another name"
}

func (c confusion) evidence() Evidence { return Evidence{Events: []int{0}, Detail: c} }

func (c confusion) says(l *Life) Text {
	first := &l.Events()[0]
	switch c {
	case overlapping:
		return Text{
			Message:     "another thread of this name comes before the end of the one before is in the log",
			WouldSettle: "messages with the pid",
		}
	case following:
		return Text{
			Message:     fmt.Sprintf("%q comes after the thread of that name was stopped, and no line says that another was created", first.Text),
			Lines:       []int{l.Follows, first.Line},
			WouldSettle: "the rest of the log: the message of its creation",
		}
	}
	return Text{Message: fmt.Sprintf("%q is read as being about %s, but may be about %s", first.Text, l.Thread, first.OrNames[0])}
}

// truth says whether a boolean variable has the same value in all states.
func (c rules) truth(variable string, ends stateSet) Truth {
	is, isNot := ends.intersect(c.m.where(variable, "TRUE")), ends.intersect(c.m.where(variable, "FALSE"))
	switch {
	case isNot.empty():
		return Yes
	case is.empty():
		return No
	}
	return Unknown
}

func (c rules) facts(v *Verdict, h *history, ends stateSet) {
	v.Ran, v.Woken = c.truth("ran", ends), c.truth("woken", ends)
	if !ends.intersect(c.m.where("code", "none")).empty() {
		return // in some order the thread has not ended yet
	}
	if h.hasCode {
		v.ExitCode, v.ExitCodeFrom, v.shownBy = h.code, observed, h.shownBy
	} else if ends.intersect(c.m.where("code", "eintr")) == ends {
		v.ExitCode, v.ExitCodeFrom = eintr, inferred
	}
}

// outcome names what all fitting orders agree on, or the weaker thing that
// covers them.
func (c rules) outcome(v *Verdict, h *history, ends stateSet) {
	switch {
	case h.died:
		v.Outcome = Died
		return
	case h.gone && h.ended() && !ends.intersect(c.m.phases("finished")).empty():
		v.Outcome = StoppedAfterFree
		return
	}
	seen := map[Outcome]bool{}
	c.outcomes(h, ends, func(o Outcome, _ stateSet) { seen[o] = true })
	v.Outcome = weaker(seen)
}

// weaker is the outcome that covers all of those that are possible.
func weaker(seen map[Outcome]bool) Outcome {
	if len(seen) == 1 {
		for o := range seen {
			return o
		}
	}
	only := func(allowed ...Outcome) bool {
		n := 0
		for _, o := range allowed {
			if seen[o] {
				n++
			}
		}
		return n == len(seen)
	}
	switch {
	case only(RanThenStopped, ExitedByItselfThenStopped):
		return RanThenStopped
	case only(RanThenStopped, ExitedByItselfThenStopped, StoppedBeforeRun, Stopped):
		return Stopped
	case only(StopHung, StopPending):
		return StopPending
	}
	return OutcomeUnknown
}

// outcomes reads the outcomes off the states in which fitting orders end, and off
// which stops the log shows. It calls is for each of them with states that have it.
func (c rules) outcomes(h *history, ends stateSet, is func(Outcome, stateSet)) {
	left := ends
	some := func(o Outcome, of stateSet) {
		if s := left.intersect(of); !s.empty() {
			is(o, s)
			left = left.minus(s)
		}
	}
	rest := func(o Outcome) { some(o, left) }
	if h.returned() > 0 {
		some(StoppedBeforeRun, c.m.where("ran", "FALSE"))
		some(ExitedByItselfThenStopped, c.m.where("unasked", "TRUE"))
		rest(RanThenStopped)
		return
	}
	if h.pending() > 0 {
		if h.hung || h.life.Traced() && h.stopsItself() {
			rest(StopHung)
			return
		}
		if h.life.trace.on && h.life.trace.lossy {
			rest(OutcomeUnknown) // its return may be among what was lost
			return
		}
		if c.canAccuse(h.life) {
			var stuck stateSet
			left.each(func(i int) {
				if c.m.canReturn(i, 1) == 0 {
					stuck.add(i)
				}
			})
			some(StopHung, stuck)
		}
		rest(StopPending)
		return
	}
	some(CreateFailed, c.m.where("phase", "failed"))
	some(NeverWoken, c.m.where("phase", "created"))
	// A stop that the log does not show may have ended it.
	some(OutcomeUnknown, c.m.where("should_stop", "TRUE"))
	some(OutcomeUnknown, c.m.where("phase", "absent"))
	some(ExitedByItself, c.m.phases("finished", "returned"))
	rest(Running)
}

// inLineOrder is a witness in which different tasks did what they did in the order
// of the lines; nil where the stamps do not allow that, or it does not fit.
func (c rules) inLineOrder(v *Verdict) []Step {
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
func (c rules) witness(q *question, v *Verdict, ends stateSet) []Step {
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

func stopsOf(l *Life, h *history) []Stop {
	stops := make([]Stop, 0, len(h.stops))
	for _, s := range h.stops {
		var out Stop
		if s.call >= 0 {
			e := &l.Events()[s.call]
			out.By, out.CalledAt = e.By, e.Line
		}
		if s.ret >= 0 {
			e := &l.Events()[s.ret]
			if out.By == (traces.Task{}) {
				out.By = e.By
			}
			out.ReturnedAt, out.Result, out.HasResult = e.Line, e.Code, e.HasCode
		}
		stops = append(stops, out)
	}
	return stops
}

// canAccuse says whether what a life's log does not show may be held against
// it: its set is in use, its lines are one thread's, and no oops may have ended
// a task in between.
func (c rules) canAccuse(l *Life) bool {
	return l.Whole() || l.Begun && !l.Gaps && !l.Doubt && l.Crash == 0
}

// stuck is how many of the stops that have not returned never can, in every
// fitting order. It takes the absence of a return's message for its absence.
func (c rules) stuck(h *history, ends stateSet) int {
	pending := h.pending()
	if pending == 0 {
		return 0
	}
	can := 0
	ends.each(func(i int) { can = max(can, c.m.canReturn(i, pending)) })
	return pending - can
}
