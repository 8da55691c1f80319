package main

import (
	"fmt"
	"strings"
)

const head = `# Which property finds which mutant

Written by ` + "`make matrix`" + ` (go run ./spec/matrix). A column is a mutant, a wrong kernel: KThread,
Workqueue, Task or KThreadTask with a few steps replaced ([models.md](models.md) says by what). A row is a property that
the right one has.

**X** this property finds the mutant, and no other does · **x** so do others · **.** it does not notice ·
empty: with the mutant's constants the property is about nobody, or does not hold without the mutation either · **?** not
run yet (make matrix does it), or TLC cannot evaluate it there. Invariants and refinement are checked on every behaviour, what must happen
on the fair ones.

A property that alone finds a mutant is needed. For each of the others the last column says why it is
kept. Tests see to it that no mutant, no property and no reason is missing here.

`

// kept says why a property is there that finds no mutant alone. Refinement finds
// much of what the invariants of KThread find; those that it covers are in words
// that need no second module, give the shortest example, and hold where
// refinement is not checked (make scale, make spec-distributed).
var kept = map[string]string{
	"TypeOK":                     "the others are written for states of this shape; it finds the slips of the specification itself",
	"EnteredAtMostOnce":          "refinement covers it; a threadfn that runs twice is a promise of its own, broken in one line",
	"SkippedOnlyByStop":          "refinement covers it; the answer to the question that started it: what skips threadfn",
	"CreatedMeansAnnounced":      "refinement covers it; why struct kthread is there for whoever gets the pointer",
	"CompletedAtMostOnce":        "TypeOK bounds the counter too, but only as the shape of a state: this says why it is 0 or 1",
	"StopperKeepsReference":      "UsageExact covers it; it says what kthread_stop()'s own reference is for",
	"ReturnsWhatThreadEndedWith": "refinement covers it; the value that a caller of kthread_stop() reads",
	"ReturnedMeansThreadfnOver":  "refinement covers it; what a module needs that unloads after kthread_stop()",
	"ReleasedByStopSeesStop":     "refinement covers it; why stop and park are bits of one word",
	"RefinesClients":             "all that a caller may see, in one property: tracecheck's verdicts rest on it; the others say which of its promises is broken",
	"LateStopReturns":            "to 4.9 it holds where EveryStopReturns does not: of two stops that race one may hang, one that comes after the exit may not",
	"SomeStopReturns":            "with two stops it holds where EveryStopReturns does not: the thread ends, whoever else waits in vain",
	"AtMostOneStopReturns":       "refinement covers it; why a second stop hangs",
	"NeverWokenMeansEintr":       "refinement covers it; the half of kthread_stop()'s comment that is true",
	"EintrMeansNeverEntered":     "refinement covers it; the true sentence about -EINTR",
	"OopsShows":                  "no mutant oopses; the era 6.1 is what breaks it, see oops-hidden-6.1",
	"TracedMeansCompleted":       "about sched_process_exit, a step only where a model has it; mutant 14, which only a trace finds, is what breaks it",
	"ReturnedMeansTraced":        "about sched_process_exit, a step only where a model has it; the eras to 6.15 are what breaks it, see exit-event-late-6.1",
	"ParkedIsThere":              "no mutant's callers drop a reference of theirs; a caller without one is what breaks it, see unpark-no-reference",
	"MarkedIsLetGo":              "the parking of 3.18 is what breaks it, see lost-unpark-3.18",
	"ParkedMeansHeld":            "about one parker; a second one is what breaks it, see park-again-3.18",
	"GotMeansCompleted":          "refinement covers it; why the value may be read",
	"EnteredMeansCreated":        "a spurious wake is what breaks it, see spurious-starts-early",
	"StopIsForGood":              "refinement covers it; what every loop on kthread_should_stop() relies on",
	"EveryStopReturns":           "of one stopper it says what SomeStopReturns says; in the words of the one who calls",
	"ReturnedMeansWorkerOver":    "no mutant here breaks it yet; what a module needs that unloads after destroy_workqueue()",
	"NoLostWakeUp":               "DestroyReturns covers it; it names the moment, and needs no fairness",
	"QueuedWorksAreDone":         "LeavesNoWorkBehind covers it; in the words of the one who queues",
	"LeavesNoWorkBehind":         "QueuedWorksAreDone covers it; it names the step",
	"TaskTypeOK":                 "the others are written for states of this shape; it finds the slips of the specification itself",
	"LandsOnce":                  "DeadForGood covers it where the task dies; it says what a task waits for before it goes",
	"ForkedOnce":                 "LandsOnce finds the same mutant by chance, a wake of what is forked again; a pid that is alive is not forked",
	"DeadForGood":                "FreedIsDead covers it from 5.4 on; before, a task may be freed while it runs, and this holds in every era",
	"SleeperIsWokenFirst":        "RunsFromQueue covers it; the lost wake-up in the words of whoever reads a trace",
	"ExitIsForGood":              "ExitsOnce covers it; it names the step",
	"RanMeansForked":             "ActsOnACPU covers it; no order of two events: whoever has been in threadfn has been forked",
	"FinishedIsNotParked":        "ParkedHasTold covers it; why a stop that has returned left no thread in its parking",
	"ToldFromCPU":                "IsATask covers it; the one tie at the thread's birth, in one line",
}

func markdown(families []family) string {
	var b strings.Builder
	b.WriteString(head)
	for _, f := range families {
		fmt.Fprintf(&b, "## %s\n\n| property |", f.name)
		for _, m := range f.mutants {
			fmt.Fprintf(&b, " %s |", m.short())
		}
		b.WriteString(" kept because |\n|" + strings.Repeat(" --- |", len(f.mutants)+2) + "\n")
		for _, p := range f.properties {
			fmt.Fprintf(&b, "| %s |", p.name)
			for _, m := range f.mutants {
				fmt.Fprintf(&b, " %s |", f.cells[key{p.name, m.short()}])
			}
			why := kept[p.name]
			switch {
			case f.needed(p):
				why = needed
			case f.open(p):
				why = "open: a mutant that it finds has cells that are not run"
			}
			fmt.Fprintf(&b, " %s |\n", why)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// needed stands where others have a reason.
const needed = "it alone finds a mutant"

// needed says whether a property alone finds some mutant.
func (f *family) needed(p property) bool {
	for _, m := range f.mutants {
		if f.cells[key{p.name, m.short()}] == alone {
			return true
		}
	}
	return false
}

// open says whether a property may turn out to be needed: whether it finds a
// mutant of which some cell is unclear.
func (f *family) open(p property) bool {
	for _, m := range f.mutants {
		if f.cells[key{p.name, m.short()}] != found {
			continue
		}
		for _, q := range f.properties {
			if f.cells[key{q.name, m.short()}] == unclear {
				return true
			}
		}
	}
	return false
}

// parse takes the cells from the page.
func parse(page string) cells {
	known := cells{}
	var columns []string
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		words := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range words {
			words[i] = strings.TrimSpace(words[i])
		}
		if words[0] == "property" {
			columns = words
			continue
		}
		for i := 1; i < len(columns)-1 && i < len(words); i++ {
			c := cell(words[i])
			switch c {
			case survives, found, alone, unclear:
			case "":
				c = unsaid
			default:
				continue
			}
			known[key{words[0], columns[i]}] = c
		}
	}
	return known
}
