package checker

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/traces"
)

// A recording is what tracers have seen of some worlds.
type recording struct {
	log    []seen
	worlds []*traceWorld
	clock  int64         // in nanoseconds
	plain  bool          // nobody but its callers wakes a thread before threadfn
	step   int           // the most by which it goes on between two events
	skew   map[int]int64 // by CPU: how its clock is off
	ofCPU  map[int]int64 // by CPU: its latest stamp
	ofTask map[int]int64 // by pid: its latest stamp
}

// A seen event, with the worlds as they were then, by pid.
type seen struct {
	event traces.Event
	truth map[int]truthNow
}

// A traceWorld walks the graph of KThreadTask at random, as a thread, its callers and the
// scheduler would make it go, and emits what tracers would see. It knows what truly
// happened.
type traceWorld struct {
	*recording
	m       *model.Machine
	rng     *rand.Rand
	pid     int
	state   int
	code    int // of the thread's end
	cpus    int // the first of the CPUs that are this world's
	cpu     int // the thread's
	probes  bool
	waker   int           // the pid of the caller whose wake of the thread is the latest
	unwoken bool          // its creator does not wake it
	pending *traces.Event // what a probe shows of the thread before it does anything else
	callers []*traceCaller
}

// A traceCaller is a task that stops or parks the thread.
type traceCaller struct {
	traces.Task
	cpu    int
	park   bool
	at     string // "", "called", …, "done"
	result int    // of a park
}

// tasks of a world, each on a CPU of its own: their places behind the thread's CPUs.
const (
	threadCPUs = 3
	creatorAt  = threadCPUs
	otherAt    = threadCPUs + 1
	callersAt  = threadCPUs + 2
	idleCPU    = 30 // kthreadd's and the migration thread's; it is idle else
)

func (w *traceWorld) is(variable, value string) bool {
	return w.m.Graph.Value(w.state, variable) == value
}

func (w *traceWorld) phase(names ...string) bool {
	return slices.Contains(names, w.m.Graph.Value(w.state, "phase"))
}

// do does the first of some actions that is possible.
func (w *traceWorld) do(names ...string) bool {
	for _, name := range names {
		if to := targets(w.m, w.state, name); len(to) > 0 {
			w.state = to[w.rng.IntN(len(to))]
			return true
		}
	}
	return false
}

func (w *traceWorld) now() truthNow {
	t := truthNow{
		phase: w.m.Graph.Value(w.state, "phase"), ran: w.is("ran", "TRUE"), woken: w.is("woken", "TRUE"),
		ended: !w.is("code", "none"), code: w.code, sleeps: w.is("on", "asleep") || w.is("on", "queued") && w.is("state", "D"),
	}
	switch {
	case w.is("code", "eintr"):
		t.code = eintr
	case w.is("code", "nothing"):
		t.code = 0
	}
	for _, c := range w.callers {
		if c.at == "done" && !c.park {
			t.returned++
		}
	}
	return t
}

func (w *traceWorld) self() traces.Task {
	return traces.Task{Comm: fmt.Sprintf("k%d", w.pid), PID: w.pid}
}

// taskOf is one of the world's other tasks, by its place.
func (w *traceWorld) taskOf(at int) traces.Task {
	pid := 10*w.pid + at
	return traces.Task{Comm: fmt.Sprintf("task%d", pid), PID: pid}
}

