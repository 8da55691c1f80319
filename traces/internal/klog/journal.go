package klog

import (
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// entry is what counts of a journal's entry (systemd.journal-fields(7)).
type entry struct {
	message, transport, identifier, facility, stamp, boot []byte
	// seen: it has a field that only a journal has.
	seen, hasMessage, odd bool
}

// field puts a field in; value is good as long as the entry is.
func (e *entry) field(key, value []byte) {
	switch string(key) {
	case "MESSAGE":
		e.odd = e.odd || e.hasMessage // one entry, two messages
		e.message, e.hasMessage = value, true
	case "_TRANSPORT":
		e.transport, e.seen = value, true
	case "SYSLOG_IDENTIFIER":
		e.identifier = value
	case "SYSLOG_FACILITY":
		e.facility = value
	case "_SOURCE_MONOTONIC_TIMESTAMP":
		e.stamp, e.seen = value, true
	case "_BOOT_ID":
		e.boot, e.seen = value, true
	case "__CURSOR", "__REALTIME_TIMESTAMP":
		e.seen = true
	}
}

// record makes a record of the entry. Transport "kernel" says that journald
// has read it from /dev/kmsg, where programs write too: theirs have another
// facility and identifier (systemd journald-kmsg.c dev_kmsg_record).
func (e *entry) record(rec *record) class {
	rec.boot = e.boot
	rec.msg = e.message
	switch {
	case string(e.transport) == "driver":
		rec.lost = journalMissed(e.message)
		return other
	case e.transport == nil && !e.hasMessage:
		return other
	case e.transport == nil && (e.identifier == nil || string(e.identifier) == "kernel"):
		rec.why = "a journal entry without _TRANSPORT, which may be the kernel's: not used"
		return unusable
	case string(e.transport) != "kernel",
		e.identifier != nil && string(e.identifier) != "kernel",
		e.facility != nil && string(e.facility) != "0":
		if string(e.identifier) == "systemd-journald" {
			rec.lost = journalMissed(e.message)
		}
		return other
	case !e.hasMessage || e.odd:
		rec.why = "a kernel message that the journal has not written out: not used (journalctl --all writes all)"
		return unusable
	}
	if n, rest, ok := scan.Number(e.stamp); ok && len(rest) == 0 {
		rec.stamp = n
	}
	return message
}
