// Package printk knows what a module's messages mean.
package printk

import (
	"bytes"
	"embed"
	"strconv"
	"strings"

	"github.com/kthread-tla/tracecheck/traces"
)

//go:embed patterns/*.patterns
var builtin embed.FS

// Builtin returns a built-in pattern set by its name, nil where there is none.
func Builtin(name string) *Set {
	b, err := builtin.ReadFile("patterns/" + name + ".patterns")
	if err != nil {
		return nil
	}
	p, err := Parse(name, bytes.NewReader(b))
	if err != nil {
		panic(err) // a test parses every built-in set
	}
	return p
}

// Builtins are the names of the built-in pattern sets.
func Builtins() []string {
	entries, err := builtin.ReadDir("patterns")
	if err != nil {
		panic(err) // it is embedded
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".patterns"))
	}
	return names
}

// A Set is a set of printk patterns: the messages that a module prints, and what each of
// them means. docs/printk.md describes the format of a pattern file.
type Set struct {
	Name  string
	shows traces.Kinds
	list  []pattern
}

// Shows is the set of kinds that have a pattern.
func (p *Set) Shows() traces.Kinds { return p.shows }

// Message is what the module would print about a thread, for a person to read: the first
// pattern of the kind, filled in. Patterns with {code} are preferred where code is not nil,
// those without where it is nil. What is not known is "…". It is empty where the kind has no
// pattern.
func (p *Set) Message(k traces.Kind, thread traces.Task, code *int) string {
	var best *pattern
	better := func(q *pattern) bool {
		if best == nil {
			return true
		}
		fits := strings.Contains(q.text, "{code}") == (code != nil)
		fitted := strings.Contains(best.text, "{code}") == (code != nil)
		return fits && !fitted || fits == fitted && q.line < best.line
	}
	for i := range p.list {
		if q := &p.list[i]; q.kind == k && better(q) {
			best = q
		}
	}
	if best == nil {
		return ""
	}
	s := best.text
	if thread.Comm != "" {
		s = strings.ReplaceAll(s, "{thread}", thread.Comm)
	}
	if thread.PID != 0 {
		s = strings.ReplaceAll(s, "{pid}", strconv.Itoa(thread.PID))
	}
	if code != nil {
		s = strings.ReplaceAll(s, "{code}", strconv.Itoa(*code))
	}
	for _, k := range placeholders {
		s = strings.ReplaceAll(s, k.name, "…")
	}
	return s
}

// Names says whether every message of a kind would name the thread as t does.
func (p *Set) Names(k traces.Kind, t traces.Task) bool {
	for i := range p.list {
		if q := &p.list[i]; q.kind == k && !(t.Comm != "" && q.has(placeThread) || t.PID != 0 && q.has(placePID)) {
			return false
		}
	}
	return true
}