// emit records an event. What a task does is in its order, and what a CPU shows in that
// CPU's. CPUs' clocks disagree, but no task runs before its waking or its fork, is woken
// before it sleeps, or is freed before it has died.
func (w *traceWorld) emit(cpu int, e traces.Event) {
	w.clock += int64(w.rng.IntN(w.step))
	if (e.Thread == traces.Task{}) && e.Kind != traces.StopReturn && e.Kind != traces.ParkReturn {
		e.Thread = w.self()
	}
	e.CPU = cpu
	e.Clock, e.Stamp = traces.Nanoseconds, max(w.clock+w.skew[cpu], w.ofCPU[cpu]+1)
	if e.By.PID != 0 {
		e.Stamp = max(e.Stamp, w.ofTask[e.By.PID]+1)
	}
	switch e.Kind {
	case traces.Woken, traces.Fork, traces.SwitchIn, traces.SwitchOut, traces.Freed:
		e.Stamp = max(e.Stamp, w.ofTask[e.Thread.PID]+1)
		w.ofTask[e.Thread.PID] = e.Stamp
	}
	w.ofCPU[cpu] = e.Stamp
	w.ofTask[e.By.PID] = e.Stamp
	if e.Kind == traces.Fork {
		// Whoever has the thread has it from its creator.
		for other := range w.cpus + 10 {
			w.ofCPU[other] = max(w.ofCPU[other], e.Stamp)
		}
		w.ofCPU[idleCPU] = max(w.ofCPU[idleCPU], e.Stamp)
	}
	truth := map[int]truthNow{}
	for _, o := range w.worlds {
		truth[o.pid] = o.now()
	}
	w.log = append(w.log, seen{e, truth})
}

// own records an event of the thread itself.
func (w *traceWorld) own(e traces.Event) {
	e.By, e.Context = w.self(), traces.TaskContext
	w.emit(w.cpu, e)
}

// turn lets one task do one thing.
func (w *traceWorld) turn() {
	switch n := w.rng.IntN(8 + len(w.callers)); {
	case n < 5:
		w.thread()
	case n == 5:
		w.creator()
	case n == 6:
		w.interrupt()
	case n == 7:
		w.other()
	case w.callers[n-8].park:
		w.park(w.callers[n-8])
	default:
		w.stop(w.callers[n-8])
	}
}

// creator lets the creator wake the thread, or give up.
func (w *traceWorld) creator() {
	if w.phase("absent") {
		if w.rng.IntN(60) == 0 {
			w.do("CreateFail")
		}
		return
	}
	for _, c := range w.callers {
		if c.cpu == w.cpus+creatorAt && c.at != "" && c.at != "done" {
			return // it is in a call
		}
	}
	if w.unwoken && w.phase("created") || w.phase("failed") || !w.do("Wake", "WakeLater") {
		return
	}
	w.emit(w.cpus+creatorAt, traces.Event{Kind: traces.Woken, By: w.taskOf(creatorAt), Context: traces.TaskContext})
}

// other lets another task wake the thread, or the kernel, before the thread has told its
// creator.
func (w *traceWorld) other() {
	if w.plain && !w.phase("running", "finished") {
		return
	}
	by, cpu, names := w.taskOf(otherAt), w.cpus+otherAt, []string{"WakeLater"}
	if w.phase("absent", "failed") {
		by, cpu, names = traces.Task{Comm: "migration/30", PID: 31}, idleCPU, []string{"WakeEarly"}
	}
	if w.phase("created") && w.rng.IntN(4) == 0 && !w.unwoken {
		names = []string{"Wake"}
	}
	if w.do(names...) {
		w.emit(cpu, traces.Event{Kind: traces.Woken, By: by, Context: traces.TaskContext})
	}
}

// interrupt lets an interrupt wake the thread: on an idle CPU, on the thread's own while it
// runs, or on that of a task that is in a call.
func (w *traceWorld) interrupt() {
	if w.plain && !w.phase("running") {
		return
	}
	was, by, cpu := w.state, traces.Task{}, idleCPU
	switch c := w.rng.IntN(4 + len(w.callers)); {
	case c < 2:
	case c < 4:
		if w.is("on", "cpu") {
			by, cpu = w.self(), w.cpu
		}
	default:
		if c := w.callers[c-4]; c.at != "" && c.at != "sleeps" && c.at != "woken" {
			by, cpu = c.Task, c.cpu
		}
	}
	if !w.do([]string{"WakeLater", "WakeEarly"}[w.rng.IntN(2)]) {
		return
	}
	if by == w.self() && w.is("waking", "TRUE") {
		w.state = was // it is over before the thread goes on
		return
	}
	w.emit(cpu, traces.Event{Kind: traces.Woken, By: by, Context: traces.InterruptContext})
}

