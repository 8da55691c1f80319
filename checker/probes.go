package checker

import (
	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/traces"
)

// An Open fact is one that a life's log leaves open, and what would have closed it.
type Open struct {
	Fact        string // "ran", "woken" or "exit_code", as in a report
	WouldSettle string // the cheapest probe that would have; empty where no one alone would
}

// A fact is something that a verdict says yes, no or unknown of.
type fact uint8

const (
	factRan fact = iota
	factWoken
	factExitCode
	facts
)

var factNames = [facts]string{"ran", "woken", "exit_code"}

// A probe is a way to have an action seen that a log does not show. What
// follows from seeing it, or from its not being there, is for the graph to say.
type probe struct {
	name  string
	trace bool         // of a tracer, and not a module's message
	kinds traces.Kinds // what it would put into the log
	// shows has the sets of actions that the probe shows. It tells one set from another.
	shows [][]string
	// valued: the probe shows the exit code.
	valued bool
	// needs is an action without which a kernel cannot have the probe; empty:
	// all have it.
	needs string
}

// probes are all probes, the cheaper ones first. A tracepoint is cheapest: it needs no
// kernel function to be found. A probe on a function's entry misses no call, one on its
// return may.
var probes = []probe{
	{name: "a recording with sched_kthread_stop, from before the stop", trace: true, kinds: kinds(traces.StopCall),
		shows: [][]string{{"StopRequest"}}},
	// Who it was that woke the thread tells whether it was to stop it.
	{name: "a recording with sched_waking, from before the thread's creation", trace: true, kinds: kinds(traces.Woken),
		shows: [][]string{{"Wake", "StopWake", "ParkWake"}}},
	{name: "a recording with sched_waking and sched_kthread_stop, from before the thread's creation", trace: true, kinds: kinds(traces.Woken, traces.StopCall),
		shows: [][]string{{"Wake", "ParkWake"}, {"StopWake"}}},
	{name: "a probe on __kthread_parkme (3.7 and later), which a thread enters after its last test", trace: true, kinds: kinds(traces.ParkMe),
		shows: [][]string{{"DecideRun"}}, needs: "HoldAsked"},
	{name: "a probe on threadfn", trace: true, kinds: kinds(traces.ThreadFn),
		shows: [][]string{{"Enter"}}},
	{name: "a probe on kthread_exit, or on do_exit to 5.16, with its argument", trace: true, kinds: kinds(traces.ExitCall),
		shows: [][]string{{"ReturnValue"}, {"ExitValue"}, {"ReturnEintr", "ExitEintr", "DecideNotRun"}}, valued: true},
	{name: "a probe on the return of kthread_should_stop", trace: true, kinds: kinds(traces.ShouldStop),
		shows: [][]string{{"TestTrue"}, {"TestFalse"}}},
	{name: "a message at the start of threadfn, in a log that begins where the module is loaded", kinds: kinds(traces.Enter),
		shows: [][]string{{"Enter"}}},
	{name: "a message after wake_up_process() that names its caller ({by})", kinds: kinds(traces.Wake),
		shows: [][]string{{"Wake"}}},
	{name: "a message before threadfn returns, with its value", kinds: kinds(traces.Return),
		shows: [][]string{{"ReturnValue"}, {"ReturnEintr"}}, valued: true},
	{name: "a message with what kthread_stop returned", kinds: kinds(traces.StopReturn),
		shows: [][]string{{"StopReturnValue"}, {"StopReturnEintr"}, {"StopSkipValue"}, {"StopSkipEintr"}}, valued: true},
}

func kinds(list ...traces.Kind) (s traces.Kinds) {
	for _, k := range list {
		s = s.With(k)
	}
	return s
}

// A probeSets is, for each fact, the set of probes each of which alone would have
// decided it, one bit a probe.
type probeSets [facts]uint16

// decidingProbes asks the graph which probes would have decided the unknown facts. With a
// probe, the log would show either none of the probe's actions, or one of them. The probe
// decides a fact if in each of these cases all fitting orders agree on the fact. Nothing is
// asked about other facts.
func (c *Checker) decidingProbes(h *history, unknown [facts]bool) probeSets {
	key := append(h.Key(), h.Machine.Graph.Kernel...)
	for _, u := range unknown {
		key = append(key, '0')
		if u {
			key[len(key)-1] = '1'
		}
	}
	if s, ok := c.probes.Get(key); ok {
		return s
	}
	var s probeSets
	for i := range probes {
		p := &probes[i]
		if !p.exists(h.Machine) {
			for f := range s {
				s[f] |= 1 << i // this kernel cannot have it: other eras decide
			}
			continue
		}
		for f := range s {
			if unknown[f] && h.decides(p, fact(f)) {
				s[f] |= 1 << i
			}
		}
	}
	c.probes.Put(key, s)
	return s
}

