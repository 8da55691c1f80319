// Package checker judges what a log shows of kernel threads by the state graph
// of the TLA+ specification. It knows rules only through that graph, and
// formats not at all.
package checker

import (
	"slices"

	"github.com/kthread-tla/tracecheck/traces"
)

// A Source gives a log's events in their order. *reader.Reader is one.
type Source interface {
	Scan() bool
	Event() *traces.Event // good until the next Scan
	Err() error
	Stats() *traces.Stats // of what has been read so far; it counts on with each Scan
}

// Options say how Check goes about a log.
type Options struct {
	// Follow is for a log that is being written: a life's verdict comes as soon as the
	// life is over, which is when its thread is gone and no stop of it is under way,
	// and, where more comes of it, again, as the next revision. The highest revision
	// replaces the others.
	Follow bool
	// Interest is what the Source was given: Check adds the pids whose scheduling
	// matters, and removes those that are over. nil: the Source leaves nothing out.
	Interest *traces.Interest
}

// A Log is what a whole log says, apart from the verdicts on its threads.
type Log struct {
	Kernel   string // the release that the log itself names last; empty: none
	Waits    []Wait
	Findings []Finding // those that belong to no one thread
	Notes    []string  // what its words tell of the kernel's age, a sentence each

	incidents []Incident // by the kernel's reports, of no one thread
	hung      hungTasks
}

// CountAlike says that lives that go just as this one did need not be told of one by
// one any more: Check only counts them, and in the end gives a verdict on one of
// them, with the number of the others in Alike. It has no effect but while yield has
// the verdict, and not with Options.Follow.
func (v *Verdict) CountAlike() { v.count = true }

// A tally counts lives that go as others did.
type tally struct {
	of       map[*memo]*Verdict // nil: there has been none yet
	verdicts []*Verdict         // those of the map
}

// maxCounted bounds the ways to go that are counted.
const maxCounted = 1 << 10

// ask takes note of what has been said of a verdict.
func (t *tally) ask(v *Verdict) {
	if !v.count || v.how.memo == nil || len(t.of) >= maxCounted {
		return
	}
	if t.of == nil {
		t.of = make(map[*memo]*Verdict)
	}
	t.of[v.how.memo] = nil
}

// add counts a life, if that is enough; then nothing of it is needed any more.
func (t *tally) add(m *memo, l *Life) bool {
	v, ok := t.of[m]
	switch {
	case !ok:
		return false
	case v != nil:
		v.Alike++
		return true
	}
	v = m.verdictOn(l)
	l.room.alone = false
	v.Revision = 1
	t.of[m] = v
	t.verdicts = append(t.verdicts, v)
	return true
}

// says says whether a verdict says what another one does; nil says nothing.
func (v *Verdict) says(w *Verdict) bool {
	return v != nil && v.Fits == w.Fits && v.Outcome == w.Outcome && v.Ran == w.Ran && v.Woken == w.Woken &&
		v.ExitCode == w.ExitCode && v.ExitCodeFrom == w.ExitCodeFrom && slices.Equal(v.Stops, w.Stops) && len(v.Findings) == len(w.Findings)
}

// Check reads a log to its end, and calls yield with the verdict of each life
// as it ends. The error is the source's, or yield's, which ends it.
func (c *Checker) Check(src Source, o Options, yield func(*Verdict) error) (Log, error) {
	ls := newLives()
	ls.interest, ls.stats = o.Interest, src.Stats()
	if c.patience != nil {
		ls.patience = *c.patience
	}
	var marked markedEras
	var counted tally
	buf := make([]byte, 0, 1<<10)
	// What report returns is what was said of the life, or the memo that says it.
	report := func(l *Life) (v *Verdict, m *memo, err error) {
		if int(l.told) == l.count() {
			return l.before, l.before.how.memo, nil // nothing has come since
		}
		now := l
		if o.Follow {
			now = l.snapshot() // whoever gets the verdict may keep it
		}
		if l.Kernel == "" {
			now.eras = marked.erasOf(ls.stats.Marks, l.AsOf)
		}
		m, v = c.memoOf(now, buf)
		if m != nil {
			if counted.add(m, now) {
				if l.room.alone {
					ls.rooms = append(ls.rooms, l.room)
				}
				return nil, m, nil
			}
			v = m.verdictOn(now)
		}
		if l.before.says(v) {
			l.told = int32(l.count())
			return l.before, l.before.how.memo, nil
		}
		l.revision++
		v.Revision, v.Replaces = int(l.revision), l.before
		if o.Follow {
			l.told = int32(l.count())
			before := *v
			before.Replaces, before.how.history = nil, nil
			l.before = &before
		}
		err = yield(v)
		if !o.Follow {
			counted.ask(v)
		}
		return v, m, err
	}
	judge := func(ended []*Life) error {
		for _, l := range ended {
			v, m, err := report(l)
			if err != nil {
				return err
			}
			ls.record(l, v, m)
		}
		return nil
	}
	log := func() Log {
		log := &Log{
			Kernel: ls.kernel, Waits: ls.waits, Notes: c.notes(ls.stats.Marks, ls.kernel),
			incidents: slices.Concat(ls.misuses, ls.cameBack), hung: ls.hung,
		}
		log.find()
		return *log
	}
	for src.Scan() {
		e := src.Event()
		if ended := ls.add(e); ended != nil {
			if err := judge(ended); err != nil {
				return log(), err
			}
		}
		if l := ls.touched; o.Follow && l != nil && l.over(ls) {
			l.AsOf, l.Sees = e.Line, ls.sees()
			if _, _, err := report(l); err != nil {
				return log(), err
			}
		}
	}
	err := src.Err()
	if err == nil {
		ls.conclude()
		if err := judge(ls.end(ls.stats.LastLine)); err != nil {
			return log(), err
		}
	}
	for _, v := range counted.verdicts {
		if failed := yield(v); failed != nil {
			return log(), failed
		}
	}
	return log(), err
}
