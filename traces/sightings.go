package traces

import (
	"math"
	"math/bits"
	"slices"
)

// sighting is room for the next sighting of the block, which sighted keeps.
func (out *skimmed) sighting() *sighting {
	n := len(out.decoded)
	if n == cap(out.decoded) {
		out.decoded = slices.Grow(out.decoded, max(n/2, 64))
	}
	return &out.decoded[:n+1][n]
}

// sighted keeps the sighting, and returns 1 + its index.
func (out *skimmed) sighted() int32 {
	out.decoded = out.decoded[:len(out.decoded)+1]
	return int32(len(out.decoded))
}

// sight is the sighting that a line comes to; nil where it must be read whole.
func (g *glancer) sight(line []byte) (*sighting, *nameTable) {
	if g.names == nil {
		return nil, nil
	}
	g.bound()
	g.one.decoded = g.one.decoded[:0]
	if gl := g.line(line, &g.one); gl.seen > 0 {
		g.one.nameTable = g.names.nameTable
		return &g.one.decoded[gl.seen-1], &g.one.nameTable
	}
	return nil, nil
}

// A stampHead is what is between the CPU and the point of the stamp, "d..2.    36":
// one of a few for some while.
type stampHead struct {
	flags, seconds uint64 // the eight columns behind the CPU, and those before the point
	whole          int64  // of the stamp, in nanoseconds
	place          uint8  // of the flags
	known          bool
}

// Where things are in the lines that head reads.
const (
	dash     = 16 // before the pid
	cpuWidth = len("[001] ")
	decimals = 6
)

// headWidth is how many columns a line has that head reads.
const headWidth = 72

// headed says whether head knows these columns.
func (g *glancer) headed() bool {
	return g.stamp == g.name-2 && g.name >= g.bracket+cpuWidth+8 && g.bracket > dash+1 && g.name <= headWidth-8
}

// head reads what stands before the name of an event whose columns are known:
//
//	comm-123     [001] d..2.    36.824876: sched_…
//
// The pid, and where it begins, have been found.
//
// What is masked by 63 is not more, which spares the checks of bounds.
func (g *glancer) head(line []byte, s *sighting, pid int32, from int) bool {
	const (
		frame  = ' ' | '['<<8 | ']'<<40 | ' '<<48 // " [001] "
		frames = 0xff | 0xff<<8 | 0xff<<40 | 0xff<<48
		point  = ('.' ^ '0') << 8
	)
	if !g.simple || from != dash+1 || len(line) < headWidth {
		return false
	}
	left := (*[headWidth]byte)(line)
	flags, seconds := eight(left[:], int(uint(g.bracket+cpuWidth)&63)), eight(left[:], int(uint(g.name-17)&63))
	w := eight(left[:], int(uint(g.bracket-1)&63))
	cpu := (w ^ eachZero) >> 16 & 0xffffff
	micros := eight(left[:], int(uint(g.name-10)&63)) ^ eachZero // the last second's digit, the point and six decimals
	if (w^frame)&frames|others(cpu)|others(micros>>16)|(micros^point)&0xff00|
		uint64(left[0]^' ')|uint64(left[dash]^'-')|uint64(left[uint(g.name-1)&63]^' ') != 0 {
		return false
	}
	h := &g.heads[flags*0x9e3779b97f4a7c15>>58]
	if !h.known || h.flags != flags || h.seconds != seconds {
		if !g.stampHead(line, h) {
			return false
		}
	}
	s.cpu = uint16(cpu&0xff*100 + cpu>>8&0xff*10 + cpu>>16)
	s.stamp = h.whole + int64(value(micros>>16<<16))*1000
	if s.flags = h.place; pid == 0 {
		s.flags = inIdle
	}
	return true
}

// stampHead reads what is between the CPU and the point of the stamp.
func (g *glancer) stampHead(line []byte, h *stampHead) bool {
	i, point := g.bracket+cpuWidth, g.name-2-decimals-1
	h.known = false
	v, began := numberLeft(line, point)
	if began == point || began < i || line[began-1] != ' ' {
		return false
	}
	end := i
	for end < began && line[end] != ' ' {
		end++
	}
	if end-i > 8 || !isFlags(line[i:end]) {
		return false
	}
	for _, c := range line[end:began] {
		if c != ' ' {
			return false
		}
	}
	place, ok := g.names.flagsAt(flagColumns{eight(line, i), uint8(end - i)})
	if !ok {
		return false
	}
	*h = stampHead{
		flags: eight(line, i), seconds: eight(line, point-8), whole: int64(v) * 1e9, place: place,
		known: point-i <= 16, // these have all its columns
	}
	return true
}

