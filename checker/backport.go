package checker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kthread-tla/tracecheck/spec/graph"
)

// doubted says in v, a verdict by the rules that a kernel's number names, what is
// otherwise in w, the verdict by those that it may have instead. Where the life
// does not fit those, the log itself shows that the kernel has not got them.
func doubted(v, w *Verdict, release string, d graph.Doubt) {
	if v.Fits == FitsInconclusive || w.Fits != FitsYes {
		return
	}
	f := Finding{
		Rule:        ruleBackport,
		WouldSettle: "the source of that kernel: whether it has " + d.Era.Brings,
	}
	may := fmt.Sprintf("%s may have those of Linux %s: %s", release, d.Era.Range(), d.Why)
	if v.Fits == FitsNo {
		// Nothing is said against lines that this kernel may well print.
		v.Fits, v.FitsTo = FitsInconclusive, 0
		v.Why = fmt.Sprintf("it does not fit the rules that the kernel's number says, but %s; it fits those", may)
		for i := range v.Findings {
			v.Findings[i].Rule, v.Findings[i].WouldSettle = ruleBackport, f.WouldSettle
		}
		return
	}
	differs, lines := difference(v, w)
	if len(differs) == 0 {
		return
	}
	f.Lines = lines
	f.Message = fmt.Sprintf("%s; by those, %s", may, strings.Join(differs, ", "))
	v.Findings = append(v.Findings, f)
}

// difference names what w says otherwise than v, both of one life that fits, and
// the lines that it is about.
func difference(v, w *Verdict) (differs []string, lines []int) {
	if v.Outcome != w.Outcome {
		differs = append(differs, fmt.Sprintf("the outcome is %s and not %s", w.Outcome, v.Outcome))
	}
	if v.Ran != w.Ran {
		differs = append(differs, fmt.Sprintf("whether threadfn ran: %s and not %s", w.Ran, v.Ran))
	}
	if v.Woken != w.Woken {
		differs = append(differs, fmt.Sprintf("whether it was woken: %s and not %s", w.Woken, v.Woken))
	}
	if v.ExitCode != w.ExitCode || v.ExitCodeFrom != w.ExitCodeFrom {
		differs = append(differs, "the exit code is "+code(w)+" and not "+code(v))
	}
	for _, f := range w.Findings {
		if !has(v.Findings, f) {
			differs, lines = append(differs, f.Rule.ID+" ("+f.Rule.Title+")"), append(lines, f.Lines...)
		}
	}
	for _, f := range v.Findings {
		if !has(w.Findings, f) {
			differs, lines = append(differs, "no "+f.Rule.ID+" ("+f.Rule.Title+")"), append(lines, f.Lines...)
		}
	}
	if len(lines) == 0 {
		for _, e := range v.Life.Events() {
			lines = append(lines, e.Line)
		}
	}
	slices.Sort(lines)
	return differs, slices.Compact(lines)
}

func code(v *Verdict) string {
	if v.ExitCodeFrom == "" {
		return "not in this log"
	}
	return fmt.Sprint(v.ExitCode)
}
