package checker

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/internal/layouts"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/printk"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// A world walks the state graph at random, as a module's tasks would make it
// go, and prints what the module would print. It knows what truly happened.
type world struct {
	m      *model.Machine
	rng    *rand.Rand
	name   string
	key    string // of its truth: the name, or more where that is not enough
	pid    int
	state  int
	code   int
	words  moduleWords
	log    *[]logged
	worlds []*world          // those that print into the log
	owes   map[string]string // task: the message that it prints before it goes on

	created, gaveUp bool
	stoppers        []string // each: "", "called", "wakes", "requested", "got", "done"
	parkers         []string // each: "", "called", "wakes", "requested", "done", "unparked"
	returning       bool     // the thread has said that it returns
	exiting         string   // the action by which the thread ends itself; empty: it has not said that it does
	over            bool     // its pid is another thread's now: nobody calls it any more
}

// A logged line, and how things stood when it was printed.
type logged struct {
	text  string
	state map[string]truthNow
	of    string // the key of the thread that it is about; empty: of none
}

type truthNow struct {
	phase      string
	ran, woken bool
	ended      bool
	code       int
	returned   int  // stops that had returned and said so
	sleeps     bool // of a traced thread: it is off its runqueue, or about to be so in state D
}

const allPatterns = `
begin         == loaded
create        C {by} > {thread}
create-failed F {by} > {thread}
wake          W {by} > {thread}
stop-call     S {by} > {thread}
stop-return   R {by} > {thread}: {code}
enter         in {thread}
return        out {thread}: {code}
park-call     P {by} > {thread}
park-return   Q {by} > {thread}
unpark        U {by} > {thread}
`

// moduleWords has the messages of a set, by kind, as the pattern file has them.
type moduleWords map[traces.Kind][]string

// wordsOf reads a pattern file's messages.
func wordsOf(file string) moduleWords {
	words := moduleWords{}
	for line := range strings.Lines(file) {
		action, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		for k := traces.Begin; k <= traces.Exit; k++ {
			if k.String() == action {
				words[k] = append(words[k], strings.TrimSpace(text))
			}
		}
	}
	return words
}

const storyPatterns = `
begin        Thread Creating...
stop-call    Stopping {thread}
stop-return  {thread} stopped, exit code {code}
stop-return  {thread} stopped
enter        func {thread}
return       func {thread} return {code}
return       func {thread} return
`

// shows says whether the module prints messages of a kind.
func (w *world) shows(k traces.Kind) bool { return w.words[k] != nil }

// message is what the module prints of a kind; empty: it prints none of it.
func (w *world) message(k traces.Kind, by string, code int) string {
	if !w.shows(k) {
		return ""
	}
	text := w.words[k][0]
	if n := len(w.words[k]); n > 1 {
		text = w.words[k][w.rng.IntN(n)]
	}
	return strings.NewReplacer("{thread}", w.name, "{pid}", fmt.Sprint(w.pid), "{by}", by, "{code}", fmt.Sprint(code)).Replace(text)
}

func (w *world) is(variable, value string) bool { return w.m.Graph.Value(w.state, variable) == value }

// targets are the states that an action leads to.
func targets(m *model.Machine, state int, action string) (to []int) {
	for _, e := range m.Graph.States[state].Edges {
		if m.Graph.Actions[e.Action] == action {
			to = append(to, e.To)
		}
	}
	return to
}

// can lists the targets of an action from here.
func (w *world) can(name string) []int { return targets(w.m, w.state, name) }

func (w *world) do(name string) bool {
	to := w.can(name)
	if len(to) == 0 {
		return false
	}
	w.state = to[w.rng.IntN(len(to))]
	return true
}

// wake is wake_up_process(), which ends the first sleep or comes later.
func (w *world) wake() {
	if !w.do("Wake") {
		w.do("WakeLater")
	}
}

