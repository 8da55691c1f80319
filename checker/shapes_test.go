package checker

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
)

// inWords compares findings by what a report says of them.
var inWords = cmp.Transformer("inWords", func(f Finding) string { return fmt.Sprintf("%s: %+v", f.Rule.ID, f.Text()) })

// What is remembered of one life is right for every other of its shape.
func TestShapesChangeNothing(t *testing.T) {
	with, err := New(nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	without, err := New(nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	without.memos.Off, without.probes.Off = true, true
	for _, r := range without.all(graph.KThreadTask) {
		r.m.Answers.Off = true
	}
	lives, remembered := 0, 0
	for n := range numberOf(300) {
		// Each log comes three times: the second and third time elsewhere, of other
		// tasks, and with other values.
		seed, again := n/3, n%3
		rng := rand.New(rand.NewPCG(uint64(seed), 3))
		stretch := []int64{1, 20, 1000}[seed%3] // what is of the stamps' order may matter or not
		log, _ := spoil(randomTrace(with.all(graph.KThreadTask)[seed%len(with.all(graph.KThreadTask))].m, rng), rng)
		src := &replay{}
		for i, s := range log {
			e := s.event
			e.Line, e.Before = i+1+100*again, i+100*again
			e.Stamp = e.Stamp*stretch + int64(again)*1e9
			for _, pid := range []*int{&e.Thread.PID, &e.By.PID} {
				if *pid != 0 {
					*pid += 5000 * again
				}
			}
			for _, name := range []*string{&e.Thread.Comm, &e.By.Comm} {
				if *name != "" && *name != "kthreadd" {
					*name += string(rune('a' + again))
				}
			}
			if e.HasCode && e.Kind != traces.ShouldStop && e.Code > 0 {
				e.Code += 10 * again
			}
			src.list = append(src.list, e)
		}
		_, err := with.Check(src, Options{}, func(v *Verdict) error {
			lives++
			w := without.judge(v.Life)
			w.Revision = v.Revision
			if diff := cmp.Diff(*v, w, inWords, cmpopts.IgnoreUnexported(Verdict{}, Life{}, life.Trace{}, life.Evidence{})); diff != "" {
				t.Errorf("seed %d: -with +without what is remembered:\n%s", seed, diff)
			}
			if steps := v.Witness(); (steps == nil) != (w.Witness() == nil) || !inWindows(v, steps) {
				t.Errorf("seed %d: witness %v, without what is remembered %v", seed, steps, w.Witness())
			}
			if _, ans := v.history().Ends(); v.Fits != FitsInconclusive && (ans == model.Yes) != (v.Fits == FitsYes) {
				t.Errorf("seed %d: fits %s, but what is drawn: %v", seed, v.Fits, ans)
			}
			if v.how.fromMemo {
				remembered++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	known := 0
	for _, r := range with.all(graph.KThreadTask) {
		known += r.m.Answers.Len()
	}
	t.Logf("%d lives, %d of them as others before", lives, remembered)
	if known == 0 || lives == 0 || with.memos.Len() == 0 || remembered == 0 {
		t.Error("nothing was remembered")
	}
}

// inWindows says whether there are moments at which a witness's steps happen one
// after the other, each in the window that the life's own stamps give it.
func inWindows(v *Verdict, steps []Step) bool {
	now := int64(first)
	h := v.history()
	for _, s := range steps {
		for _, o := range h.Operations {
			if o.Event >= 0 && v.Life.Events()[o.Event].Line == s.Line && s.Line > 0 && o.Actions&h.Machine.Actions(s.Name) != 0 {
				if now = max(now, o.From); now > o.To {
					return false
				}
			}
		}
	}
	return true
}

// Where nothing more is to be learned, a life costs no search.
func BenchmarkShapes(b *testing.B) {
	for _, name := range []string{"remembered", "shapes", "searched"} {
		b.Run(name, func(b *testing.B) {
			c, err := New(nil, 10*time.Second)
			if err != nil {
				b.Fatal(err)
			}
			c.memos.Off = name != "remembered"
			for _, r := range c.all(graph.KThreadTask) {
				r.m.Answers.Off = name == "searched"
			}
			var lives []*Life
			for seed := range 50 {
				log := randomTrace(c.all(graph.KThreadTask)[2].m, rand.New(rand.NewPCG(uint64(seed), 3)))
				ls := life.New(new(traces.Stats), nil, nil)
				for i, s := range log {
					s.event.Line, s.event.Before = i+1, i
					ls.Add(&s.event)
				}
				lives = append(lives, ls.End(len(log))...)
			}
			for b.Loop() {
				for _, l := range lives {
					judgeByMemo(c, l)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(lives)), "ns/life")
		})
	}
}

// judgeByMemo is judge with memos.
func judgeByMemo(c *Checker, l *Life) Verdict {
	m, v := c.memoOf(l, life.New(new(traces.Stats), nil, nil), nil)
	if m != nil {
		v = m.verdictOn(l)
	}
	return *v
}