// comm is the name in the columns that say in whose context an event happened.
func (g *glancer) comm(line []byte) []byte {
	i := 0
	for i < 16 {
		blanks := bits.TrailingZeros64(eight(line, i)^eachBlank) / 8
		if i += blanks; blanks < 8 {
			break
		}
	}
	return line[i:16]
}

// switches reads the text of a sched_switch. What is known of it are the pid of the
// current task and where it ends, the next pid, and where " next_pid=" begins. How that
// of a task begins is compared with the event's name before it: 64 columns at once cost
// less than fewer do.
func (g *glancer) switches(line []byte, s *sighting, prev int32, end int, next int32, at int) bool {
	const first, pid, prio, state, mid = "prev_comm=", " prev_pid=", " prev_prio=", " prev_state=", " ==> next_comm="
	known := g.names.begin(prev, s.cpu)
	if i, n := g.name, int(known.n); known.pid == prev && n > 0 && i+n+len(mid) < at && string(known.text[:n]) == string(line[i:i+n]) {
		s.thread = known.named
		return g.left(line, s, i+n, next, at)
	}
	i := g.name + nameWidth
	if i += len(first); at < i+len(pid+prio+state+mid)+8 || string(line[i-len(first):i]) != first {
		return false
	}
	// The previous task is the one in whose columns the line is, and the idle one
	// has another name there. Where that is not so, a young thread's or an unknown
	// one's, the line is read whole.
	comm := g.comm(line)
	if prev == 0 {
		comm = line[i:digitsEnd(line, i+len("swapper/"))]
	}
	if !hasPrefix(line[i:at], string(comm)) {
		return false
	}
	prevComm := comm
	i += len(comm)
	if i+len(pid) > at || string(line[i:i+len(pid)]) != pid {
		return false
	}
	i += len(pid)
	number := line[len("            comm-"):end]
	if !hasPrefix(line[i:at], string(number)) {
		return false
	}
	i += len(number)
	if i+len(prio) > at || string(line[i:i+len(prio)]) != prio {
		return false
	}
	i += len(prio)
	if line[i] == '-' {
		i++
	}
	i = digitsEnd(line, i)
	if i+len(state)+len(mid) > at || !isDigit(line[i-1]) || string(line[i:i+len(state)]) != state {
		return false
	}
	i += len(state)
	g.names.task(&s.thread, prevComm, prev)
	if text := line[g.name:i]; len(text) <= len(known.text) {
		known.named, known.n = s.thread, uint8(copy(known.text[:], text))
	}
	return g.left(line, s, i, next, at)
}

// What is behind a state.
var midBegin, midEnd = word(" ==> nex"), word("xt_comm=")

// left reads the rest of a sched_switch, from the state on, which is mostly one letter.
func (g *glancer) left(line []byte, s *sighting, i int, next int32, at int) bool {
	const mid = " ==> next_comm="
	var state byte
	if c := line[i] | 0x20; 'a' <= c && c <= 'z' && i+1+len(mid) <= at && eight(line, i+1) == midBegin && eight(line, i+8) == midEnd {
		state = line[i]
		i++
	} else {
		letters := i
		for line[i] != ' ' {
			i++
		}
		if i+len(mid) > at || !isState(line[letters:i]) || string(line[i:i+len(mid)]) != mid {
			return false
		}
		state = stateLetter(line[letters:i])
	}
	if at-(i+len(mid)) > maxComm {
		return false
	}
	s.kind = SwitchOut
	if state == 'x' { // what the kernel printed for TASK_DEAD to 4.13
		state = 'X'
	}
	s.more = int32(state)
	if s.other = (named{}); next != 0 { // an idle task's name says nothing
		g.names.taskIn(&s.other, line, i+len(mid), at, next)
	}
	if state == 'X' || state == 'Z' {
		g.hints.clear(s.thread.pid)
	}
	return true
}

// digitsEnd is where the digits that begin at a column end.
func digitsEnd(line []byte, i int) int {
	for i < len(line) && isDigit(line[i]) {
		i++
	}
	return i
}

// wakes reads the text of a sched_waking or a sched_wakeup, of which the pid is
// known, and where " pid=" begins.
func (g *glancer) wakes(line []byte, s *sighting, pid int32, at int) bool {
	const first = "comm="
	name := g.name + nameWidth + len(first)
	if at < name || at > name+maxComm || string(line[name-len(first):name]) != first || !g.by(line, s) {
		return false
	}
	s.kind = Woken
	g.names.taskIn(&s.thread, line, name, at, pid)
	return true
}

