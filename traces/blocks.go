package traces

import (
	"bytes"
	"io"
	"runtime"
	"sync"
)

// Most lines of most traces are about the scheduling of tasks that nobody asks
// about, and most of a kernel log is about other things than threads. They are
// found by a glance, at a few columns or at a message's first byte, in blocks of
// many lines and by several goroutines at once; the Reader then goes through what
// the glances have left, line by line and in order, as what it learns from one
// line decides which others matter.

// blockSize is how many bytes are glanced at in one go. The first blocks of an
// input are smaller, so that a short one costs little.
const (
	blockSize = 512 << 10
	firstSize = maxLine
)

// A glance is what the columns of one line show, or that some lines of a kernel
// log say nothing.
type glance struct {
	end  int32 // where the line ends in its block, its newline not included
	a, b int32 // the pids whose scheduling it is about, -1: none; a is -2 where it is about more
	seen int32 // 1 + the index of its sighting in the block, 0: it must be read whole
}

// What a glance has in place of a pid.
const (
	readWhole = -2
	quietRun  = -3 // lines of a kernel log; seen is 1 + the index of the run in the block
)

// A block is some whole lines of an input, or a piece of one that is longer than
// a block.
type block struct {
	text   []byte
	lines  []glance
	sights []sighting
	runs   []run
	seen   Kinds // the kinds of events in lines of which it is enough to glance
	waking int   // the first of them with sched_waking, counted from 1; 0: none
	long   bool  // text is a piece of an overlong line, without its end
	tail   bool  // its first line is the rest of an overlong one
	cut    bool  // its last line has no newline: the input ends there
	err    error // of the read behind it
	ready  chan struct{}
}

// blocks hands out an input's blocks in their order. Each of its goroutines reads
// the next block, while the others wait, and then glances at it, while it is in
// its CPU's cache.
type blocks struct {
	order chan *block // in the order of the input
	free  chan *block
	quit  chan struct{}
	once  sync.Once

	mu    sync.Mutex // whoever reads has it
	in    io.Reader
	size  int    // of the next block
	made  int    // how many blocks there are
	rest  []byte // the beginning of a line whose end is in the next block
	long  bool   // the latest block has no line's end
	ended bool
}

// newBlocks reads in by goroutines of which each has a glancer of its own.
func newBlocks(in io.Reader, glancers func() glancer) *blocks {
	workers := min(4, max(1, runtime.GOMAXPROCS(0)))
	count := 2*workers + 2
	b := &blocks{
		in: in, size: firstSize,
		order: make(chan *block, count), free: make(chan *block, count), quit: make(chan struct{}),
	}
	for range workers {
		go func() {
			g := glancers()
			for bl := b.read(); bl != nil; bl = b.read() {
				g.block(bl)
				bl.ready <- struct{}{}
			}
		}()
	}
	return b
}

// read reads the next block; nil: the input has ended, or nobody wants more.
func (b *blocks) read() *block {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return nil
	}
	var bl *block
	if b.made < cap(b.free) {
		b.made++
		bl = &block{ready: make(chan struct{}, 1)}
	} else {
		select {
		case bl = <-b.free:
		case <-b.quit:
			b.ended = true
			return nil
		}
	}
	b.fill(bl)
	b.order <- bl // has room for all
	if bl.err != nil {
		b.ended = true
		close(b.order)
	}
	return bl
}

// fill reads whole lines into a block.
func (b *blocks) fill(bl *block) {
	if cap(bl.text) < b.size {
		bl.text = make([]byte, 0, b.size)
	}
	size := b.size
	b.size = min(2*b.size, blockSize)
	bl.text = append(bl.text[:0], b.rest...)
	bl.long, bl.tail, bl.cut, bl.err = false, b.long, false, nil
	b.rest, b.long = b.rest[:0], false
	for len(bl.text) < size && bl.err == nil {
		n, err := b.in.Read(bl.text[len(bl.text):size])
		bl.text, bl.err = bl.text[:len(bl.text)+n], err
		if n > 0 && len(bl.text) >= size/4 && bytes.IndexByte(bl.text[len(bl.text)-n:], '\n') >= 0 {
			break // a pipe gives little at a time
		}
	}
	end := bytes.LastIndexByte(bl.text, '\n') + 1
	switch {
	case bl.err != nil:
		bl.cut = end < len(bl.text)
	case end == 0:
		bl.long, b.long = true, true
	default:
		b.rest = append(b.rest, bl.text[end:]...)
		bl.text = bl.text[:end]
	}
}