// What sched_switch prints for each action that takes the thread off its CPU.
var switchStates = map[string]byte{
	"Preempted": 'R', "SwitchOutR": 'R', "SwitchOutS": 'S', "SwitchOutI": 'I', "SwitchOutD": 'D', "SwitchOutP": 'P', "SwitchOutT": 'T', "SwitchOutPending": 'S', "Died": 'X',
}

// thread lets the thread, or the scheduler or the freezer, do one thing with it.
func (w *traceWorld) thread() {
	switch {
	case w.do("WokenNew"):
	case w.rng.IntN(3) == 0 && w.do("WakeLands"):
	case w.is("on", "queued"):
		if w.rng.IntN(3) == 0 {
			w.cpu = w.cpus + w.rng.IntN(threadCPUs)
		}
		w.do("SwitchIn")
		w.emit(w.cpu, traces.Event{Kind: traces.SwitchIn, Context: traces.TaskContext})
	case w.pending != nil && w.is("on", "cpu"):
		if w.rng.IntN(4) == 0 && w.do("Preempted") {
			w.own(traces.Event{Kind: traces.SwitchOut, State: 'R'})
			return
		}
		w.own(*w.pending)
		w.pending = nil
	case w.rng.IntN(4) == 0 && w.do("Freed"):
		w.emit(idleCPU, traces.Event{Kind: traces.Freed, Context: traces.InterruptContext})
	case w.rng.IntN(4) == 0 && w.do("Frozen", "Thawed"):
	default:
		if act := w.choose(); act != "" {
			w.act(act)
		}
	}
}

// choose returns one of the actions that the thread can do; empty: none.
func (w *traceWorld) choose() string {
	var acts []string
	for _, e := range w.m.Graph.States[w.state].Edges {
		name := w.m.Graph.Actions[e.Action]
		if slices.Contains(acts, name) {
			continue
		}
		ends := name == "Oops" || strings.HasPrefix(name, "Return") || strings.HasPrefix(name, "Exit")
		switch _, switches := switchStates[name]; {
		case name == "Preempted" && w.rng.IntN(8) > 0, name == "SwitchOutR" && w.rng.IntN(6) > 0:
		case w.phase("absent") && (w.plain || w.rng.IntN(4) > 0) && name == "SwitchOutD":
		case strings.HasPrefix(name, "Test"):
			if w.probes {
				acts = append(acts, name)
			}
		case ends && w.rng.IntN(8) > 0:
		case switches, name == "SetState", name == "Create", name == "ProcessExit", describe(name).By == Thread && position(name) >= 0 && name != "Work":
			acts = append(acts, name)
		}
	}
	if len(acts) == 0 {
		return ""
	}
	return acts[w.rng.IntN(len(acts))]
}

// act does one of the thread's actions.
func (w *traceWorld) act(name string) {
	if w.phase("running") && strings.ContainsAny(name[:1], "REO") {
		w.code = 1 + w.rng.IntN(5)
	}
	tested := name == "TestTrue"
	w.do(name)
	if state, ok := switchStates[name]; ok {
		w.own(traces.Event{Kind: traces.SwitchOut, State: state})
		return
	}
	switch name {
	case "ProcessExit":
		w.own(traces.Event{Kind: traces.ProcessExit})
	case "Finish":
		w.complete(false)
	case "Hold", "Park":
		w.complete(true)
	}
	if !w.probes {
		return
	}
	switch name {
	case "TestTrue", "TestFalse":
		w.pending = &traces.Event{Kind: traces.ShouldStop, Code: b2i(tested), HasCode: true, Probe: true}
	case "DecideRun":
		if w.m.Actions("HoldAsked") != 0 { // there is a __kthread_parkme()
			w.pending = &traces.Event{Kind: traces.ParkMe, Probe: true}
		}
	case "ParkAsked":
		if w.rng.IntN(2) == 0 {
			w.pending = &traces.Event{Kind: traces.ParkMe, Probe: true}
		}
	case "ReturnValue", "ReturnEintr", "DecideNotRun":
		w.pending = &traces.Event{Kind: traces.ExitCall, Code: w.now().code, HasCode: true, Probe: true}
	}
}