// by reads the beginning of a line, and who the current task is.
func (g *glancer) by(line []byte, s *sighting) bool {
	if !g.simple {
		return false
	}
	const from = dash + 1
	pid, width := numberFirst(eight(line, from))
	if width == 0 {
		v, end := digits(line, from)
		pid, width = int32(v), end-from
	}
	if width == 0 || !g.head(line, s, pid, from) {
		return false
	}
	first, second := eight(line, 0), eight(line, 8)
	c := &g.names.contexts[namePlace(first, second)]
	if c.columns[0] != first || c.columns[1] != second {
		c.columns, c.name = [2]uint64{first, second}, g.names.current(g.comm(line))
	}
	s.other = withName(pid, c.name)
	return true
}

// What the names of the scheduler's other events go on with, behind "sched_", and
// then how they and what follows them begin.
var (
	processEvent = word("process_")
	kthreadEvent = word("kthread_")
	forkText     = word("fork: co")
	exitText     = word("exit: co")
	freeText     = word("free: co")
	stopText     = word("stop: co")
	returnText   = word("stop_ret")
)

// lifecycle reads the name and the text of the other events of the scheduler.
func (g *glancer) lifecycle(line []byte, s *sighting) bool {
	const process, stop, ret = len("process_fork: "), len("kthread_stop: "), len("kthread_stop_ret")
	i := g.name + len("sched_")
	if i+ret+2 >= len(line) {
		return false
	}
	event, text := eight(line, i), eight(line, i+8)
	s.more = 0
	if event == processEvent {
		switch i += process; text {
		case exitText:
			s.kind = ProcessExit
			return g.by(line, s) && g.task(line, s, i)
		case forkText:
			s.kind = Fork
			return g.by(line, s) && g.forks(line, s, i)
		case freeText:
			s.kind = Freed
			return g.by(line, s) && g.task(line, s, i)
		}
		return false
	}
	switch {
	case event != kthreadEvent:
	case text == stopText:
		if s.kind = StopCall; !g.by(line, s) || !g.task(line, s, i+stop) {
			return false
		}
		g.hints.set(s.thread.pid)
		g.hints.set(s.other.pid) // it goes to sleep there
		return true
	case text == returnText && line[i+ret] == ':' && line[i+ret+1] == ' ' && g.by(line, s):
		v, ok := fieldNumber(line[i+ret+2:], "ret=")
		if !ok {
			return false
		}
		s.kind, s.more = StopReturn, int32(toInt(v))
		g.hints.clear(s.other.pid)
		return true
	}
	return false
}

// forks reads the text of a sched_process_fork: mostly a kernel thread's, as
// nobody else's parent is kthreadd.
func (g *glancer) forks(line []byte, s *sighting, from int) bool {
	const usual, key = "comm=kthreadd pid=2 child_comm=", " child_pid="
	text := line[from:]
	pid, i := numberLeft(line, len(line))
	at, name := i-len(key), from+len(usual)
	if pid > 0 && at >= name && at <= name+maxComm && hasPrefix(text, usual) && string(line[at:i]) == key {
		s.other = named{2, kthreaddName}
		g.names.taskIn(&s.thread, line, name, at, pid)
		g.hints.set(pid)
		return true
	}
	if !hasPrefix(text, "comm=") {
		return false
	}
	comm, parent, child, newPID, ok := parseFork(text)
	if !ok || min(parent, newPID) == 0 || max(parent, newPID) > math.MaxInt32 {
		return false
	}
	if parent != 2 && string(comm) != "kthreadd" {
		s.more = ofNobody
	}
	g.names.task(&s.thread, child, int32(newPID))
	g.names.task(&s.other, comm, int32(parent))
	if s.more != ofNobody {
		g.hints.set(int32(newPID))
	}
	return true
}

// task reads "comm=… pid=…", with " prio=…" and " group_dead=…" behind it or not.
// Mostly these end the line, and then no other pid can be meant.
func (g *glancer) task(line []byte, s *sighting, from int) bool {
	const first, key, prio, dead = "comm=", " pid=", " prio=", " group_dead="
	text, end := line[from:], len(line)
	if hasSuffix(text, dead+"true") {
		end -= len(dead + "true")
	} else if hasSuffix(text, dead+"false") {
		end -= len(dead + "false")
	}
	if end < len(line) {
		s.more = groupDead
	}
	if i := prioLeft(line, end); i < end && string(line[i-len(prio):i]) == prio {
		end = i - len(prio)
	}
	pid, i := numberLeft(line, end)
	at, name := i-len(key), from+len(first)
	if pid > 0 && at >= name && at <= name+maxComm && hasPrefix(text, first) && string(line[at:i]) == key {
		g.names.taskIn(&s.thread, line, name, at, pid)
		return true
	}
	comm, p, rest, ok := commPID(text)
	if !ok || !hasPrefix(text, first) || p == 0 || p > math.MaxInt32 {
		return false
	}
	if s.more = 0; indexOf(rest, dead) >= 0 {
		s.more = groupDead
	}
	g.names.task(&s.thread, comm, int32(p))
	return true
}

