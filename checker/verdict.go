package checker

import (
	"fmt"
	"slices"
	"strings"
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
	Woken   Truth // by wake_up_process() before the last test, not by a stop

	ExitCode     int
	ExitCodeFrom string // "observed", "inferred", or empty: not known

	Stops    []Stop
	Witness  []Step // one interleaving that fits; nil where there is none
	Findings []Finding
}

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

// A Finding is something worth saying about a life, with its evidence.
type Finding struct {
	Rule        *Rule
	Message     string
	Lines       []int
	WouldSettle string   // what would have decided what is open; may be empty
	Advice      string   // what to do about it; may be empty
	Allowed     []string // misfits: what the specification allowed there, as this log would show it
}

// A Checker judges lives by the rules of one kernel. It may be used by several
// goroutines.
type Checker struct {
	m       *machine
	timeout time.Duration
}

// New returns a checker for one of graph.Kernels. timeout is the longest time
// for one question about one life; 0 means no limit.
func New(g *graph.Graph, timeout time.Duration) *Checker {
	return &Checker{newMachine(g), timeout}
}

// Kernel is the kernel whose rules are used.
func (c *Checker) Kernel() string { return c.m.g.Kernel }

// Judge says what became of a life, and whether that is legal.
func (c *Checker) Judge(l *Life) Verdict {
	h := newHistory(c.m, l)
	v := Verdict{Life: l, Fits: FitsYes, Outcome: OutcomeUnknown, Ran: Unknown, Woken: Unknown, Stops: stopsOf(l, h)}
	for _, e := range l.Events {
		if e.Kind == traces.ParkCall || e.Kind == traces.ParkReturn || e.Kind == traces.Unpark {
			v.Fits = FitsInconclusive
			v.Why = fmt.Sprintf("the thread is parked or unparked (line %d), which the rules for Linux %s here do not cover", e.Line, c.Kernel())
			return v
		}
	}
	if f, why := identity(l); f != nil {
		v.Fits, v.Why, v.Findings = FitsInconclusive, why, []Finding{*f}
		return v
	}
	q := &question{c.m, h, c.timeout}
	ends, ans := q.ends()
	switch {
	case ans == undecided:
		v.Fits = FitsInconclusive
		v.Why = fmt.Sprintf("no answer within %v (--timeout) or %d steps", c.timeout, maxSteps)
		return v
	case ans == no:
		c.misfit(&v)
		return v
	}
	c.facts(&v, h, ends)
	c.outcome(&v, h, ends)
	v.Witness = c.witness(q, &v, ends)
	c.findings(&v, h, ends)
	return v
}

// identity says why it is not known which lines are the life's, if that is so.
func identity(l *Life) (f *Finding, why string) {
	first := l.Events[0]
	switch {
	case l.Mixed:
		why = "several threads have this name, and without a pid it is open which line is about which"
		f = &Finding{
			Rule: ruleTwoThreads, Lines: []int{first.Line},
			Message:     "another thread of this name comes before the end of the one before is in the log",
			WouldSettle: "messages with the pid",
		}
	case l.Follows > 0 && !l.created():
		why = "it may be the next thread of that name, or lines that the one before cannot have caused"
		f = &Finding{
			Rule: ruleTwoThreads, Lines: []int{l.Follows, first.Line},
			Message:     fmt.Sprintf("%q comes after the thread of that name was stopped, and no line says that another was created", first.Text),
			WouldSettle: "the rest of the log: the message of its creation",
		}
	case l.readOtherwise():
		why = "its lines may also be about a thread of another name"
		f = &Finding{
			Rule: ruleTwoThreads, Lines: []int{first.Line},
			Message: fmt.Sprintf("%q is read as being about %s, but may be about %s", first.Text, l.Thread, first.OrNames[0]),
		}
	}
	return f, why
}

// truth says whether a boolean variable has the same value in all states.
func (c *Checker) truth(variable string, ends stateSet) Truth {
	is, isNot := ends.intersect(c.m.where(variable, "TRUE")), ends.intersect(c.m.where(variable, "FALSE"))
	switch {
	case isNot.empty():
		return Yes
	case is.empty():
		return No
	}
	return Unknown
}

