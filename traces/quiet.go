package traces

import "bytes"

// quietLines skims lines of a kernel log.
type quietLines struct {
	pats *Patterns // the messages that say something there
}

// newQuietLines skims for a decoder that knows these messages.
func newQuietLines(pats *Patterns) *quietLines { return &quietLines{pats} }

func (g *quietLines) skim(text []byte, out *skimmed) {
	out.reset()
	escapes := bytes.IndexByte(text, '\x1b') >= 0
	from := 0
	var ends [window]int32
	for at := 0; at < len(text); at += window {
		n, zero := newlines(ends[:], text[at:min(at+window, len(text))])
		escapes = escapes || zero
		for _, e := range ends[:n] {
			end := at + int(e)
			g.message(text, from, end, escapes, out)
			from = end + 1
		}
	}
	if from < len(text) {
		out.lines = append(out.lines, glance{a: readWhole, b: -1, end: int32(len(text))})
	}
}

// message skims a line, which is between two places of a block. odd: some may hold NULs
// or escapes.
func (g *quietLines) message(text []byte, from, end int, odd bool, out *skimmed) {
	line := text[from:end]
	if len(line) < maxLine && !(odd && bytes.ContainsAny(line, "\x00\x1b")) && !(from == 0 && out.tail) && g.quiet(line, from, out) {
		return
	}
	out.lines = append(out.lines, glance{a: readWhole, b: -1, end: int32(end)})
}

// quiet takes a line that begins at from into a run of its block, if it is one
// of those.
func (g *quietLines) quiet(line []byte, from int, out *skimmed) bool {
	stamp, msg := quietMark(line)
	if stamp <= 0 || g.speaks(msg) {
		return false
	}
	end := int32(from + len(line))
	if last := len(out.lines) - 1; last >= 0 && out.lines[last].a == quietRun {
		if r := &out.runs[len(out.runs)-1]; stamp >= r.last {
			r.last, r.from = stamp, int32(from)
			r.n++
			out.lines[last].end = end
			return true
		}
	}
	out.runs = append(out.runs, run{first: stamp, last: stamp, from: int32(from), n: 1})
	out.lines = append(out.lines, glance{a: quietRun, b: -1, seen: int32(len(out.runs)), end: end})
	return true
}

// quietMark splits a line of dmesg's most usual form, "[10914.046211] …" or
// "[10914.046211][  T310] …"; stamp is 0 for any other.
func quietMark(line []byte) (stamp int64, msg []byte) {
	msg, stamp, ok := body(trimEnd(line))
	if !ok || len(msg) == 0 {
		return 0, nil
	}
	if msg[0] == '[' {
		var who []byte
		if msg, who = caller(msg); who == nil || len(msg) == 0 {
			return 0, nil
		}
	}
	if msg[0] == '[' || isDigit(msg[0]) {
		return 0, nil // another time
	}
	return stamp, msg
}

// speaks says whether a message may be one that somebody wants to know of.
func (g *quietLines) speaks(msg []byte) bool {
	if bytes.IndexByte(msg, '[') >= 0 && (countsDeaths(msg) || holdsStamp(msg)) {
		return true
	}
	if mayBegin(msg) || beginsCrash(msg) || hasPrefix(msg, "Linux version ") {
		return true
	}
	if _, ok := dropped(msg); ok {
		return true
	}
	if bytes.IndexByte(msg, '\\') >= 0 {
		return true // escaped, perhaps
	}
	if i := bytes.IndexByte(msg, ' '); i >= 0 && hasPrefix(msg[i+1:], "kernel:") {
		return true // the journal's, perhaps
	}
	return g.pats.mayMatch(msg)
}

// skip does for the lines of a run what line does for each of them, if none of
// them can matter; text is the last of them.
func (k *kernelLog) skip(r *run, text []byte) bool {
	if !k.reports.idle() || k.stream != nil || k.last != "dmesg" || k.seam || k.depth != 0 || k.bare || k.testHook != nil ||
		r.first < k.stamp || k.falling > 0 && r.first == k.stamp || k.cur >= len(k.formats) {
		return false
	}
	d, ok := k.formats[k.cur].logFormat.(*dmesg)
	if !ok || d.journal || d.only != "" && d.only != "dmesg" {
		return false
	}
	text = trimEnd(text)
	_, msg := quietMark(text)
	if d.only == "" {
		d.host = append(d.host[:0], hostOf(msg)...)
	}
	k.column, k.columnOf = len(text)-len(msg), message
	k.runes = k.column
	k.stamp, k.falling = r.last, 0
	k.reports.skip(r.n, k.stats.Lines+r.n)
	s := k.stats
	s.Lines += r.n
	s.KernelLines += r.n
	s.LastLine = s.Lines
	return true
}

// dropFirst takes the first line off a run, of which the next line is text.
func dropFirst(r *run, text []byte) {
	r.n--
	r.first, _ = quietMark(text)
}