// A nameCache makes strings of the names of tasks, mostly those that it has
// made before, and numbers of pids.
type nameCache struct {
	nameTable
	places   map[string]uint16      // of names in the list
	texts    [namePlaces]columnName // as they are in a line's text
	begins   [1 << 9]begin          // by pid, or by CPU for the idle tasks
	contexts [namePlaces]columnName // of those in whose columns lines are
}

// kthreaddName is the place of its name.
const kthreaddName = 1

func newNameCache() *nameCache {
	c := new(nameCache)
	c.anew()
	return c
}

// anew forgets all names. What lists there have been stay as they are.
func (c *nameCache) anew() {
	c.names, c.places = []string{"", "kthreadd"}, map[string]uint16{"kthreadd": kthreaddName}
	c.flags = nil
	clear(c.texts[:])
	clear(c.begins[:])
	clear(c.contexts[:])
}

// bound forgets all names and flags when there are too many. That must not be within
// a block.
func (g *glancer) bound() {
	if c := g.names; c != nil && (len(c.names) > maxComms || len(c.flags) > maxFlags) {
		c.anew()
		g.heads = [len(g.heads)]stampHead{}
	}
}

// maxComms is how many names there may be when a block begins; a block has room for some
// thousand more.
const maxComms = 1 << 14

// maxFlags is how many flags there may be when a block begins; they are few.
const maxFlags = inIdle / 2

// flagsAt is the place of flags; ok is false where there is no room for them.
func (c *nameCache) flagsAt(f flagColumns) (place uint8, ok bool) {
	i := slices.Index(c.flags, f)
	if i < 0 {
		if i = len(c.flags); i == inIdle {
			return 0, false
		}
		c.flags = append(c.flags, f)
	}
	return uint8(i), true
}

// name is the place of a name.
func (c *nameCache) name(comm []byte) uint16 {
	switch string(comm) {
	case "", "<...>", ":-1": // what is in place of a name
		return 0
	}
	if n, ok := c.places[string(comm)]; ok {
		return n
	}
	n := uint16(len(c.names)) // a block has room for some thousand names
	c.names = append(c.names, string(comm))
	c.places[c.names[n]] = n
	return n
}

// A columnName is a name by the columns that have it.
type columnName struct {
	columns [2]uint64
	name    uint16
}

const namePlaces = 1 << 8

// namePlace is where a name by its columns may be found.
func namePlace(first, second uint64) uint64 { return (first ^ second<<1) * 0x9e3779b97f4a7c15 >> 56 }

// withName is a task by its pid and a name that a line has for it.
func withName(pid int32, name uint16) named {
	if pid == 0 || name == kthreaddName && pid != 2 {
		return named{pid, 0} // an idle task, of which there are no events, or one that has its parent's name yet
	}
	return named{pid, name}
}

// A begin is how a sched_switch of a task begins.
type begin struct {
	named
	n    uint8    // how much of text there is
	text [96]byte // "sched_switch: prev_comm=… prev_pid=… prev_prio=… prev_state="
}

// begin is the place for how a task's sched_switch begins.
func (c *nameCache) begin(pid int32, cpu uint16) *begin {
	i := uint(uint32(pid))
	if pid == 0 {
		i = uint(cpu)
	}
	return &c.begins[i%uint(len(c.begins))]
}

// task is traceReader.task.
func (c *nameCache) task(t *named, comm []byte, pid int32) {
	var text [8 + 2*8]byte
	n := copy(text[8:], comm)
	if n < len(comm) { // no task's name is that long
		*t = withName(pid, c.name(comm))
		return
	}
	c.taskIn(t, text[:], 8, 8+n, pid)
}

// taskIn is task for a name of at most 16 columns of a line, before which there are
// eight or more. By its columns, filled up with NULs, it mostly is known. No name has
// any: lines with NULs are read whole.
func (c *nameCache) taskIn(t *named, line []byte, from, to int, pid int32) {
	var first, second uint64
	last, n := eight(line, to-8), uint(to-from)*8
	if n > 64 {
		first, second = eight(line, from), last>>((128-n)&63)
	} else if n > 0 {
		first = last >> ((64 - n) & 63)
	}
	k := &c.texts[namePlace(first, second)]
	if k.columns[0] != first || k.columns[1] != second {
		k.columns, k.name = [2]uint64{first, second}, c.name(line[from:to])
	}
	*t = withName(pid, k.name)
}

// current is the place of the name in whose context a line is, as
// traceReader.current has it; 0: there is none.
func (c *nameCache) current(comm []byte) uint16 {
	if len(comm) == 0 || comm[0] == ':' && isNumber(comm[1:]) {
		return 0
	}
	return c.name(comm)
}