func (c *Checker) facts(v *Verdict, h *history, ends stateSet) {
	v.Ran, v.Woken = c.truth("ran", ends), c.truth("woken", ends)
	if !ends.intersect(c.m.where("code", "none")).empty() {
		return // in some order the thread has not ended yet
	}
	if h.hasCode {
		v.ExitCode, v.ExitCodeFrom = h.code, "observed"
	} else if ends.intersect(c.m.where("code", "eintr")) == ends {
		v.ExitCode, v.ExitCodeFrom = eintr, "inferred"
	}
}

// outcome names what all fitting orders agree on, or the weaker thing that
// covers them.
func (c *Checker) outcome(v *Verdict, h *history, ends stateSet) {
	seen := map[Outcome]bool{}
	ends.each(func(i int) { seen[c.outcomeOf(h, i)] = true })
	if len(seen) == 1 {
		for o := range seen {
			v.Outcome = o
		}
		return
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
		v.Outcome = RanThenStopped
	case only(RanThenStopped, ExitedByItselfThenStopped, StoppedBeforeRun):
		v.Outcome = Stopped
	case only(StopHung, StopPending):
		v.Outcome = StopPending
	}
}

// outcomeOf reads the outcome off one state and off which stops the log shows.
func (c *Checker) outcomeOf(h *history, state int) Outcome {
	is := func(variable, value string) bool { return c.m.g.Value(state, variable) == value }
	if h.returned() > 0 {
		switch {
		case is("ran", "FALSE"):
			return StoppedBeforeRun
		case is("unasked", "TRUE"):
			return ExitedByItselfThenStopped
		}
		return RanThenStopped
	}
	if h.pending() > 0 {
		if c.canReturn(state, 1) == 0 && c.canAccuse(h.life) {
			return StopHung
		}
		return StopPending
	}
	switch {
	case is("phase", "failed"):
		return CreateFailed
	case is("phase", "created"):
		return NeverWoken
	case is("phase", "finished"), is("phase", "returned"):
		// A stop that the log does not show may have ended it.
		if is("should_stop", "TRUE") {
			return OutcomeUnknown
		}
		return ExitedByItself
	case is("phase", "absent"):
		return OutcomeUnknown
	}
	if is("should_stop", "TRUE") {
		return OutcomeUnknown
	}
	return Running
}

// canReturn says how many more stops can return from a state on, up to most.
func (c *Checker) canReturn(state, most int) int {
	returns := c.m.actions(shown[traces.StopReturn]...)
	var s stateSet
	s.add(state)
	for n := range most {
		s = c.m.step(c.m.closure(s, c.m.all&^returns), returns)
		if s.empty() {
			return n
		}
	}
	return most
}

