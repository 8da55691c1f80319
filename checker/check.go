// Package checker says what became of a thread, and whether that is legal. It knows
// what is legal by the state graph of the TLA+ specification alone, and no log's format.
package checker

import (
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/traces"
)

// A Source yields the events of a log, in the log's order. *reader.Reader is one.
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
	// CountOnly is asked of each verdict before it is yielded, with n, the verdict's
	// number from 1: true lets later identical verdicts be counted and not yielded. At
	// the log's end one of them is yielded, with the number of the others in Alike.
	// nil: every verdict is yielded, as with Follow.
	CountOnly func(n int, v *Verdict) bool
}

// A Log is what a whole log says, apart from the verdicts on its threads.
type Log struct {
	Kernel   string // the release that the log itself names last; empty: none
	Waits    []Wait
	Findings []Finding // those that belong to no one thread
	Notes    []string  // what its words tell of the kernel's age, a sentence each
	Clocks   []ClockDifference

	incidents []Incident // by the kernel's reports, of no one thread
	hung      life.HungTasks
}

// A countOnly counts lives whose verdicts need not be yielded.
type countOnly struct {
	byMemo   map[*memo]*Verdict // nil: there has been none yet
	verdicts []*Verdict         // those of the map
}

// maxCounted bounds the memos whose lives are counted.
const maxCounted = 1 << 10

// from makes add count the later lives that share v's memo, so that they are not yielded.
func (n *countOnly) from(v *Verdict) {
	if v.how.memo == nil || len(n.byMemo) >= maxCounted {
		return
	}
	if n.byMemo == nil {
		n.byMemo = make(map[*memo]*Verdict)
	}
	n.byMemo[v.how.memo] = nil
}

// add counts a life if its memo's lives are only counted. It returns whether it did. The
// first life that is counted keeps a verdict, which stands for all of them.
func (n *countOnly) add(m *memo, l *Life) bool {
	v, ok := n.byMemo[m]
	switch {
	case !ok:
		return false
	case v != nil:
		v.Alike++
		return true
	}
	v = m.verdictOn(l)
	l.Share()
	v.Revision = 1
	n.byMemo[m] = v
	n.verdicts = append(n.verdicts, v)
	return true
}

// says reports whether v says the same as w. v may be nil: no verdict has been given yet.
func (v *Verdict) says(w *Verdict) bool {
	return v != nil && v.Fits == w.Fits && v.Outcome == w.Outcome && v.Ran == w.Ran && v.Woken == w.Woken &&
		v.ExitCode == w.ExitCode && v.ExitCodeFrom == w.ExitCodeFrom && slices.Equal(v.Stops, w.Stops) && len(v.Findings) == len(w.Findings)
}

// A check is one log that is being judged.
type check struct {
	*Checker
	Options
	assembler *life.Assembler
	stats     *traces.Stats
	marked    markedEras
	counted   countOnly
	key       []byte // buffer for a memo's key
	n         int    // how many verdicts have been yielded
	yield     func(*Verdict) error
}

// Check reads a log to its end, and calls yield with the verdict of each life
// as it ends. The error is the source's, or yield's, which ends it.
func (c *Checker) Check(src Source, o Options, yield func(*Verdict) error) (Log, error) {
	run := &check{Checker: c, Options: o, stats: src.Stats(), key: make([]byte, 0, 1<<10), yield: yield}
	run.assembler = life.New(run.stats, o.Interest, c.ending)
	if c.grace != nil {
		run.assembler.SetGrace(*c.grace)
	}
	err := run.read(src)
	return run.log(), err
}

// read judges the lives of a log as they end.
func (c *check) read(src Source) error {
	for src.Scan() {
		e := src.Event()
		if ended := c.assembler.Add(e); ended != nil {
			if err := c.end(ended); err != nil {
				return err
			}
		}
		if l := c.assembler.Full(); l != nil {
			c.fold(l)
		}
		if !c.Follow {
			continue
		}
		if l := c.assembler.JustEnded(e.Line); l != nil {
			if _, _, err := c.judgeLife(l, false); err != nil {
				return err
			}
		}
	}
	err := src.Err()
	if err == nil {
		if err := c.end(c.assembler.End(c.stats.LastLine)); err != nil {
			return err
		}
	}
	for _, v := range c.counted.verdicts {
		if failed := c.yield(v); failed != nil {
			return failed
		}
	}
	return err
}

// log is what the log says as a whole.
func (c *check) log() Log {
	r := c.assembler.Reports()
	log := &Log{Kernel: r.Kernel, Waits: r.Waits, Notes: c.notes(c.stats.Marks, r.Kernel), incidents: r.Incidents, Clocks: r.Clocks, hung: r.Hung}
	log.find()
	return *log
}

// end judges lives that have ended for good.
func (c *check) end(ended []*Life) error {
	for _, l := range ended {
		v, m, err := c.judgeLife(l, true)
		if err != nil {
			return err
		}
		if c.assembler.CanBury(l) {
			c.bury(l, v, m)
		}
	}
	return nil
}

// bury keeps a tombstone of a life, by which a later stop of its thread can be judged. The
// verdict in it is v, or, if m is not nil, the memo's.
func (c *check) bury(l *Life, v *Verdict, m *memo) {
	if m != nil {
		if m.tomb != nil {
			c.assembler.Bury(l, m.tomb, m.said)
		}
		return
	}
	if !v.maybeRevived() {
		return
	}
	if tomb := l.TombEvents(); tomb != nil {
		said := *v
		said.Life, said.Stops, said.Replaces, said.how.history = nil, nil, nil, nil
		c.assembler.Bury(l, tomb, &life.Said{Verdict: &said})
	}
}

// lastSaid is the latest verdict on a life; nil: there is none.
func lastSaid(l *Life) *Verdict {
	if l.Said == nil {
		return nil
	}
	v := l.Said.Verdict.(*Verdict)
	if v.Revision != int(l.Revision) { // a memo's
		said := *v
		said.Revision = int(l.Revision)
		v = &said
	}
	return v
}

// judgeLife judges a life. It yields the verdict unless an earlier one said the same, or
// the life is only counted. It returns the latest verdict on the life, or the memo that
// has it.
//
// With Follow a life is judged again when it has ended for good. A loss or an oops may
// have come since its last verdict, and then a missing message proves less.
func (c *check) judgeLife(l *Life, ended bool) (v *Verdict, m *memo, err error) {
	before := lastSaid(l)
	if int(l.Judged) == l.Count() && !(ended && c.Follow && l.Revived == nil) {
		return before, before.how.memo, nil // nothing has come since
	}
	now := l
	if c.Follow {
		now = l.Snapshot() // whoever gets the verdict may keep it
	}
	if l.Kernel == "" {
		now.As.Eras = uint8(c.marked.erasOf(c.stats.Marks, l.AsOf))
	}
	m, v = c.memoOf(now, c.assembler, c.key)
	if m != nil {
		if c.counted.add(m, now) {
			c.assembler.Release(l)
			return nil, m, nil
		}
		v = m.verdictOn(now)
	}
	if before.says(v) {
		l.Judged = int32(l.Count())
		return before, before.how.memo, nil
	}
	l.Revision++
	v.Revision, v.Replaces = int(l.Revision), before
	if c.Follow {
		said := *v
		said.Replaces, said.how.history = nil, nil
		l.Judged, l.Said = int32(l.Count()), &life.Said{Verdict: &said}
	}
	c.n++
	count := c.CountOnly != nil && !c.Follow && c.CountOnly(c.n, v)
	err = c.yield(v)
	if count {
		c.counted.from(v)
	}
	return v, m, err
}
