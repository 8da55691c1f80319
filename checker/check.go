// Package checker judges what a log shows of kernel threads by the state graph
// of the TLA+ specification. It knows rules only through that graph, and
// formats not at all.
package checker

import "github.com/kthread-tla/tracecheck/traces"

// A Source gives a log's events in their order. *traces.Reader is one.
type Source interface {
	Scan() bool
	Event() traces.Event
	Err() error
	Stats() traces.Stats
}

// A Log is what a whole log says, apart from the verdicts on its threads.
type Log struct {
	Kernel   string // the release that the log itself names last; empty: none
	Waits    []Wait
	Findings []Finding // those that belong to no one thread
}

// A watcher is a Source that can leave out the scheduling of tasks that nobody
// asks about, as *traces.Reader can.
type watcher interface {
	Watch() *traces.PIDs
	Close()
}

// Check reads a log to its end, and calls yield with the verdict of each life
// as it ends. The error is the source's, or yield's, which ends it.
func (c *Checker) Check(src Source, yield func(*Verdict) error) (Log, error) {
	ls := newLives()
	if w, ok := src.(watcher); ok {
		ls.watch = w.Watch()
		defer w.Close()
	}
	judge := func(ended []*Life) error {
		for _, l := range ended {
			v := c.Judge(l)
			if err := yield(&v); err != nil {
				return err
			}
		}
		return nil
	}
	log := func() Log { return Log{ls.kernel, ls.waits, ls.general()} }
	for src.Scan() {
		e := src.Event()
		if stats := src.Stats(); stats.Seen != 0 {
			ls.sees |= stats.Seen
			ls.waking = ls.waking || stats.Waking
		}
		if err := judge(ls.add(e)); err != nil {
			return log(), err
		}
	}
	if err := src.Err(); err != nil {
		return log(), err
	}
	stats := src.Stats()
	ls.sees |= stats.Seen
	ls.conclude()
	err := judge(ls.end(stats.LastLine))
	return log(), err
}
