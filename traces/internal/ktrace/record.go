package ktrace

import (
	"github.com/kthread-tla/tracecheck/traces"
)

// newRecord is a record with nothing in it.
func newRecord() record { return record{pid: -1, cpu: -1, stamp: unstamped} }

// unstamped is the stamp of a record without one.
const unstamped = -1

// A record is one event of a trace as the tracer prints it. Its slices are valid until the
// next line is read.
type record struct {
	comm    []byte // name of the task in whose context it happened; may be stale or "<...>"
	pid     int    // of that task; 0: an idle task, -1: not known
	cpu     int    // -1 where the layout has none
	stamp   int64  // nanoseconds, or the clock's own units; unstamped where there is none
	coarse  int64  // the step of stamp in the same units: 1000 where the trace prints microseconds
	clock   traces.Clock
	context traces.Context
	event   []byte    // the event's name without a system ("sched:"); empty where fn is set
	body    []byte    // the event's text; of a function tracer, the arguments or the value returned
	fn      []byte    // function tracers: the function
	returns bool      // fn has returned; false: it has been entered
	bpf     *bpfEvent // the fields of a line in the format of docs/events.md; else nil
}