// witness prefers, among the orders that fit, one that shows the outcome, one in
// which the thread was woken (who has called kthread_run and wonders about
// -EINTR has woken it), and one in which threadfn returns what most do.
func (c *Checker) witness(q *question, v *Verdict, ends stateSet) []Step {
	var goal stateSet
	ends.each(func(i int) {
		if o := c.outcomeOf(q.h, i); o == v.Outcome || v.Outcome == Stopped || v.Outcome == OutcomeUnknown {
			goal.add(i)
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
		if name == "Work" {
			continue // the line shows another action too
		}
		line := 0
		if s.event < 0 {
			i := slices.IndexFunc(loose, func(i int) bool { return i >= 0 && slices.Contains(shown[v.Life.Events[i].Kind], name) })
			if i >= 0 {
				s.event = loose[i]
				loose[i] = -1
			}
		}
		if s.event >= 0 {
			line = v.Life.Events[s.event].Line
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
			e := l.Events[s.call]
			out.By, out.CalledAt = e.By, e.Line
		}
		if s.ret >= 0 {
			e := l.Events[s.ret]
			if out.By == (traces.Task{}) {
				out.By = e.By
			}
			out.ReturnedAt, out.Result, out.HasResult = e.Line, e.Code, e.HasCode
		}
		stops = append(stops, out)
	}
	return stops
}

// findings says what is worth knowing about a life that fits.
func (c *Checker) findings(v *Verdict, h *history, ends stateSet) {
	l := v.Life
	var stopLines []int
	for _, s := range v.Stops {
		for _, n := range []int{s.CalledAt, s.ReturnedAt} {
			if n > 0 {
				stopLines = append(stopLines, n)
			}
		}
	}
	saysWoken := "whether wake_up_process() had been called, this log does not tell: the kernel does the same either way"
	for _, e := range l.Events {
		if e.Kind == traces.Wake {
			saysWoken = fmt.Sprintf("a message about wake_up_process() is there (line %d), but not whether the call came before or after it", e.Line)
			break
		}
	}
	settleWoken := "a message after wake_up_process() that names its caller ({by}), or a recording of sched_waking"
	switch v.Woken {
	case Yes:
		saysWoken, settleWoken = "wake_up_process() had been called, but the request was faster than the thread", ""
	case No:
		saysWoken, settleWoken = "nobody had called wake_up_process(): kthread_stop woke the thread itself", ""
	}
	switch {
	case v.Outcome == StoppedBeforeRun:
		v.Findings = append(v.Findings, Finding{
			Rule: ruleStoppedBeforeRun, Lines: stopLines, WouldSettle: settleWoken,
			Advice:  "if threadfn must run once, let it complete() a completion first thing, and wait for that between kthread_run and kthread_stop",
			Message: "legal: kthread_stop set KTHREAD_SHOULD_STOP before the thread's last test in kthread(), so threadfn was never called and kthread_stop returned -EINTR (-4); " + saysWoken,
		})
	case v.Outcome == Stopped && v.ExitCodeFrom != "" && v.ExitCode == eintr:
		v.Findings = append(v.Findings, Finding{
			Rule: ruleEintrUnclear, Lines: stopLines,
			Message:     "kthread_stop returned -EINTR (-4): either threadfn was never called, or it was and returned -EINTR itself",
			WouldSettle: "a message at the start of threadfn, in a log that begins where the module is loaded",
		})
	}
	if stuck := c.stuck(h, ends); stuck > 0 && c.canAccuse(l) {
		var lines []int
		for _, s := range v.Stops {
			if s.ReturnedAt == 0 {
				lines = append(lines, s.CalledAt)
			}
		}
		what := "the second kthread_stop of one thread cannot return: the exit has left one count in the completion, and one stop has taken it"
		if h.returned() == 0 {
			what = fmt.Sprintf("%d stops of one thread, of which only %d can return: the exit leaves one count in the completion", h.pending(), h.pending()-stuck)
		}
		v.Findings = append(v.Findings, Finding{Rule: ruleSecondStop, Lines: lines, Message: what})
	}
	if l.Crash > 0 {
		v.Findings = append(v.Findings, Finding{
			Rule: ruleCrash, Lines: []int{l.Crash},
			Message: "the kernel reports an oops while the thread may have been alive: that it ended there is possible, and not told apart",
		})
	}
}

// canAccuse says whether what a life's log does not show may be held against
// it: its set is in use, its lines are one thread's, no oops may have ended a
// task in between, and the rules are those of its kernel.
func (c *Checker) canAccuse(l *Life) bool {
	return l.Begun && !l.Doubt && l.Crash == 0 && (l.Kernel == "" || RulesHold(l.Kernel))
}

// stuck is how many of the stops that have not returned never can, in every
// fitting order. It takes the absence of a return's message for its absence.
func (c *Checker) stuck(h *history, ends stateSet) int {
	pending := h.pending()
	if pending == 0 {
		return 0
	}
	can := 0
	ends.each(func(i int) { can = max(can, c.canReturn(i, pending)) })
	return pending - can
}

// RulesHold says whether the rules for Linux 5.4 are those of a release: the
// struct kthread left the stack in 4.10, and exit_code made way for
// kthread->result in 5.17.
func RulesHold(release string) bool {
	major, minor, ok := version(release)
	return ok && (major == 4 && minor >= 10 || major == 5 && minor <= 16)
}

// version reads major and minor off a release as `uname -r` prints it.
func version(release string) (major, minor int, ok bool) {
	n, err := fmt.Sscanf(strings.ReplaceAll(release, "-", " "), "%d.%d", &major, &minor)
	return major, minor, n == 2 && err == nil
}
