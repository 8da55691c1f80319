package ktrace

import (
	"github.com/kthread-tla/tracecheck/traces"
)

// newRecord is a record of which nothing is known.
func newRecord() record { return record{pid: -1, cpu: -1, stamp: unstamped} }

// unstamped is the stamp of a record without one.
const unstamped = -1

// A record is one event of a trace, as ftrace, perf or another tracer
// prints it. Slices are good until the next line is read.
type record struct {
	comm    []byte // of the task in whose context it happened; may be stale or "<...>"
	pid     int    // of that task; 0 is an idle task, -1 not known
	cpu     int    // -1 where the layout has none
	stamp   int64  // nanoseconds, or the clock's own units; unstamped where there is none
	coarse  int64  // the stamp's step in the same units: 1000 where it has microseconds
	clock   traces.Clock
	context traces.Context
	event   []byte    // without a system's prefix ("sched:"); empty where fn is not
	body    []byte    // what the event says; of a function tracer's line its arguments, or the value returned
	fn      []byte    // the function, of a function tracer's line
	returns bool      // fn has returned, else it has been entered
	bpf     *bpfEvent // the fields, of a line in the format of docs/events.md; else nil
}
