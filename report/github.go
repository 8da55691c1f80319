package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/kthread-tla/tracecheck/checker"
)

// GitHub writes workflow commands, which GitHub Actions shows as annotations
// of the lines: ::error file=…,line=…,title=…::message.
type GitHub struct {
	w     io.Writer
	names []string
	err   error
}

// NewGitHub writes to w; names are the inputs' names.
func NewGitHub(w io.Writer, names []string) *GitHub {
	return &GitHub{w: w, names: names}
}

// In a command's text % begins an escape, and line ends must be escaped. In a property,
// which ends at a comma or a colon, these must be escaped too (actions/toolkit
// packages/core/src/command.ts).
var (
	commandText     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	commandProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

var commandOf = map[checker.Level]string{checker.Note: "notice", checker.Warning: "warning", checker.Error: "error"}

func (g *GitHub) command(level checker.Level, input, line int, title, message string) {
	if g.err != nil {
		return
	}
	var props []string
	add := func(key, value string) { props = append(props, key+"="+commandProperty.Replace(value)) }
	add("file", cleanLines(g.names[input]))
	if line > 0 {
		add("line", fmt.Sprint(line))
	}
	add("title", cleanLines(title))
	_, g.err = fmt.Fprintf(g.w, "::%s %s::%s\n", commandOf[level], strings.Join(props, ","), commandText.Replace(cleanLines(message)))
}

// cleanLines is Clean for a text of several lines.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = Clean(l)
	}
	return strings.Join(lines, "\n")
}

func (g *GitHub) finding(input int, subject string, f checker.Finding) {
	line := 0
	t := f.Text()
	message := fullText(t)
	if len(t.Lines) > 0 {
		line = t.Lines[0]
		if len(t.Lines) > 1 {
			message = lineList(t.Lines) + ": " + message
		}
	}
	g.command(f.Rule.Level, input, line, f.Rule.ID+" "+f.Rule.Title+subject, message)
}

// Life writes a command for each finding of a life.
func (g *GitHub) Life(input int, v *checker.Verdict) error {
	subject := " (" + v.Life.Thread.String() + ")"
	for _, f := range v.Findings {
		g.finding(input, subject, f)
	}
	if rule, level, message, lines, ok := unsaid(v); ok {
		l := checker.Level(level)
		if level == "none" {
			l = checker.Warning
		}
		g.command(l, input, lines[0], rule+subject, message)
	}
	return g.err
}

// Close writes the findings that belong to no thread, and the verdict as a plain line.
func (g *GitHub) Close(s *Summary) error {
	for i, in := range s.Inputs {
		for _, f := range in.Findings {
			g.finding(i, "", f)
		}
		if in.Err != nil {
			g.command(checker.Error, i, 0, "cannot be read", in.Err.Error())
		}
	}
	if g.err == nil {
		_, g.err = fmt.Fprintln(g.w, verdictLine(s, string(s.Verdict())))
	}
	return g.err
}
