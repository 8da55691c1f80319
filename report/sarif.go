package report

import (
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kthread-tla/tracecheck/checker"
)

// SARIF writes the Static Analysis Results Interchange Format, version 2.1.0: one run, a
// rule for each of checker.Rules, a result for each finding. A life that does not fit,
// hangs or cannot be decided gets a result even if it has no finding. Results are written
// as lives end.
type SARIF struct {
	w       io.Writer
	version string
	names   []string
	begun   bool
	results int
	shrunk  shrinking
}

// NewSARIF writes to w; names are the inputs' names.
func NewSARIF(w io.Writer, version string, names []string) *SARIF {
	return &SARIF{w: w, version: version, names: names}
}

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	undecidedID = "inconclusive" // the rule of a life that cannot be decided
)

type sarifText struct {
	Text string `json:"text"`
}

type sarifRule struct {
	ID      string         `json:"id"`
	Short   sarifText      `json:"shortDescription"`
	Full    sarifText      `json:"fullDescription"`
	Help    sarifText      `json:"help"`
	Default sarifDefault   `json:"defaultConfiguration"`
	Props   map[string]any `json:"properties,omitempty"`
}

type sarifDefault struct {
	Level string `json:"level"`
}

type sarifArtifactLocation struct {
	URI   string `json:"uri"`
	Index int    `json:"index"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
	EndLine   int `json:"endLine,omitempty"` // absent: the same
}

type sarifPhysical struct {
	Artifact sarifArtifactLocation `json:"artifactLocation"`
	Region   *sarifRegion          `json:"region,omitempty"`
}

type sarifLocation struct {
	ID       *int           `json:"id,omitempty"`
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Message  *sarifText     `json:"message,omitempty"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	RuleIndex int             `json:"ruleIndex"`
	Kind      string          `json:"kind,omitempty"` // absent: fail
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations"`
	Related   []sarifLocation `json:"relatedLocations,omitempty"`
	CodeFlows []sarifCodeFlow `json:"codeFlows,omitempty"`
	Props     map[string]any  `json:"properties,omitempty"`
}

type sarifCodeFlow struct {
	Message     sarifText         `json:"message"`
	ThreadFlows []sarifThreadFlow `json:"threadFlows"`
}

type sarifThreadFlow struct {
	Locations []sarifFlowLocation `json:"locations"`
}

type sarifFlowLocation struct {
	Location sarifLocation `json:"location"`
	Kinds    []string      `json:"kinds,omitempty"`
}

type sarifNotification struct {
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations"`
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	Notifications []sarifNotification `json:"toolExecutionNotifications"`
}

type sarifArtifact struct {
	Location sarifArtifactURI `json:"location"`
	Roles    []string         `json:"roles"`
}

type sarifArtifactURI struct {
	URI string `json:"uri"`
}

func sarifRules() []sarifRule {
	var rules []sarifRule
	for _, r := range checker.Rules {
		text := strings.ReplaceAll(r.Text, "\n\n", "\x00")
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\n", " "), "\x00", "\n\n")
		rules = append(rules, sarifRule{
			ID: r.ID, Short: sarifText{r.Title}, Full: sarifText{text}, Help: sarifText{text},
			Default: sarifDefault{string(r.Level)}, Props: map[string]any{"kernels": r.Kernels},
		})
	}
	const open = "What the log shows of a thread could not be decided; the result says why."
	return append(rules, sarifRule{
		ID: undecidedID, Short: sarifText{"cannot be decided"}, Full: sarifText{open}, Help: sarifText{open},
		Default: sarifDefault{"none"},
	})
}

// fileURI is an input's name as a URI reference.
func fileURI(name string) string {
	if filepath.IsAbs(name) {
		return (&url.URL{Scheme: "file", Path: filepath.ToSlash(name)}).String()
	}
	return (&url.URL{Path: filepath.ToSlash(name)}).String()
}

func (s *SARIF) at(input, line int) *sarifPhysical {
	p := &sarifPhysical{Artifact: sarifArtifactLocation{fileURI(s.names[input]), input}}
	if line > 0 {
		p.Region = &sarifRegion{StartLine: line}
	}
	return p
}

