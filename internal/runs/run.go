package runs

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// A Run is a trace of some threads' lives, and what is true of them.
type Run struct {
	Kernel string // by whose rules, as in spec/Eras.tla
	CPUs   int
	Probes bool // functions are probed too, as tracecheck's recipe has it
	Whole  bool // from before the first life to the end, and nothing is missing
	Begin  int64
	Lines  []*Line // as a tracer would print them
	Lives  []*world
}

// Options say how a Run is recorded.
type Options struct {
	Skew   int64 // nanoseconds by which the clocks of two CPUs differ at most
	Apart  bool  // each caller plays one part in one life, and no pid comes again
	CPUs   int   // 0: some
	Probes bool  // in any case
	Silent bool  // the format does not say what is lost: nothing is
	Damage bool  // beginning or end cut off, kinds of events not recorded, events lost
}

// New makes a run of some walks of one kernel.
func New(rng *rand.Rand, walks []*Walk, o Options) *Run {
	kernel := walks[0].Kernel
	r := &Run{Kernel: kernel, CPUs: 1 + rng.IntN(4), Probes: rng.IntN(3) > 0, Whole: true}
	if o.CPUs > 0 {
		r.CPUs = o.CPUs
	}
	if o.Skew > 0 && r.CPUs == 1 {
		r.CPUs = 2
	}
	r.Probes = r.Probes || o.Probes
	m := newMachine(rng, kernel, r.CPUs)
	r.Begin = m.clock
	m.apart = o.Apart
	for i, w := range walks {
		name := fmt.Sprintf("w%d", rng.IntN(len(walks)))
		if rng.IntN(6) == 0 {
			name = []string{"a b", "x-1", "kt[9]", "t:1/0", "fifteen bytes !"}[rng.IntN(5)]
		}
		m.worlds = append(m.worlds, &world{m: m, index: i, walk: w, name: name, roles: map[int]string{}, value: []int{0, 1, 7, -5, -22, 42, 300, -512}[rng.IntN(8)]})
	}
	m.run()
	r.Lives = m.worlds
	r.Lines = m.lines
	r.skew(rng, o.Skew)
	if o.Damage {
		r.damage(rng, o.Silent)
	}
	return r
}

// skew gives each CPU a clock of its own, and puts the lines into the order of the stamps.
// A CPU's own lines stay in order.
func (r *Run) skew(rng *rand.Rand, most int64) {
	off := make([]int64, r.CPUs)
	for i := range off {
		if most > 0 {
			off[i] = rng.Int64N(most + 1)
		}
	}
	if most > 0 { // two that differ by all of it
		off[rng.IntN(r.CPUs)] = 0
		i := rng.IntN(r.CPUs)
		off[i] = most
	}
	for _, l := range r.Lines {
		l.Stamp = l.At + off[l.CPU]
	}
	slices.SortStableFunc(r.Lines, func(a, b *Line) int {
		switch {
		case a.Stamp < b.Stamp:
			return -1
		case a.Stamp > b.Stamp:
			return 1
		}
		return 0
	})
}

// damage takes lines away.
func (r *Run) damage(rng *rand.Rand, silent bool) {
	switch rng.IntN(4) {
	case 0:
		r.Whole = false
		r.Lines = r.Lines[rng.IntN(len(r.Lines)/2+1):]
	case 1:
		r.Whole = false
		r.Lines = r.Lines[:len(r.Lines)-rng.IntN(len(r.Lines)/2+1)]
	case 2:
		gone := [][]string{
			{"sched_switch"}, {"sched_waking"}, {"sched_wakeup"}, {"sched_waking", "sched_wakeup"}, {"sched_process_fork"},
			{"sched_process_exit"}, {"sched_process_free"}, {"sched_kthread_stop_ret"}, {"sched_kthread_stop"}, {"create_ret"},
			{"sched_switch", "sched_waking", "sched_wakeup"}, {"sched_process_fork", "sched_process_exit", "sched_process_free"},
		}[rng.IntN(12)]
		r.Whole = false
		r.Lines = slices.DeleteFunc(r.Lines, func(l *Line) bool { return slices.Contains(gone, l.Event) })
	case 3:
		if !silent {
			r.lose(rng)
		}
	}
}

// lose loses some of a CPU's lines in a row. What is lost is told with that CPU's next
// line.
func (r *Run) lose(rng *rand.Rand) {
	r.Whole = false
	cpu, from, n := rng.IntN(r.CPUs), rng.IntN(len(r.Lines)+1), 1+rng.IntN(12)
	later := 0
	for i, l := range r.Lines {
		if i >= from && l.CPU == cpu {
			later++
		}
	}
	if later <= n { // with no later line there would be no word of it
		return
	}
	var kept []*Line
	lost := 0
	for i, l := range r.Lines {
		if i >= from && l.CPU == cpu {
			if lost < n {
				lost++
				continue
			}
			if lost == n {
				kept = append(kept, &Line{Event: "lost", CPU: cpu, Value: lost, Stamp: l.Stamp, Thread: -1, Steps: l.Steps})
				lost++
			}
		}
		kept = append(kept, l)
	}
	r.Lines = kept
}
