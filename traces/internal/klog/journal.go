package klog

import (
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// An entry has those fields of an entry of the journal that are used
// (systemd.journal-fields(7)); nil: the entry lacks the field.
type entry struct {
	message, transport, identifier, facility, stamp, boot []byte

	isJournal  bool // it has a field that only the journal writes
	hasMessage bool
	malformed  bool // it has two messages, or a field that cannot be decoded
}

// field adds a field. value must stay valid as long as the entry.
func (e *entry) field(key, value []byte) {
	switch string(key) {
	case "MESSAGE":
		e.malformed = e.malformed || e.hasMessage
		e.message, e.hasMessage = value, true
	case "_TRANSPORT":
		e.transport, e.isJournal = value, true
	case "SYSLOG_IDENTIFIER":
		e.identifier = value
	case "SYSLOG_FACILITY":
		e.facility = value
	case "_SOURCE_MONOTONIC_TIMESTAMP":
		e.stamp, e.isJournal = value, true
	case "_BOOT_ID":
		e.boot, e.isJournal = value, true
	case "__CURSOR", "__REALTIME_TIMESTAMP":
		e.isJournal = true
	}
}

// record makes a record of the entry. The transport "kernel" says that journald has read
// it from /dev/kmsg. Programs write there too: their messages have another facility and
// identifier (systemd journald-kmsg.c dev_kmsg_record).
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
		rec.problem = "a journal entry without _TRANSPORT, which may be the kernel's: not used"
		return unusable
	case string(e.transport) != "kernel",
		e.identifier != nil && string(e.identifier) != "kernel",
		e.facility != nil && string(e.facility) != "0":
		if string(e.identifier) == "systemd-journald" {
			rec.lost = journalMissed(e.message)
		}
		return other
	case !e.hasMessage || e.malformed:
		rec.problem = "a kernel message that the journal has not written out: not used (journalctl --all writes all)"
		return unusable
	}
	if n, rest, ok := scan.Number(e.stamp); ok && len(rest) == 0 {
		rec.stamp = n
	}
	return message
}
