package checker

import (
	"cmp"
	"slices"

	"github.com/kthread-tla/tracecheck/traces"
)

// A Span is a stretch of a log's lines, the last one included.
type Span struct{ From, To int }

// Shrunk is the smallest part of the log that still does not fit, by the same
// rule: without any one of its lines it would. A line that is taken away counts
// as lost, and never as something that has not happened; the log's end says
// nothing anyway. The message of an oops in its time is never taken away. It is
// nil where the life fits, where that is not decided, and where looking for it
// would take too long. It is found when it is asked for.
func (v *Verdict) Shrunk() []Span {
	if v.Fits != FitsNo || v.how.era == nil || v.Life.Revived != nil { // what came before is not all there
		return nil
	}
	life := v.Life
	if v.how.beforeLoss {
		life = life.BeforeLoss()
	}
	s := shrinker{checker: v.how.era.Checker, life: life, rule: v.Findings[0].Rule, left: maxReplayed}
	if !s.divide() {
		return nil
	}
	s.kept = slices.Repeat([]bool{true}, len(s.pieces))
	if !s.fails() {
		return nil // what it hangs on is not in its own lines
	}
	// Many at a time first; at the end one by one, until none can go.
	for size := (len(s.pieces) + 1) / 2; ; size = max(1, size/2) {
		less := s.pass(size)
		if s.left < 0 {
			return nil
		}
		if size == 1 && !less {
			break
		}
	}
	return s.spans()
}

// maxReplayed bounds how many events are judged again to shrink one life.
const maxReplayed = 1 << 17

// A shrinker looks for the smallest part of a log that shows what does not fit.
type shrinker struct {
	checker *Checker
	life    *Life
	rule    *Rule
	pieces  []piece
	kept    []bool // by piece
	left    int    // how many events may still be judged; below 0: too many were
}

// A piece of the log is kept or left out as a whole: the line of an event, or all
// lines between two of them. Of those, which say nothing of the life, one is
// as good as all: they matter because nothing is missing there.
type piece struct {
	Span
	events []traces.Event
	sees   traces.Kinds // of a trace: that it shows these kinds
	stays  bool
}

// divide finds the pieces. It is false where the events are not in the order of
// their lines.
func (s *shrinker) divide() bool {
	l := s.life
	var list []piece
	add := func(e traces.Event) {
		p := piece{Span: Span{e.Line, e.Line}, events: []traces.Event{e}, stays: e.Kind == traces.Crash}
		if e.Stack != nil {
			p.To = max(p.To, e.Stack.Last)
		}
		list = append(list, p)
	}
	if l.BannerLine > 0 && l.Kernel != "" {
		add(traces.Event{Kind: traces.Boot, Line: l.BannerLine, Kernel: l.Kernel})
	}
	if l.Begun {
		add(traces.Event{Kind: traces.Begin, Line: l.Since, Printed: traces.Printed{Set: l.Set}})
	}
	for _, e := range l.Events() {
		add(e)
	}
	byLine := func(a, b piece) int { return cmp.Compare(a.From, b.From) }
	if !slices.IsSortedFunc(list, byLine) {
		return false
	}
	if l.Crash > 0 {
		add(traces.Event{Kind: traces.Crash, Line: l.Crash})
	}
	if l.Traced() {
		// If a task that is in a stop of this thread calls another one, the return of
		// the stop is missing.
		if by := l.LeftBy(); by != nil && !slices.ContainsFunc(list, func(p piece) bool { return p.From == by.Line }) {
			add(*by)
		}
		for k := range traces.Blocked + 1 {
			line := l.FirstSeen(k)
			if l.Sees.Has(k) && 0 < line && line <= l.AsOf {
				list = append(list, piece{Span: Span{line, line}, sees: traces.Kinds(0).With(k)})
			}
		}
	}
	slices.SortStableFunc(list, byLine)
	for _, p := range list {
		if n := len(s.pieces); n > 0 {
			last := &s.pieces[n-1]
			if p.From <= last.To {
				last.events, last.sees, last.stays = append(last.events, p.events...), last.sees|p.sees, last.stays || p.stays
				last.To = max(last.To, p.To)
				continue
			}
			if p.From > last.To+1 {
				s.pieces = append(s.pieces, piece{Span: Span{last.To + 1, p.From - 1}})
			}
		}
		s.pieces = append(s.pieces, p)
	}
	return true
}

// pass tries to leave out pieces, size of them at a time, from the end to the beginning.
// less: some were left out.
func (s *shrinker) pass(size int) (less bool) {
	for end := len(s.pieces); end > 0 && s.left >= 0; end -= size {
		from := max(0, end-size)
		before := slices.Clone(s.kept)
		for i := from; i < end; i++ {
			s.kept[i] = s.pieces[i].stays
		}
		switch {
		case slices.Equal(s.kept, before):
		case s.fails():
			less = true
		default:
			s.kept = before
		}
	}
	return less
}

// fails says whether what is kept still does not fit, by the same rule.
func (s *shrinker) fails() bool {
	r := replay{}
	to := 0
	for i, p := range s.pieces {
		if !s.kept[i] {
			continue
		}
		if to > 0 && (p.From > to+1 || s.life.LostBy(to)) {
			r.list = append(r.list, s.gap(p.From))
		}
		r.list = append(r.list, p.events...)
		r.sees |= p.sees
		to = p.To
	}
	s.left -= len(r.list)
	same := false
	_, err := s.checker.Check(&r, Options{}, func(v *Verdict) error {
		same = same || v.Fits == FitsNo && v.Findings[0].Rule == s.rule && v.Life.Thread.Same(s.life.Thread)
		return nil
	})
	return same && err == nil
}

// gap returns the event that a reader would make of lines that were left out.
func (s *shrinker) gap(line int) traces.Event {
	if s.life.Traced() {
		return traces.Event{Kind: traces.Loss, Line: line, CPU: -1, Extent: traces.Extent{Since: line - 1}}
	}
	return traces.Event{Kind: traces.Cut, Line: line}
}

// spans are the lines that are kept.
func (s *shrinker) spans() (list []Span) {
	for i, p := range s.pieces {
		switch n := len(list); {
		case !s.kept[i]:
		case n > 0 && list[n-1].To+1 == p.From:
			list[n-1].To = p.To
		default:
			list = append(list, p.Span)
		}
	}
	return list
}

// A replay is a Source of events that were read before.
type replay struct {
	list []traces.Event
	sees traces.Kinds
	at   int
}

func (r *replay) Scan() bool           { r.at++; return r.at <= len(r.list) }
func (r *replay) Event() *traces.Event { return &r.list[r.at-1] }
func (r *replay) Err() error           { return nil }
func (r *replay) Stats() *traces.Stats {
	s := &traces.Stats{Seen: r.sees}
	if len(r.list) > 0 {
		s.LastLine = r.list[len(r.list)-1].Line
	}
	return s
}
