package ktrace

import (
	"bytes"
	"math"
	"time"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// Where events of a trace are missing: lines say so, stamps fall back, or something else
// than a trace stands between its lines.

// A traceGaps is what is known of where events are missing.
type traceGaps struct {
	last    []lastLine   // by CPU: its latest event
	newest  int64        // the latest stamp of any CPU, since stamps fell back last
	clock   traces.Clock // of the latest stamp; NoClock: there was none
	lossy   bool         // at the start, where events of some CPUs may be missing
	missing int          // while lossy: how many CPUs are not complete yet
	began   cpuSet       // while lossy: the CPUs that are complete
	// disorder is higher the more lines fell back lately; disordered: so many did that
	// stamps give no order.
	disorder   int
	disordered bool
	prose      int // the line, no event, in whose place events may have stood; 0: there is none
	text       int // the latest line of an event whose text may have further lines
	cpus       int // how many have lines in last
	breaks     int // how many switches did not go on from the one before and are no loss, up to manyBreaks
}

// A lastLine is the latest line with an event of a CPU.
type lastLine struct {
	line  int   // 0: none
	stamp int64 // noStamp: there was none
}

// noStamp is below all stamps.
const noStamp = math.MinInt64 / 2

// maxCPUs bounds the CPUs whose last line a Decoder keeps.
const maxCPUs = 1 << 13

// A line that falls back adds fallWeight to disorder, and one that does not takes one away.
// From maxDisorder on the trace is in reverse order, or its stamps count from the line
// before (--deltatime).
const fallWeight, maxDisorder = 4, 10

// maxSkew is by how much the clocks of two CPUs may differ, in nanoseconds: docs/usage.md.
const maxSkew = 10e6

// Lossy says whether events of some CPUs may be missing before the next line: the trace is
// still at its start, or something else than a trace came last.
func (t *Decoder) Lossy() bool { return t.gaps.lossy || t.gaps.prose > 0 }

// InOrder says whether the stamp of a line that was decoded ahead does not fall back, and
// no lines before it are missing. If not, Line must take the line.
func (t *Decoder) InOrder(s *Decoded) bool {
	return !t.gaps.fallsBack(int(s.CPU), s.Stamp, traces.Nanoseconds) && (s.Kind != traces.SwitchOut || t.continues(int(s.CPU), s.Thread.PID))
}

// fallsBack says whether a stamp is below the one before of its CPU, or so far below that
// of another CPU that their clocks cannot explain it.
func (g *traceGaps) fallsBack(cpu int, stamp int64, clock traces.Clock) bool {
	if g.clock != clock || g.disordered {
		return g.clock != traces.NoClock && !g.disordered
	}
	if clock == traces.Nanoseconds && stamp < g.newest-maxSkew {
		return true
	}
	return g.ownFalls(cpu, stamp)
}

// ownFalls says whether a stamp is below the one before of its CPU. Less than a microsecond
// is none: a trace may print some stamps with fewer digits than others.
func (g *traceGaps) ownFalls(cpu int, stamp int64) bool {
	return uint(cpu) < uint(len(g.last)) && (stamp < g.last[cpu].stamp-999 || g.clock == traces.Ticks && stamp < g.last[cpu].stamp)
}

// inPlace emits a Loss where line n does not go on from the lines before it.
func (t *Decoder) inPlace(n int, rec *record) {
	g := &t.gaps
	if g.prose > 0 {
		t.lostBetween()
	}
	if len(rec.fn) == 0 && rec.bpf == nil && !scan.HasPrefix(rec.event, "sched_") {
		g.text = n
	}
	if rec.stamp == unstamped || t.unsorted != nil {
		return
	}
	if g.fallsBack(rec.cpu, rec.stamp, rec.clock) {
		t.fell(n, rec)
	}
	g.clock = rec.clock
}

// fell emits a Loss at a line whose stamp falls back: lines of another recording, boot or
// buffer begin here, or the lines are in reverse order. What the lines before it show may
// then be incomplete from the beginning.
func (t *Decoder) fell(n int, rec *record) {
	g := &t.gaps
	own := g.ownFalls(rec.cpu, rec.stamp)
	g.disorder += fallWeight
	g.disordered = g.disorder >= maxDisorder
	switch {
	case g.disordered:
		t.stats.Diagnose(n, "the stamps fall back again and again: the lines are in reverse order, or their stamps count from the line before; from here on nothing is taken for complete")
	case g.clock != rec.clock:
		t.stats.Diagnose(n, "the stamps are of another clock from here on: another recording")
	case own:
		t.stats.Diagnose(n, "the stamps of CPU %d fall back%s: another recording, or lines in another order than they were traced in", rec.cpu, by(g.last[rec.cpu].stamp-rec.stamp, rec.clock))
	default:
		t.stats.Diagnose(n, "the stamps fall back%s: another recording, or one CPU's lines behind another's; print them in the order of their stamps", by(g.newest-rec.stamp, rec.clock))
	}
	if own || g.clock != rec.clock { // another recording has its own stamps of the other CPUs
		for i := range g.last {
			g.last[i].stamp = noStamp
		}
	}
	g.newest = rec.stamp
	t.running.forget(-1)
	t.chainEnds(-1)
	t.emit(traces.Event{Kind: traces.Loss, Line: n, CPU: -1, Extent: traces.Extent{ToEnd: g.disordered}})
}

// by says by how much stamps fall back, where they count time.
func by(d int64, clock traces.Clock) string {
	if clock != traces.Nanoseconds {
		return ""
	}
	return " by " + time.Duration(d).String()
}

// lostBetween emits a Loss for a line that is no event and stands between events.
func (t *Decoder) lostBetween() {
	line := t.gaps.prose
	t.gaps.prose = 0
	t.chainEnds(-1)
	t.stats.Diagnose(line, "no line of the trace, but between its lines: what stood here may be missing")
	t.running.forget(-1)
	t.emit(traces.Event{Kind: traces.Loss, Line: line, CPU: -1, Extent: traces.Extent{Since: line - 1}})
}

// leftOutHere notes a line in whose place events may have stood, if events come behind it.
// Before the first event and behind the last one it says nothing.
func (t *Decoder) leftOutHere(n int) {
	if t.gaps.prose == 0 && t.stats.KernelLines > 0 {
		t.gaps.prose = n
	}
}

// seeCPUs notes how many CPUs a header says the trace is of.
func (t *Decoder) seeCPUs() {
	if t.ftrace != nil && t.ftrace.cpus > 1 && t.gaps.cpus < 2 {
		t.stats.OneCPU = true
	}
}

// noEvent takes a line of the layout that is no event.
func (t *Decoder) noEvent(n int, line []byte) {
	if len(line) == 0 && t.gaps.text == n-1 {
		t.gaps.text = n // within a text of many lines
	}
	if len(line) > 0 && line[0] == '#' && scan.IsElision(line) {
		t.leftOutHere(n)
	}
}

// sawCPU notes that line n has an event of a CPU; -1: of an unknown one.
func (t *Decoder) sawCPU(cpu, n int, stamp int64) {
	if uint(cpu) < uint(len(t.gaps.last)) && !t.gaps.lossy && stamp != unstamped {
		t.gaps.last[cpu] = lastLine{n, stamp}
		t.gaps.newest = max(t.gaps.newest, stamp)
		t.gaps.disorder = max(t.gaps.disorder-1, 0)
		return
	}
	t.sawNewCPU(cpu, n, stamp)
}

// sawNewCPU is sawCPU for the first event of a CPU, for the start of a trace, and where the
// event's stamp is not known.
func (t *Decoder) sawNewCPU(cpu, n int, stamp int64) {
	g := &t.gaps
	if stamp != unstamped {
		g.newest = max(g.newest, stamp)
		g.disorder = max(g.disorder-1, 0)
	}
	if uint(cpu) >= maxCPUs {
		return
	}
	for len(g.last) <= cpu {
		g.last = append(g.last, lastLine{0, noStamp})
	}
	if g.last[cpu].line == 0 {
		if g.cpus++; g.cpus > 1 {
			t.stats.OneCPU = false
		}
	}
	if g.last[cpu].line = n; stamp != unstamped {
		g.last[cpu].stamp = stamp
	}
	if g.lossy && g.missing > 0 && g.began.empty() {
		t.cpuBegan(cpu) // no "buffer started" line is printed for the first CPU
	}
}

// unknown takes a line that the layout does not know. Such a line may be a piece of an
// event, because a task's name can hold a newline: it is then a loss. So it is where it is
// neither that nor the further line of an event's text, but prose, or a mark of lines that
// were left out.
func (t *Decoder) unknown(n int, line []byte) {
	piece := bytes.Contains(line, pidField) || bytes.Contains(line, schedWord) || bytes.Contains(line, kthreadWord)
	elision := scan.IsElision(line)
	if t.unsorted != nil { // in these layouts any line may have been an event
		piece = piece || t.stats.KernelLines > 0 || scan.HasPrefix(line, "{")
	}
	switch {
	case piece && !elision:
		t.stats.Diagnose(n, "a piece of an event, or of a longer line: not used")
		t.stats.Lost++
		t.running.forget(-1)
		t.emit(traces.Event{Kind: traces.Loss, Line: n, Count: 1, CPU: -1, Extent: traces.Extent{Since: n - 1}})
	case elision, t.gaps.text != n-1:
		t.leftOutHere(n)
	default:
		t.gaps.text = n
	}
}

var (
	pidField    = []byte("pid=")
	schedWord   = []byte("sched_")
	kthreadWord = []byte("kthread")
)

// lose emits a Loss for what line n says of missing events.
func (t *Decoder) lose(n int, l traceLoss) {
	t.running.forget(-1)
	switch {
	case l.complete:
		t.cpuBegan(l.cpu)
		t.chainEnds(l.cpu)
		// Until here, this CPU's events were missing.
		t.emit(traces.Event{Kind: traces.Loss, Line: n, CPU: l.cpu})
		return
	case l.fromStart:
		t.gaps.lossy, t.gaps.missing = true, l.cpus
		t.gaps.began = cpuSet{}
	case l.unplaced:
		t.stats.Diagnose(n, "%d events were lost, this line does not say where: anything before it may be missing", l.count)
	}
	since := n - 1
	t.chainEnds(l.cpu)
	switch {
	case l.fromStart || l.unplaced:
		since = 0
	case l.cpu >= 0:
		since = 0
		if l.cpu < len(t.gaps.last) {
			since = t.gaps.last[l.cpu].line
		}
	case l.cpu < 0:
		// A CPU that is not named has lost events. That may have been any CPU, so events
		// may be missing since the last line of the one that has been silent for longest.
		since = 0
		for i, last := range t.gaps.last {
			if last.line > 0 && (since == 0 || last.line < since) {
				since = t.gaps.last[i].line
			}
		}
	}
	t.stats.Lost = addCount(t.stats.Lost, l.count)
	t.emit(traces.Event{Kind: traces.Loss, Line: n, Count: l.count, CPU: l.cpu, Extent: traces.Extent{Since: since}})
}

// cpuBegan notes that the trace has all events of a CPU from here on.
func (t *Decoder) cpuBegan(cpu int) {
	if !t.gaps.lossy || t.gaps.began.has(cpu) {
		return
	}
	t.gaps.began.add(cpu)
	if t.gaps.missing--; t.gaps.missing <= 0 {
		t.gaps.lossy = false
	}
}

// A cpuSet is a set of CPUs.
type cpuSet struct {
	bits [maxCPUs / 64]uint64
	n    int
}

func (s *cpuSet) empty() bool { return s.n == 0 }

func (s *cpuSet) has(cpu int) bool {
	return uint(cpu) < maxCPUs && s.bits[cpu/64]&(1<<(cpu%64)) != 0
}

func (s *cpuSet) add(cpu int) {
	if uint(cpu) < maxCPUs && !s.has(cpu) {
		s.bits[cpu/64] |= 1 << (cpu % 64)
		s.n++
	}
}