// next is the next block; nil behind the last one.
func (b *blocks) next() *block {
	bl, ok := <-b.order
	if !ok {
		return nil
	}
	<-bl.ready
	return bl
}

// done gives a block back.
func (b *blocks) done(bl *block) { b.free <- bl } // has room for all

func (b *blocks) close() { b.once.Do(func() { close(b.quit) }) }

// A glancer looks at lines of a trace by the columns of the lines before, or at
// those of a kernel log.
type glancer struct {
	bracket, stamp, name int // where "[001]", the colon behind the stamp, and the event's name are; 0: not known
	// Lines about these are decoded, as it is likely that the Reader asks for
	// them: it has done so, or, as it is some blocks behind and has not yet heard
	// of them, they have just been forked or are about to be stopped. Both nil:
	// nothing is decoded.
	watch, young *PIDs
	names        *nameCache

	log  bool      // lines are a kernel log's
	pats *Patterns // the messages that say something there
}

func (g *glancer) block(bl *block) {
	bl.lines, bl.sights, bl.runs, bl.seen, bl.waking = bl.lines[:0], bl.sights[:0], bl.runs[:0], 0, 0
	text := bl.text
	odd := bytes.IndexByte(text, 0) >= 0 || g.log && bytes.IndexByte(text, '\x1b') >= 0
	for from := 0; from < len(text); {
		n := bytes.IndexByte(text[from:], '\n')
		if n < 0 {
			n = len(text) - from
		}
		line := text[from : from+n]
		gl := glance{a: readWhole, b: -1}
		switch {
		case n >= maxLine, odd && bytes.ContainsAny(line, "\x00\x1b"), from == 0 && bl.tail:
		case g.log:
			if from+n < len(text) && g.quiet(line, from, bl) {
				from += n + 1
				continue
			}
		default:
			gl = g.line(line, bl)
		}
		gl.end = int32(from + n)
		bl.lines = append(bl.lines, gl)
		from += n + 1
	}
}

const (
	switchName = "sched_switch: "
	wakingName = "sched_waking: "
	wakeupName = "sched_wakeup: "
	nameWidth  = len(switchName) // of all three
)

// line glances at one line. Whatever is not just as it knows it must be read
// whole.
func (g *glancer) line(line []byte, bl *block) glance {
	whole := glance{a: readWhole, b: -1}
	if g.name == 0 || !g.fits(line) {
		if !g.find(line) {
			return whole
		}
	}
	n := g.name
	switch string(line[n : n+nameWidth]) {
	case switchName:
		current, ok := pidLeftOf(line, g.bracket)
		if !ok {
			return whole
		}
		next, ok := nextPID(line)
		if !ok {
			return whole
		}
		bl.seen = bl.seen.With(SwitchOut).With(SwitchIn)
		gl := glance{a: current, b: next}
		if g.likely(current) || g.likely(next) {
			gl.seen = g.sight(line, bl)
		}
		return gl
	case wakingName, wakeupName:
		pid, ok := wokenPID(line)
		if !ok {
			return whole
		}
		bl.seen = bl.seen.With(Woken)
		if bl.waking == 0 && line[n+nameWidth-3] == 'g' {
			bl.waking = len(bl.lines) + 1
		}
		gl := glance{a: pid, b: -1}
		if g.likely(pid) {
			gl.seen = g.sight(line, bl)
		}
		return gl
	}
	whole.seen = g.sight(line, bl)
	return whole
}

// likely says whether the Reader may well ask for a pid's scheduling.
func (g *glancer) likely(pid int32) bool {
	return g.watch != nil && (g.watch.Has(int(pid)) || g.young.Has(int(pid)))
}

// fits says whether a line has its CPU and one of the scheduler's events at the
// columns of a line before.
func (g *glancer) fits(line []byte) bool {
	n, br := g.name, g.bracket
	return len(line) > n+nameWidth && line[br] == '[' && line[br+4] == ']' && line[g.stamp] == ':' && isDigit(line[g.stamp-1]) &&
		(line[n-1] == ' ' || line[n-1] == ':') && line[n] == 's' && line[n+5] == '_'
}

