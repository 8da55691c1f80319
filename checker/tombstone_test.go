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
)

// A life that is revived from its tombstone gets the verdict that it would have got with
// all of its events.
func TestTombstones(t *testing.T) {
	whole, err := New(nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	cut, err := New(nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	cut.grace = &life.Grace{}
	of := func(v *Verdict) string { return fmt.Sprintf("%d#%d", v.Life.Thread.PID, v.Life.Incarnation) }
	says := func(v *Verdict) string {
		s := fmt.Sprintf("%s %s, ran %s, woken %s, exit code %d %q, stops %v", v.Fits, v.Outcome, v.Ran, v.Woken, v.ExitCode, v.ExitCodeFrom, v.Stops)
		for _, f := range v.Findings {
			s += fmt.Sprintf(", %s %v", f.Rule.ID, f.Text().Lines)
		}
		return s
	}
	// Another thread shows what is traced.
	before := tracedEvents(forked(50), runs(50), left(50, 'D'), wokenBy(50, 51), runs(50), left(50, 'S'), stopCall(50, 51), wokenBy(50, 51), runs(50), stopReturn(51, 1),
		exits(50), left(50, 'X')).list
	again, same := 0, 0
	for seed := range numberOf(800) {
		rng := rand.New(rand.NewPCG(uint64(seed), 7))
		m := whole.all(graph.KThreadTask)[seed%len(whole.all(graph.KThreadTask))].m
		log := randomTrace(m, rng)
		if !stoppedLate(log) {
			continue
		}
		truth := log[0].truth
		list := func() Source {
			r := replay{list: slices.Clone(before)}
			for _, s := range log {
				s.event.Line, s.event.Stamp = len(r.list)+1, s.event.Stamp+10e9
				r.list = append(r.list, s.event)
			}
			return &r
		}
		want := map[string]*Verdict{}
		if _, err := whole.Check(list(), Options{}, func(v *Verdict) error { want[of(v)] = v; return nil }); err != nil {
			t.Fatal(err)
		}
		for _, follow := range []bool{false, true} {
			revision := map[string]int{}
			if _, err := cut.Check(list(), Options{Follow: follow}, func(v *Verdict) error {
				if revision[of(v)]++; v.Revision != revision[of(v)] || (v.Replaces != nil) != (v.Revision > 1) {
					t.Errorf("seed %d: revision %d of %s", seed, v.Revision, of(v))
				}
				if v.Life.Revived == nil {
					return nil
				}
				again++
				if wrong := disprovedBy(v, truth[v.Life.Thread.PID]); wrong != "" {
					t.Errorf("seed %d: %s: %s", seed, wrong, says(v))
				}
				w := want[of(v)]
				if w == nil { // it was stopped so soon that it was taken for another one
					again--
					return nil
				}
				// What came behind its tombstone is not known, so it may fit more kernels.
				if i := slices.IndexFunc(w.KernelsFit, func(k string) bool { return !slices.Contains(v.KernelsFit, k) }); i >= 0 {
					t.Errorf("seed %d: by %v; whole: by %v", seed, v.KernelsFit, w.KernelsFit)
				}
				if says(v) == says(w) {
					same++
				} else if testing.Verbose() {
					t.Logf("seed %d: %s; whole: %s", seed, says(v), says(w))
				}
				if v.Witness() == nil {
					t.Errorf("seed %d: no witness: %s", seed, says(v))
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		if t.Failed() {
			for _, s := range log {
				t.Logf("%+v", s.event)
			}
			t.FailNow()
		}
	}
	t.Logf("%d lives again, %d as if whole", again, same)
	if !testing.Short() && again < 25 || same < again*95/100 {
		t.Errorf("%d lives were told of again, %d as if whole", again, same)
	}
}

// stoppedLate says whether a thread of a log is stopped when it has ended.
func stoppedLate(log []seen) bool {
	ended := map[int]bool{}
	for i := range log {
		switch e := &log[i].event; e.Kind {
		case traces.ProcessExit:
			ended[e.Thread.PID] = true
		case traces.StopCall:
			if ended[e.Thread.PID] {
				return true
			}
		}
	}
	return false
}

// A tombstone is not used where it does not have what is needed.
func TestNoTombstone(t *testing.T) {
	ret := func(code int) traces.Event { return stopReturn(9, code) }
	again, loss := stopCall(50, 9), traces.Event{Kind: traces.Loss}
	// lives is a thread that is woken, stopped, and dies.
	lives := func(k int) []traces.Event {
		return []traces.Event{
			forked(k), runs(k), left(k, 'D'), wokenBy(k, 3), runs(k), left(k, 'S'), stopCall(k, 9), wokenBy(k, 9), left(9, 'D'), runs(k), exits(k), wokenBy(9, k), left(k, 'X'), runs(9),
		}
	}
	of := func(parts ...[]traces.Event) []traces.Event { return slices.Concat(parts...) }
	for _, test := range []struct {
		name   string
		events []traces.Event
		want   string
	}{
		{"a second stop", of(lives(50), []traces.Event{ret(3)}, lives(51), []traces.Event{ret(3), again, ret(4)}), "50#1 no "},
		{"the pid is another thread's", of(lives(50), []traces.Event{ret(3)}, lives(51), []traces.Event{ret(3)}, lives(50), []traces.Event{ret(4)}), "50#2 yes ran_then_stopped 4"},
		{"or may be", of(lives(50), []traces.Event{ret(3)}, lives(51), []traces.Event{ret(3), loss, again, ret(4)}), "50#2 yes "},
	} {
		c, err := New(nil, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		c.grace = &life.Grace{}
		var got []string
		if _, err := c.Check(tracedEvents(test.events...), Options{}, func(v *Verdict) error {
			got = append(got, fmt.Sprintf("%d#%d %s %s %d; ", v.Life.Thread.PID, v.Life.Incarnation, v.Fits, v.Outcome, v.ExitCode))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(got, ""); !strings.Contains(text, test.want) {
			t.Errorf("%s: %s, want %s", test.name, text, test.want)
		}
	}
}

// A revived life is judged from the states in which its earlier verdict ended.
func TestRevivedElsewhere(t *testing.T) {
	var list []traces.Event
	live := func(k int, state byte, code int) {
		list = append(list, forked(k), runs(k), left(k, 'D'))
		if state != 0 {
			list = append(list, wokenBy(k, 2), runs(k), left(k, state))
		}
		list = append(list, stopCall(k, 9), wokenBy(k, 9), runs(k), exits(k), stopReturn(9, code), left(k, 'X'))
	}
	live(50, 0, -4)
	live(60, 'S', -4)
	for k := range 3 {
		live(70+k, 'S', 1)
	}
	for _, k := range []int{50, 60} {
		list = append(list, stopCall(k, k+1000))
	}
	for _, p := range []*life.Grace{nil, {}} {
		c, err := New(nil, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		c.grace = p
		got := map[int]string{}
		if _, err := c.Check(tracedEvents(list...), Options{}, func(v *Verdict) error {
			got[v.Life.Thread.PID] = fmt.Sprintf("%s %s, ran %s, woken %s, %d stops, again %v", v.Fits, v.Outcome, v.Ran, v.Woken, len(v.Stops), v.Life.Revived != nil)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for k, want := range map[int]string{50: "yes stopped_before_run, ran no, woken no", 60: "yes ran_then_stopped, ran yes, woken yes"} {
			if want += fmt.Sprintf(", 2 stops, again %v", p != nil); got[k] != want {
				t.Errorf("%d: %s, want %s", k, got[k], want)
			}
		}
	}
}
