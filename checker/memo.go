package checker

import (
	"encoding/binary"
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/traces"
)

// Most lives in a long trace went like others before them. The verdict on one is kept as
// a memo, without what is that life's own. It serves the next life that tracers saw in
// the same way, which then costs a look-up and no search.

// A memo is a verdict for all lives that went the same way.
type memo struct {
	verdict Verdict // Life and Stops are filled in anew
	stops   []life.Call
	tomb    *life.TombEvents // of a later stop's tombstone; nil: there is none
	said    *life.Said       // the verdict, for that tombstone
}

// memoOf returns the memo for lives that went as l did. If there is none, it judges l,
// keeps a memo if it can, and returns the verdict. a knows the clocks. buf is a buffer for
// the memo's key.
func (c *Checker) memoOf(l *Life, a *life.Assembler, buf []byte) (*memo, *Verdict) {
	key := cacheKey(l, buf[:0])
	a.Time(l)
	if key == nil {
		v := c.judge(l)
		return nil, &v
	}
	key = addOrder(l, key)
	if m, ok := c.memos.Get(key); ok {
		return m, nil
	}
	v := c.judge(l)
	remember(&c.memos, key, &v)
	return nil, &v
}

// cacheKey returns all that a verdict on a traced life depends on, except the order of its
// events; nil: the life is too unusual to be put into a key. The key has the values that
// the events show. It says which tasks are the same, and has no names or pids.
func cacheKey(l *Life, buf []byte) []byte {
	if !l.Traced() || l.Revived != nil || l.Kernel != "" || l.Crash > 0 || len(l.Compact()) > maxMemoEvents || len(l.Suspected)+len(l.Incidents) > 0 ||
		l.InCall() && l.Trace.AfterStop.Times > 0 {
		return nil
	}
	flag := func(b bool, bit byte) byte {
		if b {
			return bit
		}
		return 0
	}
	// Where a life is in doubt the report says what is taken for granted.
	key := append(buf[:0], flag(l.Trace.Forked, 1)|flag(l.Trace.Lossy, 2)|flag(l.MaybeStopped(), 4)|flag(l.Doubt, 8)|flag(l.Trace.Torn, 16)|flag(l.ShowsReturns(), 32)|flag(l.StopWaits(), 64)|flag(l.MaybeTwo(), 128), l.Trace.Asleep, l.As.Eras, flag(l.CallersCut(), 1))
	key = binary.LittleEndian.AppendUint32(key, uint32(l.Sees))
	events := l.Compact()
	for i := range events {
		k := &events[i]
		if k.By == life.ManyTasks || k.Thread == life.ManyTasks {
			return nil
		}
		by := k.By
		if by != life.Nobody {
			by = l.SameTask(by)
		}
		key = append(key, byte(k.Kind), k.State, l.SameTask(k.Thread), by,
			flag(k.Partial, 1)|flag(k.Late, 2)|flag(k.HasCode, 4)|byte(k.Context)<<3|flag(k.Kind == traces.ExitCall && l.Func(i) == "do_exit", 32))
		if k.HasCode {
			key = binary.AppendVarint(key, int64(l.Code(i)))
		}
	}
	return key
}

// maxMemoEvents is how many events a life may have for a memo.
const maxMemoEvents = 64

// inLineOrder returns a copy of the life, with stamps so far apart that its events happened
// in the order of their lines.
func inLineOrder(l *Life) *Life {
	return l.Restamped(traces.Nanoseconds, func(i int) int64 { return int64(i) * 4 * life.Slack })
}

// addOrder adds to a key what the timeline says of the order of the events. A search looks
// at the events' windows, and only at which of them end before which others begin, and at
// which events are of one CPU.
func addOrder(l *Life, key []byte) []byte {
	var windows [maxMemoEvents]span
	t := newTimeline(l, windows[:0])
	events := l.Compact()
	if t.cpu >= 0 {
		for i := range events {
			same := 0
			for events[same].CPU() != events[i].CPU() {
				same++
			}
			key = append(key, byte(same))
		}
	}
	var ends [2 * maxMemoEvents]int64
	n := 0
	for _, w := range t.windows {
		ends[n], ends[n+1] = w.from, w.to
		n += 2
	}
	sorted := ends
	slices.Sort(sorted[:n])
	unique := slices.Compact(sorted[:n])
	for _, t := range ends[:n] {
		rank, _ := slices.BinarySearch(unique, t)
		key = append(key, byte(rank))
	}
	return key
}

// remember keeps a memo of a verdict under a key, if the life fits.
func remember(in *model.Cache[*memo], key []byte, v *Verdict) {
	if v.Fits != FitsYes {
		return
	}
	m := &memo{verdict: *v, stops: v.Life.Calls(traces.StopCall, traces.StopReturn)}
	m.said = &life.Said{Verdict: &m.verdict}
	if v.maybeRevived() {
		m.tomb = v.Life.TombEvents()
	}
	m.verdict.Stops, m.verdict.Findings = nil, slices.Clone(v.Findings)
	m.verdict.ofLife(nil)
	v.Life.DropEvents() // they are made again when somebody asks
	in.Put(key, m)
}

// verdictOn is the memo's verdict on a life that went the same way.
func (m *memo) verdictOn(l *Life) *Verdict {
	v := m.verdict
	v.how.memo, v.how.fromMemo = m, true
	v.Stops = compactStops(l, m.stops)
	v.Findings = slices.Clone(v.Findings)
	v.ofLife(l)
	return &v
}

// compactStops is stopsOf for a compact life. It does not make Events of it.
func compactStops(l *Life, calls []life.Call) []Stop {
	stops := make([]Stop, 0, len(calls))
	for _, s := range calls {
		var out Stop
		if s.Made >= 0 {
			out.By, out.CalledAt = l.Caller(s.Made), l.Compact()[s.Made].Line
		}
		if s.Returned >= 0 {
			k := &l.Compact()[s.Returned]
			if out.By == (traces.Task{}) {
				out.By = l.Caller(s.Returned)
			}
			out.ReturnedAt, out.Result, out.HasResult = k.Line, int(k.Code), k.HasCode
		}
		stops = append(stops, out)
	}
	return stops
}
