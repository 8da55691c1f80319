// Scale measures how the specification's states grow with the number of
// threads, stoppers and parkers, with every thread and stopper told apart and
// with symmetry, and writes the table docs/scale.md.
//
//	go run ./spec/scale [-limit 3m] [-max 30000] [-o FILE]
//
// A run that is not done after -limit is given up, and so are all that have more
// of everything. With -max only those rows of docs/scale.md are run again, and
// compared, that have at most so many states.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/kthread-tla/tracecheck/internal/tlc"
)

func main() {
	limit := flag.Duration("limit", 3*time.Minute, "the longest time for one run")
	most := flag.Int("max", 0, "compare the rows with at most this many states, and write nothing")
	out := flag.String("o", "", "the file to write, instead of docs/scale.md")
	flag.Parse()
	if err := run(*limit, *most, *out); err != nil {
		fmt.Fprintf(os.Stderr, "scale: %v\n", err)
		os.Exit(1)
	}
}

func run(limit time.Duration, most int, out string) error {
	root, tools, err := tlc.Setup()
	if err != nil {
		return err
	}
	page := filepath.Join(root, "docs", "scale.md")
	if most > 0 {
		b, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		return compare(context.Background(), root, tools, string(b), most)
	}
	if out == "" {
		out = page
	}
	rows := make([]row, len(sizes))
	// The sizes that were given up on, without and with symmetry.
	var gaveUp [2][]size
	for i, sz := range sizes {
		rows[i].size = sz
		// One after the other, so that the seconds mean something.
		for j, symmetry := range []bool{false, true} {
			c := &rows[i].counts[j]
			if symmetry && rows[i].counts[0].renamings == 1 {
				*c = rows[i].counts[0] // nobody is alike: the same model
				continue
			}
			if sz.beyond(gaveUp[j]) {
				continue
			}
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			*c, err = measure(ctx, root, tools, sz, symmetry)
			switch {
			case ctx.Err() != nil:
				*c = counts{}
				gaveUp[j] = append(gaveUp[j], sz)
			case err != nil:
				cancel()
				return err
			}
			cancel()
			fmt.Printf("%v, symmetry %v: %+v\n", sz, symmetry, *c)
		}
	}
	return os.WriteFile(out, []byte(markdown(rows, limit)), 0o666)
}

// A size is how many of each a model has.
type size struct{ threads, stoppers, parkers int }

func (s size) String() string { return fmt.Sprintf("%d×%d×%d", s.threads, s.stoppers, s.parkers) }

// sizes are those measured, those that take long at the end.
var sizes = []size{
	{1, 1, 0}, {1, 2, 0}, {1, 3, 0}, {1, 4, 0}, {2, 1, 0}, {1, 0, 1}, {1, 1, 1}, {1, 0, 2},
}

// beyond says whether s has at least as many of everything as one of those.
func (s size) beyond(those []size) bool {
	for _, t := range those {
		if s.threads >= t.threads && s.stoppers >= t.stoppers && s.parkers >= t.parkers {
			return true
		}
	}
	return false
}

// counts are what a run came to; all 0: it was given up.
type counts struct {
	generated, distinct, depth int
	renamings                  int     // how many ways of swapping those that are alike
	seconds                    float64 // of the processor
}

// A row is a size without and with symmetry.
type row struct {
	size
	counts [2]counts
}

