package spec_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/tlc"
	"github.com/kthread-tla/tracecheck/internal/tlctest"
	"github.com/kthread-tla/tracecheck/spec/coverage"
	"github.com/kthread-tla/tracecheck/spec/graph"
)

var update = flag.Bool("update", false, "write testdata/untaken.txt")

const untakenFile = "testdata/untaken.txt"

// stepsOf are the models of MCTaskSteps for each kernel.
var stepsOf = map[string][]string{
	"2.6.32": {"steps-2.6.32"},
	"3.18":   {"steps-stop-3.18", "steps-park-3.18"},
	"5.4":    {"steps-stop-5.4", "steps-park-5.4"},
	"6.1":    {"steps-stop-6.1", "steps-park-6.1", "steps-freezes-6.1"},
	"7.0":    {"steps-stop-7.0", "steps-park-7.0"},
}

// An end is a state of a graph, by its variables.
type end map[string]string

// A reason says why KThread's threads do not take some edges that Task or KThreadTask has.
type reason struct {
	why  string
	fits func(action string, from, to end) bool
}

// The first reason that fits an edge is the edge's.
var reasons = []reason{
	{"to 5.3 a task may be freed before its last switch, KThread's are freed behind it",
		func(_ string, from, to end) bool { return to["seen"] == "free" && to["on"] != "dead" }},
	{"KThread's threads freeze in try_to_freeze() alone, are not stopped by a signal, and know no PREEMPT_RT",
		func(_ string, from, to end) bool {
			return slices.ContainsFunc([]end{from, to}, func(e end) bool { return e["state"] == "frozen" || e["state"] == "stopped" })
		}},
	{"KThread has no thread whose creation has failed, or one that does nothing",
		func(_ string, from, to end) bool { return to["phase"] == "failed" }},
	{"KThread's threads do not wait, for memory or for a CPU, before they have told their creator",
		func(_ string, from, to end) bool {
			return from["phase"] == "absent" || from["phase"] == "created" && from["waking"] == "TRUE"
		}},
	{"6.1 stands for all releases to 6.x: KThread's sleeps once before its last test, as to 6.13",
		func(_ string, from, to end) bool {
			return from["phase"] == "started" && (from["state"] == "D" || to["state"] == "D" || from["waking"] == "TRUE")
		}},
	{"KThread's threads set no state in do_exit(), and do not sleep there",
		func(_ string, from, to end) bool {
			return from["phase"] == "returned" || from["phase"] == "finished" || from["seen"] != "no"
		}},
	{"KThread's schedule() with a signal pending is one step: the thread keeps its CPU",
		func(action string, _, _ end) bool { return action == "SwitchOutPending" }},
	{"KThread's threads set TASK_PARKED in kthread_parkme() alone, and leave it to TASK_RUNNING alone",
		func(_ string, from, to end) bool { return from["state"] == "P" || to["state"] == "P" }},
	{"KThread's threads are in TASK_RUNNING in kthread_parkme() when a wake has come, not while one is under way",
		func(_ string, from, to end) bool {
			return from["state"] == "R" && from["waking"] == "TRUE" &&
				(slices.Contains(parkme, from["phase"]) || slices.Contains(parkme, to["phase"]))
		}},
}

// parkme are the phases in __kthread_parkme(), and that in front of it.
var parkme = []string{"decided", "holding", "held", "parking", "parked"}

// looseTasks are wrong modules: each allows a task what no thread of KThread does.
var looseTasks = []struct {
	name     string
	module   graph.Module
	kernel   string
	old, new string
}{
	{"a sleeper runs unwoken", graph.Task, "5.4",
		"SwitchIn ==\n    /\\ on = \"queued\"\n", "SwitchIn ==\n    /\\ on \\in {\"queued\", \"asleep\"}\n"},
	{"the dead are woken", graph.Task, "7.0",
		"Woken == on # \"dead\" /\\ Wakes(Normal \\cup {\"frozen\", \"stopped\"})", "Woken == Wakes(Normal \\cup {\"frozen\", \"T\", \"X\"})"},
	{"a task that has died is forked", graph.Task, "6.1",
		"Fork ==\n    /\\ on = \"absent\"\n", "Fork ==\n    /\\ on \\in {\"absent\", \"dead\"}\n"},
	{"threadfn is entered while the thread is on no CPU", graph.KThreadTask, "5.4",
		"Enter == L!Enter /\\ Runs({\"R\"}, {\"R\"})", "Enter == L!Enter /\\ SameTask"},
	{"a thread tells its creator in TASK_RUNNING", graph.KThreadTask, "3.18",
		"Create == L!Create /\\ Runs({\"D\"}, {\"D\"})", "Create == L!Create /\\ Runs({\"D\", \"R\"}, {\"D\"})"},
	{"a thread dies before its completion", graph.KThreadTask, "7.0",
		"Died     == T!Die /\\ phase \\in {\"finished\", \"failed\"}", "Died     == T!Die /\\ phase \\in {\"returned\", \"finished\", \"failed\"}"},
}