var schedPrefix = []byte("sched_")

// find finds the columns of a line: a name behind a stamp, "36.824876: ", and a
// CPU before it.
func (g *glancer) find(line []byte) bool {
	n := bytes.Index(line, schedPrefix)
	if n < 20 || len(line) <= n+nameWidth {
		return false
	}
	stamp := n
	if line[stamp-1] == ':' { // perf's "sched:sched_switch"
		if stamp -= len("sched:"); stamp < 20 || string(line[stamp:n]) != "sched:" {
			return false
		}
	}
	for stamp > 0 && line[stamp-1] == ' ' {
		stamp--
	}
	if stamp < 20 || line[stamp-1] != ':' || !isDigit(line[stamp-2]) {
		return false
	}
	br := bytes.LastIndexByte(line[:stamp], '[')
	if br < 4 || line[br+4] != ']' {
		return false
	}
	g.bracket, g.stamp, g.name = br, stamp-1, n
	return true
}

// pidLeftOf is the number that stands, with blanks, left of a column: the pid in
// "comm-123   [001]" and in "comm  123 [001]".
func pidLeftOf(line []byte, at int) (int32, bool) {
	i := at
	for i > 0 && line[i-1] == ' ' {
		i--
	}
	v, from := numberLeft(line, i)
	return v, from < i
}

// numberLeft is the number of at most nine digits that ends at a column, and
// where it begins, which is that column where there is none.
func numberLeft(line []byte, end int) (v int32, from int) {
	unit := int32(1)
	for i := end; i > 0; i-- {
		c := line[i-1] - '0'
		if c > 9 {
			return v, i
		}
		if end-i == 9 {
			return 0, end
		}
		v += int32(c) * unit
		unit *= 10
	}
	return v, 0
}

// digitsBefore is where the digits that end at a column begin.
func digitsBefore(line []byte, end int) int {
	for end > 0 && line[end-1]-'0' <= 9 {
		end--
	}
	return end
}

// endsAt says whether a word ends at a column.
func endsAt(line []byte, end int, word string) bool {
	return end >= len(word) && string(line[end-len(word):end]) == word
}

// nextPID is the pid of the task that a sched_switch gives the CPU to:
// "… next_pid=338 next_prio=120", or "… ==> kt_ok:338 [120]".
func nextPID(line []byte) (int32, bool) {
	end := len(line)
	if end > 0 && line[end-1] == ']' {
		return pluginPID(line, end-1)
	}
	const prio, pid = " next_prio=", " next_pid="
	i := digitsBefore(line, end)
	if i > 0 && line[i-1] == '-' {
		i--
	}
	if i == end || !endsAt(line, i, prio) {
		return 0, false
	}
	i -= len(prio)
	v, from := numberLeft(line, i)
	return v, from < i && endsAt(line, from, pid)
}

// pluginPID is the pid in "kt_ok:338 [120", which ends at a column.
func pluginPID(line []byte, end int) (int32, bool) {
	i := digitsBefore(line, end)
	if i == end || !endsAt(line, i, " [") {
		return 0, false
	}
	i -= len(" [")
	v, from := numberLeft(line, i)
	return v, from < i && endsAt(line, from, ":")
}

// wokenPID is the pid of the task that a sched_waking or sched_wakeup is about:
// "… pid=338 prio=120 target_cpu=001", or "kt_ok:338 [120] CPU:001".
func wokenPID(line []byte) (int32, bool) {
	const cpu, prio, pid, plugin = " target_cpu=", " prio=", " pid=", "] CPU:"
	end := len(line)
	i := digitsBefore(line, end)
	switch {
	case i == end:
		return 0, false
	case endsAt(line, i, plugin):
		return pluginPID(line, i-len(plugin))
	case !endsAt(line, i, cpu):
		return 0, false
	}
	i -= len(cpu)
	j := digitsBefore(line, i)
	if j > 0 && line[j-1] == '-' {
		j--
	}
	if j == i || !endsAt(line, j, prio) {
		return 0, false
	}
	j -= len(prio)
	v, from := numberLeft(line, j)
	return v, from < j && endsAt(line, from, pid)
}