func (w *world) now() truthNow {
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

// say prints a line; an empty one it does not.
func (w *world) say(text string) {
	if text == "" {
		return
	}
	snapshot := map[string]truthNow{}
	for _, o := range w.worlds {
		snapshot[o.key] = o.now()
	}
	*w.log = append(*w.log, logged{text, snapshot, w.key})
}

// owe makes a message of this kind the next thing that a task does.
func (w *world) owe(task string, kind traces.Kind, code int) {
	if w.shows(kind) {
		w.owes[task] = w.message(kind, task, code)
	}
}

// caller names a task that stops or parks the thread, with its pid if the thread has one.
func (w *world) caller(kind string, i int) string {
	if w.pid == 0 || w.pid%2 == 1 {
		return fmt.Sprintf("%s%d%s", kind, i, w.name)
	}
	return fmt.Sprintf("%s%d%s[%d]", kind, i, w.name, 100*w.pid+10*i+int(kind[0]-'p'))
}

// owed prints the message that a task owes, if it does.
func (w *world) owed(task string) bool {
	msg := w.owes[task]
	if msg == "" {
		return false
	}
	w.say(msg)
	delete(w.owes, task)
	return true
}

// turn lets one task of the world do one thing; false: there was nothing for it.
func (w *world) turn(worlds []*world) bool {
	w.worlds = worlds
	switch task := w.rng.IntN(2 + len(w.stoppers) + len(w.parkers)); {
	case task == 0:
		return w.owed("late") || w.creates()
	case task == 1:
		return w.runs()
	case task < 2+len(w.stoppers):
		return w.stops(task - 2)
	default:
		return w.parks(task - 2 - len(w.stoppers))
	}
}

// parks is the turn of a task that parks the thread.
func (w *world) parks(i int) bool {
	by := w.caller("p", i)
	if !w.created || w.is("phase", "failed") {
		return false
	}
	if w.owed(by) {
		return true
	}
	switch w.parkers[i] {
	case "":
		if w.over {
			return false
		}
		w.parkers[i] = "called"
		w.say(w.message(traces.ParkCall, by, 0))
	case "called":
		if w.do("ParkGone") || w.do("ParkBusy") || w.do("ParkAlready") {
			w.parkers[i] = "refused"
			w.owe(by, traces.ParkReturn, 0)
		} else if w.do("ParkRequest") {
			w.parkers[i] = "wakes"
		}
	case "wakes":
		if !w.do("ParkWake") {
			w.do("Wake") // its request has been taken back
		}
		w.parkers[i] = "requested"
	case "requested":
		if !w.do("ParkReturn") {
			return false
		}
		w.parkers[i] = "done"
		w.owe(by, traces.ParkReturn, 0)
	case "done":
		w.parkers[i] = "unparked"
		w.do("Unpark")
		w.owe(by, traces.Unpark, 0)
	default:
		return false
	}
	return true
}

// creates is the turn of the creator.
func (w *world) creates() bool {
	by := "boss" + w.name
	if w.owed(by) {
		return true
	}
	switch {
	case w.is("phase", "absent") && w.rng.IntN(20) == 0:
		w.do("CreateFail")
		w.owe(by, traces.CreateFailed, 0)
	case w.is("phase", "absent"):
		w.do("Create")
		w.owe(by, traces.Create, 0)
	case !w.created:
		w.created = true
	case !w.gaveUp:
		w.gaveUp = true
		if w.rng.IntN(4) > 0 {
			// The message is on either side of the action.
			if w.rng.IntN(2) == 0 {
				w.say(w.message(traces.Wake, by, 0))
				w.wake()
			} else {
				w.wake()
				w.owe(by, traces.Wake, 0)
			}
		}
	default:
		return false
	}
	return true
}

// runs is the turn of the thread itself.
func (w *world) runs() bool {
	if w.rng.IntN(60) == 0 && len(w.can("Oops")) > 0 {
		// It may oops before it has said, or done, what it was about to.
		w.say("BUG: kernel NULL pointer dereference, address: 0000000000000008")
		delete(w.owes, "thread")
		w.returning, w.exiting = false, ""
		w.code = 9
		w.do("Oops")
		return true
	}
	if w.owed("thread") {
		return true
	}
	var acts []string
	for _, a := range Actions {
		if a.By == Thread && len(w.can(a.Name)) > 0 {
			acts = append(acts, a.Name)
		}
	}
	if len(acts) == 0 {
		return false
	}
	act := acts[w.rng.IntN(len(acts))]
	if w.exiting != "" {
		act, w.exiting = w.exiting, ""
		w.do(act)
		return true
	}
	if w.returning {
		act = []string{"ReturnValue", "ReturnEintr"}[b2i(w.code == eintr)]
		w.returning = false
		w.do(act)
		return true
	}
	switch act {
	case "Enter":
		w.do(act)
		w.owe("thread", traces.Enter, 0)
	case "ReturnValue", "ReturnEintr":
		w.code = w.rng.IntN(3)
		if act == "ReturnEintr" {
			w.code = eintr
		}
		w.returning = true
		w.say(w.message(traces.Return, "thread", w.code))
	case "ExitValue", "ExitEintr":
		return w.exits()
	case "Oops":
		if w.rng.IntN(10) > 0 {
			return false
		}
		w.say("BUG: kernel NULL pointer dereference, address: 0000000000000008")
		w.code = 9
		w.do(act)
	default:
		w.do(act)
	}
	return true
}

// exits lets the thread end itself by kthread_exit() or do_exit(), if the module says so:
// the thread before it does, or somebody else afterwards.
func (w *world) exits() bool {
	if !w.shows(traces.Exit) {
		return false // this module announces every end
	}
	w.code = w.rng.IntN(3)
	if w.rng.IntN(4) == 0 {
		w.code = eintr
	}
	end := "ExitValue"
	switch {
	case w.code == eintr && (w.rng.IntN(2) == 0 || len(w.can("ExitEintr")) > 0):
		end = "ReturnEintr" // kthread_exit() leaves what a return leaves
	case w.code == eintr:
	case w.rng.IntN(2) == 0:
		end = "ReturnValue"
	}
	if w.rng.IntN(2) == 0 {
		w.exiting = end
		w.say(w.message(traces.Exit, "thread", w.code))
		return true
	}
	w.owe("late", traces.Exit, w.code)
	w.do(end)
	return true
}

// stops is the turn of a task that stops the thread.
func (w *world) stops(i int) bool {
	if !w.created {
		return false
	}
	by := w.caller("s", i)
	if w.owed(by) {
		return true
	}
	switch w.stoppers[i] {
	case "":
		if w.over {
			return false
		}
		w.stoppers[i] = "called"
		w.say(w.message(traces.StopCall, by, 0))
	case "called":
		if w.do("StopSkipValue") || w.do("StopSkipEintr") {
			w.stoppers[i] = "got"
			return true
		}
		if !w.do("StopRequest") {
			return false // it was not created
		}
		w.stoppers[i] = "wakes"
	case "wakes":
		w.do("StopWake")
		w.stoppers[i] = "requested"
	case "requested":
		if w.rng.IntN(2) == 0 {
			w.do("StopUnpark")
		}
		if !w.do("StopReturnValue") && !w.do("StopReturnEintr") {
			return false
		}
		w.stoppers[i] = "got"
	case "got":
		w.stoppers[i] = "done"
		w.say(w.message(traces.StopReturn, by, w.now().code))
	default:
		return false
	}
	return true
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// randomLog is a legal log, and the truth at each of its lines.
func randomLog(m *model.Machine, rng *rand.Rand, pats *printk.Set) []logged {
	words := wordsOf(storyPatterns)
	if pats.Shows().Has(traces.Create) {
		words = wordsOf(allPatterns)
	}
	var log []logged
	for range 1 + rng.IntN(2) {
		log = append(log, logged{text: words[traces.Begin][0]})
		var worlds []*world
		for i := range 1 + rng.IntN(3) {
			worlds = append(worlds, &world{
				m: m, rng: rng, name: fmt.Sprintf("t%d", i), key: fmt.Sprintf("t%d", i), state: m.Graph.Start, words: words,
				log: &log, owes: map[string]string{}, stoppers: make([]string, rng.IntN(4)*rng.IntN(2)),
			})
			if rng.IntN(2) == 0 && m.Graph.Action("ParkRequest") >= 0 {
				worlds[i].parkers = make([]string, 1+rng.IntN(2))
			}
			if w := worlds[i]; len(w.stoppers) == 0 && rng.IntN(2) == 0 {
				w.stoppers = []string{""}
			}
		}
		for range 10 + rng.IntN(150*len(worlds)) {
			worlds[rng.IntN(len(worlds))].turn(worlds)
		}
	}
	return log
}

func loadMachine(t testing.TB) *model.Machine {
	t.Helper()
	g, err := graph.Load(graph.KThreadAPI, "5.4")
	if err != nil {
		t.Fatal(err)
	}
	return model.New(g, actionNames())
}

var moreRuns = flag.Int("runs", 0, "how many random runs the tests of legal logs and traces make, each; 0: as many as take half a minute")

// numberOf is how many random runs a test makes that makes so many in full: with
// -short 5 % of them, and then it does not judge how much they have shown.
func numberOf(runs int) int {
	switch {
	case *moreRuns > 0:
		return *moreRuns
	case testing.Short():
		return runs / 20
	}
	return runs
}

// Whatever a legal run prints, and wherever its log is cut, it is accepted, and
// each fact is true as of the last line, or unknown.
func TestLegalRunsAreNeverMisjudged(t *testing.T) {
	full, err := printk.Parse("all", strings.NewReader(allPatterns))
	if err != nil {
		t.Fatal(err)
	}
	all, err := New(nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var machines []*model.Machine
	for _, r := range all.all(graph.KThreadAPI) {
		machines = append(machines, r.m)
	}
	// Of a log that is all one line nobody can say how things stood at a message.
	kernelLogs := slices.DeleteFunc(slices.Clone(layouts.All), func(l layouts.Layout) bool { return l.Name == "dmesg-json-compact" })
	used := map[string]int{}
	runs, lives, definite := numberOf(6000), 0, 0
	outcomes := map[Outcome]int{}
	for seed := range runs {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		pats := printk.Builtin("story")
		if seed%2 == 1 {
			pats = full
		}
		// Each era's runs, judged by its own rules or by all eras'.
		m := machines[seed/2%len(machines)]
		c := newFor(m.Graph, 10*time.Second)
		if seed/8%2 == 0 {
			c = all
		}
		log := randomLog(m, rng, pats)
		log = log[:1+rng.IntN(len(log))]
		if rng.IntN(3) == 0 {
			log = log[rng.IntN(len(log)):]
		}
		if rng.IntN(4) == 0 {
			// Some of them are lost, and the log says so.
			from := rng.IntN(len(log))
			n := rng.IntN(min(9, len(log)-from))
			lost := logged{fmt.Sprintf("** %d printk messages dropped **", n), log[max(0, from+n-1)].state, ""}
			log = slices.Concat(log[:from], []logged{lost}, log[from+n:])
		}
		var messages []layouts.Message
		for i, line := range log {
			messages = append(messages, layouts.Message{Micros: int64(100+i/7)*1e6 + int64(i%7), Text: line.text})
		}
		layout := kernelLogs[seed/16%len(kernelLogs)]
		text, byLine := layout.RenderLines(messages)
		r := reader.New(bytes.NewReader(text), reader.Options{Patterns: pats, Always: true, Format: layout.Only()})
		defer r.Close()
		used[layout.Name]++
		_, err := c.Check(r, Options{}, func(v *Verdict) error {
			lives++
			outcomes[v.Outcome]++
			if v.Ran != Unknown && v.Outcome != OutcomeUnknown {
				definite++
			}
			if wrong := disproved(v, log[byLine[v.Life.AsOf-1]]); wrong != "" {
				t.Errorf("seed %d, %s: %s of %+v\n%s", seed, layout.Name, wrong, *v, text)
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
	t.Logf("%d runs, %d lives, %d of them definite: %v; in %d layouts", runs, lives, definite, outcomes, len(used))
	if !testing.Short() && (definite < lives/4 || len(used) != len(kernelLogs)) {
		t.Errorf("only %d of %d lives got a definite answer: the test proves little", definite, lives)
	}
}

// disproved says what in a verdict the truth contradicts.
func disproved(v *Verdict, at logged) string {
	if v.Life.Doubt {
		// The log may hold two threads of the name; only accusations count.
		if v.Fits == FitsNo {
			return "fits: no"
		}
		return ""
	}
	truth, ok := at.state[v.Life.Thread.Comm]
	if !ok {
		return "a verdict on a thread that is not there"
	}
	if v.Fits == FitsInconclusive && (v.Life.Follows > 0 || v.Life.Ambiguous()) {
		return ""
	}
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
	right := map[Outcome]bool{
		RanThenStopped:            truth.ran && truth.returned > 0,
		StoppedBeforeRun:          !truth.ran && truth.returned > 0,
		ExitedByItselfThenStopped: truth.ran && truth.returned > 0,
		Stopped:                   truth.returned > 0,
		ExitedByItself:            truth.ended,
		NeverWoken:                truth.phase == "created",
		Running:                   !truth.ended && truth.phase != "absent" && truth.phase != "failed",
		CreateFailed:              truth.phase == "failed",
		StopPending:               true,
		OutcomeUnknown:            true,
	}
	if !right[v.Outcome] {
		return "outcome " + string(v.Outcome)
	}
	return ""
}
