package checker

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// A traceWorld walks the state graph at random, and emits what tracers would
// see of it. It knows what truly happened.
type traceWorld struct {
	m      *model.Machine
	rng    *rand.Rand
	pid    int
	state  int
	code   int
	events *[]seen
	clock  *int64
	last   map[int]int64 // by the pid of a task: its latest stamp
	skew   map[int]int64 // by the pid of a task: how its CPU's clock is off

	probes   bool
	onCPU    bool // the thread has a CPU
	parkme   bool // it has been in __kthread_parkme for the first time
	left     bool // it has emitted sched_process_exit
	gone     bool // it has left its CPU for the last time
	woke     bool // the creator has called wake_up_process()
	stoppers []string
	parker   string
	exitTold bool
}

// A seen event, with the world as it was then.
type seen struct {
	event traces.Event
	truth map[int]truthNow
}

func (w *traceWorld) is(variable, value string) bool {
	return w.m.Graph.Value(w.state, variable) == value
}

func (w *traceWorld) do(name string) bool {
	to := targets(w.m, w.state, name)
	if len(to) == 0 {
		return false
	}
	w.state = to[w.rng.IntN(len(to))]
	return true
}

func (w *traceWorld) now() truthNow {
	t := truthNow{
		phase: w.m.Graph.Value(w.state, "phase"), ran: w.is("ran", "TRUE"), woken: w.is("woken", "TRUE"),
		ended: !w.is("code", "none"), code: w.code,
	}
	switch {
	case w.is("code", "eintr"):
		t.code = eintr
	case w.is("code", "nothing"):
		t.code = 0
	}
	for _, s := range w.stoppers {
		if s == "done" {
			t.returned++
		}
	}
	return t
}

func (w *traceWorld) self() traces.Task {
	return traces.Task{Comm: fmt.Sprintf("k%d", w.pid), PID: w.pid}
}

func (w *traceWorld) emit(worlds []*traceWorld, by int, e traces.Event) {
	*w.clock += int64(w.rng.IntN(3000000))
	e.By = traces.Task{Comm: fmt.Sprintf("task%d", by), PID: by}
	e.CPU = by // each has a clock of its own
	if e.Thread.PID == 0 && e.Kind != traces.StopReturn && e.Kind != traces.ParkReturn {
		e.Thread = w.self()
	}
	// CPUs' clocks disagree, but not so much that a task would run before its
	// waking, or be woken before it sleeps.
	e.Clock, e.Stamp = traces.Nanoseconds, max(*w.clock+w.skew[by], w.last[by]+1)
	if e.Kind == traces.Woken || e.Kind == traces.Fork {
		e.Stamp = max(e.Stamp, w.last[w.pid]+1)
		w.last[w.pid] = e.Stamp
	}
	w.last[by] = e.Stamp
	if e.Kind == traces.Fork {
		// Whoever has the thread has it from its creator.
		for other := range w.skew {
			w.last[other] = max(w.last[other], e.Stamp)
		}
	}
	truth := map[int]truthNow{}
	for _, o := range worlds {
		truth[o.pid] = o.now()
	}
	*w.events = append(*w.events, seen{e, truth})
}

// wake emits what a wake of the thread shows, if it shows anything.
func (w *traceWorld) wake(worlds []*traceWorld, by int, first bool) {
	if first || !w.onCPU && !w.gone && !w.is("phase", "created") {
		w.emit(worlds, by, traces.Event{Kind: traces.Woken})
		if !w.onCPU {
			w.onCPU = true
			w.emit(worlds, 0, traces.Event{Kind: traces.SwitchIn})
		}
	}
}

// turn lets one task do one thing.
func (w *traceWorld) turn(worlds []*traceWorld) {
	creator := 10 * w.pid
	switch task := w.rng.IntN(4 + len(w.stoppers)); task {
	case 0:
		if w.is("phase", "absent") || w.is("phase", "failed") || w.woke || w.rng.IntN(3) == 0 {
			return
		}
		w.woke = w.rng.IntN(2) == 0
		first := w.is("phase", "created")
		for _, name := range []string{"Wake", "WakeLater"} {
			if w.do(name) {
				break
			}
		}
		w.wake(worlds, creator, first)
	case 1, 2:
		w.thread(worlds)
	case 3:
		w.park(worlds, creator+1)
	default:
		w.stop(worlds, task-4, creator+task)
	}
}

