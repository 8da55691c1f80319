package klog

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/kthread-tla/tracecheck/traces/internal/kreport"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
	"github.com/kthread-tla/tracecheck/traces/internal/skim"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

// Most lines of a kernel log are other drivers' and say nothing of threads. They
// need not be decoded, only counted.
//
// A line of the usual forms is looked at in two steps. The first compares its beginning
// with the line before, which may differ in a stamp's digits, and a few bytes of its
// message with the table of hints. A line without any hint is boring. The second step,
// for the few that have one, asks the decoder's own functions. So a hint may be too
// general, but none may be missing: FuzzHints holds the table against those functions,
// and FuzzBoring holds the whole against the decoder.

// A hint is a text that makes a line worth a second look.
type hint struct {
	where place
	text  string
}

// A place is where in a message a text stands.
type place uint8

const (
	begin  place = iota // at its beginning
	second              // at the beginning of its second word
	end                 // at its end
	inside              // anywhere in the line
)

// hintBytes is how many bytes of a hint at a beginning or an end are compared. Where it
// has fewer, at a beginning the first one counts alone.
const hintBytes = 4

// firstBytes are what a message may begin with that is no message yet: another time
// (util-linux sys-utils/dmesg.c print_record), a caller (kernel/printk/printk.c
// print_caller) or a level, or what is indented, as most lines of a report are.
const firstBytes = "[<0123456789 \t"

// flagBytes stand ten bytes before the end of a message that begins with a task's name:
// "kt_deaf  D  0  596  2 0x00000000" (kernel/sched/core.c sched_show_task, to 5.9).
const flagBytes = "0x"