// Each edge of Task's graphs, and each tie of KThreadTask's between a thread's phase and its
// task, is a step of some thread of KThread, or there is a reason: testdata/untaken.txt counts
// them.
func TestThreadsTakeTheirTasksEdges(t *testing.T) {
	root, tools := tlctest.Find(t)
	var lines []string
	for _, kernel := range graph.Task.Kernels() {
		var printed string
		for _, name := range stepsOf[kernel] {
			printed += stepsPrinted(t, root, tools, name)
		}
		for _, module := range []graph.Module{graph.Task, graph.KThreadTask} {
			g, err := graph.Load(module, kernel)
			if err != nil {
				t.Fatal(err)
			}
			of, unexplained := untaken(t, g, printed)
			lines = append(lines, of...)
			for _, u := range unexplained {
				t.Errorf("%s %s: nobody does %s, and there is no reason", module.Name, kernel, u)
			}
		}
		for _, l := range looseTasks {
			if l.kernel != kernel {
				continue
			}
			t.Run(l.name, func(t *testing.T) {
				loose := looseModels(t, root, l.module.Name+".tla", l.old, l.new)
				g, err := graph.ParseDot(l.module.Name, kernel, dumpOf(t, tools, loose, strings.TrimSuffix(l.module.ModelOf(kernel), ".cfg")))
				if err != nil {
					t.Fatal(err)
				}
				of, unexplained := untaken(t, g, printed)
				was := slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
					return !strings.HasPrefix(line, fmt.Sprintf("%-11s %-6s ", l.module.Name, kernel))
				})
				if len(unexplained) == 0 && slices.Equal(of, was) {
					t.Error("it is not noticed")
				}
			})
		}
	}
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile(untakenFile, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(untakenFile)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("other edges are not taken than testdata/untaken.txt says (go test ./spec -run TestThreads -update writes it):\n%s", got)
	}
}

// stepsPrinted has TLC check a model, and returns what it prints.
func stepsPrinted(t *testing.T, root string, tools tlc.Tools, name string) string {
	t.Helper()
	m, err := tlc.ReadModel(filepath.Join(root, "spec", "models", name+".cfg"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := tools.Run(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if r.Got.Violates != "" {
		t.Fatalf("%s: %v", name, r.Got)
	}
	return r.Output
}

// takeSteps takes the steps of one module that MCTaskSteps has printed, each a line as
//
//	"<<\"Task\", <<\"cpu\", \"no\", \"R\", FALSE>>, <<\"queued\", \"no\", \"R\", FALSE>>>>"
func takeSteps(t *testing.T, c *coverage.Coverage, module, printed string) {
	t.Helper()
	bare := strings.NewReplacer(`\"`, "", `"`, "", "<<", "", ">>", "", ",", "")
	for line := range strings.Lines(printed) {
		if !strings.HasPrefix(line, `"<<\"`+module+`\"`) {
			continue
		}
		values := strings.Fields(bare.Replace(line))[1:]
		if err := c.Step(values[:len(values)/2], values[len(values)/2:]); err != nil {
			t.Errorf("%s: %v", module, err)
		}
	}
}

// untaken are the edges of a graph of Task's or KThreadTask's that no printed step takes: as
// lines, by their actions and reasons, and those for which there is no reason.
func untaken(t *testing.T, g *graph.Graph, printed string) (lines, unexplained []string) {
	t.Helper()
	ties := []string{"on", "phase", "seen", "state", "waking"}
	g = coverage.Project(g, slices.DeleteFunc(ties, func(v string) bool { return !slices.Contains(g.Variables, v) })...)
	c := coverage.New(g, nil)
	takeSteps(t, c, g.Module, printed)
	count := map[string]int{}
	for _, gap := range c.Gaps() {
		from, to := ends(g, gap.From), ends(g, gap.To)
		i := slices.IndexFunc(reasons, func(r reason) bool { return r.fits(gap.Action, from, to) })
		if i < 0 {
			unexplained = append(unexplained, fmt.Sprintf("%s from %v to %v", gap.Action, from, to))
			continue
		}
		count[fmt.Sprintf("%-11s %-6s %-16s %%3d  %s", g.Module, g.Kernel, gap.Action, reasons[i].why)]++
	}
	for _, line := range slices.Sorted(maps.Keys(count)) {
		lines = append(lines, fmt.Sprintf(line, count[line]))
	}
	return lines, unexplained
}

func ends(g *graph.Graph, state int) end {
	e := end{}
	for i, v := range g.Variables {
		e[v] = g.States[state].Values[i]
	}
	return e
}