func (w *traceWorld) thread(worlds []*traceWorld) {
	me := w.pid
	emit := func(e traces.Event) { w.emit(worlds, me, e) }
	switch {
	case w.gone || !w.onCPU && !w.is("phase", "absent"):
		return
	case w.is("phase", "absent"):
		w.onCPU = true
		w.emit(worlds, 0, traces.Event{Kind: traces.SwitchIn})
		w.do("Create")
		return
	case w.is("phase", "created"):
		// It has set its state; schedule() puts it to sleep.
		emit(traces.Event{Kind: traces.SwitchOut, State: 'D'})
		w.onCPU = false
		return
	case w.is("phase", "returned"), w.is("phase", "finished"):
		switch {
		case !w.exitTold:
			w.exitTold = true
			if w.probes && w.is("code", "eintr") == (w.now().code == eintr) && !w.is("code", "nothing") {
				emit(traces.Event{Kind: traces.ExitCall, Code: w.now().code, HasCode: true, Probe: true})
			}
		case !w.left && w.rng.IntN(2) == 0:
			w.left = true
			emit(traces.Event{Kind: traces.ProcessExit})
		case w.is("phase", "returned"):
			if !w.left && w.rng.IntN(4) == 0 {
				emit(traces.Event{Kind: traces.SwitchOut, State: 'D'})
				w.onCPU = false
				w.wake(worlds, 10*w.pid+9, false)
			}
			w.do("Finish")
		case w.left:
			emit(traces.Event{Kind: traces.SwitchOut, State: 'X'})
			w.gone, w.onCPU = true, false
		}
		return
	}
	if (w.is("phase", "chosen") || w.is("phase", "holding")) && w.probes && !w.parkme {
		w.parkme = true
		emit(traces.Event{Kind: traces.ParkMe, Probe: true})
		return
	}
	if w.is("phase", "running") && w.rng.IntN(3) == 0 {
		if w.probes && w.rng.IntN(2) == 0 {
			v := w.is("should_stop", "TRUE")
			emit(traces.Event{Kind: traces.ShouldStop, Code: b2i(v), HasCode: true, Probe: true})
			return
		}
		emit(traces.Event{Kind: traces.SwitchOut, State: "SISD"[w.rng.IntN(4)]})
		w.onCPU = false
		return
	}
	if (w.is("phase", "held") || w.is("phase", "parked")) && w.is("should_park", "TRUE") {
		emit(traces.Event{Kind: traces.SwitchOut, State: 'P'})
		w.onCPU = false
		return
	}
	if w.is("phase", "started") && w.rng.IntN(4) == 0 {
		// From 6.14 on it may sleep before the last test, and on any kernel in do_exit().
		emit(traces.Event{Kind: traces.SwitchOut, State: 'D'})
		w.onCPU = false
		w.wake(worlds, 10*w.pid+9, false)
		return
	}
	var acts []string
	for _, a := range Actions {
		if a.By == Thread && a.Name != "Finish" && len(targets(w.m, w.state, a.Name)) > 0 {
			acts = append(acts, a.Name)
		}
	}
	if len(acts) == 0 {
		return
	}
	act := acts[w.rng.IntN(len(acts))]
	if strings.HasPrefix(act, "Return") || strings.HasPrefix(act, "Exit") || act == "Oops" {
		if w.rng.IntN(3) > 0 {
			return
		}
		w.code = 1 + w.rng.IntN(5)
		if act == "Oops" || strings.HasPrefix(act, "Exit") {
			w.exitTold = true
		}
	}
	w.do(act)
}

func (w *traceWorld) park(worlds []*traceWorld, by int) {
	if w.is("phase", "absent") || w.m.Graph.Action("ParkRequest") < 0 {
		return
	}
	emit := func(e traces.Event) {
		if w.probes {
			e.Probe = true
			w.emit(worlds, by, e)
		}
	}
	switch w.parker {
	case "":
		if w.rng.IntN(4) > 0 {
			return
		}
		w.parker = "called"
		emit(traces.Event{Kind: traces.ParkCall})
	case "called":
		if w.do("ParkGone") {
			w.parker = "gone"
			return
		}
		if w.do("ParkRequest") {
			w.parker = "wakes"
		}
	case "wakes":
		w.parker = "requested"
		first := w.do("ParkWake") || w.do("Wake") // the latter where its request has been taken back
		w.wake(worlds, by, first)
	case "gone":
		w.parker = "over"
		emit(traces.Event{Kind: traces.ParkReturn, Code: -38, HasCode: true})
	case "requested":
		if w.do("ParkReturn") {
			w.parker = "got"
		}
	case "got":
		w.parker = "done"
		emit(traces.Event{Kind: traces.ParkReturn, Code: 0, HasCode: true})
	case "done":
		w.parker = "over"
		emit(traces.Event{Kind: traces.Unpark})
		w.do("Unpark")
		if w.is("phase", "held") || w.is("phase", "parked") {
			w.wake(worlds, by, false)
		}
	}
}

