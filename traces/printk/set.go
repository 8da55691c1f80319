// Package printk knows what a module's messages mean.
package printk

import (
	"bufio"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
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
		panic(err) // a built-in set is a test's business
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

// Set is a set of printk patterns: which messages a module prints, and
// what each of them says. docs/printk.md describes the file's form.
type Set struct {
	Name  string
	shows traces.Kinds
	list  []pattern
}

// Shows are the kinds that the set has a pattern for.
func (p *Set) Shows() traces.Kinds { return p.shows }

type pattern struct {
	kind    traces.Kind
	line    int    // in the pattern file
	text    string // as written
	parts   []part
	literal int // number of literal bytes
	// The first and the last byte of its messages; 0: any.
	first, last byte
}

// A part is literal text, or a placeholder.
type part struct {
	place place
	text  string // of a literal
	rare  int    // where in it is the byte that messages have least
}

type place uint8

type placeholder struct {
	name  string
	place place
}

const (
	literal place = iota
	placeThread
	placePID
	placeCode
	placeBy
	placeAny
)

var places = []placeholder{
	{"{thread}", placeThread}, {"{pid}", placePID}, {"{code}", placeCode},
	{"{by}", placeBy}, {"{*}", placeAny},
}

// unknownPlaceholder matches what looks like a placeholder and is none.
var unknownPlaceholder = regexp.MustCompile(`\{[a-z_]+\}`)

// Parse reads a pattern file: one pattern a line, an action and the
// text of its message, separated by blanks; empty lines and lines that begin
// with # are skipped. The error joins one line `name:line: what is wrong` for
// each thing that is wrong.
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
		pat := pattern{kind: kind, line: n, text: text}
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
	// The most literal text first: of several matches that one wins.
	slices.SortStableFunc(p.list, func(a, b pattern) int { return b.literal - a.literal })
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

// actions are the names of all kinds that a pattern file can have.
func actions() string {
	var names []string
	for k := traces.Begin; k <= traces.Exit; k++ {
		names = append(names, k.String())
	}
	return strings.Join(names, ", ")
}

func cutBlanks(s string) (before, after string, found bool) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, "", false
	}
	return s[:i], strings.TrimLeft(s[i:], " \t"), true
}

