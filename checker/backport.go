package checker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kthread-tla/tracecheck/spec/graph"
)

// A backportDoubt is the difference between two verdicts on one life: one by the rules
// that the kernel's version number names, one by the rules that its distribution may have
// backported.
type backportDoubt struct {
	release string // the kernel's, as the user or its distribution gave it
	graph.Doubt
	has, may answers   // by the number, and by the other rules
	without  []Finding // of has alone
	with     []Finding // of may alone
}

// answers is what a verdict says of a thread, without its findings.
type answers struct {
	outcome      Outcome
	ran, woken   Truth
	exitCodeFrom string
	exitCode     int // where it is inferred
	shownBy      int // where it is observed: index in Life.Events of an event that shows it
}

// answers returns what the verdict says of the thread, without its findings.
func (v *Verdict) answers() answers {
	f := answers{v.Outcome, v.Ran, v.Woken, v.ExitCodeFrom, v.ExitCode, -1}
	if v.ExitCodeFrom == observed {
		f.exitCode, f.shownBy = 0, v.how.shownBy
	}
	return f
}

// code is the exit code in words.
func (f *answers) code(l *Life) string {
	switch {
	case f.exitCodeFrom == "":
		return "not in this log"
	case f.shownBy >= 0:
		return fmt.Sprint(l.Events()[f.shownBy].Code)
	}
	return fmt.Sprint(f.exitCode)
}

// mayHave says in words that the kernel may have other rules, and why.
func (d *backportDoubt) mayHave() string {
	return fmt.Sprintf("%s may have those of Linux %s: %s", d.release, d.Era.Range(), d.Why)
}

// doubt compares v, the verdict by the rules that the kernel's version number names, with
// w, the verdict by the rules that the kernel may have backported. It notes in v what
// differs. If the life does not fit the backported rules, the log itself shows that the
// kernel does not have them, and v stays as it is.
func (v *Verdict) doubt(w *Verdict, release string, doubt graph.Doubt) {
	if v.Fits == FitsInconclusive || w.Fits != FitsYes {
		return
	}
	d := &backportDoubt{release: release, Doubt: doubt, has: v.answers(), may: w.answers()}
	wouldSettle := "the source of that kernel: whether it has " + doubt.Era.Brings
	if v.Fits == FitsNo {
		// Do not accuse: this kernel may well print these lines.
		v.Fits, v.FitsTo = FitsInconclusive, 0
		v.Why = fmt.Sprintf("it does not fit the rules that the kernel's number says, but %s; it fits those", d.mayHave())
		for i := range v.Findings {
			v.Findings[i].Rule, v.Findings[i].wouldSettle = &KT019, wouldSettle
		}
		return
	}
	d.without, d.with = lacking(v.Findings, w.Findings), lacking(w.Findings, v.Findings)
	if len(d.differs(v.Life)) == 0 {
		return
	}
	v.Findings = append(v.Findings, Finding{Rule: &KT019, Evidence: Evidence{Detail: d}, wouldSettle: wouldSettle})
}

// lacking returns the findings of list that are missing from in.
func lacking(list, in []Finding) (out []Finding) {
	for _, f := range list {
		if !holds(in, f) {
			out = append(out, f)
		}
	}
	return out
}

// differs lists in words where the two verdicts differ.
func (d *backportDoubt) differs(l *Life) (differs []string) {
	if d.has.outcome != d.may.outcome {
		differs = append(differs, fmt.Sprintf("the outcome is %s and not %s", d.may.outcome, d.has.outcome))
	}
	if d.has.ran != d.may.ran {
		differs = append(differs, fmt.Sprintf("whether threadfn ran: %s and not %s", d.may.ran, d.has.ran))
	}
	if d.has.woken != d.may.woken {
		differs = append(differs, fmt.Sprintf("whether it was woken: %s and not %s", d.may.woken, d.has.woken))
	}
	if d.has.exitCodeFrom != d.may.exitCodeFrom || d.has.code(l) != d.may.code(l) {
		differs = append(differs, "the exit code is "+d.may.code(l)+" and not "+d.has.code(l))
	}
	for _, f := range d.with {
		differs = append(differs, f.Rule.ID+" ("+f.Rule.Title+")")
	}
	for _, f := range d.without {
		differs = append(differs, "no "+f.Rule.ID+" ("+f.Rule.Title+")")
	}
	return differs
}

func (d *backportDoubt) says(l *Life) Text {
	var lines []int
	for _, f := range slices.Concat(d.with, d.without) {
		lines = append(lines, f.on(l).Lines...)
	}
	if len(lines) == 0 {
		for _, e := range l.Events() {
			lines = append(lines, e.Line)
		}
	}
	slices.Sort(lines)
	return Text{
		Message: fmt.Sprintf("%s; by those, %s", d.mayHave(), strings.Join(d.differs(l), ", ")),
		Lines:   slices.Compact(lines),
	}
}
