package klog

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// kmsg reads the records of /dev/kmsg:
//
//	6,944,394152262,-,caller=T310;usb 1-1: New device\x0afound
//	 SUBSYSTEM=usb
//	 DEVICE=+usb:1-1
//
// These are priority, sequence number, microseconds since boot, flags, and fields that
// later kernels may add. Backslashes, and bytes that are no printable ASCII, are escaped.
// Lines that begin with a blank are properties of the record
// (Documentation/ABI/testing/dev-kmsg, kernel/printk/printk.c msg_add_ext_text). Where
// sequence numbers are missing, the ring buffer was overwritten before it was read, or a
// filter has left records out.
type kmsg struct {
	next     int64  // the next record's number; 0 before the first
	text     []byte // the latest message, where it had escapes
	inRecord bool   // the line before belongs to a record
	leftOut  int    // how many lines --shrink has left out since: as many numbers may be missing
}

func (k *kmsg) unwrap(line []byte, rec *record) class {
	head, _, ok := bytes.Cut(line[:min(len(line), 128)], []byte(";"))
	if !ok {
		return k.property(line)
	}
	msg := line[len(head)+1:]
	prio, rest, ok1 := scan.Number(head)
	rest, ok2 := bytes.CutPrefix(rest, []byte(","))
	seq, rest, ok3 := scan.Number(rest)
	rest, ok4 := bytes.CutPrefix(rest, []byte(","))
	stamp, rest, ok5 := scan.Number(rest)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 {
		return k.property(line)
	}
	flag := byte('-') // kernels before 3.6 have no flags
	if rest, ok := bytes.CutPrefix(rest, []byte(",")); ok {
		if len(rest) == 0 {
			return k.property(line)
		}
		flag = rest[0]
		if i := bytes.Index(rest, []byte(",caller=")); i >= 0 {
			who, _, _ := bytes.Cut(rest[i+len(",caller="):], []byte(","))
			rec.caller = who
		}
	} else if len(rest) > 0 {
		return k.property(line)
	}
	k.inRecord = true
	switch {
	case k.next == 0 || seq == k.next:
	case seq > k.next && seq-k.next <= int64(k.leftOut):
	case seq > k.next:
		rec.lost, rec.lostHere = int(min(seq-k.next, 1<<31-1)), true
	default:
		rec.lost = -1 // the buffer was read again from its beginning, or this is another boot
	}
	k.next, k.leftOut = seq+1, 0
	rec.stamp = stamp
	rec.msg = msg
	switch {
	case prio>>3 != 0:
		return other // a program's message
	case flag != '-':
		// "c" is the beginning of a line, "+", to 4.9, a further part of it.
		rec.problem = "a fragment of a message (pr_cont): not used"
		return unusable
	}
	if bytes.IndexByte(msg, '\\') >= 0 {
		k.text, ok = appendUnescaped(k.text[:0], msg)
		rec.msg = k.text
		if !ok {
			rec.problem = "holds an escape that the kernel does not write: not used"
			return unusable
		}
	}
	return message
}

// skipNumbers: see numberedFormat.
func (k *kmsg) skipNumbers(n int) { k.leftOut = n }

// property reads a line "KEY=value" behind a record, without its blank.
func (k *kmsg) property(line []byte) class {
	if !k.inRecord {
		return foreign
	}
	i := 0
	for i < len(line) && ('A' <= line[i] && line[i] <= 'Z' || line[i] == '_') {
		i++
	}
	if i == 0 || i == len(line) || line[i] != '=' {
		k.inRecord = false
		return foreign
	}
	return other
}

// appendUnescaped appends a text with its \xNN decoded. It is false where another escape is
// in it.
func appendUnescaped(dst, text []byte) ([]byte, bool) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c != '\\' {
			dst = append(dst, c)
			continue
		}
		if i+3 >= len(text) || text[i+1] != 'x' {
			return dst, false
		}
		hi, ok1 := scan.HexDigit(text[i+2])
		lo, ok2 := scan.HexDigit(text[i+3])
		if !ok1 || !ok2 {
			return dst, false
		}
		dst = append(dst, hi<<4|lo)
		i += 3
	}
	return dst, true
}