func (p *pattern) compile() error {
	if p.text == "" {
		return fmt.Errorf("%s: no message", p.kind)
	}
	for _, word := range unknownPlaceholder.FindAllString(p.text, -1) {
		if !slices.ContainsFunc(places, func(k placeholder) bool { return k.name == word }) {
			return fmt.Errorf("%s: %s is no placeholder; {*} stands for anything", p.kind, word)
		}
	}
	seen := map[place]bool{}
	rest := p.text
	for rest != "" {
		at, pl := len(rest), placeAny
		size := 0
		for _, k := range places {
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

// Message is what the set would print for a thread, for a person to read: the
// first of its patterns for the kind that has a {code} where one is given, and
// none where none is, if there is such a one. What is not known is "…". It is
// empty where the set has no pattern of the kind.
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
	for _, k := range places {
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

func (q *pattern) has(pl place) bool {
	return slices.ContainsFunc(q.parts, func(p part) bool { return p.place == pl })
}

// A Match is a message that one of the set's patterns matches.
type Match struct {
	set       *Set
	pattern   *pattern
	places    match
	msg       []byte
	Ambiguous bool // it can be read in two ways
}

// Match finds the pattern that matches a message whole. ok is false where none does. It
// is good as long as msg is.
func (p *Set) Match(msg []byte) (m Match, ok bool) {
	if !p.MayMatch(msg) {
		return Match{}, false
	}
	q, places, ambiguous := p.find(msg)
	return Match{p, q, places, msg, ambiguous}, q != nil
}

// Kind is what the message tells.
func (m *Match) Kind() traces.Kind { return m.pattern.kind }

// Pattern is the text of the pattern, as written.
func (m *Match) Pattern() string { return m.pattern.text }

// Event makes an event of the match. Where a placeholder stands for something that it
// cannot be, problem says so, and usable is whether the rest still tells something.
func (m *Match) Event() (e traces.Event, problem string, usable bool) {
	e, problem, usable = m.pattern.event(m.set, m.places)
	if usable && e.Kind != traces.Begin {
		e.OrNames = m.set.otherNames(m.msg, m.pattern)
	}
	return e, problem, usable
}

// A match is what a pattern's placeholders stand for in one message.
type match struct {
	thread, by, pid, code string
}

// find returns the best pattern that matches a message whole, nil if none
// does. ambiguous means that another one is as good, or that the placeholders
// can be read in two ways, or in too many to try.
func (p *Set) find(msg []byte) (best *pattern, m match, ambiguous bool) {
	for i := range p.list {
		q := &p.list[i]
		if best != nil && q.literal < best.literal {
			break
		}
		if !q.mayMatch(msg) {
			continue
		}
		found, budget := 0, maxReadings
		var first match
		matchParts(q.parts, string(msg), match{}, &budget, func(got match) bool {
			if found == 0 || got != first {
				found++
				first = got
			}
			return found < 2
		})
		switch {
		case found == 0 && budget > 0:
		case best != nil:
			return best, m, true
		default:
			best, m, ambiguous = q, first, found != 1 || budget == 0
		}
	}
	return best, m, ambiguous
}

// otherNames are the threads that a message would be about if another pattern
// than best were the right one.
func (p *Set) otherNames(msg []byte, best *pattern) []string {
	var names []string
	for i := range p.list {
		q := &p.list[i]
		if q.literal >= best.literal || !q.has(placeThread) || !q.mayMatch(msg) {
			continue
		}
		budget := maxReadings
		matchParts(q.parts, string(msg), match{}, &budget, func(m match) bool {
			names = append(names, m.thread)
			return true
		})
	}
	return names
}

// mayMatch turns nearly every message away without an allocation: the literal
// parts must all be there, in their order, the last one at the end.
func (q *pattern) mayMatch(msg []byte) bool {
	if len(msg) == 0 || q.first != 0 && q.first != msg[0] || q.last != 0 && q.last != msg[len(msg)-1] {
		return false
	}
	parts := q.parts
	if last := parts[len(parts)-1]; last.place == literal {
		if !scan.HasSuffix(msg, last.text) {
			return false
		}
		msg, parts = msg[:len(msg)-len(last.text)], parts[:len(parts)-1]
		if len(parts) == 0 {
			return len(msg) == 0
		}
	}
	for i := range parts {
		p := &parts[i]
		switch {
		case p.place != literal:
		case i == 0:
			if !scan.HasPrefix(msg, p.text) {
				return false
			}
			msg = msg[len(p.text):]
		default:
			at := p.index(msg)
			if at < 0 {
				return false
			}
			msg = msg[at+len(p.text):]
		}
	}
	return true
}

// index is where a literal is in a message first, -1 where it is not.
func (p *part) index(msg []byte) int {
	for i := p.rare; i < len(msg); i++ {
		n := bytes.IndexByte(msg[i:], p.text[p.rare])
		if n < 0 {
			return -1
		}
		if i += n; scan.HasPrefix(msg[i-p.rare:], p.text) {
			return i - p.rare
		}
	}
	return -1
}

// rarest is where in a text the byte is that messages have least.
func rarest(text string) (at int) {
	const common = " etaoinsrldchumpgfbv0" // the most common first
	rank := func(c byte) int {
		if i := strings.IndexByte(common, c); i >= 0 {
			return i
		}
		return len(common)
	}
	for i := range len(text) {
		if rank(text[i]) > rank(text[at]) {
			at = i
		}
	}
	return at
}

// Literals are what each message of a pattern has: a text that it begins with, one that
// it ends with, either of them empty where it is none, and the longest one in it.
type Literals struct{ Begin, End, Longest string }

// Literals has one for each pattern.
func (p *Set) Literals() []Literals {
	if p == nil {
		return nil
	}
	var list []Literals
	for _, q := range p.list {
		l := Literals{Begin: q.parts[0].text, End: q.parts[len(q.parts)-1].text}
		for _, part := range q.parts {
			if len(part.text) > len(l.Longest) {
				l.Longest = part.text
			}
		}
		list = append(list, l)
	}
	return list
}

// MayMatch says whether a message may be one of the set's.
func (p *Set) MayMatch(msg []byte) bool {
	if p == nil {
		return false
	}
	for i := range p.list {
		if p.list[i].mayMatch(msg) {
			return true
		}
	}
	return false
}

// maxReadings bounds the work on one message: a pattern of several
// placeholders has that many places to end them in.
const maxReadings = 10000

// matchParts calls yield for every way to read s as parts, until yield says
// false or the budget is used up; it reports whether to go on.
func matchParts(parts []part, s string, m match, budget *int, yield func(match) bool) bool {
	if *budget == 0 {
		return false
	}
	*budget--
	if len(parts) == 0 {
		return s != "" || yield(m)
	}
	p, rest := parts[0], parts[1:]
	if p.place == literal {
		s, ok := strings.CutPrefix(s, p.text)
		return !ok || matchParts(rest, s, m, budget, yield)
	}
	// A placeholder ends where the literal after it begins, or at the end.
	for end := 0; end <= len(s); end++ {
		if len(rest) > 0 {
			i := strings.Index(s[end:], rest[0].text)
			if i < 0 {
				return true
			}
			end += i
		} else {
			end = len(s)
		}
		if next, ok := m.set(p.place, s[:end]); ok && !matchParts(rest, s[end:], next, budget, yield) {
			return false
		}
	}
	return true
}

// set fills a placeholder in; ok is false where the text is not one for it.
func (m match) set(p place, s string) (match, bool) {
	switch p {
	case placeThread:
		m.thread = s
		return m, s != ""
	case placeBy:
		m.by = s
		return m, s != ""
	case placePID:
		m.pid = s
		return m, isWord(s)
	case placeCode:
		m.code = s
		return m, isWord(s)
	}
	return m, true
}

func isWord(s string) bool { return s != "" && !strings.Contains(s, " ") }

// event makes an event of a match. Where a placeholder stands for something
// that it cannot be, problem says so, and usable is whether the rest still
// tells something.
func (q *pattern) event(set *Set, m match) (e traces.Event, problem string, usable bool) {
	e = traces.Event{Kind: q.kind, Printed: traces.Printed{Set: set}, Thread: traces.Task{Comm: m.thread}, By: parseTask(m.by)}
	if m.pid != "" {
		pid, err := strconv.ParseUint(m.pid, 10, 31)
		if err != nil || pid == 0 {
			return e, fmt.Sprintf("%q is no pid of a kernel thread: not used", m.pid), false
		}
		e.Thread.PID = int(pid)
	}
	if m.code != "" {
		code, err := parseCode(m.code)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return e, fmt.Sprintf("%s is no exit code, which is a 32-bit number: the value is not used", m.code), true
		case err != nil:
			return e, fmt.Sprintf("%q is no number for {code}: not used", m.code), false
		}
		e.Code, e.HasCode = code, true
	}
	return e, "", true
}

// parseTask reads how a message names its caller: by pid, as name[pid], or by
// name alone.
func parseTask(s string) traces.Task {
	name, num := "", s
	if rest, ok := strings.CutSuffix(s, "]"); ok {
		if i := strings.LastIndexByte(rest, '['); i > 0 {
			name, num = rest[:i], rest[i+1:]
		}
	}
	if pid, err := strconv.ParseUint(num, 10, 31); err == nil && pid > 0 {
		return traces.Task{Comm: name, PID: int(pid)}
	}
	return traces.Task{Comm: s}
}

// parseCode reads an exit code, which is an int (kernel/kthread.c
// kthread_stop), printed by %d or by %#x.
func parseCode(s string) (int, error) {
	if hex, ok := strings.CutPrefix(s, "0x"); ok {
		n, err := strconv.ParseUint(hex, 16, 32)
		return int(int32(n)), err
	}
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err
}

// overlap returns a message that matches both patterns, taking names for
// single words: "{by} woke {thread}" and "{by} made {thread}" can both match
// only where a name holds a blank, and such a message is left out when it
// comes. It walks the product of the two as automata over bytes.
func overlap(a, b []part) (example string, ok bool) {
	x, y := automaton(a), automaton(b)
	type pair struct{ i, j int }
	type place struct {
		pair
		text string
	}
	seen := map[pair]bool{}
	queue := []place{{}}
	visit := func(i, j int, text string) {
		if p := (pair{i, j}); !seen[p] {
			seen[p] = true
			queue = append(queue, place{p, text})
		}
	}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		if p.i == len(x) && p.j == len(y) {
			return p.text, true
		}
		if p.i < len(x) && x[p.i].skip {
			visit(p.i+1, p.j, p.text)
		}
		if p.j < len(y) && y[p.j].skip {
			visit(p.i, p.j+1, p.text)
		}
		if p.i < len(x) && p.j < len(y) {
			if c, ok := x[p.i].meets(y[p.j]); ok {
				i, j := p.i+1, p.j+1
				if x[p.i].loop {
					i--
				}
				if y[p.j].loop {
					j--
				}
				visit(i, j, p.text+string(c))
			}
		}
	}
	return "", false
}

// A symbol is one step of a pattern's automaton: a byte or a class of bytes,
// which may be left out (skip) and repeated (loop).
type symbol struct {
	class      byte // 0: the byte b, 'w': any but a blank, '*': any
	b          byte
	skip, loop bool
}

// meets is a byte that both accept.
func (s symbol) meets(t symbol) (byte, bool) {
	for _, c := range [...]byte{s.b, t.b, '1'} {
		if s.accepts(c) && t.accepts(c) {
			return c, true
		}
	}
	return 0, false
}

func (s symbol) accepts(c byte) bool {
	switch s.class {
	case 'w':
		return c != ' ' && c != 0
	case '*':
		return c != 0
	}
	return s.b == c
}

func automaton(parts []part) []symbol {
	var a []symbol
	for _, p := range parts {
		switch p.place {
		case literal:
			for i := range len(p.text) {
				a = append(a, symbol{b: p.text[i]})
			}
		case placeAny:
			a = append(a, symbol{class: '*', skip: true, loop: true})
		default:
			a = append(a, symbol{class: 'w'}, symbol{class: 'w', skip: true, loop: true})
		}
	}
	return a
}
