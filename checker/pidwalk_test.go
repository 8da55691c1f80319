package checker

import (
	"bytes"
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

// A naming says which of a module's messages have the thread's pid.
type naming int

const (
	someNames naming = iota // some have it, and some only the name
	allPIDs
)

// randomPatterns is a pattern file of a module that prints pids. Its begin line is first.
func randomPatterns(rng *rand.Rand, how naming) string {
	var b strings.Builder
	b.WriteString("begin == loaded\n")
	named := rng.IntN(2) == 0 // {by} is printed
	by := "somebody"
	if named {
		by = "{by}"
	}
	pids := 0
	add := func(likely int, k traces.Kind, format string) {
		if rng.IntN(10) >= likely {
			return
		}
		thread := "{thread}"
		if how == allPIDs || rng.IntN(2) == 0 || k == traces.StopCall && pids == 0 {
			thread = "{thread}[{pid}]"
			pids++
			if how == someNames && rng.IntN(16) == 0 {
				thread = "pid {pid}"
			}
		}
		fmt.Fprintf(&b, "%s %s\n", k, strings.NewReplacer("BY", by, "THREAD", thread).Replace(format))
	}
	add(5, traces.Create, "C BY > THREAD")
	add(5, traces.Wake, "W BY > THREAD")
	add(9, traces.Enter, "in THREAD")
	add(9, traces.Return, "out THREAD: {code}")
	add(4, traces.Exit, "exits THREAD: {code}")
	add(10, traces.StopCall, "S BY > THREAD")
	add(10, traces.StopReturn, "R BY > THREAD: {code}")
	if rng.IntN(3) == 0 {
		add(10, traces.ParkCall, "P BY > THREAD")
		add(10, traces.ParkReturn, "Q BY > THREAD")
		add(5, traces.Unpark, "U BY > THREAD")
	}
	return b.String()
}

// A crowd is threads of a few names, each with a pid. More are created as it goes, and some
// get the pid and the name of one that is gone.
type crowd struct {
	m      *model.Machine
	rng    *rand.Rand
	words  moduleWords
	log    []logged
	worlds []*world
	pid    int // the latest
}

func (c *crowd) add(name string, pid int) {
	w := &world{
		m: c.m, rng: c.rng, name: name, pid: pid, key: fmt.Sprintf("%s[%d]#%d", name, pid, len(c.worlds)), state: c.m.Graph.Start,
		words: c.words, log: &c.log, owes: map[string]string{}, stoppers: make([]string, c.rng.IntN(4)*c.rng.IntN(2)),
	}
	if len(w.stoppers) == 0 && c.rng.IntN(3) > 0 {
		w.stoppers = []string{""}
	}
	if c.words[traces.ParkCall] != nil && c.rng.IntN(2) == 0 && c.m.Graph.Action("ParkRequest") >= 0 {
		w.parkers = make([]string, 1+c.rng.IntN(2))
	}
	c.worlds = append(c.worlds, w)
}

// one adds a thread: with a new pid, or with that of a thread that has been stopped and is
// in nobody's hands.
func (c *crowd) one() {
	if c.rng.IntN(2) == 0 {
		for _, w := range c.worlds {
			busy := func(s string) bool { return s == "called" || s == "wakes" || s == "requested" }
			if w.over || !w.is("phase", "finished") || !slices.Contains(w.stoppers, "done") || slices.ContainsFunc(w.stoppers, busy) || slices.ContainsFunc(w.parkers, busy) || len(w.owes) > 0 {
				continue
			}
			w.over = true
			name := w.name
			if c.rng.IntN(4) == 0 {
				name += "x"
			}
			c.add(name, w.pid)
			return
		}
	}
	c.pid += 1 + c.rng.IntN(3)
	c.add(fmt.Sprintf("w%d", c.rng.IntN(2)), c.pid)
}

// randomCrowd is a legal log of threads whose names and pids come again.
func randomCrowd(m *model.Machine, rng *rand.Rand, words moduleWords) []logged {
	c := &crowd{m: m, rng: rng, words: words, pid: 299}
	for range 1 + rng.IntN(2) {
		c.log = append(c.log, logged{text: words[traces.Begin][0]})
		c.worlds = nil
		for range 1 + rng.IntN(3) {
			c.one()
		}
		for range 10 + rng.IntN(150*len(c.worlds)) {
			if rng.IntN(40) == 0 && len(c.worlds) < 8 {
				c.one()
			}
			c.worlds[rng.IntN(len(c.worlds))].turn(c.worlds)
		}
	}
	return c.log
}

// judgeLog reads a log in a layout and judges it.
func judgeLog(t testing.TB, c *Checker, pats *printk.Set, layout layouts.Layout, log []logged, yield func(v *Verdict, lineOf func(line int) logged)) (text []byte) {
	t.Helper()
	var messages []layouts.Message
	for i, line := range log {
		messages = append(messages, layouts.Message{Micros: int64(100+i/7)*1e6 + int64(i%7), Text: line.text})
	}
	text, byLine := layout.RenderLines(messages)
	r := reader.New(bytes.NewReader(text), reader.Options{Patterns: pats, Always: true, Format: layout.Only()})
	defer r.Close()
	if _, err := c.Check(r, Options{}, func(v *Verdict) error {
		yield(v, func(line int) logged { return log[byLine[line-1]] })
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return text
}

// Whatever a module that prints pids prints, in all messages or in some, and wherever the
// log is cut: it is accepted, and each fact is true of the thread, or unknown.
func TestLegalRunsWithPIDsAreNeverMisjudged(t *testing.T) {
	all, err := New(nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	dmesg := layouts.All[slices.IndexFunc(layouts.All, func(l layouts.Layout) bool { return l.Name == "dmesg" })]
	runs := numberOf(4000)
	var lives, definite, open [2]int
	for seed := range runs {
		rng := rand.New(rand.NewPCG(uint64(seed), 16))
		how := naming(seed % 2)
		file := randomPatterns(rng, how)
		pats, err := printk.Parse("p", strings.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		rules := all.all(graph.KThreadAPI)[seed/2%len(all.all(graph.KThreadAPI))]
		c := all
		if seed/16%2 == 0 {
			c = newFor(rules.m.Graph, 10*time.Second)
		}
		log := randomCrowd(rules.m, rng, wordsOf(file))
		log = log[:1+rng.IntN(len(log))]
		if rng.IntN(3) == 0 {
			log = log[rng.IntN(len(log)):]
		}
		if rng.IntN(4) == 0 {
			from := rng.IntN(len(log))
			n := rng.IntN(min(9, len(log)-from))
			lost := logged{fmt.Sprintf("** %d printk messages dropped **", n), log[max(0, from+n-1)].state, ""}
			log = slices.Concat(log[:from], []logged{lost}, log[from+n:])
		}
		var wrong []string
		text := judgeLog(t, c, pats, dmesg, log, func(v *Verdict, lineOf func(int) logged) {
			lives[how]++
			if v.Ran != Unknown && v.Outcome != OutcomeUnknown {
				definite[how]++
			}
			if v.Fits == FitsInconclusive {
				open[how]++
			}
			if w := disprovedOf(v, lineOf); w != "" {
				wrong = append(wrong, fmt.Sprintf("%s: %s of %+v", v.Life.Thread, w, *v))
			}
		})
		if wrong != nil {
			t.Fatalf("seed %d, rules of %s: %s\n%s%s", seed, rules.eras[0].Name, strings.Join(wrong, "\n"), file, text)
		}
	}
	for how, name := range []string{"pids in some messages", "pids in all messages"} {
		t.Logf("%s: %d lives, %d of them definite, %d inconclusive", name, lives[how], definite[how], open[how])
	}
	if !testing.Short() && (definite[0] < lives[0]/9 || definite[1] < lives[1]/6) {
		t.Error("too few answers: the test proves little")
	}
}

// disprovedOf is disproved by the truth of the thread whose messages a life has.
func disprovedOf(v *Verdict, lineOf func(line int) logged) string {
	if v.Fits == FitsNo {
		return "fits: no"
	}
	if v.Life.OneName() || v.Fits == FitsInconclusive {
		return ""
	}
	of := ""
	for _, e := range v.Life.Events() {
		key := lineOf(e.Line).of
		if of != "" && of != key && e.Kind != traces.Wake && e.Kind != traces.Unpark {
			return fmt.Sprintf("the lines of %s and %s", of, key)
		}
		if of == "" {
			of = key
		}
	}
	at := lineOf(v.Life.AsOf)
	at.state = map[string]truthNow{v.Life.Thread.Comm: at.state[of]}
	return disproved(v, at)
}