// result makes a result of a rule. Its location is the first of the lines; the others are
// related locations. say returns the text of a line, or "" if it is not known.
func (s *SARIF) result(input int, rule, level, message string, lines []int, say func(line int) string) sarifResult {
	r := sarifResult{
		RuleID: rule, RuleIndex: slices.IndexFunc(checker.Rules, func(r *checker.Rule) bool { return r.ID == rule }),
		Level: level, Message: sarifText{sarifPlain(message)},
	}
	if r.RuleIndex < 0 {
		r.RuleIndex = len(checker.Rules)
	}
	if len(lines) == 0 {
		r.Locations = []sarifLocation{{Physical: s.at(input, 0)}}
		return r
	}
	r.Locations = []sarifLocation{{Physical: s.at(input, lines[0])}}
	for i, n := range lines[1:] {
		l := sarifLocation{ID: &i, Physical: s.at(input, n)}
		if t := say(n); t != "" {
			l.Message = &sarifText{sarifPlain(t)}
		}
		r.Related = append(r.Related, l)
	}
	return r
}

// sarifPlain escapes what SARIF would read as a link or a placeholder (SARIF 2.1.0, 3.11.5
// and 3.11.6). Other text stays as it is.
func sarifPlain(s string) string {
	if strings.Contains(s, "](") {
		s = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`).Replace(s)
	}
	if placeholder(s) {
		s = strings.NewReplacer("{", "{{", "}", "}}").Replace(s)
	}
	return s
}

func placeholder(s string) bool {
	for {
		_, rest, ok := strings.Cut(s, "{")
		if !ok {
			return false
		}
		if rest != "" && '0' <= rest[0] && rest[0] <= '9' {
			return true
		}
		s = rest
	}
}

// fullText joins all parts of a finding's text.
func fullText(t checker.Text) string {
	s := t.Message
	if len(t.Allowed) > 0 {
		s += "\nallowed there: " + strings.Join(t.Allowed, ", ")
	}
	if t.Advice != "" {
		s += "\nto do: " + t.Advice
	}
	if t.WouldSettle != "" {
		s += "\nwould settle it: " + t.WouldSettle
	}
	return s
}

// unsaid returns the result for a life whose conclusion none of its findings shows: the
// rule, its level, the message and the lines. ok is false if the findings show it, or there
// is nothing to say.
func unsaid(v *checker.Verdict) (rule, level, message string, lines []int, ok bool) {
	worst := v.Conclusion()
	for _, f := range v.Findings {
		if worst == checker.Inconclusive || f.Rule.Level == checker.Error {
			return "", "", "", nil, false
		}
	}
	lines = []int{v.Life.Events()[len(v.Life.Events())-1].Line}
	switch worst {
	case checker.Violates:
		return "KT009", "error", "shows what the kernel does not do", lines, true
	case checker.Hangs:
		return "KT015", "error", said[v.Outcome], lines, true
	case checker.Inconclusive:
		return undecidedID, "none", "inconclusive: " + v.Why, lines, true
	}
	return "", "", "", nil, false
}

// Life writes the results of a life.
func (s *SARIF) Life(input int, v *checker.Verdict) error {
	props := map[string]any{
		"thread": v.Life.Thread.String(), "incarnation": v.Life.Incarnation,
		"fits": v.Fits, "outcome": v.Outcome, "ran": v.Ran,
	}
	say := func(line int) string {
		for _, e := range v.Life.Events() {
			if e.Line == line {
				return checker.EventText(e)
			}
		}
		return ""
	}
	name := v.Life.Thread.String() + ": "
	for i, f := range v.Findings {
		t := f.Text()
		r := s.result(input, f.Rule.ID, string(f.Rule.Level), name+fullText(t), t.Lines, say)
		r.Props = props
		if i == 0 {
			s.smallest(&r, input, v)
		}
		if wantsChart(v) {
			r.CodeFlows = s.flow(input, v)
		}
		if err := s.write(r); err != nil {
			return err
		}
	}
	rule, level, message, lines, ok := unsaid(v)
	if !ok {
		return nil
	}
	r := s.result(input, rule, level, name+message, lines, say)
	if level == "none" {
		r.Kind = "open"
	}
	r.Props = props
	return s.write(r)
}

// smallest adds to a result up to which line the life fits, and the smallest part of it
// that does not.
func (s *SARIF) smallest(r *sarifResult, input int, v *checker.Verdict) {
	add := func(from, to int, message string) {
		id := len(r.Related)
		l := sarifLocation{ID: &id, Physical: s.at(input, from), Message: &sarifText{message}}
		if to > from {
			l.Physical.Region.EndLine = to
		}
		r.Related = append(r.Related, l)
	}
	if v.FitsTo > 0 {
		add(v.FitsTo, v.FitsTo, "it fits up to here")
	}
	for _, span := range s.shrunk.of(v) {
		add(span.From, span.To, "of the smallest part that does not fit")
	}
}

// flow returns the witness as a code flow.
func (s *SARIF) flow(input int, v *checker.Verdict) []sarifCodeFlow {
	var steps []sarifFlowLocation
	for _, w := range v.Witness() {
		l := sarifFlowLocation{Location: sarifLocation{Message: &sarifText{stepText(w)}}, Kinds: []string{string(w.By)}}
		if w.Line > 0 {
			l.Location.Physical = s.at(input, w.Line)
		}
		steps = append(steps, l)
	}
	if steps == nil {
		return nil
	}
	return []sarifCodeFlow{{sarifText{"one order that fits"}, []sarifThreadFlow{{steps}}}}
}

// stepText says what is done in a step, and by whom.
func stepText(s checker.Step) string {
	switch {
	case s.Calls == "":
		return s.Does
	case s.Does == "":
		return s.Calls
	}
	return s.Calls + ": " + s.Does
}

func (s *SARIF) write(r sarifResult) error {
	if err := s.head(); err != nil {
		return err
	}
	sep := "\n"
	if s.results > 0 {
		sep = ",\n"
	}
	s.results++
	return writeJSON(s.w, sep, r)
}

func (s *SARIF) head() error {
	if s.begun {
		return nil
	}
	s.begun = true
	driver := struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}{"tracecheck", s.version, sarifRules()}
	return writeJSON(s.w, `{"$schema":"`+sarifSchema+"\",\n\"version\":\"2.1.0\",\n\"runs\":[{\"tool\":{\"driver\":", driver, "},\n\"columnKind\":\"unicodeCodePoints\",\n\"results\":[")
}

// Close writes the results that belong to no thread, and how reading went.
func (s *SARIF) Close(sum *Summary) error {
	if err := s.head(); err != nil {
		return err
	}
	inv := sarifInvocation{Successful: true, Notifications: []sarifNotification{}}
	var artifacts []sarifArtifact
	note := func(level string, input, line int, message string) {
		inv.Notifications = append(inv.Notifications, sarifNotification{level, sarifText{message}, []sarifLocation{{Physical: s.at(input, line)}}})
	}
	for i, in := range sum.Inputs {
		artifacts = append(artifacts, sarifArtifact{sarifArtifactURI{fileURI(in.Name)}, []string{"analysisTarget"}})
		for _, f := range in.Findings {
			t := f.Text()
			if err := s.write(s.result(i, f.Rule.ID, string(f.Rule.Level), fullText(t), t.Lines, func(int) string { return "" })); err != nil {
				return err
			}
		}
		if in.Err != nil {
			inv.Successful = false
			note("error", i, 0, in.Err.Error())
		}
		for _, d := range in.Stats.Diagnostics {
			note("note", i, d.Line, d.Message)
		}
		if n := in.Stats.Unusable - len(in.Stats.Diagnostics); n > 0 {
			note("note", i, 0, fmt.Sprintf("and %d more such lines", n))
		}
	}
	if err := writeJSON(s.w, "\n],\n\"invocations\":", []sarifInvocation{inv}); err != nil {
		return err
	}
	if err := writeJSON(s.w, ",\n\"artifacts\":", artifacts); err != nil {
		return err
	}
	return writeJSON(s.w, ",\n\"properties\":", map[string]any{"verdict": sum.Verdict(), "threads": sum.Threads}, "}]}\n")
}
