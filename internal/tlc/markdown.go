package tlc

import (
	"fmt"
	"strings"
)

const markdownHead = `# The models

Written by ` + "`go run ./spec/models -write`" + `; a test compares it with what TLC finds, but for
the seconds, which are one machine's.

A model that holds lists its distinct states; one that must fail, the property that TLC must
find violated and the states of its counterexample. The models called mutant-… are wrong
kernels, and each must be found out by the property named, but for one that holds: mutant-14,
the event sched_process_exit on the wrong side of the completion, changes nothing that a task
could notice, and only a trace can tell. A threadfn that tests before it sets its state is no
wrong kernel: it is the threadfn of lost-wakeup-….

| model | what it shows | verdict | generated | distinct | depth | seconds |
| --- | --- | --- | --- | --- | --- | --- |
`

// Markdown is docs/models.md: a table of the models and what TLC found.
func Markdown(models []Model, results []Result) string {
	var b strings.Builder
	b.WriteString(markdownHead)
	for i, m := range models {
		r := results[i]
		depth := "–"
		if r.Depth > 0 {
			depth = fmt.Sprint(r.Depth)
		}
		fmt.Fprintf(&b, "| %s | %s | %v | %d | %d | %s | %.1f |\n",
			m.Name, strings.ReplaceAll(m.Shows, "|", `\|`), r.Got, r.Generated, r.Distinct, depth, r.Seconds)
	}
	return b.String()
}

// WithoutSeconds is a page by Markdown without the last column of its table.
func WithoutSeconds(page string) string {
	var b strings.Builder
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "| ") {
			line = line[:strings.LastIndex(strings.TrimRight(line, "|\n "), "|")+1] + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}