// config is the model of a size: one era's rules, threads that park where there
// are parkers, everybody early and with a reference, all invariants. Refinement
// is left out: it triples the time, and the states are the same.
func config(s size, symmetry bool) string {
	fn, sym := "Cooperative", ""
	if s.parkers > 0 {
		fn = "Parks"
	}
	if symmetry {
		sym = "SYMMETRY Alike\n"
	}
	set := func(letter string, n int) string {
		names := make([]string, n)
		for i := range names {
			names[i] = letter + strconv.Itoa(i+1)
		}
		return "{" + strings.Join(names, ", ") + "}"
	}
	return `SPECIFICATION Spec
CONSTANTS
  Era <- Linux_5_4
  Threads = ` + set("t", s.threads) + `
  Stoppers = ` + set("s", s.stoppers) + `
  Parkers = ` + set("p", s.parkers) + `
  Target <- SpreadEvenly
  Fn <- ` + fn + `
  FnValues <- Zero
  Held = TRUE
  Early = TRUE
  CanFail = FALSE
  CanKill = FALSE
  CanFreeze = FALSE
  NoValue = NoValue
INVARIANTS
  TypeOK NoUseAfterFree EnteredAtMostOnce SkippedOnlyByStop CreatedMeansAnnounced
  FailedMeansError OneOwnerOfTheRequest CompletedAtMostOnce StopperKeepsReference
  UsageExact DeadStaysDead ReturnsWhatThreadEndedWith ReturnedMeansThreadfnOver
  ReleasedByStopSeesStop ToldMeansStop AtMostOneStopReturns EintrMeansNeverEntered
CHECK_DEADLOCK FALSE
` + sym
}

// measure runs TLC on one size.
func measure(ctx context.Context, root string, tools tlc.Tools, s size, symmetry bool) (counts, error) {
	m := tlc.Model{Name: s.String(), Path: filepath.Join(root, "spec", "models", s.String()), Module: "MCSymmetry"}
	r, err := tools.RunConfig(ctx, m, config(s, symmetry))
	if err != nil {
		return counts{}, err
	}
	if r.Got.Violates != "" {
		return counts{}, fmt.Errorf("%v: %v", s, r.Got)
	}
	c := counts{r.Generated, r.Distinct, r.Depth, 0, r.CPU}
	_, rest, _ := strings.Cut(r.Output, `<<"renamings", `)
	n, _, _ := strings.Cut(rest, ">>")
	if c.renamings, err = strconv.Atoi(n); err != nil {
		return counts{}, fmt.Errorf("%v: TLC did not print the number of renamings", s)
	}
	return c, nil
}

// check says what is wrong with a row: symmetry leaves one state of each orbit,
// and an orbit has no more states than there are renamings.
func (r row) check() error {
	all, one := r.counts[0], r.counts[1]
	if all.distinct == 0 || one.distinct == 0 {
		return nil
	}
	switch {
	case one.distinct > all.distinct, all.distinct > one.renamings*one.distinct:
		return fmt.Errorf("%v: %d states in %d orbits of at most %d", r.size, all.distinct, one.distinct, one.renamings)
	case one.renamings > 1 && one.distinct == all.distinct:
		return fmt.Errorf("%v: symmetry changes nothing", r.size)
	case one.renamings == 1 && one.distinct != all.distinct:
		return fmt.Errorf("%v: no two are alike, and symmetry leaves states out", r.size)
	}
	return nil
}

// compare runs the rows of a page again that have at most so many states.
func compare(ctx context.Context, root string, tools tlc.Tools, page string, most int) error {
	rows, err := parse(page)
	if err != nil {
		return err
	}
	type job struct {
		row      row
		symmetry int
	}
	var jobs []job
	for _, r := range rows {
		if err := r.check(); err != nil {
			return err
		}
		for i, c := range r.counts {
			if r.counts[0].distinct == 0 || r.counts[0].distinct > most || i == 1 && c.renamings == 1 {
				continue
			}
			jobs = append(jobs, job{r, i})
		}
	}
	if len(jobs) == 0 {
		return fmt.Errorf("no row of docs/scale.md has at most %d states", most)
	}
	errs := make([]error, len(jobs))
	tlc.EachOnTwoCores(len(jobs), func(i int) {
		j := jobs[i]
		got, err := measure(ctx, root, tools, j.row.size, j.symmetry == 1)
		want := j.row.counts[j.symmetry]
		got.seconds, want.seconds, got.generated = 0, 0, want.generated
		switch {
		case err != nil:
			errs[i] = err
		case got != want:
			errs[i] = fmt.Errorf("%v, symmetry %v: docs/scale.md says %+v, TLC finds %+v: run make scale", j.row.size, j.symmetry == 1, want, got)
		}
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
