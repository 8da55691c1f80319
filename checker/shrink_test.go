package checker

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces/printk"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// stamped is a log's text: its messages with stamps, and lines that say that
// some were left out as they are.
func stamped(log []logged) []string {
	var lines []string
	for i, line := range log {
		if strings.HasPrefix(line.text, "# ") {
			lines = append(lines, line.text+"\n")
			continue
		}
		lines = append(lines, fmt.Sprintf("[%5d.%06d] %s\n", 100+i/7, i%7, line.text))
	}
	return lines
}

// bothSets are the story's messages and a set that prints all there is.
func bothSets(t *testing.T) []*printk.Set {
	t.Helper()
	full, err := printk.Parse("all", strings.NewReader(allPatterns))
	if err != nil {
		t.Fatal(err)
	}
	return []*printk.Set{printk.Builtin("story"), full}
}

// Whatever lines of a legal run are left out, so that the log says so, it is
// accepted, and each fact is true as of the last line, or unknown.
func TestLinesLeftOutAreNeverHeldAgainstAThread(t *testing.T) {
	c, err := New(nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	sets := bothSets(t)
	lives, definite := 0, 0
	for seed := range numberOf(1000) {
		rng := rand.New(rand.NewPCG(uint64(seed), 7))
		pats := sets[seed%2]
		var log []logged
		gap := 0
		mark := func() {
			if gap > 0 && len(log) > 0 {
				log = append(log, logged{text: reader.LeftOut(gap)})
			}
			gap = 0
		}
		often := 2 + rng.IntN(10)
		for _, line := range randomLog(c.all(graph.KThreadAPI)[seed/2%len(c.all(graph.KThreadAPI))].m, rng, pats) {
			if line.state != nil && !strings.HasPrefix(line.text, "BUG: ") && rng.IntN(often) == 0 {
				gap++
				continue
			}
			mark()
			log = append(log, line)
		}
		mark()
		text := strings.Join(stamped(log), "")
		_, err := c.Check(reader.New(strings.NewReader(text), reader.Options{Patterns: pats, Always: true}), Options{}, func(v *Verdict) error {
			lives++
			if v.Ran != Unknown {
				definite++
			}
			if wrong := disproved(v, log[v.Life.AsOf-1]); wrong != "" {
				t.Errorf("seed %d: %s of %+v\n%s", seed, wrong, *v, text)
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
	t.Logf("%d lives, of %d it is known whether they ran", lives, definite)
	if !testing.Short() && definite < lives/10 {
		t.Errorf("of %d lives only %d", lives, definite)
	}
}

// cut is what is left of a log, with a line where some were left out.
func cut(lines []string, keep func(n int) bool) []string {
	var out []string
	gap := 0
	for i, line := range lines {
		if !keep(i + 1) {
			gap++
			continue
		}
		if gap > 0 && len(out) > 0 {
			out = append(out, reader.LeftOut(gap)+"\n")
		}
		gap = 0
		out = append(out, line)
	}
	return out
}

// misfits are the rules by which the threads of a log do not fit.
func misfits(t *testing.T, c *Checker, lines []string, pats *printk.Set, yield func(*Verdict)) {
	t.Helper()
	if len(lines) == 0 {
		return
	}
	_, err := c.Check(reader.New(strings.NewReader(strings.Join(lines, "")), reader.Options{Patterns: pats}), Options{}, func(v *Verdict) error {
		if v.Fits == FitsNo {
			yield(v)
		}
		return nil
	})
	if err != nil && err != reader.ErrUnknown {
		t.Fatal(err)
	}
}

// minimal says what is wrong with the part of a log that is said to be the
// smallest that does not fit.
func minimal(t *testing.T, c *Checker, lines []string, pats *printk.Set, v *Verdict) string {
	spans := v.Shrunk()
	if spans == nil {
		return "no part found"
	}
	kept := map[int]bool{}
	for _, s := range spans {
		for n := s.From; n <= s.To; n++ {
			kept[n] = true
		}
	}
	fails := func(keep func(n int) bool) bool {
		same := false
		misfits(t, c, cut(lines, keep), pats, func(w *Verdict) {
			same = same || w.Life.Thread == v.Life.Thread && w.Findings[0].Rule == v.Findings[0].Rule
		})
		return same
	}
	if !fails(func(n int) bool { return kept[n] }) {
		return fmt.Sprintf("%v fits", spans)
	}
	for gone := range kept {
		// One that tells of an oops always stays.
		if !strings.Contains(lines[gone-1], "BUG: ") && fails(func(n int) bool { return kept[n] && n != gone }) {
			return fmt.Sprintf("%v does not fit without line %d", spans, gone)
		}
	}
	return ""
}

// The smallest part of a log that does not fit still does not, by the same rule,
// and does without any of its lines.
func TestShrunk(t *testing.T) {
	c, err := New(nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	sets := bothSets(t)
	rules, shorter := map[string]int{}, 0
	for seed := range numberOf(500) {
		rng := rand.New(rand.NewPCG(uint64(seed), 8))
		pats := sets[seed%2]
		log := randomLog(c.all(graph.KThreadAPI)[seed/2%len(c.all(graph.KThreadAPI))].m, rng, pats)
		// Something goes wrong with a legal log.
		for range 1 + rng.IntN(3) {
			i, j := 1+rng.IntN(len(log)), 1+rng.IntN(len(log))
			switch {
			case i >= len(log) || j >= len(log):
			case rng.IntN(3) == 0:
				log = append(log[:i:i], log[i+1:]...)
			case rng.IntN(2) == 0:
				log[i], log[j] = log[j], log[i]
			default:
				log[i] = log[j]
			}
		}
		lines := stamped(log)
		if rng.IntN(2) == 0 {
			lines = append([]string{"[    0.000000] Linux version 5.4.0 (build@host)\n", "[    1.000000] usb 1-1: new device\n"}, lines...)
		}
		misfits(t, c, lines, pats, func(v *Verdict) {
			rules[v.Findings[0].Rule.ID]++
			if n := len(v.Shrunk()); n > 1 {
				shorter++
			}
			if wrong := minimal(t, c, lines, pats, v); wrong != "" {
				t.Errorf("seed %d: %s, %s: %s\n%s", seed, v.Life.Thread, v.Findings[0].Rule.ID, wrong, strings.Join(lines, ""))
			}
		})
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("%v; %d of them have a gap", rules, shorter)
	if !testing.Short() && (len(rules) < 5 || shorter < 20) {
		t.Errorf("only %v, %d with a gap", rules, shorter)
	}
}