// complete wakes one task that waits for the thread.
func (w *traceWorld) complete(park bool) {
	for _, c := range w.callers {
		if c.park == park && c.at == "sleeps" {
			c.at = "woken"
			w.own(traces.Event{Kind: traces.Woken, Thread: c.Task})
			return
		}
	}
}

// calls records an event of a caller.
func (w *traceWorld) calls(c *traceCaller, e traces.Event) {
	if w.waker == c.PID {
		w.do("WakeLands") // it goes on when its wake is over
	}
	e.By, e.Context = c.Task, traces.TaskContext
	w.emit(c.cpu, e)
	if e.Kind == traces.Woken {
		w.waker = c.PID
	}
}

// await lets a caller wait until one of some actions is possible, and does it.
func (w *traceWorld) await(c *traceCaller, names ...string) {
	switch {
	case c.at == "woken":
		w.emit(c.cpu, traces.Event{Kind: traces.SwitchIn, Thread: c.Task, Context: traces.TaskContext})
		c.at = "waits"
	case c.at == "sleeps":
	case w.do(names...):
		c.at = "got"
	case w.rng.IntN(2) == 0:
		w.calls(c, traces.Event{Kind: traces.SwitchOut, Thread: c.Task, State: 'D'})
		c.at = "sleeps"
	}
}

// unparkWakes lets a caller in kthread_unpark() wake the thread. must: it has taken the
// request back.
func (w *traceWorld) unparkWakes(c *traceCaller, must bool) {
	if w.m.Actions("ParkBusy") == 0 && !w.phase("held", "parked") {
		return // to 4.17 only a thread that is marked as parked is woken
	}
	if !must && w.rng.IntN(2) == 0 {
		return
	}
	if w.do("UnparkWake") {
		w.calls(c, traces.Event{Kind: traces.Woken})
	}
}

// park lets a task park the thread, and unpark it.
func (w *traceWorld) park(c *traceCaller) {
	if w.phase("absent", "failed") || w.m.Actions("ParkRequest") == 0 {
		return
	}
	probe := func(e traces.Event) {
		if e.Probe = true; w.probes {
			w.calls(c, e)
		}
	}
	switch c.at {
	case "":
		if w.rng.IntN(4) == 0 {
			probe(traces.Event{Kind: traces.ParkCall})
			c.at = "called"
		}
	case "called":
		switch {
		case w.do("ParkGone"):
			c.at, c.result = "got", -38
		case w.do("ParkRequest"):
			c.at = "wakes"
		}
	case "wakes":
		if w.do("ParkWake", "Wake", "ParkWakeLater") { // Wake: its request has been taken back
			w.calls(c, traces.Event{Kind: traces.Woken})
		} else {
			w.do("ParkWakesNothing")
		}
		c.at = "waits"
	case "got":
		probe(traces.Event{Kind: traces.ParkReturn, Code: c.result, HasCode: true})
		if c.at = "parked"; c.result != 0 {
			c.at = "done"
		}
	case "parked":
		if w.rng.IntN(2) == 0 {
			probe(traces.Event{Kind: traces.Unpark})
			c.at = "unparks"
		}
	case "unparks":
		w.do("Unpark")
		c.at = "unparked"
	case "unparked":
		w.unparkWakes(c, true)
		c.at = "done"
	case "waits", "sleeps", "woken":
		w.await(c, "ParkReturn")
	}
}

