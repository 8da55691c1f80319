package klog

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
	foreign      class = iota // not of this format
	other                     // of this format, but no kernel message, or one that is not complete yet; lost, boot and reboot count
	message                   // completes a record
	continuation              // of the kernel's text, but no message of its own: its msg is that line
	unusable                  // of this format, a kernel message, and damaged
)