// hints are those that stand by themselves. The others are made of what the decoder's
// own functions go by: kreport.Beginnings, the words of crashes and losses, and a pattern
// set's literals. Who adds to these need not know of boring lines.
var hints = []hint{
	{begin, banner},      // another boot
	{second, journalTag}, // journalctl -o short-monotonic: host kernel: …
	// A daemon counts what came again (repeated).
	{begin, "message repeated "}, {begin, "last message repeated "}, {begin, "--- last message repeated "},
	{inside, `\`}, // util-linux sys-utils/dmesg.c safe_fwrite: \xc3

	// What kreport knows by more than its beginning.
	{begin, "/proc/"}, // grep . /proc/*/stack
	{begin, "==> "},   // head /proc/*/stack
	{end, "/stack"},   // a prompt: # cat /proc/594/stack
	{second, "Part"},  // fs/pstore/platform.c pstore_dump: Oops#1 Part1
}

// allHints are the hints for a decoder that knows these patterns; nil: none.
func allHints(patterns *printk.Set) []hint {
	all := slices.Concat(hints, losses)
	for _, text := range slices.Concat(kreport.Beginnings(), crashes) {
		all = append(all, hint{begin, text})
	}
	for _, l := range patterns.Literals() {
		switch {
		case len(l.Begin) >= hintBytes:
			all = append(all, hint{begin, l.Begin})
		case len(l.End) >= hintBytes:
			all = append(all, hint{end, l.End})
		default:
			all = append(all, hint{inside, l.Longest})
		}
	}
	return all
}

// BoringLines finds the boring lines of a kernel log.
type BoringLines struct {
	patterns *printk.Set

	// The hints that a message is compared with.
	first  [256]bool         // bytes that it may begin with
	words  [inside]fourBytes // by place
	inside []insideHint

	newlines [skim.Chunk]int32
	marked   [skim.Chunk]bool // which of the lines that end there have a hint inside
	zeroes   bool             // some lines may have NULs

	open bool   // the line before is the last of a span
	last uint64 // the end of its stamp, "4.046211", the first column on top

	// How lines begin, from what has been learnt: with such a prefix and, where they are
	// stamped, with the same columns, those of seconds that mask has, then such an end of a
	// stamp, a bracket, at that column behind the prefix, and that host.
	form    form // noForm: nothing is known
	prefix  []byte
	bracket int // 0: they are not stamped
	seconds uint64
	mask    uint64
	host    []byte
}

// An insideHint is looked for by one of its bytes, the one that the log has least.
type insideHint struct {
	text string
	rare int // where that byte is
}

// fourBytes is a set of texts of four bytes. It may say that it has others too.
type fourBytes [1 << 7]uint64

func hash(text uint32) uint32 { return text * 0x9e3779b1 }

func (s *fourBytes) add(text string) {
	h := hash(binary.LittleEndian.Uint32([]byte(text)))
	s[h>>25] |= 1 << (h >> 19 & 63)
}

func (s *fourBytes) has(text uint32) bool {
	h := hash(text)
	return s[h>>25]>>(h>>19&63)&1 != 0
}

// NewBoringLines makes a skimmer for a decoder that knows these patterns; nil: none.
func NewBoringLines(patterns *printk.Set) *BoringLines {
	g := &BoringLines{patterns: patterns}
	for _, c := range []byte(firstBytes) {
		g.first[c] = true
	}
	for _, h := range allHints(patterns) {
		g.add(h)
	}
	return g
}

func (g *BoringLines) add(h hint) {
	switch {
	case h.where == inside:
		g.inside = append(g.inside, insideHint{text: h.text})
	case h.where == begin && len(h.text) < hintBytes:
		g.first[h.text[0]] = true
	case h.where == end:
		g.words[end].add(h.text[len(h.text)-hintBytes:])
	default:
		g.words[h.where].add(h.text)
	}
}

// Skim finds the spans of boring lines. All others are to be decoded.
func (g *BoringLines) Skim(text []byte, out *skim.Block) {
	out.Reset()
	g.open, g.zeroes = false, false
	g.findRare(text[:min(len(text), skim.Chunk)])
	from := 0
	for at := 0; at < len(text); at += skim.Chunk {
		n, zero := skim.Newlines(g.newlines[:], text[at:min(at+skim.Chunk, len(text))])
		if g.zeroes = g.zeroes || zero; n > 0 {
			g.lines(text, from, at, g.newlines[:n], out)
			from = at + int(g.newlines[n-1]) + 1
		}
	}
	if from < len(text) {
		out.Lines = append(out.Lines, skim.Line{Prev: skim.Whole, Next: -1, End: int32(len(text))})
	}
}

// findRare finds out which bytes of hints are rare.
func (g *BoringLines) findRare(text []byte) {
	var counts [256]int
	for _, c := range text {
		counts[c]++
	}
	for i := range g.inside {
		h := &g.inside[i]
		for j := range len(h.text) {
			if counts[h.text[j]] < counts[h.text[h.rare]] {
				h.rare = j
			}
		}
	}
}

// lines skims the lines that end at some newlines, which are counted from at on. The
// first of them begins at from.
func (g *BoringLines) lines(text []byte, from, at int, newlines []int32, out *skim.Block) {
	brackets := g.mark(text, from, at, newlines)
	fast := func(i int) bool { return g.form != noForm && !g.zeroes && !g.marked[i] }
	for i := 0; i < len(newlines); i++ {
		// Nearly always a line goes on with a span.
		first, last := i, from
		for g.open && i < len(newlines) && fast(i) {
			end := at + int(newlines[i])
			stamp, ok := g.hintless(text[from:end], brackets)
			if !ok || stamp < g.last {
				break
			}
			g.last, last, from = stamp, from, end+1
			i++
		}
		if i > first {
			span := &out.Spans[len(out.Spans)-1]
			span.From = int32(last)
			span.N += i - first
			out.Lines[len(out.Lines)-1].End = int32(from - 1)
		}
		if i == len(newlines) {
			break
		}
		end := at + int(newlines[i])
		g.line(text, from, end, fast(i), brackets, out)
		from = end + 1
	}
}

// line skims a line that may begin a span, or none of one.
func (g *BoringLines) line(text []byte, from, end int, fast, brackets bool, out *skim.Block) {
	line := text[from:end]
	last := len(out.Spans) - 1
	boring, goesOn := false, false
	if fast {
		g.last, boring = g.hintless(line, brackets)
	}
	var h head
	if boring {
		h = splitHead(line)
	} else if h = g.boring(line); h.form != noForm {
		if g.open && form(out.Spans[last].Form) == h.form {
			before := splitHead(text[out.Spans[last].From : from-1])
			goesOn = h.stamp >= before.stamp && bytes.Equal(h.host, before.host)
		}
		g.learn(line, h)
	}
	switch {
	case goesOn:
		out.Spans[last].From = int32(from)
		out.Spans[last].N++
		out.Lines[len(out.Lines)-1].End = int32(end)
	case h.form == noForm || from == 0 && out.Tail:
		h.form = noForm
		out.Lines = append(out.Lines, skim.Line{Prev: skim.Whole, Next: -1, End: int32(end)})
	default:
		out.Spans = append(out.Spans, skim.Span{Form: uint8(h.form), First: h.stamp, From: int32(from), N: 1})
		out.Lines = append(out.Lines, skim.Line{Prev: skim.Boring, Next: -1, Decoded: int32(len(out.Spans)), End: int32(end)})
	}
	g.open = h.form != noForm
}

// mark marks the lines with a hint inside, and says whether any has a bracket that does
// not begin it.
func (g *BoringLines) mark(text []byte, from, at int, newlines []int32) (brackets bool) {
	marked := g.marked[:len(newlines)]
	clear(marked)
	lines := text[from : at+int(newlines[len(newlines)-1])]
	for _, h := range g.inside {
		for i := h.rare; i < len(lines); i++ {
			n := bytes.IndexByte(lines[i:], h.text[h.rare])
			if n < 0 {
				break
			}
			if i += n; scan.HasPrefix(lines[i-h.rare:], h.text) {
				line, _ := slices.BinarySearch(newlines, int32(from+i-at))
				marked[line] = true
				i = at + int(newlines[line]) - from // the others of this line say no more
			}
		}
	}
	begins := 0
	for _, n := range newlines {
		if text[from] == '[' {
			begins++
		}
		from = at + int(n) + 1
	}
	return bytes.Count(lines, []byte("[")) > begins
}

// hintless says whether a line, which has no hint inside, has none at all, and begins as
// the line does that was learnt of. stamp is the end of its stamp, as last is. brackets:
// it may have a bracket within.
func (g *BoringLines) hintless(line []byte, brackets bool) (stamp uint64, ok bool) {
	n := len(line)
	if n >= skim.MaxLine {
		return 0, false
	}
	if n > 0 && line[n-1] == '\r' {
		n--
	}
	if p := len(g.prefix); p > 0 {
		if n < p || string(line[:p]) != string(g.prefix) && !samePrefix(line, g.prefix, g.form) {
			return 0, false
		}
		line = line[p:]
		n -= p
	}
	b := g.bracket
	if n < b+20 {
		return 0, false
	}
	line = line[:n]
	if b > 0 {
		stamp = binary.BigEndian.Uint64(line[b-8:])
		if (binary.LittleEndian.Uint64(line)^g.seconds)&g.mask != 0 || !isStamp(stamp) || line[b] != ']' {
			return 0, false
		}
		b++
		if line[b] == ' ' {
			b++
		}
		if h := len(g.host); h > 0 {
			if n < b+h+18 || string(line[b:b+h]) != string(g.host) {
				return 0, false
			}
			b += h
		} else if line[b] == '[' {
			rest, who := caller(line[b:])
			if b = n - len(rest); who == nil || n < b+18 {
				return 0, false
			}
		}
	}
	msg := line[b:]
	head, tail := scan.Eight(msg, 0), scan.Eight(msg, len(msg)-8)
	word := bits.TrailingZeros64(scan.Blanks(head))/8 + 1
	if word > 8 {
		if word = secondWord(msg); word == 0 {
			return 0, false
		}
	}
	if g.first[byte(head)] || g.words[begin].has(uint32(head)) || g.words[end].has(uint32(tail>>32)) || byte(tail>>56) <= ' ' ||
		g.words[second].has(binary.LittleEndian.Uint32(msg[word:])) || string(msg[len(msg)-10:len(msg)-8]) == flagBytes ||
		brackets && bracketHint(msg) || g.form >= tag && bytes.IndexByte(msg, '#') >= 0 {
		return 0, false
	}
	return stamp, true
}

// bracketHint says whether a message has a hint with a bracket: the count of a task's
// deaths, another stamp, or a colour ("\x1b[1m"; appendPlain takes no others out).
func bracketHint(msg []byte) bool {
	return bytes.IndexByte(msg, '[') >= 0 && (kreport.CountsDeaths(msg) || holdsStamp(msg) || bytes.IndexByte(msg, '\x1b') >= 0)
}

// isStamp says whether eight columns are such as "4.046211".
func isStamp(w uint64) bool {
	return scan.Others(w^0x302e303030303030) == 0 && byte(w>>48) == '.'
}

// secondWord is where the second word of a message begins; 0: there is none before its
// last few bytes.
func secondWord(msg []byte) int {
	for i := 0; i+8+hintBytes < len(msg); i += 8 {
		if blanks := scan.Blanks(scan.Eight(msg, i)); blanks != 0 {
			return i + bits.TrailingZeros64(blanks)/8 + 1
		}
	}
	return 0
}

// boring splits a line that is a whole message and says nothing; the form of all others
// is noForm.
func (g *BoringLines) boring(line []byte) head {
	if len(line) >= skim.MaxLine || bytes.IndexByte(line, 0) >= 0 {
		return head{}
	}
	h := splitHead(line)
	if h.form == noForm || g.relevant(h.msg) || h.form >= tag && bytes.IndexByte(h.msg, '#') >= 0 {
		return head{}
	}
	return h
}

// learn takes a boring line for what the lines behind it begin like.
func (g *BoringLines) learn(line []byte, h head) {
	g.form, g.last, g.bracket = h.form, 0, 0
	g.prefix, g.host = append(g.prefix[:0], line[:h.prefix]...), append(g.host[:0], h.host...)
	if h.stamp == noStamp {
		return
	}
	line = line[h.prefix:]
	g.bracket = bytes.IndexByte(line, ']')
	if g.bracket < 10 || g.bracket > 16 {
		g.form = noForm
		return
	}
	g.last = binary.BigEndian.Uint64(line[g.bracket-8:])
	g.seconds = binary.LittleEndian.Uint64(line)
	g.mask = 1<<(8*(g.bracket-8)) - 1
}

// relevant says whether a message may be one that somebody wants to know of.
func (g *BoringLines) relevant(msg []byte) bool {
	if i := bytes.IndexByte(msg, ' '); i >= 0 && scan.HasPrefix(msg[i+1:], journalTag) {
		return true // the journal's, perhaps
	}
	if bracketHint(msg) || kreport.MayBegin(msg) || beginsCrash(msg) || scan.HasPrefix(msg, banner) {
		return true
	}
	if _, ok := dropped(msg); ok {
		return true
	}
	if bytes.IndexByte(msg, '\\') >= 0 {
		return true // escaped, perhaps
	}
	return g.patterns.MayMatch(msg)
}

// SkipSpan takes the lines of a span, the last of which is text: that one is decoded, and
// the others are counted, as decoding each of them would. It is false where it cannot,
// because something has begun that they may be a part of.
func (k *Log) SkipSpan(r *skim.Span, text []byte) bool {
	f := form(r.Form)
	if !k.reports.Idle() || k.stream != nil || k.elided > 0 || k.last != f.format() || k.discontinuity || k.depth != 0 || k.bare || k.TestHook != nil ||
		k.falling > 0 && r.First <= k.stamp || r.First >= 0 && r.First < k.stamp || k.cur >= len(k.formats) {
		return false
	}
	d, ok := k.formats[k.cur].logFormat.(*dmesg)
	if ok == (f >= tag) || ok && d.journal != (f == monotonic) || ok && d.journal && !bytes.Equal(d.host, hostOf(splitHead(text).host)) {
		return false
	}
	s := k.stats
	if n := r.N - 1; n > 0 {
		s.Lines += n
		s.KernelLines += n
		s.LastLine = s.Lines
		k.reports.Skip(n, s.Lines)
	}
	s.Lines++
	return k.Line(text)
}

// DropFirst takes the first line off a span, of which the next line is text.
func DropFirst(r *skim.Span, text []byte) {
	r.N--
	r.First = splitHead(text).stamp
}
