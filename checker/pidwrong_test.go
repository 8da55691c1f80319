package checker

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck/internal/layouts"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

const pidPatterns = `
begin         == loaded
create        C {by} > {thread}[{pid}]
wake          W {by} > {thread}[{pid}]
enter         in {thread}[{pid}]
return        out {thread}[{pid}]: {code}
exit          exits {thread}[{pid}]: {code}
stop-call     S {by} > {thread}[{pid}]
stop-return   R {by} > {thread}[{pid}]: {code}
`

// A wrongness makes one impossible change of a thread's lines; nil: it has no place for it.
// lines are those of one thread, as indices in the log.
type wrongness struct {
	name string
	make func(log []logged, lines []int, rng *rand.Rand) []logged
}

// find returns the index in the log of the first of a thread's lines that begins so, and
// has the value, where that is not empty; -1: none does.
func find(log []logged, lines []int, begins string) int {
	for _, i := range lines {
		if strings.HasPrefix(log[i].text, begins) {
			return i
		}
	}
	return -1
}

var lastNumber = regexp.MustCompile(`-?[0-9]+$`)

// behind returns the log with a copy of line i somewhere behind line j.
func behind(log []logged, i, j int, rng *rand.Rand) []logged {
	return slices.Insert(slices.Clone(log), j+1+rng.IntN(min(4, len(log)-j)), log[i])
}

// without returns the log without line i.
func withoutLine(log []logged, i int) []logged { return slices.Delete(slices.Clone(log), i, i+1) }

var wrongnesses = []wrongness{
	{"a stop returns twice", func(log []logged, lines []int, rng *rand.Rand) []logged {
		calls, returns := 0, 0
		for _, i := range lines {
			calls += b2i(strings.HasPrefix(log[i].text, "S "))
			returns += b2i(strings.HasPrefix(log[i].text, "R "))
		}
		if r := find(log, lines, "R "); r >= 0 && calls == returns {
			return behind(log, r, r, rng)
		}
		return nil
	}},
	{"a stop returns that nobody called", func(log []logged, lines []int, _ *rand.Rand) []logged {
		if s := find(log, lines, "S "); s >= 0 && find(log, lines, "R ") >= 0 {
			by := strings.Fields(log[s].text)[1]
			if find(log, lines, "R "+by+" ") >= 0 {
				return withoutLine(log, s)
			}
		}
		return nil
	}},
	{"threadfn returns twice", func(log []logged, lines []int, rng *rand.Rand) []logged {
		if r := find(log, lines, "out "); r >= 0 {
			return behind(log, r, r, rng)
		}
		return nil
	}},
	{"threadfn returns unentered", func(log []logged, lines []int, _ *rand.Rand) []logged {
		if i := find(log, lines, "in "); i >= 0 && find(log, lines, "out ") >= 0 {
			return withoutLine(log, i)
		}
		return nil
	}},
	{"threadfn returns after the stop", func(log []logged, lines []int, rng *rand.Rand) []logged {
		if o, r := find(log, lines, "out "), find(log, lines, "R "); o >= 0 && r > o {
			return withoutLine(behind(log, o, r, rng), o)
		}
		return nil
	}},
	{"a stop returns another value", func(log []logged, lines []int, _ *rand.Rand) []logged {
		o, r := find(log, lines, "out "), find(log, lines, "R ")
		if o < 0 || r < o {
			return nil
		}
		log = slices.Clone(log)
		log[r].text = lastNumber.ReplaceAllString(log[r].text, "77")
		return log
	}},
	{"a stop returns another value than the exit's", func(log []logged, lines []int, _ *rand.Rand) []logged {
		x, r := find(log, lines, "exits "), find(log, lines, "R ")
		if x < 0 || r < 0 || find(log, lines, "out ") >= 0 {
			return nil
		}
		log = slices.Clone(log)
		log[r].text = lastNumber.ReplaceAllString(log[r].text, "77")
		return log
	}},
	{"a value of a threadfn that was not entered", func(log []logged, lines []int, _ *rand.Rand) []logged {
		r := find(log, lines, "R ")
		if r < 0 || find(log, lines, "in ") >= 0 {
			return nil
		}
		log = slices.Clone(log)
		log[r].text = lastNumber.ReplaceAllString(log[r].text, "3")
		return log
	}},
	{"entered after the stop returned", func(log []logged, lines []int, rng *rand.Rand) []logged {
		if i, r := find(log, lines, "in "), find(log, lines, "R "); i >= 0 && r > i && find(log, lines, "out ") < 0 {
			return withoutLine(behind(log, i, r, rng), i)
		}
		return nil
	}},
}