// stop lets a task stop the thread.
func (w *traceWorld) stop(c *traceCaller) {
	if w.phase("absent", "failed") {
		return
	}
	switch c.at {
	case "":
		if w.rng.IntN(6) == 0 {
			w.calls(c, traces.Event{Kind: traces.StopCall})
			c.at = "called"
		}
	case "called":
		switch {
		case w.do("StopSkipValue", "StopSkipEintr"):
			c.at = "got"
		case w.do("StopRequest"):
			c.at = "unparks"
		}
	case "unparks":
		c.at = "unparked"
		if !w.do("StopUnpark") {
			c.at = "unparked before"
		}
	case "unparked", "unparked before":
		w.unparkWakes(c, c.at == "unparked")
		c.at = "wakes"
	case "wakes":
		if w.do("StopWake", "StopWakeLater") {
			w.calls(c, traces.Event{Kind: traces.Woken})
		} else {
			w.do("StopWakesNothing")
		}
		c.at = "waits"
	case "got":
		w.calls(c, traces.Event{Kind: traces.StopReturn, Code: w.now().code, HasCode: true})
		c.at = "done"
	case "waits", "sleeps", "woken":
		w.await(c, "StopReturnValue", "StopReturnEintr")
	}
}

// randomTrace records one or two worlds. The log is in the order of the stamps.
func randomTrace(m *model.Machine, rng *rand.Rand) []seen { return record(m, rng, false) }

// record is randomTrace of worlds that are plain, or not.
func record(m *model.Machine, rng *rand.Rand, plain bool) []seen {
	r := &recording{plain: plain, clock: 1e9, step: []int{3e6, 3e6, 1e6}[rng.IntN(3)], skew: map[int]int64{}, ofCPU: map[int]int64{}, ofTask: map[int]int64{}}
	probes, most := rng.IntN(2) == 0, []int64{0, 25e3, 1e6, life.Slack, life.Slack}[rng.IntN(5)]
	for cpu := range idleCPU + 1 {
		r.skew[cpu] = rng.Int64N(most+1) - most/2
	}
	for i := range 1 + rng.IntN(2) {
		w := &traceWorld{
			recording: r, m: m, rng: rng, pid: 100 + i, cpus: 10 * i, cpu: 10 * i, state: m.Graph.Start, probes: probes, unwoken: rng.IntN(5) == 0,
		}
		for n := range []int{0, 1, 1, 1, 2}[rng.IntN(5)] {
			w.callers = append(w.callers, &traceCaller{Task: w.taskOf(callersAt + n), cpu: w.cpus + callersAt + n})
		}
		if len(w.callers) > 0 && rng.IntN(2) == 0 {
			w.callers[0].Task, w.callers[0].cpu = w.taskOf(creatorAt), w.cpus+creatorAt
		}
		if rng.IntN(2) == 0 {
			w.callers = append(w.callers, &traceCaller{Task: w.taskOf(callersAt + 2), cpu: w.cpus + callersAt + 2, park: true})
		}
		r.worlds = append(r.worlds, w)
	}
	// Threads are forked at the start, so that a cut shows.
	for _, w := range r.worlds {
		w.do("Forked")
		w.emit(idleCPU, traces.Event{Kind: traces.Fork, By: traces.Task{Comm: "kthreadd", PID: 2}, Context: traces.TaskContext})
	}
	pauses := rng.IntN(2) == 0
	for range 10 + rng.IntN(150*len(r.worlds)) {
		if pauses && rng.IntN(8) == 0 {
			r.clock += 5 * life.Slack
		}
		r.worlds[rng.IntN(len(r.worlds))].turn()
	}
	slices.SortStableFunc(r.log, func(a, b seen) int { return cmp.Compare(a.event.Stamp, b.event.Stamp) })
	// How things stood at the end is told by the event that came last, wherever
	// its stamp has put its line.
	end := map[int]truthNow{}
	for _, o := range r.worlds {
		end[o.pid] = o.now()
	}
	for i := range r.log {
		r.log[i].truth = end
	}
	return r.log
}
