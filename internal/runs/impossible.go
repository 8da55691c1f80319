package runs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"time"

	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/internal/tlc"
)

// A share is how many impossible runs there are of a kind, how many of them look as if a
// line were missing, and how many of the others are found.
type share struct{ changed, impossible, gaps, found int }

// atOnce is how many changes are made before TLC judges them.
const atOnce = 60

// Impossible makes n changes, or as many as can be judged in that time (0: any), has TLC say
// which of them are impossible, and tracecheck judge those.
func (t *Table) Impossible(ctx context.Context, tools tlc.Tools, root string, walks []*Walk, n int, seed uint64, most time.Duration) error {
	rng := rand.New(rand.NewPCG(seed, 4))
	begin := time.Now()
	for t.Changes < n && (most == 0 || time.Since(begin) < most) {
		some := min(n-t.Changes, atOnce)
		if err := t.someImpossible(ctx, tools, root, walks, some, rng); err != nil {
			return err
		}
		t.Changes += some
		t.perMinute = float64(t.Changes) / time.Since(begin).Minutes()
		if t.Progress != nil {
			fmt.Fprintf(t.Progress, "%d changes, %.0f a minute\n%s\n", t.Changes, t.perMinute, t.Shares())
		}
	}
	return nil
}

func (t *Table) someImpossible(ctx context.Context, tools tlc.Tools, root string, walks []*Walk, n int, rng *rand.Rand) error {
	byKernel := map[string][]*Walk{}
	for _, w := range walks {
		if w.judged() {
			byKernel[w.Kernel] = append(byKernel[w.Kernel], w)
		}
	}
	type try struct {
		run     *Run
		change  *Change
		format  string
		legal   bool
		release string
	}
	var tries []*try
	var all []*History
	var of []*try
	for len(tries) < n {
		kernels := []string{"5.4", "6.1", "6.12", "7.0"}
		pool := byKernel[kernels[rng.IntN(len(kernels))]]
		if len(pool) == 0 {
			continue
		}
		some := []*Walk{pool[rng.IntN(len(pool))], pool[rng.IntN(len(pool))]}
		r := New(rng, some, Options{Skew: t.Skews[rng.IntN(len(t.Skews))], Apart: true, CPUs: 1 + rng.IntN(2), Probes: true})
		c := r.Change(rng, ChangeKinds[rng.IntN(len(ChangeKinds))])
		if c == nil {
			continue
		}
		x := &try{run: r, change: c, format: Formats[rng.IntN(4)], legal: true}
		if rng.IntN(2) == 0 {
			x.release = Releases[r.Kernel]
		}
		tries = append(tries, x)
		for _, i := range c.Lives {
			if r.Lives[i].k != nil {
				all = append(all, r.History(r.Lives[i], c.Lines, x.format == "ftrace"))
				of = append(of, x)
			}
		}
	}
	legal, err := Legal(ctx, tools, root, all)
	if err != nil {
		return err
	}
	for i, ok := range legal {
		of[i].legal = of[i].legal && ok
	}
	checkers := map[string]*checker.Checker{}
	for _, x := range tries {
		s := t.share(x.change.Kind, x.change.Event)
		judge := checkers[x.release]
		if judge == nil {
			if judge, err = newChecker(x.release); err != nil {
				return err
			}
			checkers[x.release] = judge
		}
		// A run that is accused as it is says nothing of a change.
		before, err := x.run.Check(ctx, x.run.Print(x.format), x.release, judge)
		if err != nil {
			return err
		}
		if len(before.Accused) > 0 {
			t.unfit++
			continue
		}
		s.changed++
		changed := *x.run
		changed.Lines = x.change.Lines
		p := changed.Print(x.format)
		o, err := changed.Check(ctx, p, x.release, judge)
		if err != nil {
			return err
		}
		switch {
		case x.legal && len(o.Accused) > 0:
			t.doubts++
			t.keep("changed", fmt.Sprintf("TLC says that it is possible, tracecheck does not; %s release=%q skew; %s: %s", x.format, x.release, x.change.What, strings.Join(o.Accused, "; ")), x.run, p)
		case !x.legal:
			s.impossible++
			if x.run.hasGap(x.change) {
				s.gaps++
			} else if len(o.Accused) > 0 {
				s.found++
			} else {
				t.keep("missed", fmt.Sprintf("%s release=%q: %s", x.format, x.release, x.change.What), &changed, p)
			}
		}
	}
	return nil
}

func (s *share) add(o share) {
	s.changed, s.impossible, s.gaps, s.found = s.changed+o.changed, s.impossible+o.impossible, s.gaps+o.gaps, s.found+o.found
}

func (t *Table) share(kind, event string) *share {
	key := kind + "\t" + event
	if t.shares[key] == nil {
		t.shares[key] = &share{}
	}
	return t.shares[key]
}

// Shares is the table of what is found, by kind and by event.
func (t *Table) Shares() string {
	var b strings.Builder
	row := func(what string, s share) {
		if s.impossible > 0 {
			fmt.Fprintf(&b, "%-54s %8d %10d %8d %8d %7.1f %%\n", what, s.changed, s.impossible, s.gaps, s.found, 100*float64(s.found)/float64(max(s.impossible-s.gaps, 1)))
		}
	}
	fmt.Fprintf(&b, "%-54s %8s %10s %8s %8s %9s\n", "change", "changed", "impossible", "gap", "found", "share")
	keys := make([]string, 0, len(t.shares))
	byKind := map[string]share{}
	var all share
	for key, s := range t.shares {
		keys = append(keys, key)
		kind, _, _ := strings.Cut(key, "\t")
		k := byKind[kind]
		k.add(*s)
		byKind[kind] = k
		all.add(*s)
	}
	sort.Strings(keys)
	for _, kind := range ChangeKinds {
		row(kind, byKind[kind])
		for _, key := range keys {
			if k, event, _ := strings.Cut(key, "\t"); k == kind {
				row("    "+event, *t.shares[key])
			}
		}
	}
	row("all", all)
	fmt.Fprintf(&b, "accused before any change, and left out: %d\n", t.unfit)
	fmt.Fprintf(&b, "accused though TLC says that the change is possible: %d\n", t.doubts)
	return b.String()
}
