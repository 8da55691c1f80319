package klog

import (
	"bytes"
)

// journalJSON reads journalctl -o json, json-seq and json-sse: an object a line. Values are
// strings; a MESSAGE that is no UTF-8 is an array of its bytes, a very long one null.
type journalJSON struct {
	text []byte // the strings of the latest entry, decoded
}

func (j *journalJSON) unwrap(line []byte, rec *record) class {
	line = bytes.TrimPrefix(line, []byte("data: "))
	line = bytes.TrimPrefix(line, []byte("\x1e"))
	if len(line) == 0 || line[0] != '{' {
		if bytes.HasPrefix(line, []byte(`"__CURSOR" : `)) {
			rec.problem = "an entry of journalctl -o json-pretty, which is not read; -o json is"
			return unusable
		}
		return foreign
	}
	j.text = j.text[:0]
	var e entry
	whole := eachField(line, func(key, value []byte) bool {
		if !isEntryField(key) {
			return true
		}
		from := len(j.text)
		var ok bool
		switch {
		case value[0] == '"':
			j.text, ok = appendJSONString(j.text, value)
		case value[0] == '[' && string(key) == "MESSAGE":
			j.text, ok = appendJSONBytes(j.text, value)
		}
		if ok {
			e.field(key, j.text[from:len(j.text):len(j.text)])
		} else {
			e.malformed = true
			e.field(key, nil)
			e.hasMessage = e.hasMessage && string(key) != "MESSAGE"
		}
		return true
	})
	if !e.isJournal {
		return foreign
	}
	if !whole {
		if e.transport != nil && string(e.transport) != "kernel" {
			return other
		}
		rec.problem = "a journal entry that is not whole: not used"
		return unusable
	}
	return e.record(rec)
}

// isEntryField says whether an entry keeps the field of this name.
func isEntryField(key []byte) bool {
	switch string(key) {
	case "MESSAGE", "_TRANSPORT", "SYSLOG_IDENTIFIER", "SYSLOG_FACILITY", "_SOURCE_MONOTONIC_TIMESTAMP",
		"_BOOT_ID", "__CURSOR", "__REALTIME_TIMESTAMP":
		return true
	}
	return false
}
