package spec_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/tlc"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/spec/languages"
)

// A wake of a thread that is past its first sleep leaves its life as it is, so it is not
// seen as a step of it; nor is a wake that does nothing.
var lateWakes = []string{
	"WakeLater", "WakeEarly", "StopWakeLater", "ParkWakeLater", "UnparkWake",
	"StopWakesNothing", "ParkWakesNothing", "UnparkWakesNothing",
}

// taskOf says which of Task's actions one of KThreadTask's is.
var taskOf = map[string]string{
	"Forked": "Fork", "WokenNew": "WakeNew", "SwitchIn": "SwitchIn", "Preempted": "Preempted",
	"SwitchOutR": "SwitchOutR", "SwitchOutS": "SwitchOutS", "SwitchOutI": "SwitchOutI",
	"SwitchOutD": "SwitchOutD", "SwitchOutP": "SwitchOutP", "SwitchOutT": "SwitchOutT",
	"SwitchOutPending": "SwitchOutPending",
	"Wake":             "Woken", "StopWake": "Woken", "ParkWake": "Woken",
	"WakeLater": "Woken", "WakeEarly": "Woken", "StopWakeLater": "Woken", "ParkWakeLater": "Woken",
	"UnparkWake": "WokenParked", "ProcessExit": "Exit", "Died": "Die", "Freed": "Free", "PidReuse": "PidReuse",
}

// Whatever a life may do by KThreadAPI, some task lets it do, and no task lets it do more.
func TestTasksAllowEachLife(t *testing.T) {
	for _, era := range graph.Eras() {
		t.Run(graph.KThreadTask.Kernel(era), func(t *testing.T) {
			life := load(t, graph.KThreadAPI, graph.KThreadAPI.Kernel(era))
			both := load(t, graph.KThreadTask, graph.KThreadTask.Kernel(era))
			phase := slices.Index(both.Variables, "phase")
			a := automaton(life, func(action string, _, _ graph.State) string { return steps(life, action) })
			b := automaton(both, func(action string, from, to graph.State) string {
				// A wake that was under way ends the first sleep.
				if action == "WakeLands" && from.Values[phase] != to.Values[phase] {
					return "Wake"
				}
				return steps(life, action)
			})
			if d := languages.Compare(a, b); d != nil {
				t.Errorf("only %s allows: %s", []string{"KThreadAPI", "KThreadTask"}[d.In], strings.Join(d.Word, " "))
			}
		})
	}
}

// steps is an action of a life, or nothing that is seen.
func steps(life *graph.Graph, action string) string {
	if !slices.Contains(life.Actions, action) || slices.Contains(lateWakes, action) {
		return languages.Hidden
	}
	return action
}

func load(t *testing.T, m graph.Module, kernel string) *graph.Graph {
	t.Helper()
	g, err := graph.Load(m, kernel)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// automaton is a graph by what is seen of each edge, determinised.
func automaton(g *graph.Graph, seen func(action string, from, to graph.State) string) *languages.Automaton {
	a := &languages.Automaton{Start: g.Start}
	for _, s := range g.States {
		var edges []languages.Edge
		for _, e := range s.Edges {
			edges = append(edges, languages.Edge{Seen: seen(g.Actions[e.Action], s, g.States[e.To]), To: e.To})
		}
		a.States = append(a.States, edges)
	}
	return a.Determinise()
}

// only finds each name that the first automaton allows after a word of both and the second
// does not, with the shortest such word.
func only(a, b *languages.Automaton) map[string]string {
	type pair struct{ a, b int }
	queue := []pair{{a.Start, b.Start}}
	words := map[pair]string{queue[0]: ""}
	found := map[string]string{}
	for i := 0; i < len(queue); i++ {
		p := queue[i]
		for _, e := range a.States[p.a] {
			word := strings.TrimSpace(words[p] + " " + e.Seen)
			j := slices.IndexFunc(b.States[p.b], func(f languages.Edge) bool { return f.Seen == e.Seen })
			if j < 0 {
				if found[e.Seen] == "" {
					found[e.Seen] = word
				}
				continue
			}
			next := pair{e.To, b.States[p.b][j].To}
			if _, ok := words[next]; !ok {
				words[next] = word
				queue = append(queue, next)
			}
		}
	}
	return found
}

// What a task may do and a thread's task does not, by the shortest words, and the one thing
// that a thread's task does besides. kernels are those in whose graphs it is so.
var threadsAndTasks = []struct{ kernels, word, why string }{
	{"2.6.32 3.18 5.4 6.1 7.0", "task: Fork WakeNew SwitchIn SwitchOutS", "only threadfn sleeps interruptibly"},
	{"2.6.32 3.18 5.4 6.1 7.0", "task: Fork WakeNew SwitchIn SwitchOutI", "only threadfn sleeps idle"},
	{"2.6.32 3.18 5.4 6.1 7.0", "task: Fork WakeNew SwitchIn SwitchOutT", "only threadfn stops by a signal"},
	{"2.6.32 3.18 5.4 6.1 7.0", "task: Fork WakeNew SwitchIn SwitchOutP", "it parks behind its last test, or not at all"},
	{"2.6.32 3.18 5.4 6.1 7.0", "task: Fork WakeNew SwitchIn WokenParked", "it sets TASK_PARKED there, too"},
	{"6.1", "task: Fork WakeNew SwitchIn SwitchOutPending", "only threadfn has a signal pending"},
	{"5.4", "task: Fork WakeNew SwitchIn Woken SwitchOutI SwitchIn", "the wake that ends its first sleep has landed before its last test"},
	{"5.4 6.1 7.0", "task: Fork WakeNew SwitchIn SwitchOutR Woken", "only threadfn is frozen; a lock of PREEMPT_RT that another place waits for is a D there"},
	{"6.1 7.0", "thread: Fork WakeNew SwitchIn Woken WokenParked SwitchOutT SwitchIn",
		"TASK_STOPPED is frozen in KThreadTask, which may be set while a wake is under way; set_special_state() waits"},
}

// What a thread's task does, a task may do, but for what threadsAndTasks says; and it says
// what a task may do besides.
func TestThreadsAreTasks(t *testing.T) {
	root, err := tlc.Root()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "spec.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, kernel := range graph.KThreadTask.Kernels() {
		t.Run(kernel, func(t *testing.T) {
			task := automaton(load(t, graph.Task, kernel), func(action string, _, _ graph.State) string {
				switch action {
				case "SetsState", "WakeLands", "Frozen", "Thawed":
					return languages.Hidden
				}
				return action
			})
			both := load(t, graph.KThreadTask, kernel)
			is := func(s graph.State) (task string) {
				for _, v := range []string{"on", "seen", "state", "waking"} {
					task += " " + s.Values[slices.Index(both.Variables, v)]
				}
				return task
			}
			thread := automaton(both, func(action string, from, to graph.State) string {
				// A thread that has finished is not followed: a wake may find it, or not.
				if taskOf[action] == "Woken" && is(from) == is(to) {
					return languages.Hidden
				}
				return taskOf[action]
			})
			var got, want []string
			for _, word := range only(thread, task) {
				got = append(got, "thread: "+word)
			}
			for _, word := range only(task, thread) {
				got = append(got, "task: "+word)
			}
			for _, d := range threadsAndTasks {
				if _, word, _ := strings.Cut(d.word, ": "); !strings.Contains(string(page), "| "+word+" |") {
					t.Errorf("docs/spec.md does not have %q", word)
				}
				if slices.Contains(strings.Fields(d.kernels), kernel) {
					want = append(want, d.word)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}
