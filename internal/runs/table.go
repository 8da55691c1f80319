package runs

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/internal/tlc"
)

// Walks are n random walks of TLC's graphs, as many for each kernel.
func Walks(ctx context.Context, tools tlc.Tools, root string, n int, seed uint64) ([]*Walk, error) {
	var walks []*Walk
	rng := rand.New(rand.NewPCG(seed, 1))
	for _, kernel := range Kernels {
		each := n / len(Kernels) / len(models)
		if kernel == "2.6.32" {
			each = n / len(Kernels) / (len(models) - 1)
		}
		err := graphs(ctx, tools, root, kernel, func(model string, g *graph) {
			for range each + 1 {
				walks = append(walks, g.walk(rng, kernel, model))
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return walks, nil
}

// Skews are by how much the clocks of two CPUs differ.
var Skews = []int64{0, 25_000, 1_000_000, 9_000_000}

// A cell is what came of the lives in one format with one skew.
type cell struct {
	lives, accused, wrong, doubtful, facts, open int
}

// A Table is how tracecheck judges runs.
type Table struct {
	Found  string  // a folder for what is misjudged; empty: none
	Skews  []int64 // of the runs
	legal  map[string]*cell
	files  int
	shares map[string]*share
	unfit  int // runs that are accused before any change
	doubts int // accused though TLC says that a change is possible

	Changes   int       // that have been made
	Progress  io.Writer // where the shares so far are printed; nil: nowhere
	perMinute float64   // changes
}

// NewTable is an empty table.
func NewTable() *Table {
	return &Table{Skews: Skews, legal: map[string]*cell{}, shares: map[string]*share{}}
}

// Bad: something legal is accused, or a fact is wrong.
func (t *Table) Bad() bool {
	for _, c := range t.legal {
		if c.accused+c.wrong > 0 {
			return true
		}
	}
	return false
}

// Legal makes runs of the walks until there are as many lives, and has them judged.
func (t *Table) Legal(ctx context.Context, walks []*Walk, lives int, seed uint64) error {
	rng := rand.New(rand.NewPCG(seed, 2))
	byKernel := map[string][]*Walk{}
	for _, w := range walks {
		byKernel[w.Kernel] = append(byKernel[w.Kernel], w)
	}
	checkers := map[string]*checker.Checker{}
	for n := 0; n < lives; {
		runSeed := rng.Uint64()
		own := rand.New(rand.NewPCG(runSeed, 3))
		kernel := Kernels[own.IntN(len(Kernels))]
		pool := byKernel[kernel]
		some := make([]*Walk, 1+own.IntN(4))
		for i := range some {
			some[i] = pool[own.IntN(len(pool))]
		}
		skew := t.Skews[own.IntN(len(t.Skews))]
		format := Formats[own.IntN(len(Formats))]
		if format == "bpftrace" && (kernel == "2.6.32" || kernel == "3.18") {
			format = "ftrace"
		}
		r := New(own, some, Options{Skew: skew, Damage: own.IntN(2) == 0, Silent: format == "perf-script"})
		release := ""
		if own.IntN(2) == 0 {
			release = Releases[kernel]
		}
		judge := checkers[release]
		if judge == nil {
			var err error
			if judge, err = newChecker(release); err != nil {
				return err
			}
			checkers[release] = judge
		}
		p := r.Print(format)
		o, err := r.Check(ctx, p, release, judge)
		if err != nil {
			if len(r.Lines) < 3 {
				continue
			}
			return fmt.Errorf("%s: %w\n%s", format, err, p.Text)
		}
		n += max(o.Lives, 1)
		t.add(format, skew, r, o)
		for i, s := range append(o.Accused, o.Wrong...) {
			kind := "wrong"
			if i < len(o.Accused) {
				kind = "accused"
			}
			t.keep(kind, fmt.Sprintf("%s skew=%dus kernel=%s release=%q whole=%v probes=%v: %s", format, skew/1000, kernel, release, r.Whole, r.Probes, s), r, p)
		}
	}
	return nil
}

func cellKey(format string, skew int64) string {
	return fmt.Sprintf("%-12s %5d µs", format, skew/1000)
}

func (t *Table) add(format string, skew int64, r *Run, o *Opinion) {
	key := cellKey(format, skew)
	c := t.legal[key]
	if c == nil {
		c = &cell{}
		t.legal[key] = c
	}
	c.lives += o.Lives
	c.accused += len(o.Accused)
	c.wrong += len(o.Wrong)
	c.doubtful += o.Doubtful
	if r.Whole && r.Probes {
		c.facts += o.Facts
		c.open += o.Open
	}
}

// keep writes down a run that is misjudged.
func (t *Table) keep(kind, why string, r *Run, p *Printed) {
	if t.files++; t.Found == "" || t.files > 400 {
		return
	}
	name := filepath.Join(t.Found, fmt.Sprintf("%s-%03d", kind, t.files))
	var truth strings.Builder
	fmt.Fprintln(&truth, why)
	for _, w := range r.Lives {
		fmt.Fprintf(&truth, "%v %s started by %s, ended with %s (%d) ran=%v\n  ", w, w.walk.Model, w.startedBy, w.state(w.done).Value, w.value, w.state(w.done).Entered)
		for _, s := range w.walk.Steps[:w.done] {
			if s.Actor != Kthreadd {
				fmt.Fprintf(&truth, "%c:%s ", s.Actor, s.Action)
			}
		}
		fmt.Fprintln(&truth)
	}
	os.WriteFile(name+".txt", []byte(p.Text), 0o666)
	os.WriteFile(name+".why", []byte(truth.String()), 0o666)
}

// String is the table.
func (t *Table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-24s %8s %8s %8s %8s %8s %8s\n", "format, skew", "lives", "accused", "wrong", "doubtful", "facts", "open")
	var sum cell
	for _, f := range Formats {
		for _, s := range Skews {
			key := cellKey(f, s)
			c := t.legal[key]
			if c == nil {
				continue
			}
			fmt.Fprintf(&b, "%-24s %8d %8d %8d %8d %8d %8d\n", key, c.lives, c.accused, c.wrong, c.doubtful, c.facts, c.open)
			sum.lives += c.lives
			sum.accused += c.accused
			sum.wrong += c.wrong
			sum.doubtful += c.doubtful
			sum.facts += c.facts
			sum.open += c.open
		}
	}
	fmt.Fprintf(&b, "%-24s %8d %8d %8d %8d %8d %8d\n", "all", sum.lives, sum.accused, sum.wrong, sum.doubtful, sum.facts, sum.open)
	return b.String()
}
