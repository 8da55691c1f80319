package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
)

// Text writes for a person.
type Text struct {
	w       io.Writer
	names   []string
	color   bool
	explain bool // draw every life's interleaving, with the kernel's functions
	all     bool // every life, however many there are
	shrunk  shrinking
	input   int // index of the input whose name was written last; -1: none yet
	lives   int
	counted map[checker.Outcome]int // the unremarkable lives that are only counted
	err     error
}

// maxListed is how many lives are listed before the unremarkable ones are only
// counted.
const maxListed = 100

// NewText writes to w. With o.Explain every life's interleaving is drawn, and
// each step says where it is in the kernel.
func NewText(w io.Writer, o Options) *Text {
	return &Text{w: w, names: o.Names, color: o.Color, explain: o.Explain, all: o.All || o.Explain, input: -1, counted: map[checker.Outcome]int{}}
}

func (t *Text) printf(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format, args...)
	}
}

const (
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (t *Text) paint(code, s string) string {
	if !t.color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// said has each outcome in words.
var said = map[checker.Outcome]string{
	checker.RanThenStopped:            "ran, then was stopped",
	checker.StoppedBeforeRun:          "was stopped before it ran",
	checker.ExitedByItself:            "ended by itself",
	checker.ExitedByItselfThenStopped: "ended by itself, then was stopped",
	checker.Stopped:                   "was stopped; whether it ran is open",
	checker.Died:                      "died in threadfn",
	checker.StoppedAfterFree:          "was stopped when it had gone",
	checker.NeverWoken:                "was never woken",
	checker.Running:                   "is running",
	checker.StopHung:                  "has a stop that cannot return",
	checker.StopPending:               "has a stop that has not returned",
	checker.CreateFailed:              "was not created",
	checker.OutcomeUnknown:            "what became of it is not in this log",
}

// whatBecame puts a verdict into a few words.
func whatBecame(v *checker.Verdict) string {
	switch v.Fits {
	case checker.FitsNo:
		return "shows what the kernel does not do"
	case checker.FitsInconclusive:
		return "cannot be decided"
	}
	if last := v.Life.Events()[len(v.Life.Events())-1]; v.Outcome == checker.OutcomeUnknown && last.Kind == traces.Return {
		return "was about to return from threadfn when the log ended"
	}
	if v.Outcome == checker.Stopped && v.Ran == checker.Yes {
		return "ran and was stopped; whether it had ended before is open"
	}
	return said[v.Outcome]
}

// Life writes one life.
func (t *Text) Life(input int, v *checker.Verdict) error {
	if v.Revision <= 1 {
		t.lives += 1 + v.Alike
		if t.Counts(t.lives, v) {
			t.counted[v.Outcome] += 1 + v.Alike
			return nil
		}
	}
	if input != t.input {
		if t.input >= 0 {
			t.printf("\n")
		}
		t.input = input
		t.printf("%s\n", Clean(t.names[input]))
	}
	l := v.Life
	name := Clean(l.Thread.String())
	if l.Incarnation > 1 {
		name += fmt.Sprintf(" (#%d)", l.Incarnation)
	}
	if v.Revision > 1 {
		name += fmt.Sprintf(" (once more, revision %d)", v.Revision)
	}
	what := whatBecame(v)
	fits := t.fits(v.Fits)
	if v.Fits == checker.FitsYes && v.Conclusion() == checker.Hangs {
		fits += ", " + t.paint(red, "hangs")
	}
	t.printf("\n%s  %s  [%s]\n", t.paint(bold, name), what, fits)
	if v.Fits == checker.FitsYes {
		t.printf("    %s\n", facts(v))
	}
	if v.Why != "" {
		t.printf("%s", wrap("inconclusive: "+Clean(v.Why), "    "))
	}
	for _, f := range v.Findings {
		t.finding(f)
	}
	t.open(v)
	t.smallest(v)
	if t.explain || wantsChart(v) {
		t.chart(v)
	}
	return t.err
}

// smallest writes up to which line a life fits, and the smallest part that does not.
func (t *Text) smallest(v *checker.Verdict) {
	var parts []string
	if v.FitsTo > 0 {
		parts = append(parts, fmt.Sprintf("it fits up to line %d", v.FitsTo))
	}
	if spans := t.shrunk.of(v); spans != nil {
		parts = append(parts, "smallest part that does not: "+spanList(spans)+" (--shrink prints it)")
	}
	if parts != nil {
		t.printf("%s", wrap(strings.Join(parts, "; "), "      "))
	}
}

// spanList names stretches of lines: "line 3", "lines 3, 4 and 7 to 9".
func spanList(spans []checker.Span) string {
	var names []string
	for _, s := range spans {
		names = append(names, strconv.Itoa(s.From))
		switch {
		case s.To > s.From+1:
			names[len(names)-1] += fmt.Sprintf(" to %d", s.To)
		case s.To > s.From:
			names = append(names, strconv.Itoa(s.To))
		}
	}
	last := len(names) - 1
	switch {
	case last == 0 && spans[0].From == spans[0].To:
		return "line " + names[0]
	case last == 0:
		return "lines " + names[0]
	case last > 7:
		return "lines " + strings.Join(names[:6], ", ") + " … " + names[last]
	}
	return "lines " + strings.Join(names[:last], ", ") + " and " + names[last]
}

func (t *Text) fits(f checker.Fits) string {
	switch f {
	case checker.FitsYes:
		return t.paint(green, "fits")
	case checker.FitsNo:
		return t.paint(red, "does not fit")
	}
	return t.paint(yellow, "inconclusive")
}

// facts returns the line below a thread's name: whether it ran, was woken, and so on.
func facts(v *checker.Verdict) string {
	parts := []string{
		"threadfn ran: " + string(v.Ran),
		"woken: " + string(v.Woken),
	}
	switch v.ExitCodeFrom {
	case "observed":
		parts = append(parts, fmt.Sprintf("exit code: %d", v.ExitCode))
	case "inferred":
		parts = append(parts, fmt.Sprintf("exit code: %d (inferred)", v.ExitCode))
	default:
		parts = append(parts, "exit code: not in this log")
	}
	var lines []int
	for _, e := range v.Life.Events() {
		lines = append(lines, e.Line)
	}
	return strings.Join(parts, ", ") + "; " + lineList(lines)
}

// open writes what would settle the open facts, unless a finding says it.
func (t *Text) open(v *checker.Verdict) {
	called := map[string]string{"ran": "whether threadfn ran", "woken": "whether it was woken", "exit_code": "its exit code"}
	for _, o := range v.Open {
		if o.WouldSettle == "" || slices.ContainsFunc(v.Findings, func(f checker.Finding) bool { return f.Text().WouldSettle == o.WouldSettle }) {
			continue
		}
		t.printf("%s", wrap("would settle "+called[o.Fact]+": "+o.WouldSettle, "    "))
	}
}

// lineList names lines: "line 3", "lines 3, 4 and 9", "lines 3, 4 … 90".
func lineList(lines []int) string {
	lines = slices.Compact(slices.Clone(lines))
	switch n := len(lines); {
	case n == 1:
		return fmt.Sprintf("line %d", lines[0])
	case n > 6:
		return fmt.Sprintf("%d lines, %d to %d", n, lines[0], lines[n-1])
	}
	var b strings.Builder
	b.WriteString("lines ")
	for i, n := range lines {
		switch {
		case i > 0 && i == len(lines)-1:
			b.WriteString(" and ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}

func (t *Text) finding(f checker.Finding) {
	color := map[checker.Level]string{checker.Error: red, checker.Warning: yellow}[f.Rule.Level]
	head := f.Rule.ID
	if f.Rule.Level != checker.Note {
		head += " " + string(f.Rule.Level)
	}
	say := f.Text()
	body := head + " (" + f.Rule.Title + "), " + lineList(say.Lines) + ": " + Clean(say.Message)
	out := wrap(body, "    ")
	if color != "" {
		out = strings.Replace(out, head, t.paint(color, head), 1)
	}
	t.printf("%s", out)
	if len(say.Allowed) > 0 {
		t.printf("%s", wrap("allowed there: "+Clean(strings.Join(say.Allowed, ", ")), "      "))
	}
	if say.Advice != "" {
		t.printf("%s", wrap("to do: "+say.Advice, "      "))
	}
	if say.WouldSettle != "" {
		t.printf("%s", wrap("would settle it: "+say.WouldSettle, "      "))
	}
}

// wantsChart says whether an interleaving is drawn without --explain: if it explains a
// finding.
func wantsChart(v *checker.Verdict) bool {
	for _, f := range v.Findings {
		if f.Rule.ID == "KT001" || f.Rule.Level == checker.Error {
			return true
		}
	}
	return false
}

// chart draws the witness, a step a row: the line that shows it, the caller on the left, the
// thread on the right.
func (t *Text) chart(v *checker.Verdict) {
	witness := v.Witness()
	if len(witness) == 0 {
		return
	}
	const left = 36
	caller := callerOf(v)
	thread := Clean(v.Life.Thread.String())
	row := func(line, a, b, where string) {
		arrow := " "
		if a != "" && b != "" && line != "line" {
			if n := left - utf8.RuneCountInString(a) - 3; n > 0 {
				arrow = " " + strings.Repeat("─", n) + "▶ "
			}
		}
		s := fmt.Sprintf("%8s  %s%s", line, a, arrow)
		if b != "" {
			s += strings.Repeat(" ", max(0, 10+left-utf8.RuneCountInString(s))) + b
		}
		if where != "" {
			s += strings.Repeat(" ", max(2, 96-utf8.RuneCountInString(s))) + where
		}
		t.printf("%s\n", strings.TrimRight(s, " "))
	}
	t.printf("\n")
	where := ""
	if t.explain {
		where = "in the kernel"
	}
	row("line", caller, thread, where)
	for _, s := range witness {
		line, calls, does := stepWords(v, s)
		if calls == "" && does == "" {
			continue
		}
		if t.explain {
			where = s.Where
		}
		row(line, calls, does, where)
	}
	t.printf("          (one order that fits; a step without a line is not shown by the log)\n")
}

// Counts implements Counter.
func (t *Text) Counts(n int, v *checker.Verdict) bool {
	return n > maxListed && !t.all && unremarkable(v)
}

// unremarkable says whether a life fits, has a usual outcome, and has no finding above a
// note.
func unremarkable(v *checker.Verdict) bool {
	switch v.Outcome {
	case checker.RanThenStopped, checker.StoppedBeforeRun, checker.ExitedByItself, checker.ExitedByItselfThenStopped,
		checker.Stopped, checker.Running:
	default:
		return false
	}
	return v.Fits == checker.FitsYes && !slices.ContainsFunc(v.Findings, func(f checker.Finding) bool { return f.Rule.Level != checker.Note })
}

// callerOf returns the name of the caller, for the left column of a chart.
func callerOf(v *checker.Verdict) string {
	caller := "caller"
	for _, s := range v.Stops {
		if s.By.Comm != "" {
			caller = Clean(s.By.String())
		}
	}
	return caller
}

// stepWords returns the number of a step's line, what the caller does, and what the thread
// does. Each is empty if there is none.
func stepWords(v *checker.Verdict, s checker.Step) (line, calls, does string) {
	calls, does = s.Calls, s.Does
	if s.Line > 0 {
		line = strconv.Itoa(s.Line)
	}
	if v.ExitCodeFrom != "" {
		switch s.Name {
		case "ReturnValue":
			does = fmt.Sprintf("threadfn returns %d", v.ExitCode)
		case "StopReturnValue":
			calls = fmt.Sprintf("kthread_stop returns %d", v.ExitCode)
		}
	}
	return line, calls, does
}

// Close writes what is said of whole inputs, and the verdict of the run.
func (t *Text) Close(s *Summary) error {
	if t.input >= 0 {
		t.printf("\n")
	}
	if len(t.counted) > 0 {
		n := 0
		for _, c := range t.counted {
			n += c
		}
		t.printf("and %d more, unremarkable (--all lists them):\n", n)
		for _, o := range slices.Sorted(maps.Keys(t.counted)) {
			t.printf("  %7d  %s\n", t.counted[o], said[o])
		}
		t.printf("\n")
	}
	for i, in := range s.Inputs {
		for _, f := range in.Findings {
			t.printf("%s\n", Clean(t.names[i]))
			t.finding(f)
			t.printf("\n")
		}
	}
	for i, in := range s.Inputs {
		if in.Err != nil {
			continue // said on standard error
		}
		t.printf("%s: %s, %d lines, %d of them evidence", Clean(t.names[i]), in.Format, in.Stats.Lines, in.Stats.Events)
		if in.Stats.Lost > 0 {
			t.printf(", %d messages lost", in.Stats.Lost)
		}
		switch {
		case in.Era == nil && in.Banner != "":
			t.printf("; the log is of %s, which no era covers: all were tried\n", Clean(in.Banner))
		case in.Era == nil:
			t.printf("; the log names no kernel, the rules of Linux %s were tried\n", graph.Covered())
		case in.KernelFrom == "log":
			t.printf("; rules of Linux %s, the log is of %s\n", in.Era.Range(), Clean(in.Banner))
		default:
			t.printf("; rules of Linux %s\n", in.Era.Range())
		}
		if in.Era == nil && s.Threads > 0 && len(in.KernelsFit) > 0 && len(in.KernelsFit) < len(graph.Eras()) {
			t.printf("  it fits the rules of Linux %s only\n", strings.Join(ranges(in.KernelsFit), ", "))
		}
		for _, note := range in.Notes {
			t.printf("  %s\n", Clean(note))
		}
		for _, c := range in.Clocks {
			t.printf("  the clock of CPU %d is at least %d ms ahead of that of CPU %d: line %d came before line %d\n", c.Ahead, c.By/1e6, c.Behind, c.Cause, c.Effect)
		}
		for _, d := range in.Stats.Diagnostics {
			t.printf("  line %d: %s\n", d.Line, Clean(d.Message))
		}
		if n := in.Stats.Unusable - len(in.Stats.Diagnostics); n > 0 {
			t.printf("  and %d more such lines\n", n)
		}
		if s.Threads == 0 && len(in.Findings) > 0 {
			// Said above.
		} else if in.Stats.Events == 0 {
			t.printf("  nothing in it is evidence about a kernel thread; messages of your own module need a pattern\n  file (--printk)\n")
		} else if s.Threads == 0 {
			t.printf("  no thread of that name or pid in it\n")
		} else if in.Doubt {
			t.printf("  taken for granted: a name is one thread (the set's begin line is not in the log, or messages were lost)\n")
		} else if in.ByName {
			t.printf("  taken for granted: a name is one thread (some messages have no pid, and others of their set have it)\n")
		}
	}
	verdict := s.Verdict()
	color := map[checker.Conclusion]string{checker.Violates: red, checker.Hangs: red, checker.Inconclusive: yellow, checker.FitsAll: green}[verdict]
	words := string(verdict)
	if color != "" {
		words = t.paint(color, words)
	}
	t.printf("%s\n", verdictLine(s, words))
	return t.err
}

// verdictLine returns the report's last line. words is the verdict.
func verdictLine(s *Summary, words string) string {
	plural := "s"
	if s.Threads == 1 {
		plural = ""
	}
	return fmt.Sprintf("verdict: %s (%d thread%s)", strings.ReplaceAll(words, "_", " "), s.Threads, plural)
}

// ranges returns the ranges of releases of some eras.
func ranges(names []string) []string {
	var out []string
	for _, e := range graph.Eras() {
		if slices.Contains(names, e.Name) {
			out = append(out, e.Range())
		}
	}
	return out
}

// wrap breaks a text at blanks into lines of at most 96 columns, each with the
// indentation, those after the first with two columns more.
func wrap(s, indent string) string {
	var b strings.Builder
	line := indent
	empty := true
	for _, word := range strings.Split(s, " ") {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > 96 {
			b.WriteString(line + "\n")
			line, empty = indent+"  ", true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	b.WriteString(line + "\n")
	return b.String()
}

// Clean makes text safe for a terminal: what is not printable is shown as Go
// writes it in a string.
func Clean(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return s
	}
	q := strconv.Quote(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}
