package klog

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces/internal/kreport"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
	"github.com/kthread-tla/tracecheck/traces/internal/skim"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

// quietLines skims lines of a kernel log.
type BoringLines struct {
	pats *printk.Set // the messages that say something there
}

// newQuietLines skims for a decoder that knows these messages.
func NewBoringLines(pats *printk.Set) *BoringLines { return &BoringLines{pats} }

func (g *BoringLines) Skim(text []byte, out *skim.Block) {
	out.Reset()
	escapes := bytes.IndexByte(text, '\x1b') >= 0
	from := 0
	var ends [skim.Chunk]int32
	for at := 0; at < len(text); at += skim.Chunk {
		n, zero := skim.Newlines(ends[:], text[at:min(at+skim.Chunk, len(text))])
		escapes = escapes || zero
		for _, e := range ends[:n] {
			end := at + int(e)
			g.message(text, from, end, escapes, out)
			from = end + 1
		}
	}
	if from < len(text) {
		out.Lines = append(out.Lines, skim.Line{Prev: skim.Whole, Next: -1, End: int32(len(text))})
	}
}

// message skims a line, which is between two places of a block. odd: some may hold NULs
// or escapes.
func (g *BoringLines) message(text []byte, from, end int, odd bool, out *skim.Block) {
	line := text[from:end]
	if len(line) < skim.MaxLine && !(odd && bytes.ContainsAny(line, "\x00\x1b")) && !(from == 0 && out.Tail) && g.addToSpan(line, from, out) {
		return
	}
	out.Lines = append(out.Lines, skim.Line{Prev: skim.Whole, Next: -1, End: int32(end)})
}

// quiet takes a line that begins at from into a run of its block, if it is one
// of those.
func (g *BoringLines) addToSpan(line []byte, from int, out *skim.Block) bool {
	stamp, msg := splitStamp(line)
	if stamp <= 0 || g.relevant(msg) {
		return false
	}
	end := int32(from + len(line))
	if last := len(out.Lines) - 1; last >= 0 && out.Lines[last].Prev == skim.Boring {
		if r := &out.Spans[len(out.Spans)-1]; stamp >= r.Last {
			r.Last, r.From = stamp, int32(from)
			r.N++
			out.Lines[last].End = end
			return true
		}
	}
	out.Spans = append(out.Spans, skim.Span{First: stamp, Last: stamp, From: int32(from), N: 1})
	out.Lines = append(out.Lines, skim.Line{Prev: skim.Boring, Next: -1, Decoded: int32(len(out.Spans)), End: end})
	return true
}

// quietMark splits a line of dmesg's most usual form, "[10914.046211] …" or
// "[10914.046211][  T310] …"; stamp is 0 for any other.
func splitStamp(line []byte) (stamp int64, msg []byte) {
	msg, stamp, ok := body(scan.TrimEnd(line))
	if !ok || len(msg) == 0 {
		return 0, nil
	}
	if msg[0] == '[' {
		var who []byte
		if msg, who = caller(msg); who == nil || len(msg) == 0 {
			return 0, nil
		}
	}
	if msg[0] == '[' || scan.IsDigit(msg[0]) {
		return 0, nil // another time
	}
	return stamp, msg
}

// speaks says whether a message may be one that somebody wants to know of.
func (g *BoringLines) relevant(msg []byte) bool {
	if bytes.IndexByte(msg, '[') >= 0 && (kreport.CountsDeaths(msg) || holdsStamp(msg)) {
		return true
	}
	if kreport.MayBegin(msg) || beginsCrash(msg) || scan.HasPrefix(msg, "Linux version ") {
		return true
	}
	if _, ok := dropped(msg); ok {
		return true
	}
	if bytes.IndexByte(msg, '\\') >= 0 {
		return true // escaped, perhaps
	}
	if i := bytes.IndexByte(msg, ' '); i >= 0 && scan.HasPrefix(msg[i+1:], "kernel:") {
		return true // the journal's, perhaps
	}
	return g.pats.MayMatch(msg)
}

// skip does for the lines of a run what line does for each of them, if none of
// them can matter; text is the last of them.
func (k *Log) SkipSpan(r *skim.Span, text []byte) bool {
	if !k.reports.Idle() || k.stream != nil || k.last != "dmesg" || k.discontinuity || k.depth != 0 || k.bare || k.TestHook != nil ||
		r.First < k.stamp || k.falling > 0 && r.First == k.stamp || k.cur >= len(k.formats) {
		return false
	}
	d, ok := k.formats[k.cur].logFormat.(*dmesg)
	if !ok || d.journal || d.only != "" && d.only != "dmesg" {
		return false
	}
	text = scan.TrimEnd(text)
	_, msg := splitStamp(text)
	if d.only == "" {
		d.host = append(d.host[:0], hostOf(msg)...)
	}
	k.column, k.columnOf = len(text)-len(msg), message
	k.runes = k.column
	k.stamp, k.falling = r.Last, 0
	k.reports.Skip(r.N, k.stats.Lines+r.N)
	s := k.stats
	s.Lines += r.N
	s.KernelLines += r.N
	s.LastLine = s.Lines
	return true
}

// dropFirst takes the first line off a run, of which the next line is text.
func DropFirst(r *skim.Span, text []byte) {
	r.N--
	r.First, _ = splitStamp(text)
}
