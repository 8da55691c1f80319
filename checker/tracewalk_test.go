package checker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// Whatever a legal run shows to tracers, with clocks that disagree, events
// missing and ends cut off, it is accepted, and each fact is true or unknown.
func TestLegalTracesAreNeverMisjudged(t *testing.T) {
	all, err := New(nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	runs, lives, definite, never, undecided := numberOf(1000), 0, 0, 0, 0
	outcomes := map[Outcome]int{}
	formats := map[string]int{}
	for seed := range runs {
		rng := rand.New(rand.NewPCG(uint64(seed), 2))
		m := all.all(graph.KThreadTask)[seed%len(all.all(graph.KThreadTask))].m
		c := newFor(m.Graph, 10*time.Second)
		if seed/8%2 == 0 {
			c = all
		}
		log := randomTrace(m, rng)
		truths := log[0].truth // at the end: it is the same for all
		log, lossy := spoil(log, rng)
		var src Source
		format, text := "", ""
		var interest *traces.Interest
		if seed/16%4 == 0 {
			list := &replay{}
			for i, s := range log {
				s.event.Line, s.event.Before = i+1, i
				list.list = append(list.list, s.event)
			}
			src = list
		} else {
			if format, text = printTrace(log, rng); text == "" {
				continue // an empty file is no log
			}
			interest = traces.NewInterest()
			r := reader.New(strings.NewReader(text), reader.Options{Interest: interest})
			defer r.Close()
			src = r
			formats[format]++
		}
		_, err := c.Check(src, Options{Interest: interest}, func(v *Verdict) error {
			lives++
			outcomes[v.Outcome]++
			if v.Ran != Unknown {
				definite++
			}
			if v.Outcome == NeverWoken {
				never++
			}
			truth, ok := truths[v.Life.Thread.PID]
			if !ok {
				t.Errorf("seed %d, %s: a life of %v, who is no kthread\n%s", seed, format, v.Life.Thread, text)
				return nil
			}
			if v.Fits == FitsInconclusive && strings.HasPrefix(v.Why, "no answer") {
				undecided++
				return nil
			}
			if wrong := disprovedBy(v, truth); wrong != "" {
				var b strings.Builder
				for i, s := range log {
					e := s.event
					fmt.Fprintf(&b, "%d: %d cpu %d %s thread %d by %d %c code %d\n", i+1, e.Stamp, e.CPU, e.Kind, e.Thread.PID, e.By.PID, max(e.State, ' '), e.Code)
				}
				t.Errorf("seed %d (%s, lossy %v) %s: %s, truth %+v, of %v %s %s %s %v\n%s", seed, m.Graph.Kernel, lossy, format, wrong, truth, v.Life.Thread, v.Fits, v.Outcome, v.Why, v.Findings, b.String()+text)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("%d runs, %d lives, ran is definite for %d: %v; %v", runs, lives, definite, outcomes, formats)
	if undecided > 1+lives/200 {
		t.Errorf("%d of %d lives were not decided in time", undecided, lives)
	}
	if !testing.Short() && (definite < lives/4 || never == 0 || len(formats) != len(tracePrinters)) {
		t.Errorf("only %d of %d lives got a definite answer: the test proves little", definite, lives)
	}
}

// spoil cuts a trace, loses parts of it, or leaves out a kind of event.
func spoil(log []seen, rng *rand.Rand) ([]seen, bool) {
	lossy := false
	switch rng.IntN(6) {
	case 0:
		log = log[rng.IntN(len(log)):]
	case 1:
		if len(log) > 4 {
			i := rng.IntN(len(log) - 2)
			n := 1 + rng.IntN(min(6, len(log)-i-1))
			// Each CPU says what it has lost.
			kept := slices.Clone(log[:i])
			count := map[int]int{}
			for _, s := range log[i : i+n] {
				count[s.event.CPU]++
			}
			for _, s := range log[i : i+n] {
				if cpu := s.event.CPU; count[cpu] > 0 {
					kept = append(kept, seen{traces.Event{Kind: traces.Loss, Count: count[cpu], CPU: cpu}, s.truth})
					count[cpu] = 0
				}
			}
			log = append(kept, log[i+n:]...)
			lossy = true
		}
	case 2:
		kinds := [][]traces.Kind{
			{traces.Woken}, {traces.SwitchIn, traces.SwitchOut}, {traces.StopCall, traces.StopReturn}, {traces.StopReturn},
			{traces.ParkCall, traces.ParkReturn, traces.Unpark}, {traces.ProcessExit}, {traces.Fork},
		}
		left := kinds[rng.IntN(len(kinds))]
		log = slices.DeleteFunc(slices.Clone(log), func(s seen) bool { return slices.Contains(left, s.event.Kind) })
	}
	if len(log) == 0 {
		log = []seen{{traces.Event{Kind: traces.Loss}, nil}}
	}
	return log, lossy
}

// disprovedBy says what in a verdict the truth contradicts.
func disprovedBy(v *Verdict, truth truthNow) string {
	if v.Fits != FitsYes {
		return "fits: " + string(v.Fits)
	}
	is := func(t Truth, b bool) bool { return t == Unknown || (t == Yes) == b }
	switch {
	case !is(v.Ran, truth.ran):
		return "ran: " + string(v.Ran)
	case !is(v.Woken, truth.woken):
		return "woken: " + string(v.Woken)
	case v.ExitCodeFrom != "" && (!truth.ended || truth.code != v.ExitCode):
		return fmt.Sprintf("exit code %d", v.ExitCode)
	}
	// Where no return is in the trace, what the thread did tells how its stop ended.
	stopped := truth.returned > 0 || truth.ended && v.Life.Traced() && !v.Life.ShowsReturns()
	right := map[Outcome]bool{
		RanThenStopped:            truth.ran && stopped,
		StoppedBeforeRun:          !truth.ran && stopped,
		ExitedByItselfThenStopped: truth.ran && stopped,
		Stopped:                   stopped,
		ExitedByItself:            truth.ended,
		NeverWoken:                truth.phase == "created" || (truth.phase == "absent" || truth.phase == "failed") && truth.sleeps,
		Running:                   !truth.ended && truth.phase != "absent" && truth.phase != "failed",
		CreateFailed:              truth.phase == "failed",
		StopPending:               v.Life.ShowsReturns() || v.Life.StopWaits() || truth.returned == 0, // a stopper that sleeps is not shown to wake
		StopHung:                  true,
		OutcomeUnknown:            true,
	}
	if !right[v.Outcome] {
		return "outcome " + string(v.Outcome)
	}
	return ""
}
