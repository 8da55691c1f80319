// Package printk knows what a module's messages mean.
package printk

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"slices"
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
	Name    string
	shows   traces.Kinds
	list    []pattern
	builtin *Set // recognised where none of list matches, from its begin line on; nil: none
}

// Join returns a set that has the patterns of several. Each of them stays a set of its own,
// with its own begin line and its own names: Match.Event says whose message it is. A set
// whose name is that of an earlier one is left out. The error has a line for each two
// patterns of two sets that can match one message equally well.
func Join(sets ...*Set) (*Set, error) {
	var names []string
	var errs []error
	all := new(Set)
	for _, s := range sets {
		if slices.Contains(names, s.Name) {
			continue
		}
		names = append(names, s.Name)
		for i := range s.list {
			q := &s.list[i]
			for j := range all.list {
				o := &all.list[j]
				if o.literal != q.literal {
					continue
				}
				if msg, ok := overlap(o.parts, q.parts); ok {
					errs = append(errs, fmt.Errorf("%s:%d: ambiguous: %q matches this pattern and the one of %s:%d, and both have %d literal characters",
						s.Name, q.line, msg, o.set.Name, o.line, q.literal))
				}
			}
		}
		all.list = append(all.list, s.list...)
		all.shows |= s.shows
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	all.Name = strings.Join(names, "+")
	all.sort()
	return all, nil
}

// WithBuiltins returns a set that has the patterns of p, and of the built-in sets that are
// recognised without being asked for: that is "story", from its begin line on, unless p has
// a pattern for one of its messages. p may be nil.
func WithBuiltins(p *Set) *Set {
	story := Builtin("story")
	if p == nil {
		return &Set{builtin: story}
	}
	for i := range p.list {
		for j := range story.list {
			if _, ok := overlap(p.list[i].parts, story.list[j].parts); ok {
				return p
			}
		}
	}
	with := *p
	with.builtin = story
	return &with
}

// sort puts the pattern with the most literal text first: it wins where several match.
func (p *Set) sort() {
	slices.SortStableFunc(p.list, func(a, b pattern) int { return b.literal - a.literal })
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