// exists says whether kernels with this graph can have the probe.
func (p *probe) exists(m *model.Machine) bool { return p.needs == "" || m.Actions(p.needs) != 0 }

// decides says whether a probe alone would have decided a fact.
func (h *history) decides(p *probe, f fact) bool {
	var all model.ActionSet
	for _, names := range p.shows {
		all |= h.Machine.Actions(names...)
	}
	without := *h
	without.Hidden &^= all
	if !without.same(f, false) {
		return false
	}
	for _, names := range p.shows {
		actions := h.Machine.Actions(names...) & h.Hidden
		if actions == 0 {
			continue
		}
		with := *h
		with.Operations = append(with.Operations[:len(with.Operations):len(with.Operations)], model.Operation{To: model.Never, Actions: actions, Event: -1})
		if !with.same(f, p.valued) {
			return false
		}
	}
	return true
}

// same says whether a fact is the same in all orders that fit, and known. The graph tells
// -EINTR from other exit codes, and does not tell these apart: they must have been seen.
func (h *history) same(f fact, valueSeen bool) bool {
	ends, ans := h.Ends()
	if ans != model.Yes {
		return ans == model.No // no order fits, so none disagrees
	}
	switch f {
	case factRan:
		return h.Machine.Agree("ran", ends)
	case factWoken:
		return h.Machine.Agree("woken", ends)
	}
	return h.Machine.Agree("code", ends) && (valueSeen || h.hasCode || ends.Intersect(h.Machine.Where("code", "eintr")) == ends)
}

// open fills in which facts a verdict leaves open, and what would settle them. fit has the
// verdicts of the eras whose rules the life fits.
func (c *Checker) open(v *Verdict, fit []Verdict) {
	unknown := [facts]bool{
		factRan: v.Ran == Unknown, factWoken: v.Woken == Unknown,
		factExitCode: v.ExitCodeFrom == "" && ended(v.Outcome),
	}
	by := probeSets{^uint16(0), ^uint16(0), ^uint16(0)}
	var some uint16 // the probes that a kernel of any of these eras can have
	definite := unknown
	if unknown == [facts]bool{} {
		return
	}
	for i := range fit {
		w := &fit[i]
		definite[factRan] = definite[factRan] && w.Ran != Unknown
		definite[factWoken] = definite[factWoken] && w.Woken != Unknown
		definite[factExitCode] = definite[factExitCode] && w.ExitCodeFrom != ""
		s := c.decidingProbes(w.how.history, unknown)
		for f := range by {
			by[f] &= s[f]
		}
		for n := range probes {
			if probes[n].exists(w.how.history.Machine) {
				some |= 1 << n
			}
		}
	}
	for f := range facts {
		if !unknown[f] {
			continue
		}
		o := Open{Fact: factNames[f]}
		if definite[f] {
			o.WouldSettle = "the kernel's release (--kernel): older and newer ones differ here"
		} else if i := cheapest(by[f]&some, v.Life); i >= 0 {
			o.WouldSettle = probes[i].name
		}
		v.Open = append(v.Open, o)
		for i := range v.Findings {
			if v.Findings[i].Rule.Open == o.Fact {
				v.Findings[i].wouldSettle = o.WouldSettle
			}
		}
	}
}

// ended are the outcomes of a thread that has ended.
func ended(o Outcome) bool {
	switch o {
	case RanThenStopped, StoppedBeforeRun, ExitedByItself, ExitedByItselfThenStopped, Stopped:
		return true
	}
	return false
}

// cheapest returns the index of the cheapest probe of a set; -1: there is none. It prefers
// probes of the kind that the log has already (tracer or messages), and leaves out those
// whose events the log shows already.
func cheapest(of uint16, l *Life) int {
	best := -1
	for i := range probes {
		p := &probes[i]
		if of&(1<<i) == 0 || p.trace && l.Traced() && l.Sees&p.kinds == p.kinds || !p.trace && l.Set != nil && l.Set.Shows()&p.kinds == p.kinds {
			continue
		}
		if p.trace == l.Traced() {
			return i
		}
		if best < 0 {
			best = i
		}
	}
	return best
}
