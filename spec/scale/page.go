package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const head = `# How the states grow

Written by ` + "`make scale`" + ` (go run ./spec/scale). Threads × stoppers × parkers, by the rules of Linux
5.4: cooperative threads, which park where there are parkers, everybody with a reference and as early
as possible, each thread with as many stoppers as the others, give or take one. All invariants are
checked; refinement would take about three times as long. The seconds are processor time of one TLC
worker on one machine; a dash is a run that was given up after %v, or one that has more of
everything than such a run. A test compares the states of the small rows with what TLC finds.

The last columns are the same model with symmetry: threads and clients that are alike may stand for
each other, and TLC keeps one state of each orbit. The factor is how many times fewer states; it can
be no more than the number of renamings ([MCSymmetry.tla](../spec/models/MCSymmetry.tla), which also
says where symmetry is sound: for invariants and for the refinement, not for liveness).

| threads | stoppers | parkers | distinct | depth | seconds | with symmetry: distinct | seconds | renamings | factor |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
`

const dash = "–"

func markdown(rows []row, limit time.Duration) string {
	var b strings.Builder
	minutes := strconv.FormatFloat(limit.Minutes(), 'g', -1, 64) + " minutes"
	fmt.Fprintf(&b, head, minutes)
	num := func(n int) string {
		if n == 0 {
			return dash
		}
		return strconv.Itoa(n)
	}
	secs := func(c counts) string {
		if c.distinct == 0 {
			return dash
		}
		return fmt.Sprintf("%.1f", c.seconds)
	}
	for _, r := range rows {
		all, one := r.counts[0], r.counts[1]
		factor := dash
		if all.distinct > 0 && one.distinct > 0 {
			factor = fmt.Sprintf("%.2f", float64(all.distinct)/float64(one.distinct))
		}
		depth := max(all.depth, one.depth) // renaming does not change how far a state is
		fmt.Fprintf(&b, "| %d | %d | %d | %s | %s | %s | %s | %s | %s | %s |\n",
			r.threads, r.stoppers, r.parkers, num(all.distinct), num(depth), secs(all),
			num(one.distinct), secs(one), num(max(all.renamings, one.renamings)), factor)
	}
	return b.String()
}

// parse reads the rows of the page back.
func parse(page string) ([]row, error) {
	var rows []row
	for line := range strings.Lines(page) {
		if len(line) < 3 || line[0] != '|' || line[2] < '0' || line[2] > '9' {
			continue
		}
		f := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(f) != 10 {
			return nil, fmt.Errorf("docs/scale.md: %q has not ten columns", line)
		}
		var bad error
		num := func(i int) int {
			s := strings.TrimSpace(f[i])
			if s == dash {
				return 0
			}
			n, err := strconv.Atoi(s)
			if err != nil {
				bad = fmt.Errorf("docs/scale.md: %q: %v", line, err)
			}
			return n
		}
		r := row{size: size{num(0), num(1), num(2)}}
		for i, col := range []int{3, 6} {
			if n := num(col); n > 0 {
				r.counts[i] = counts{distinct: n, depth: num(4), renamings: num(8)}
			}
		}
		if bad != nil {
			return nil, bad
		}
		rows = append(rows, r)
	}
	return rows, nil
}
