package checker

import (
	"fmt"
	"slices"

	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
)

// What only some kernels print tells the era of a trace that names no kernel. A
// distribution may have taken a later tracepoint into an older kernel, or later
// rules into one that has the old tracepoints: the neighbour's rules are tried
// too. So success= leaves out the eras from 5.17 on, group_dead= those to 4.9,
// and sched_waking none.

// An eraSet is a set of eras, by their place in graph.Eras; 0 stands for all.
type eraSet uint8

func (s eraSet) has(e graph.Era) bool {
	i := slices.IndexFunc(graph.Eras(), func(o graph.Era) bool { return o.Name == e.Name })
	return s == 0 || s&(1<<i) != 0
}

// erasOf returns the eras of the kernels that may print the marks up to a line. If marks
// contradict each other it returns all: some vendors' kernels print both.
func erasOf(marks []traces.Mark, line int) (s eraSet) {
	if len(marks) == 0 || contradict(marks, line) {
		return 0
	}
	eras := graph.Eras()
	from, to := 0, len(eras)-1
	for _, m := range marks {
		if m.Line > line {
			continue
		}
		for i, e := range eras {
			if first, err := graph.EraOf(m.First); err == nil && first.Name == e.Name {
				from = max(from, i-1)
			}
			if last, err := graph.EraOf(m.Last); err == nil && last.Name == e.Name {
				to = min(to, i+1)
			}
		}
	}
	if from == 0 && to == len(eras)-1 {
		return 0
	}
	for i := from; i <= to; i++ {
		s |= 1 << i
	}
	return s
}

// A markedEras caches erasOf for all marks so far, because most lives end behind the last.
type markedEras struct {
	n, last int // how many marks, and the last one's line
	eras    eraSet
}

func (m *markedEras) erasOf(marks []traces.Mark, line int) eraSet {
	if len(marks) != m.n {
		m.n, m.last = len(marks), 0
		for _, mark := range marks {
			m.last = max(m.last, mark.Line)
		}
		m.eras = erasOf(marks, m.last)
	}
	if line < m.last {
		return erasOf(marks, line)
	}
	return m.eras
}

// contradict says whether no mainline kernel prints all of the marks up to a line.
func contradict(marks []traces.Mark, line int) bool {
	for _, a := range marks {
		for _, b := range marks {
			if a.Line <= line && b.Line <= line && a.Last != "" && b.First != "" && graph.Older(a.Last, b.First) {
				return true
			}
		}
	}
	return false
}

// notes returns one sentence for each thing that was concluded from the marks of a log.
func (c *Checker) notes(marks []traces.Mark, release string) (notes []string) {
	if c.only != nil {
		release = c.release
	}
	last := 0
	for _, m := range marks {
		last = max(last, m.Line)
	}
	for _, m := range marks {
		of := "Linux " + m.First + " and later"
		if m.First == "" {
			of = "Linux up to " + m.Last
		}
		switch {
		case release != "" && (m.First != "" && graph.Older(release, m.First) || m.Last != "" && graph.Older(m.Last, release)):
			notes = append(notes, fmt.Sprintf("line %d: %s is what %s prints, but the kernel is said to be %s: by its rules it is judged", m.Line, m.Name, of, release))
		case release == "" && contradict(marks, last):
			return []string{"its words are of kernels of different ages: none of them counts"}
		case release == "" && erasOf([]traces.Mark{m}, m.Line) != 0:
			notes = append(notes, fmt.Sprintf("line %d: %s is what %s prints: from there on the rules of others are not tried, but for a distribution's", m.Line, m.Name, of))
		}
	}
	return notes
}
