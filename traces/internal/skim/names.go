package skim

import (
	"slices"

	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// A nameCache numbers the names of tasks in decoded lines. It finds names that it has had
// before by their columns.
type nameCache struct {
	ktrace.Names
	places   map[string]uint16      // of names in Comms
	texts    [namePlaces]columnName // of names in the text of events
	contexts [namePlaces]columnName // of names of current tasks
	begins   [1 << 9]switchBegin    // by pid, or by CPU for the idle tasks
}

// kthreaddName is the place of kthreadd's name.
const kthreaddName = 1

func newNameCache() *nameCache {
	c := new(nameCache)
	c.anew()
	return c
}

// anew forgets all names. Names that blocks have got stay as they are.
func (c *nameCache) anew() {
	c.Comms, c.places = []string{"", "kthreadd"}, map[string]uint16{"kthreadd": kthreaddName}
	c.Flags = nil
	clear(c.texts[:])
	clear(c.begins[:])
	clear(c.contexts[:])
}

// bound forgets all names and flags when there are too many. It must not be called within a
// block.
func (g *Scanner) bound() {
	if c := g.names; c != nil && (len(c.Comms) > maxComms || len(c.Flags) > maxFlags) {
		c.anew()
		g.heads = [len(g.heads)]stampHead{}
	}
}

// maxComms is how many names there may be when a block begins; a block has room for some
// thousand more.
const maxComms = 1 << 14

// maxFlags is how many flags there may be when a block begins; they are few.
const maxFlags = ktrace.InIdle / 2

// flagsAt is the place of flags; ok is false where there is no room for them.
func (c *nameCache) flagsAt(f ktrace.FlagColumns) (place uint8, ok bool) {
	i := slices.Index(c.Flags, f)
	if i < 0 {
		if i = len(c.Flags); i == ktrace.InIdle {
			return 0, false
		}
		c.Flags = append(c.Flags, f)
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
	n := uint16(len(c.Comms)) // a block has room for some thousand names
	c.Comms = append(c.Comms, string(comm))
	c.places[c.Comms[n]] = n
	return n
}

// A columnName is a name by the columns that have it.
type columnName struct {
	columns [2]uint64
	name    uint16
}

const namePlaces = 1 << 8

// namePlace is where a name may be found by its columns.
func namePlace(first, second uint64) uint64 { return (first ^ second<<1) * 0x9e3779b97f4a7c15 >> 56 }

// withName is a task by its pid and a name that a line has for it.
func withName(pid int32, name uint16) ktrace.TaskRef {
	if pid == 0 || name == kthreaddName && pid != 2 {
		return ktrace.TaskRef{PID: pid} // an idle task, of which there are no events, or one that has its parent's name yet
	}
	return ktrace.TaskRef{PID: pid, Name: name}
}

// A switchBegin has the beginning of a task's latest sched_switch.
type switchBegin struct {
	ktrace.TaskRef
	n    uint8    // how much of text there is
	text [96]byte // "sched_switch: prev_comm=… prev_pid=… prev_prio=… prev_state="
}

// begin is the place for how a task's sched_switch begins.
func (c *nameCache) begin(pid int32, cpu uint16) *switchBegin {
	i := uint(uint32(pid))
	if pid == 0 {
		i = uint(cpu)
	}
	return &c.begins[i%uint(len(c.begins))]
}

// task does what ktrace.Decoder does with a name in the text of an event.
func (c *nameCache) task(t *ktrace.TaskRef, comm []byte, pid int32) {
	var text [8 + 2*8]byte
	n := copy(text[8:], comm)
	if n < len(comm) { // no task's name is that long
		*t = withName(pid, c.name(comm))
		return
	}
	c.taskIn(t, text[:], 8, 8+n, pid)
}

// taskIn is task for a name of at most 16 columns in a line, with eight or more before it.
// Mostly the name is known by its columns, filled up with NULs. No name has a NUL: lines
// with NULs are Whole.
func (c *nameCache) taskIn(t *ktrace.TaskRef, line []byte, from, to int, pid int32) {
	var first, second uint64
	last, n := scan.Eight(line, to-8), uint(to-from)*8
	if n > 64 {
		first, second = scan.Eight(line, from), last>>((128-n)&63)
	} else if n > 0 {
		first = last >> ((64 - n) & 63)
	}
	k := &c.texts[namePlace(first, second)]
	if k.columns[0] != first || k.columns[1] != second {
		k.columns, k.name = [2]uint64{first, second}, c.name(line[from:to])
	}
	*t = withName(pid, k.name)
}

// current is the place of the current task's name, as ktrace.Decoder has it; 0: it has none.
func (c *nameCache) current(comm []byte) uint16 {
	if len(comm) == 0 || comm[0] == ':' && scan.IsNumber(comm[1:]) {
		return 0
	}
	return c.name(comm)
}
