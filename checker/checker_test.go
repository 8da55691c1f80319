package checker

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/printk"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// Every action of the specification is described to people, and nothing else.
func TestActionsAreThoseOfTheSpecification(t *testing.T) {
	names := actionNames()
	sort.Strings(names)
	var inGraphs []string
	for _, module := range []graph.Module{graph.KThreadAPI, graph.KThreadTask} {
		for _, kernel := range module.Kernels() {
			g, err := graph.Load(module, kernel)
			if err != nil {
				t.Fatal(err)
			}
			inGraphs = append(inGraphs, g.Actions...)
		}
	}
	slices.Sort(inGraphs)
	inGraphs = slices.Compact(inGraphs)
	if !slices.Equal(names, inGraphs) {
		t.Errorf("described: %v\nin the graphs: %v", names, inGraphs)
	}
	g := loadMachine(t).Graph
	for _, tables := range []map[traces.Kind][]string{shown, silent} {
		for kind, as := range tables {
			for _, a := range as {
				if !slices.Contains(inGraphs, a) {
					t.Errorf("%v is about %s, which the specification does not know", kind, a)
				}
			}
		}
	}
	for _, v := range []string{"phase", "code", "ran", "woken", "should_stop", "unasked"} {
		if !slices.Contains(g.Variables, v) {
			t.Errorf("the specification has no variable %s", v)
		}
	}
}

// newFor is a checker by the rules of one kernel, with a graph for what is printed.
func newFor(g *graph.Graph, timeout time.Duration) *Checker {
	e, err := graph.EraOf(g.Kernel)
	if err != nil {
		panic(err)
	}
	c := &Checker{timeout: timeout, machines: make(map[string]func() *model.Machine)}
	of := func(module graph.Module, load func() (*graph.Graph, error)) func() []*eraChecker {
		machine := sync.OnceValue(func() *model.Machine {
			g, err := load()
			if err != nil {
				panic(err)
			}
			return model.New(g, actionNames())
		})
		c.machines[module.FileOf(module.Kernel(e))] = machine
		return sync.OnceValue(func() []*eraChecker { return []*eraChecker{{machine(), []graph.Era{e}, c}} })
	}
	c.printed = of(graph.KThreadAPI, func() (*graph.Graph, error) { return g, nil })
	c.traced = func() []*eraChecker {
		return []*eraChecker{{tracedMachine(graph.KThreadTask.Kernel(e)), []graph.Era{e}, c}}
	}
	c.machines[graph.KThreadTask.FileOf(graph.KThreadTask.Kernel(e))] = func() *model.Machine { return tracedMachine(graph.KThreadTask.Kernel(e)) }
	of(graph.Task, func() (*graph.Graph, error) { return graph.Load(graph.Task, graph.Task.Kernel(e)) })
	c.ending = c.findEnding
	return c
}

// tracedMachines are the machines of tracedMachine, which all tests share.
var tracedMachines sync.Map

// tracedMachine is the machine by which a kernel's traces are judged.
func tracedMachine(kernel string) *model.Machine {
	m, _ := tracedMachines.LoadOrStore(kernel, sync.OnceValue(func() *model.Machine {
		g, err := graph.Load(graph.KThreadTask, kernel)
		if err != nil {
			panic(err)
		}
		return model.New(g, actionNames())
	}))
	return m.(func() *model.Machine)()
}

