package printk

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// A Match is a message and the pattern that matches it. It is valid as long as the message.
type Match struct {
	in        *Set // the set that was asked, or a built-in one behind it
	pattern   *pattern
	values    values
	msg       []byte
	Ambiguous bool // the message can be read in two ways
	Builtin   bool // of a set that is recognised without being asked for: from its begin line on
}

// Match finds the best pattern that matches a whole message. ok is false where none does. A
// nil Set matches nothing.
func (p *Set) Match(msg []byte) (m Match, ok bool) {
	if !p.MayMatch(msg) {
		return Match{}, false
	}
	q, found, ambiguous := p.find(msg)
	if q == nil && p.builtin != nil {
		m, ok = p.builtin.Match(msg)
		m.Builtin = true
		return m, ok
	}
	return Match{p, q, found, msg, ambiguous, false}, q != nil
}

// Set is the set that has the pattern, of those that were joined.
func (m *Match) Set() *Set { return m.pattern.set }

// Kind is the kind of the pattern.
func (m *Match) Kind() traces.Kind { return m.pattern.kind }

// Pattern is the text of the pattern, as written.
func (m *Match) Pattern() string { return m.pattern.text }

// Event makes an event of the match. Where the text of a placeholder is not what it must
// be, problem says so; usable is false where the event is of no use then.
func (m *Match) Event() (e traces.Event, problem string, usable bool) {
	e, problem, usable = m.pattern.event(m.pattern.set, m.values)
	if usable && e.Kind != traces.Begin {
		e.OrNames = m.in.otherNames(m.msg, m.pattern)
	}
	return e, problem, usable
}

// A values has the texts that a pattern's placeholders match in one message.
type values struct {
	thread, by, pid, code string
}

// find is the best pattern that matches a whole message, nil where none does. A reading
// that has a number wherever one must be is better than one that has not: of
// "kt [b][324] up" only 324 can be the pid. ambiguous says that another pattern is as good,
// or that the placeholders can be read in two ways, or in too many to try.
func (p *Set) find(msg []byte) (best *pattern, m values, ambiguous bool) {
	text := ""
	numbers := false // the best reading has them
	for i := range p.list {
		q := &p.list[i]
		if best != nil && q.literal < best.literal {
			break
		}
		if !q.mayMatch(msg) {
			continue
		}
		if text == "" {
			text = string(msg)
		}
		r := q.read(text)
		switch {
		case r.found == 0:
		case best == nil || r.numbers && !numbers:
			best, m, ambiguous, numbers = q, r.first, r.found > 1, r.numbers
		case r.numbers == numbers:
			ambiguous = true
		}
	}
	return best, m, ambiguous
}

// A reading is how a pattern can be read in one message.
type reading struct {
	first   values
	found   int  // how many ways there are, counted up to 2; of those with numbers, if any has them
	numbers bool // first has a number wherever one must be
}

// read finds the best way to read a message as a pattern. Where there are too many ways to
// try all, two count as found.
func (q *pattern) read(msg string) (r reading) {
	budget := maxReadings
	matchParts(q.parts, msg, values{}, &budget, func(got values) bool {
		switch numbers := got.numbers(); {
		case r.found == 0 || numbers && !r.numbers:
			r = reading{got, 1, numbers}
		case numbers == r.numbers && got != r.first:
			r.found = 2
		}
		return r.found < 2 || !r.numbers
	})
	if budget == 0 {
		r.found = 2
	}
	return r
}

// numbers says whether the texts of {pid} and {code} are numbers.
func (m values) numbers() bool {
	if m.pid != "" {
		if _, ok := parsePID(m.pid); !ok {
			return false
		}
	}
	if m.code != "" {
		if _, err := parseCode(m.code); err != nil && !errors.Is(err, strconv.ErrRange) {
			return false
		}
	}
	return true
}

// otherNames are the threads that a message would be about if a pattern with less literal
// text than best were the right one.
func (p *Set) otherNames(msg []byte, best *pattern) []string {
	var names []string
	for i := range p.list {
		q := &p.list[i]
		if q.literal >= best.literal || !q.has(placeThread) || !q.mayMatch(msg) {
			continue
		}
		budget := maxReadings
		matchParts(q.parts, string(msg), values{}, &budget, func(m values) bool {
			names = append(names, m.thread)
			return true
		})
	}
	return names
}

// mayMatch says whether a message has all literal parts in their order, the last one at
// the end. It allocates nothing, and turns nearly every message away.
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

// index is where a message has a literal first, -1 where it has not.
func (p *part) index(msg []byte) int {
	for i := p.rareAt; i < len(msg); i++ {
		n := bytes.IndexByte(msg[i:], p.text[p.rareAt])
		if n < 0 {
			return -1
		}
		if i += n; scan.HasPrefix(msg[i-p.rareAt:], p.text) {
			return i - p.rareAt
		}
	}
	return -1
}

// rarest is the index in a text of the byte that is rarest in messages.
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

// Literals are texts that every message of a pattern has: at its beginning, at its end, and
// the longest one anywhere. Begin or End is empty where the pattern has a placeholder
// there.
type Literals struct{ Begin, End, Longest string }

// Literals are those of each pattern.
func (p *Set) Literals() []Literals {
	if p == nil {
		return nil
	}
	list := p.builtin.Literals()
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

// MayMatch says whether a pattern may match a message. It allocates nothing.
func (p *Set) MayMatch(msg []byte) bool {
	if p == nil {
		return false
	}
	for i := range p.list {
		if p.list[i].mayMatch(msg) {
			return true
		}
	}
	return p.builtin.MayMatch(msg)
}

// maxReadings bounds how many ways to read a message are tried.
const maxReadings = 10000

// matchParts calls yield for every way to read s as parts. It stops, and is false, where
// yield is false or the budget is used up.
func matchParts(parts []part, s string, m values, budget *int, yield func(values) bool) bool {
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
		if next, ok := m.with(p.place, s[:end]); ok && !matchParts(rest, s[end:], next, budget, yield) {
			return false
		}
	}
	return true
}

// with is m with the text of a placeholder; ok is false where the text cannot be its.
func (m values) with(p place, s string) (values, bool) {
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

// event is Match.Event, but for the other names.
func (q *pattern) event(set *Set, m values) (e traces.Event, problem string, usable bool) {
	e = traces.Event{Kind: q.kind, Printed: traces.Printed{Set: set}, Thread: traces.Task{Comm: m.thread}, By: parseTask(m.by)}
	if m.pid != "" {
		pid, ok := parsePID(m.pid)
		if !ok {
			return e, fmt.Sprintf("%q is no pid of a kernel thread: not used", m.pid), false
		}
		e.Thread.PID = pid
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

// parsePID reads a pid; ok is false for what is none of a kernel thread.
func parsePID(s string) (pid int, ok bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil && n > 0
}

// parseTask reads a caller as a message names it: a pid, name[pid], or a name.
func parseTask(s string) traces.Task {
	name, num := "", s
	if rest, ok := strings.CutSuffix(s, "]"); ok {
		if i := strings.LastIndexByte(rest, '['); i > 0 {
			name, num = rest[:i], rest[i+1:]
		}
	}
	if pid, ok := parsePID(num); ok {
		return traces.Task{Comm: name, PID: pid}
	}
	return traces.Task{Comm: s}
}

// parseCode reads an exit code, which is an int (kernel/kthread.c kthread_stop), as %d or
// %#x prints it.
func parseCode(s string) (int, error) {
	if hex, ok := strings.CutPrefix(s, "0x"); ok {
		n, err := strconv.ParseUint(hex, 16, 32)
		return int(int32(n)), err
	}
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err
}
