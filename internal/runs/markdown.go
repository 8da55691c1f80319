package runs

import (
	"fmt"
	"strings"
)

const trust = `<!-- Written by go run ./internal/runs/run -doc; do not edit. -->

# How far a verdict can be trusted

    make runs                                6,000 legal lives and 300 changes, in minutes
    make runs LIVES=100000 CHANGES=10000     the whole, in hours
    go run ./internal/runs/run -found DIR    writes what is misjudged to DIR, with what is true

Real recordings show what kernels mostly do. What they seldom do is made here, from the mechanism and
not from the rules that tracecheck goes by: TLC dumps the state graph of
[KThread.tla](../spec/KThread.tla), with a threadfn that does whatever it likes. A random walk of that
graph is a legal life. A simulated machine (internal/runs) gives its steps to tasks on CPUs, which are
preempted, sleep, are woken by each other and by interrupts, and move from CPU to CPU. It writes down
what a tracer sees, in each format, by clocks that differ from CPU to CPU. Half of the traces are then
damaged: the beginning or the end is cut off, a kind of event was not recorded, a CPU lost events. Pids
come again, and threads have the same name.

Accused: a legal life is said not to fit, or to hang. Wrong: a fact or an outcome is told that is not
true. Both should be 0. Open: facts that are left unknown, of whole recordings with probes.

`

const trustChanges = `
Then one event of a whole recording with probes is changed, and TLC is asked whether KThread can still
have made it: [KThreadTrace.tla](../spec/KThreadTrace.tla) takes the lines of each CPU in their order, and
lines of two CPUs in the order of their stamps where these are more than 10 ms apart. TLC is the judge of
what is impossible; found is what tracecheck says does not fit. A gap is a change behind which a task
leaves a CPU that no switch has given to it, or does something on a CPU that another task has: it looks
as if a line were missing there, which weakens a verdict and accuses nobody. The share is of the others.

`

const trustNot = `
Not covered: changes of damaged traces, of bpftrace's format, of threads that are never created, and of
Linux before 5.4. Skews in the second table are those of the first. Whether a gap is one that tracecheck
could see through (a single task out of place, with the chain of switches whole) is not asked. A fork
that is dropped counts as missed, although a thread may have been there before the recording. Which of
the open facts the lines decide has not been measured.
`

// Markdown is docs/trust.md.
func (t *Table) Markdown(lives int, seed uint64) string {
	var b strings.Builder
	b.WriteString(trust)
	fmt.Fprintf(&b, "%d lives, seed %d:\n\n", lives, seed)
	b.WriteString("| format | skew | lives | accused | wrong | inconclusive | facts | open |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, f := range Formats {
		for _, s := range Skews {
			if c := t.legal[cellKey(f, s)]; c != nil {
				fmt.Fprintf(&b, "| %s | %d µs | %d | %d | %d | %d | %d | %d |\n", f, s/1000, c.lives, c.accused, c.wrong, c.doubtful, c.facts, c.open)
			}
		}
	}
	if len(t.shares) == 0 {
		return b.String()
	}
	b.WriteString(trustChanges)
	fmt.Fprintf(&b, "%d changes, %.0f a minute, of which %d are of a run that is accused as it is, and left out:\n\n", t.Changes, t.perMinute, t.unfit)
	b.WriteString("| change | event | changed | impossible | gap | found | share |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for line := range strings.Lines(t.Shares()) {
		line = strings.TrimRight(line, "\n")
		if len(line) < 54 || !strings.HasSuffix(line, "%") {
			continue
		}
		kind, event := strings.TrimSpace(line[:54]), ""
		if strings.HasPrefix(line, "    ") {
			kind, event = "", kind
		}
		n := strings.Fields(line[54:])
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s %% |\n", kind, event, n[0], n[1], n[2], n[3], n[4])
	}
	b.WriteString(trustNot)
	return b.String()
}
