package printk

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/kthread-tla/tracecheck/traces"
)

// A pattern is one line of a pattern file.
type pattern struct {
	set     *Set
	kind    traces.Kind
	line    int    // in the pattern file
	text    string // as written
	parts   []part
	literal int // number of literal bytes
	// first and last are the first and the last byte of every message; 0: any byte.
	first, last byte
}

// A part is a literal text, or a placeholder.
type part struct {
	place  place
	text   string // of a literal
	rareAt int    // index in text of the byte that is rarest in messages
}

// A place says what a part stands for.
type place uint8

// A placeholder is a place as pattern files write it.
type placeholder struct {
	name  string
	place place
}

const (
	literal place = iota // itself
	placeThread
	placePID
	placeCode
	placeBy
	placeAny
)

var placeholders = []placeholder{
	{"{thread}", placeThread}, {"{pid}", placePID}, {"{code}", placeCode},
	{"{by}", placeBy}, {"{*}", placeAny},
}

// unknownPlaceholder matches what looks like a placeholder, known or not.
var unknownPlaceholder = regexp.MustCompile(`\{[a-z_]+\}`)

// Parse reads a pattern file. A line is an action and the text of its message, separated by
// blanks; empty lines and lines that begin with # are skipped. The error has one line
// `name:line: what is wrong` for each fault.
func Parse(name string, r io.Reader) (*Set, error) {
	p := &Set{Name: name}
	var errs []error
	bad := func(line int, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s:%d: %s", name, line, fmt.Sprintf(format, args...)))
	}
	sc := bufio.NewScanner(r)
	n := 0
	for sc.Scan() {
		n++
		line := strings.TrimSpace(sc.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		action, text, _ := cutBlanks(line)
		kind, ok := patternKind(action)
		if !ok {
			bad(n, "%q is no action: want %s", action, actions())
			continue
		}
		pat := pattern{set: p, kind: kind, line: n, text: text}
		if err := pat.compile(); err != nil {
			bad(n, "%v", err)
			continue
		}
		for _, q := range p.list {
			if q.literal != pat.literal {
				continue
			}
			if msg, ok := overlap(q.parts, pat.parts); ok {
				bad(n, "ambiguous: %q matches this pattern and the one of line %d, and both have %d literal characters", msg, q.line, q.literal)
			}
		}
		p.list = append(p.list, pat)
		p.shows = p.shows.With(kind)
	}
	if err := sc.Err(); err != nil {
		bad(n+1, "%v", err)
	}
	if len(p.list) == 0 && errs == nil {
		errs = append(errs, fmt.Errorf("%s: no pattern in it", name))
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	p.sort()
	return p, nil
}

// patternKind is the kind that a pattern file calls name.
func patternKind(name string) (traces.Kind, bool) {
	for k := traces.Begin; k <= traces.Exit; k++ {
		if k.String() == name {
			return k, true
		}
	}
	return 0, false
}

// actions are the names of all kinds that a pattern can have, joined by commas.
func actions() string {
	var names []string
	for k := traces.Begin; k <= traces.Exit; k++ {
		names = append(names, k.String())
	}
	return strings.Join(names, ", ")
}

// cutBlanks cuts s at its first blanks or tabs.
func cutBlanks(s string) (before, after string, found bool) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, "", false
	}
	return s[:i], strings.TrimLeft(s[i:], " \t"), true
}

// compile takes the pattern's text apart.
func (p *pattern) compile() error {
	if p.text == "" {
		return fmt.Errorf("%s: no message", p.kind)
	}
	for _, word := range unknownPlaceholder.FindAllString(p.text, -1) {
		if !slices.ContainsFunc(placeholders, func(k placeholder) bool { return k.name == word }) {
			return fmt.Errorf("%s: %s is no placeholder; {*} stands for anything", p.kind, word)
		}
	}
	seen := map[place]bool{}
	rest := p.text
	for rest != "" {
		at, pl := len(rest), placeAny
		size := 0
		for _, k := range placeholders {
			if i := strings.Index(rest, k.name); i >= 0 && i < at {
				at, pl, size = i, k.place, len(k.name)
			}
		}
		if at > 0 {
			p.parts = append(p.parts, part{literal, rest[:at], rarest(rest[:at])})
			p.literal += at
		}
		if size > 0 {
			if n := len(p.parts); n > 0 && p.parts[n-1].place != literal {
				return fmt.Errorf("%s: two placeholders without text between them", p.kind)
			}
			if pl != placeAny && seen[pl] {
				return fmt.Errorf("%s: %s twice", p.kind, rest[at:at+size])
			}
			seen[pl] = true
			p.parts = append(p.parts, part{place: pl})
		}
		rest = rest[at+size:]
	}
	if p.literal == 0 {
		return fmt.Errorf("%s: a pattern needs some literal text", p.kind)
	}
	if begin := p.parts[0]; begin.place == literal {
		p.first = begin.text[0]
	}
	if end := p.parts[len(p.parts)-1]; end.place == literal {
		p.last = end.text[len(end.text)-1]
	}
	if p.kind == traces.Begin {
		if seen[placeThread] || seen[placePID] || seen[placeCode] || seen[placeBy] {
			return fmt.Errorf("begin: only {*} can stand in it, it is about no thread")
		}
		return nil
	}
	if !seen[placeThread] && !seen[placePID] {
		return fmt.Errorf("%s: needs {thread} or {pid}", p.kind)
	}
	if seen[placeCode] && p.kind != traces.StopReturn && p.kind != traces.Return && p.kind != traces.Exit && p.kind != traces.CreateFailed {
		return fmt.Errorf("%s: has no {code}", p.kind)
	}
	return nil
}

// has says whether the pattern has a placeholder.
func (q *pattern) has(pl place) bool {
	return slices.ContainsFunc(q.parts, func(p part) bool { return p.place == pl })
}