func (w *traceWorld) stop(worlds []*traceWorld, i, by int) {
	if w.is("phase", "absent") || w.is("phase", "failed") {
		return
	}
	emit := func(e traces.Event) { w.emit(worlds, by, e) }
	switch w.stoppers[i] {
	case "":
		if w.rng.IntN(3) > 0 {
			return
		}
		w.stoppers[i] = "called"
		emit(traces.Event{Kind: traces.StopCall})
	case "called":
		if w.do("StopSkipValue") || w.do("StopSkipEintr") {
			w.stoppers[i] = "got"
			return
		}
		if w.do("StopRequest") {
			w.stoppers[i] = "wakes"
		}
	case "wakes":
		w.stoppers[i] = "requested"
		w.do("StopUnpark")
		w.wake(worlds, by, w.do("StopWake"))
	case "requested":
		if w.rng.IntN(2) == 0 {
			emit(traces.Event{Kind: traces.SwitchOut, State: 'D', Thread: traces.Task{PID: by}})
		}
		w.stoppers[i] = "waits"
	case "waits":
		if w.do("StopReturnValue") || w.do("StopReturnEintr") {
			w.stoppers[i] = "got"
		}
	case "got":
		w.stoppers[i] = "done"
		emit(traces.Event{Kind: traces.StopReturn, Code: w.now().code, HasCode: true})
	}
}

// Whatever a legal run shows to tracers, with clocks that disagree, events
// missing and ends cut off, it is accepted, and each fact is true or unknown.
func TestLegalTracesAreNeverMisjudged(t *testing.T) {
	all, err := New(nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	runs, lives, definite, never := numberOf(3000), 0, 0, 0
	outcomes := map[Outcome]int{}
	formats := map[string]int{}
	for seed := range runs {
		rng := rand.New(rand.NewPCG(uint64(seed), 2))
		m := all.all(graph.KThreadAPI)[seed%len(all.all(graph.KThreadAPI))].m
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
			if wrong := disprovedBy(v, truth); wrong != "" {
				var b strings.Builder
				for i, s := range log {
					e := s.event
					fmt.Fprintf(&b, "%d: %d %s thread %d by %d %c code %d, truth %+v\n", i+1, e.Stamp, e.Kind, e.Thread.PID, e.By.PID, max(e.State, ' '), e.Code, s.truth[v.Life.Thread.PID])
				}
				t.Errorf("seed %d (%s, lossy %v) %s: %s of %v %s %s %s %v\n%s", seed, m.Graph.Kernel, lossy, format, wrong, v.Life.Thread, v.Fits, v.Outcome, v.Why, v.Findings, b.String()+text)
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
	if !testing.Short() && (definite < lives/4 || never == 0 || len(formats) != len(tracePrinters)) {
		t.Errorf("only %d of %d lives got a definite answer: the test proves little", definite, lives)
	}
}

func randomTrace(m *model.Machine, rng *rand.Rand) []seen {
	var log []seen
	clock := int64(1e9)
	probes := rng.IntN(2) == 0
	var worlds []*traceWorld
	skew, last := map[int]int64{}, map[int]int64{}
	for pid := range 1100 {
		skew[pid] = int64(rng.IntN(life.Slack)) - life.Slack/2
	}
	for i := range 1 + rng.IntN(2) {
		worlds = append(worlds, &traceWorld{
			m: m, rng: rng, pid: 100 + i, state: m.Graph.Start, events: &log, clock: &clock, skew: skew, last: last, probes: probes,
			stoppers: make([]string, []int{0, 1, 1, 1, 2}[rng.IntN(5)]),
		})
	}
	// Threads are forked at the start, so that a cut shows.
	for _, w := range worlds {
		w.emit(worlds, 2, traces.Event{Kind: traces.Fork})
	}
	pauses := rng.IntN(2) == 0
	for range 10 + rng.IntN(120*len(worlds)) {
		if pauses && rng.IntN(8) == 0 {
			clock += 5 * life.Slack
		}
		worlds[rng.IntN(len(worlds))].turn(worlds)
	}
	slices.SortStableFunc(log, func(a, b seen) int { return cmp.Compare(a.event.Stamp, b.event.Stamp) })
	// How things stood at the end is told by the event that came last, wherever
	// its stamp has put its line.
	end := map[int]truthNow{}
	for _, o := range worlds {
		end[o.pid] = o.now()
	}
	for i := range log {
		log[i].truth = end
	}
	return log
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
		kind := []traces.Kind{traces.Woken, traces.SwitchOut, traces.StopCall, traces.ProcessExit, traces.StopReturn}[rng.IntN(5)]
		log = slices.DeleteFunc(slices.Clone(log), func(s seen) bool {
			return s.event.Kind == kind || kind == traces.StopCall && s.event.Kind == traces.StopReturn
		})
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
		NeverWoken:                truth.phase == "created",
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
