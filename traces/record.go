package traces

// A record is one message of a kernel log, out of whatever wrapped it.
type record struct {
	line   int    // number of its first line
	msg    []byte // without stamp, level and line end; good until the next line is read
	stamp  int64  // microseconds since boot; noStamp where the wrapper has none that can be trusted
	lost   int    // records missing before it, by the wrapper's count; -1: some, nobody knows how many
	gap    bool   // they are missing right in front of it, and nowhere else
	caller []byte // who printed it, as PRINTK_CALLER says: "T310" a task's pid, "C0" a CPU; may be empty
	boot   []byte // an id of its boot, where the wrapper has one
	reboot bool   // another boot begins here, and the wrapper says so without an id
	format string // the format's name, where an unwrap serves several
	why    string // unusable: what is wrong with it
	// escapes is how the wrapper writes what is not to be printed: by dmesg
	// "\xc3", by a syslog daemon "#012"; 0: it does not.
	escapes byte
}

// clear makes a record ready for the next line.
func (r *record) clear() { *r = record{stamp: noStamp} }

// noStamp is the stamp of a record without one.
const noStamp = -1

// A class says what a line is to a log format.
type class uint8

const (
	foreign  class = iota // not of this format
	other                 // of this format, but no kernel message, or one that is not complete yet; lost, boot and reboot count
	message               // completes a record
	further               // of the kernel's text, but no message of its own: its msg is that line
	unusable              // of this format, a kernel message, and damaged
)

// A logFormat takes kernel messages out of one way to write a kernel log. It
// may keep state between lines, because some formats spread a record over
// several.
type logFormat interface {
	// unwrap looks at a line, without its end, quote marks and indentation. For
	// all classes but foreign it fills rec in, which is clear before, except for
	// rec.line; it allocates nothing.
	unwrap(line []byte, rec *record) class
}

// newTraceRecord is a record of which nothing is known.
func newTraceRecord() traceRecord { return traceRecord{pid: -1, cpu: -1, stamp: unstamped} }

// unstamped is the stamp of a record without one.
const unstamped = -1

// A traceRecord is one event of a trace, as ftrace, perf or another tracer
// prints it. Slices are good until the next line is read.
type traceRecord struct {
	comm    []byte // of the task in whose context it happened; may be stale or "<...>"
	pid     int    // of that task; 0 is an idle task, -1 not known
	cpu     int    // -1 where the layout has none
	stamp   int64  // nanoseconds, or the clock's own units; unstamped where there is none
	coarse  int64  // the stamp's step in the same units: 1000 where it has microseconds
	clock   Clock
	context Context
	event   []byte    // without a system's prefix ("sched:"); empty where fn is not
	body    []byte    // what the event says; of a function tracer's line its arguments, or the value returned
	fn      []byte    // the function, of a function tracer's line
	returns bool      // fn has returned, else it has been entered
	bpf     *bpfEvent // the fields, of a line in the format of docs/events.md; else nil
}
