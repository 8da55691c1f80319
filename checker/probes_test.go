package checker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/printk"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// What is said to settle a fact does: a legal run is traced without the tracepoint or the
// probe that is named, and then with it. No two events are so close that their order is not
// known: what a probe would show is told apart by when it was.
func TestWhatWouldSettleItDoes(t *testing.T) {
	c, err := New(nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]traces.Kinds{}
	for _, p := range probes {
		if p.trace {
			named[p.name] = p.kinds
		}
	}
	hide := []traces.Kind{traces.Woken, traces.ParkMe, traces.ExitCall, traces.ShouldStop}
	tried := map[string]int{}
	for seed := range numberOf(600) {
		rng := rand.New(rand.NewPCG(uint64(seed), 3))
		m := c.all(graph.KThreadTask)[seed%len(c.all(graph.KThreadTask))].m
		c := newFor(m.Graph, 10*time.Second)
		log := record(m, rng, true)
		judge := func(without ...traces.Kind) map[int]*Verdict {
			src := &replay{}
			for _, s := range log {
				hidden := false
				for _, k := range without {
					hidden = hidden || s.event.Kind == k
				}
				if hidden {
					continue
				}
				n := len(src.list)
				s.event.Line, s.event.Before, s.event.Stamp = n+1, n, int64(n)*4*life.Slack
				src.list = append(src.list, s.event)
			}
			vs := map[int]*Verdict{}
			if _, err := c.Check(src, Options{}, func(v *Verdict) error {
				vs[v.Life.Thread.PID] = v
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			return vs
		}
		for pid, v := range judge(hide...) {
			for _, o := range v.Open {
				kinds, ok := named[o.WouldSettle]
				if !ok {
					continue
				}
				var shown traces.Kinds
				for _, s := range log {
					shown = shown.With(s.event.Kind)
				}
				if shown&kinds != kinds {
					continue // nothing of the kind in the whole trace: it would count as not enabled
				}
				var without []traces.Kind
				for _, k := range hide {
					if !kinds.Has(k) {
						without = append(without, k)
					}
				}
				w := judge(without...)[pid]
				if w == nil || w.ForeignWake || mayHaveFailed(w) {
					continue // whose wake it was depends on what interrupts did, and on the clocks of CPUs
				}
				tried[o.Fact+": "+o.WouldSettle]++
				if open(w, o.Fact) {
					var b strings.Builder
					for _, s := range log {
						fmt.Fprintf(&b, "%d cpu %d %s thread %d by %d %c\n", s.event.Stamp, s.event.CPU, s.event.Kind, s.event.Thread.PID, s.event.By.PID, max(s.event.State, ' '))
					}
					t.Errorf("seed %d, Linux %s: %q does not settle %q of pid %d\nbefore: %+v\nafter: %+v\n%s", seed, m.Graph.Kernel, o.WouldSettle, o.Fact, pid, *v, *w, b.String())
					return
				}
			}
		}
	}
	t.Log(tried)
	if !testing.Short() && len(tried) < 2 {
		t.Errorf("only %v were tried", tried)
	}
}

// mayHaveFailed says whether the creation of a verdict's thread may have failed: the graph
// says little of who wakes such a thread.
func mayHaveFailed(v *Verdict) bool {
	return slices.ContainsFunc(v.how.ends, func(e endsBy) bool { return e.m != nil && !e.ends.Intersect(e.m.Phases("failed")).Empty() })
}

func open(v *Verdict, fact string) bool {
	for _, o := range v.Open {
		if o.Fact == fact {
			return true
		}
	}
	return false
}

// So does a message.
func TestWhatMessageWouldSettleIt(t *testing.T) {
	c, err := New(nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	set := func(lines string) *printk.Set {
		p, err := printk.Parse("test", strings.NewReader(lines))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	const base = "begin == loaded\nstop-call S {thread}\nstop-return R {thread}: {code}\n"
	tests := []struct {
		name, fact, want string
		set, log         string
		betterSet        string
		betterLog        string
	}{
		{
			name: "a value that says nothing", fact: "ran", want: "a message at the start of threadfn, in a log that begins where the module is loaded",
			set: base, log: "== loaded\nS t1\nR t1: -4\n",
			betterSet: base + "enter in {thread}\n", betterLog: "== loaded\nS t1\nR t1: -4\n",
		},
		{
			name: "who was first", fact: "woken", want: "a recording with sched_waking and sched_kthread_stop, from before the thread's creation",
			set: base + "enter in {thread}\n", log: "== loaded\nS t1\nR t1: -4\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			judge := func(pats, log string) (v Verdict) {
				var b strings.Builder
				for i, line := range strings.SplitAfter(log, "\n") {
					if line != "" {
						fmt.Fprintf(&b, "[%5d.000000] %s", i+1, line)
					}
				}
				if _, err := c.Check(reader.New(strings.NewReader(b.String()), reader.Options{Patterns: set(pats)}), Options{}, func(w *Verdict) error {
					v = *w
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				return v
			}
			v := judge(tt.set, tt.log)
			got := ""
			for _, o := range v.Open {
				if o.Fact == tt.fact {
					got = o.WouldSettle
				}
			}
			if got != tt.want {
				t.Errorf("would settle %s: %q, want %q; %+v", tt.fact, got, tt.want, v)
			}
			if tt.betterLog != "" {
				if w := judge(tt.betterSet, tt.betterLog); open(&w, tt.fact) {
					t.Errorf("it is still open: %+v", w)
				}
			}
		})
	}
}
