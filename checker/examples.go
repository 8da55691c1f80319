package checker

import (
	"embed"
	"fmt"
	"strings"
)

// The examples of a rule are two logs in the folder rules: ID.bad.log has it,
// and ID.good.log, which is much like it, has not. They need no flags: a log
// that depends on the kernel has its banner.
//
//go:embed rules/*.log
var examples embed.FS

// Bad is a log that the rule speaks of; empty: there is none.
func (r *Rule) Bad() string { return r.example("bad") }

// Good is a log much like Bad that the rule does not speak of.
func (r *Rule) Good() string { return r.example("good") }

func (r *Rule) example(which string) string {
	b, err := examples.ReadFile("rules/" + r.ID + "." + which + ".log")
	if err != nil {
		return ""
	}
	return string(b)
}

// Explain is a rule for a person to read.
func (r *Rule) Explain() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\nlevel %s, Linux %s\n\n%s\n", r.ID, r.Title, r.Level, r.Kernels, r.Text)
	for _, e := range []struct{ head, log string }{{"A log that has it:", r.Bad()}, {"One that has not:", r.Good()}} {
		if e.log == "" {
			continue
		}
		fmt.Fprintf(&b, "\n%s\n\n", e.head)
		for line := range strings.Lines(e.log) {
			b.WriteString("    " + line)
		}
	}
	return b.String()
}