// One impossible change in the messages of one thread is found, with pids as without.
func TestImpossibleMessagesAreFound(t *testing.T) {
	all, err := New(nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	dmesg := layouts.All[slices.IndexFunc(layouts.All, func(l layouts.Layout) bool { return l.Name == "dmesg" })]
	runs := numberOf(2000)
	noPIDs := strings.ReplaceAll(strings.ReplaceAll(pidPatterns, "[{pid}]", ""), "create        C {by} > {thread}\n", "")
	for _, module := range []struct{ name, file string }{
		{"pids in all messages", pidPatterns},
		{"pids in all messages, no exits", strings.ReplaceAll(pidPatterns, "exit          exits {thread}[{pid}]: {code}\n", "")},
		{"the pid in the stop's call only", strings.Replace(noPIDs, "S {by} > {thread}", "S {by} > {thread}[{pid}]", 1)},
		{"no pids", noPIDs},
	} {
		pats, err := printk.Parse("p", strings.NewReader(module.file))
		if err != nil {
			t.Fatal(err)
		}
		words := wordsOf(module.file)
		for _, wrong := range wrongnesses {
			made, found, open := 0, 0, 0
			for seed := range runs {
				rng := rand.New(rand.NewPCG(uint64(seed), 17))
				rules := all.all(graph.KThreadAPI)[seed%len(all.all(graph.KThreadAPI))]
				c := all
				if seed/8%2 == 0 {
					c = newFor(rules.m.Graph, 10*time.Second)
				}
				cr := &crowd{m: rules.m, rng: rng, words: words, pid: 298, log: []logged{{text: words[traces.Begin][0]}}}
				for i := range 1 + rng.IntN(3) {
					cr.pid += 2
					cr.add(fmt.Sprintf("u%d", i), cr.pid)
				}
				for range 10 + rng.IntN(150*len(cr.worlds)) {
					cr.worlds[rng.IntN(len(cr.worlds))].turn(cr.worlds)
				}
				if slices.ContainsFunc(cr.log, func(l logged) bool { return strings.HasPrefix(l.text, "BUG") }) {
					continue // what is missing after an oops proves nothing
				}
				var lines []int
				for i, l := range cr.log {
					if l.of == cr.worlds[0].key {
						lines = append(lines, i)
					}
				}
				log := wrong.make(cr.log, lines, rng)
				if log == nil {
					continue
				}
				made++
				no, maybe := false, false
				text := judgeLog(t, c, pats, dmesg, log, func(v *Verdict, _ func(int) logged) {
					no = no || v.Fits == FitsNo
					maybe = maybe || v.Fits == FitsInconclusive
				})
				found += b2i(no)
				open += b2i(!no && maybe)
				if !no && testing.Verbose() && made-found < 2 {
					t.Logf("not found: %s\n%s", wrong.name, text)
				}
			}
			// What has only a name may be another thread's, and who enters after the stop
			// may be the next one. A single line may be anybody's.
			if strings.HasPrefix(module.name, "pids in all") && (wrong.name != "entered after the stop returned" && found < made*98/100 || found+open < made) {
				t.Errorf("%s: %s: too few are found", module.name, wrong.name)
			}
			t.Logf("%s: %s: %d of %d found, %d inconclusive", module.name, wrong.name, found, made, open)
		}
	}
}