func sample(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "traces", "samples", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// judge checks a log with the story's messages; lives are named comm#n.
func judge(t testing.TB, g *graph.Graph, text string, always bool) map[string]Verdict {
	t.Helper()
	out := map[string]Verdict{}
	_, err := newFor(g, 10*time.Second).Check(reader.New(strings.NewReader(text), reader.Options{Patterns: printk.Builtin("story"), Always: always}), Options{}, func(v *Verdict) error {
		out[fmt.Sprintf("%s#%d", v.Life.Thread.Comm, v.Life.Incarnation)] = *v
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What a thread has shown to be wrong stays wrong, whatever is lost later. Only a
// loss that is told of later than it came may explain it.
func TestALaterLossTakesNothingBack(t *testing.T) {
	const wrong = "[    1.000000] Thread Creating...\n[    1.000001] Stopping t1\n[    1.000002] t1 stopped, exit code 0\n"
	tests := []struct {
		name, log string
		want      Fits
	}{
		{"nothing is lost", wrong, FitsNo},
		{"a console's loss", wrong + "** 3 printk messages dropped **\n[    1.000003] x\n", FitsNo},
		{"another one behind it", wrong + "** 3 printk messages dropped **\n[    1.000003] x\n** 3 printk messages dropped **\n", FitsNo},
		{"a line that cannot be used", wrong + "[    1.000003] a[    1.000004] b\n", FitsNo},
		{"an oops", wrong + "[    1.000003] BUG: kernel NULL pointer dereference, address: 0000000000000008\n", FitsNo},
		{"a gap in the numbers", "6,1,1000000,-;Thread Creating...\n6,2,1000001,-;Stopping t1\n6,3,1000002,-;t1 stopped, exit code 0\n6,9,1000003,-;x\n", FitsNo},

		{"a loss before it", strings.Replace(wrong, "Stopping t1\n", "Stopping t1\n** 3 printk messages dropped **\n", 1), FitsYes},
		{"an oops before it", strings.Replace(wrong, "Stopping t1\n", "Stopping t1\n[    1.000001] BUG: x\n", 1), FitsYes},
		{"a rate limit, told of when it ends", wrong + "[    6.000003] f: 3 callbacks suppressed\n", FitsYes},
		{"a rate limit behind a loss", wrong + "** 3 printk messages dropped **\n[    6.000003] f: 3 callbacks suppressed\n", FitsYes},
		{"a log in reverse order", wrong + "[    0.900000] x\n[    0.800000] x\n[    0.700000] x\n[    0.600000] x\n", FitsYes},
		{"another thread of the name, perhaps", wrong + "** 3 printk messages dropped **\n[    1.000004] t1 stopped, exit code 0\n", FitsNo},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := judge(t, loadMachine(t).Graph, tt.log, false)["t1#1"]
			if v.Fits != tt.want {
				t.Errorf("fits %s, want %s (%s)", v.Fits, tt.want, v.Why)
			}
			if v.Fits == FitsNo && v.Shrunk() == nil {
				t.Error("no smallest part")
			}
		})
	}
}

// No transition rule is written in Go: take an edge that a log needs out of
// the graph, and the log is refused.
func TestEveryRuleComesFromTheGraph(t *testing.T) {
	full := loadMachine(t).Graph
	tests := []struct {
		name, action, life string
		log                string
	}{
		{"run 2 needs the last test that finds the stop", "DecideNotRun", "t2#1", sample(t, "race-run2.dmesg")},
		{"run 2 needs kthread_stop to return -EINTR", "StopReturnEintr", "t2#1", sample(t, "race-run2.dmesg")},
		{"run 2 needs the stop request", "StopRequest", "t2#1", sample(t, "race-run2.dmesg")},
		{"run 1 needs the last test that finds no stop", "DecideRun", "t2#1", sample(t, "race-run1.dmesg")},
		{"run 1 needs threadfn's entry", "Enter", "t1#1", sample(t, "race-run1.dmesg")},
		{"run 1 needs the completion", "Finish", "t1#1", sample(t, "race-run1.dmesg")},
		{"run 1 needs somebody to wake or park the thread", "Wake ParkWake", "t3#1", sample(t, "race-run1.dmesg")},
		{"both need a thread", "Create", "t2#1", sample(t, "race-run2.dmesg")},
		{"an exit code of 0 needs a threadfn that returns it", "ReturnValue", "t1#1", sample(t, "race-improved.dmesg")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if v := judge(t, full, tt.log, false)[tt.life]; v.Fits != FitsYes {
				t.Fatalf("with the whole graph: fits %s", v.Fits)
			}
			g := without(full, func(e graph.Edge) bool {
				return slices.Contains(strings.Fields(tt.action), full.Actions[e.Action])
			})
			if v := judge(t, g, tt.log, false)[tt.life]; v.Fits != FitsNo {
				t.Errorf("without %s: fits %s, want no", tt.action, v.Fits)
			}
		})
	}
	// One single edge: the last test of a thread that nobody but its stopper
	// has woken. The log still fits, but now the thread must have been woken.
	v := judge(t, without(full, func(e graph.Edge) bool {
		return full.Actions[e.Action] == "DecideNotRun" && full.Value(e.To, "woken") == "FALSE"
	}), sample(t, "race-run2.dmesg"), false)["t2#1"]
	if v.Fits != FitsYes || v.Woken != Yes {
		t.Errorf("without one edge: fits %s, woken %s, want yes and yes", v.Fits, v.Woken)
	}
}

func without(g *graph.Graph, drop func(graph.Edge) bool) *graph.Graph {
	cut := *g
	cut.States = slices.Clone(g.States)
	for i := range cut.States {
		cut.States[i].Edges = slices.DeleteFunc(slices.Clone(g.States[i].Edges), drop)
	}
	return &cut
}

// A log that fits still fits when its end is cut off: the search for the first
// line that does not fit relies on it. Legal and illegal logs alike.
func TestPrefixesOfWhatFitsFit(t *testing.T) {
	c := newFor(loadMachine(t).Graph, 10*time.Second).all(graph.KThreadAPI)[0]
	kinds := []traces.Kind{traces.StopCall, traces.StopReturn, traces.Enter, traces.Return, traces.Wake, traces.Create, traces.Exit}
	full, err := printk.Parse("all", strings.NewReader(allPatterns+"exit {thread} exits"))
	if err != nil {
		t.Fatal(err)
	}
	for seed := range numberOf(4000) {
		rng := rand.New(rand.NewPCG(uint64(seed), 2))
		set, kinds := printk.Builtin("story"), kinds[:4]
		if seed%2 == 1 {
			set, kinds = full, kinds[:7]
		}
		l := &Life{Identity: life.Identity{Set: set}, Evidence: life.Evidence{Begun: rng.IntN(2) == 0}}
		for i := range 1 + rng.IntN(7) {
			e := traces.Event{Kind: kinds[rng.IntN(len(kinds))], Line: i + 2, Printed: traces.Printed{Set: set}}
			if rng.IntN(3) == 0 && (e.Kind == traces.StopReturn || e.Kind == traces.Return) {
				e.HasCode, e.Code = true, []int{0, 5, eintr}[rng.IntN(3)]
			}
			l.Keep(&e)
		}
		fitted := true
		for n := range len(l.Events()) + 1 {
			_, _, ans := c.prefix(l, n)
			if ans == model.Yes && !fitted {
				t.Fatalf("seed %d: %d events fit, but not the first %d: %v", seed, n, n-1, l.Events())
			}
			fitted = ans == model.Yes
		}
	}
}

// A history that takes too many steps is given up, and not called illegal.
func TestTooLargeASearchIsUndecided(t *testing.T) {
	m := loadMachine(t)
	c := newFor(m.Graph, 200*time.Millisecond)
	story := printk.Builtin("story")
	l := &Life{Identity: life.Identity{Set: story, Thread: traces.Task{Comm: "t"}}, Evidence: life.Evidence{Begun: true}}
	add := func(k traces.Kind) {
		l.Keep(&traces.Event{Kind: k, Line: l.Count() + 2, Printed: traces.Printed{Set: story}})
	}
	for range 60 {
		add(traces.Wake)
		add(traces.StopCall)
		add(traces.Exit)
	}
	add(traces.Enter)
	add(traces.StopReturn)
	add(traces.StopReturn)
	start := time.Now()
	v := judgeByMemo(c, l)
	if v.Fits == FitsYes {
		t.Errorf("fits: %s, though two stops returned", v.Fits)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %v", took)
	}
	t.Logf("%s (%s) after %v", v.Fits, v.Why, time.Since(start))
}

// A second stop that returned: legal to 4.9, not later; so the kernel decides,
// named by the log or by the user, and without one it fits where it can.
func TestTheKernelDecides(t *testing.T) {
	bad := sample(t, "bad-second-stop-returned.dmesg")
	banner := func(release string) string {
		return "[    0.000000] Linux version " + release + " (a@b) #1\n"
	}
	tests := []struct {
		name, kernel, banner string
		want                 Fits
		fit                  string
	}{
		{"an old kernel's banner", "", "3.18.140", FitsYes, "3.18"},
		{"a newer kernel's banner", "", "5.4.0-26-generic", FitsNo, ""},
		{"a newest kernel's banner", "", "7.0.1", FitsNo, ""},
		{"no banner", "", "", FitsYes, "2.6.32 3.18"},
		{"the user's word wins", "4.19.0-26-amd64", "3.18.140", FitsNo, ""},
		{"the user's word", "2.6.32-754.el6.x86_64", "", FitsYes, "2.6.32"},
		{"an ancient banner", "", "2.6.18-8.el5", FitsYes, "2.6.32 3.18"},
		{"an odd banner", "", "next-20260101", FitsYes, "2.6.32 3.18"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var only *graph.Era
			if tt.kernel != "" {
				e, err := graph.EraOf(tt.kernel)
				if err != nil {
					t.Fatal(err)
				}
				only = &e
			}
			c, err := New(only, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			text := bad
			if tt.banner != "" {
				text = banner(tt.banner) + bad
			}
			_, err = c.Check(reader.New(strings.NewReader(text), reader.Options{Patterns: printk.Builtin("story")}), Options{}, func(v *Verdict) error {
				if got := strings.Join(v.KernelsFit, " "); v.Fits != tt.want || got != tt.fit {
					t.Errorf("fits %s by %q, want %s by %q", v.Fits, got, tt.want, tt.fit)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	// What fits no era's rules is not held against a kernel that none covers.
	text := banner("2.6.18") + sample(t, "bad-stop-before-return.dmesg")
	c, err := New(nil, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Check(reader.New(strings.NewReader(text), reader.Options{Patterns: printk.Builtin("story")}), Options{}, func(v *Verdict) error {
		if v.Fits != FitsInconclusive || v.Findings[0].Rule != &KT013 {
			t.Errorf("fits %s, %v", v.Fits, v.Findings)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Three parks at once are more than the specification counts.
func TestTooManyParksAreNotGuessedAt(t *testing.T) {
	pats, err := printk.Parse("park", strings.NewReader("begin go\npark-call park {thread}\npark-return parked {thread}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]Fits{2: FitsYes, 3: FitsInconclusive} {
		log := "[    1.000000] go\n" + strings.Repeat("[    1.000001] park x\n", n)
		_, err = newFor(loadMachine(t).Graph, time.Second).Check(reader.New(strings.NewReader(log), reader.Options{Patterns: pats, Always: true}), Options{}, func(v *Verdict) error {
			if v.Fits != want {
				t.Errorf("%d parks: fits %s, want %s", n, v.Fits, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRulesAreComplete(t *testing.T) {
	for i, r := range Rules {
		if want := fmt.Sprintf("KT%03d", i+1); r.ID != want {
			t.Errorf("rule %d is %s, want %s", i, r.ID, want)
		}
		if r.Title == "" || r.Text == "" || r.Level == "" || r.Kernels == "" || RuleByID(r.ID) != r {
			t.Errorf("%s is not complete", r.ID)
		}
	}
}

func BenchmarkJudge(b *testing.B) {
	g := loadMachine(b).Graph
	c := newFor(g, time.Second)
	text := sample(b, "race-run2.dmesg")
	var lives []*Life
	_, err := c.Check(reader.New(strings.NewReader(text), reader.Options{Patterns: printk.Builtin("story")}), Options{}, func(v *Verdict) error {
		lives = append(lives, v.Life)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, l := range lives {
			judgeByMemo(c, l)
		}
	}
}
