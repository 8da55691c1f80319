package klog

// A record is one message of a kernel log, taken out of its format. Its slices are valid
// until the next line is read.
type record struct {
	line     int    // number of its first line
	msg      []byte // without stamp, level and line end
	stamp    int64  // microseconds since boot; noStamp where the format has none that can be trusted
	lost     int    // messages missing before it, by the format's count; -1: some, nobody knows how many
	lostHere bool   // they are missing right before it, not anywhere before
	caller   []byte // who printed it, by PRINTK_CALLER: "T310" a task's pid, "C0" a CPU; may be empty
	boot     []byte // an id of its boot; nil: the format has none
	reboot   bool   // another boot begins here, by a line that has no id
	format   string // the format's name; empty: that of the lineFormat
	problem  string // class unusable: what is wrong with it
	// escapes is the byte with which the format escapes what cannot be printed: '\\' of
	// dmesg ("\xc3"), '#' of a syslog daemon ("#012"); 0: it escapes nothing.
	escapes byte
}

// clear makes a record ready for the next line.
func (r *record) clear() { *r = record{stamp: noStamp} }

// noStamp is the stamp of a record without one.
const noStamp = -1

// A class says what a line, or a record, is in a format.
type class uint8

const (
	foreign      class = iota // not of this format
	other                     // of this format, but no kernel message, or an incomplete one; its lost, boot and reboot count
	message                   // a kernel message, complete
	continuation              // a further line of a kernel message: rec.msg is that line
	unusable                  // of this format, but damaged: rec.problem says how
)
