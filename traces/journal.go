package traces

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
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
	if n, rest, ok := number(e.stamp); ok && len(rest) == 0 {
		rec.stamp = n
	}
	return message
}

// journalJSON reads journalctl -o json (json-seq, json-sse): an object a line,
// whose values are strings; a MESSAGE that is no UTF-8 is an array of its
// bytes, and a very long one null.
type journalJSON struct {
	text []byte // what the latest entry's strings stand for
}

func (j *journalJSON) unwrap(line []byte, rec *record) class {
	line = bytes.TrimPrefix(line, []byte("data: "))
	line = bytes.TrimPrefix(line, []byte("\x1e"))
	if len(line) == 0 || line[0] != '{' {
		if bytes.HasPrefix(line, []byte(`"__CURSOR" : `)) {
			rec.why = "an entry of journalctl -o json-pretty, which is not read; -o json is"
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
			e.odd = true
			e.field(key, nil)
			e.hasMessage = e.hasMessage && string(key) != "MESSAGE"
		}
		return true
	})
	if !e.seen {
		return foreign
	}
	if !whole {
		if e.transport != nil && string(e.transport) != "kernel" {
			return other
		}
		rec.why = "a journal entry that is not whole: not used"
		return unusable
	}
	return e.record(rec)
}

func isEntryField(key []byte) bool {
	switch string(key) {
	case "MESSAGE", "_TRANSPORT", "SYSLOG_IDENTIFIER", "SYSLOG_FACILITY", "_SOURCE_MONOTONIC_TIMESTAMP",
		"_BOOT_ID", "__CURSOR", "__REALTIME_TIMESTAMP":
		return true
	}
	return false
}

// eachField calls yield with each key of a flat JSON object, unquoted but not
// unescaped, and its value as it stands, until yield says false. It is true
// where the object is whole and nothing follows it. A value of "time" need not
// be JSON: dmesg -J -T prints a bare date there.
func eachField(object []byte, yield func(key, value []byte) bool) bool {
	i := 1
	blanks := func() {
		for i < len(object) && (object[i] == ' ' || object[i] == '\t' || object[i] == '\n' || object[i] == '\r') {
			i++
		}
	}
	for {
		blanks()
		if i < len(object) && object[i] == '}' {
			i++
			blanks()
			return i == len(object)
		}
		end := stringEnd(object, i)
		if end < 0 {
			return false
		}
		key := object[i+1 : end-1]
		i = end
		blanks()
		if i == len(object) || object[i] != ':' {
			return false
		}
		i++
		blanks()
		end = valueEnd(object, i)
		if end <= i {
			return false
		}
		if !yield(key, object[i:end]) {
			return true
		}
		i = end
		blanks()
		switch {
		case i == len(object):
			return false
		case object[i] == ',':
			i++
		case object[i] != '}':
			return false
		}
	}
}

// stringEnd is where the string that begins at i ends, -1 where none does.
func stringEnd(text []byte, i int) int {
	if i >= len(text) || text[i] != '"' {
		return -1
	}
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// valueEnd is where the value that begins at i ends, -1 where it does not.
func valueEnd(text []byte, i int) int {
	if i == len(text) {
		return -1
	}
	if text[i] == '"' {
		return stringEnd(text, i)
	}
	depth := 0
	for ; i < len(text); i++ {
		switch text[i] {
		case '"':
			end := stringEnd(text, i)
			if end < 0 {
				return -1
			}
			i = end - 1
		case '[', '{':
			depth++
		case ']', '}':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			// "2026-11-21T18:06:58,363151+00:00" is one value of dmesg's.
			if depth == 0 && !(i+1 < len(text) && isDigit(text[i+1])) {
				return i
			}
		}
	}
	return -1
}

// appendJSONString appends what a quoted string stands for.
func appendJSONString(dst, quoted []byte) ([]byte, bool) {
	s := quoted[1 : len(quoted)-1]
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '\\' {
			dst = append(dst, c)
			continue
		}
		i++
		if i == len(s) {
			return dst, false
		}
		switch s[i] {
		case '"', '\\', '/':
			dst = append(dst, s[i])
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, ok := hex4(s[i+1:])
			if !ok {
				return dst, false
			}
			i += 4
			if utf16.IsSurrogate(r) {
				if i+2 < len(s) && s[i+1] == '\\' && s[i+2] == 'u' {
					if low, ok := hex4(s[i+3:]); ok {
						if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
							r = both
							i += 6
						}
					}
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			return dst, false
		}
	}
	return dst, true
}

func hex4(s []byte) (r rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for _, c := range s[:4] {
		d, ok := hexDigit(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

// appendJSONBytes appends the bytes of "[72, 105]".
func appendJSONBytes(dst, array []byte) ([]byte, bool) {
	rest := bytes.Trim(array[1:len(array)-1], " ")
	for len(rest) > 0 {
		n, after, ok := number(rest)
		if !ok || n > 255 {
			return dst, false
		}
		dst = append(dst, byte(n))
		rest = bytes.TrimLeft(after, " ")
		if len(rest) > 0 {
			if rest[0] != ',' || len(rest) == 1 {
				return dst, false
			}
			rest = bytes.TrimLeft(rest[1:], " ")
		}
	}
	return dst, true
}

// journalExport reads journalctl -o export (systemd.io/JOURNAL_EXPORT_FORMATS):
// an entry is its fields, "KEY=value" each on a line, or, where a value is no
// text, the key on a line, the value's length as 64 bits, the lowest first, the
// value, and a newline; an empty line ends it.
type journalExport struct {
	e       entry
	text    []byte // the entry's values
	line    int    // where its message, else it, begins
	partial []byte // a line so far, of a key and its value, or a length
	key     []byte // of the binary value that the input is in
	left    uint64 // bytes of that value that are still to come, and its newline
	length  int    // bytes of the length that have come
	size    uint64
	state   exportState
	bad     string // why the entry cannot be used
	kept    bool   // the binary value is one that counts
	from    int    // where it begins in text
}

type exportState uint8

const (
	exportLine exportState = iota
	exportLength
	exportValue
	exportSkip // the rest of a line that is too long
)

func (j *journalExport) name() string { return "journal-export" }

func (j *journalExport) begins(piece []byte) bool {
	return bytes.HasPrefix(piece, []byte("__CURSOR="))
}

func (j *journalExport) open() bool {
	return j.state != exportLine || len(j.partial) > 0 || j.line > 0
}

func (j *journalExport) feed(piece []byte, line int, rec *record, yield func(class)) bool {
	for len(piece) > 0 {
		switch j.state {
		case exportLine, exportSkip:
			i := bytes.IndexByte(piece, '\n')
			if i < 0 {
				if j.state == exportLine {
					j.partial = append(j.partial, piece...)
					if len(j.partial) > maxLine {
						j.state = exportSkip
					}
				}
				return true
			}
			text := piece[:i]
			if len(j.partial) > 0 {
				j.partial = append(j.partial, text...)
				text = j.partial
			}
			piece = piece[i+1:]
			if j.state == exportSkip {
				if bytes.HasPrefix(j.partial, []byte("MESSAGE=")) {
					j.bad = "a message longer than any of the kernel's: not used"
				}
			} else {
				j.fieldLine(text, line, rec, yield)
			}
			j.partial = j.partial[:0]
			if j.state == exportSkip {
				j.state = exportLine
			}
		case exportLength:
			j.size |= uint64(piece[0]) << (8 * j.length)
			j.length++
			piece = piece[1:]
			if j.length == 8 {
				j.state, j.left = exportValue, j.size
				if j.size > maxLine {
					if string(j.key) == "MESSAGE" {
						j.bad = "a message longer than any of the kernel's: not used"
					}
					j.kept = false
				}
				j.from = len(j.text)
			}
		case exportValue:
			n := min(j.left, uint64(len(piece)))
			if j.kept {
				j.text = append(j.text, piece[:n]...)
			}
			j.left -= n
			piece = piece[n:]
			if j.left > 0 || len(piece) == 0 {
				continue
			}
			if j.kept {
				j.e.field(j.key, j.text[j.from:len(j.text):len(j.text)])
			}
			if piece[0] != '\n' {
				j.bad = "a value of another length than is said: not used"
			} else {
				piece = piece[1:]
			}
			j.state = exportLine
		}
	}
	return true
}

// fieldLine takes a line that is not inside a value.
func (j *journalExport) fieldLine(text []byte, line int, rec *record, yield func(class)) {
	text = bytes.TrimSuffix(text, []byte("\r"))
	if len(text) == 0 {
		j.end(rec, yield)
		return
	}
	if j.line == 0 {
		j.line = line
	}
	key, value, ok := bytes.Cut(text, []byte("="))
	switch {
	case !isFieldName(key):
		j.bad = "a journal entry with a line that is no field: not used"
	case ok:
		if string(key) == "__CURSOR" && j.e.seen {
			// The empty line between two entries is missing.
			j.bad = "a journal entry that is not whole: not used"
		}
		if isEntryField(key) {
			from := len(j.text)
			j.text = append(j.text, value...)
			j.e.field(key, j.text[from:len(j.text):len(j.text)])
		}
	default:
		j.key = append(j.key[:0], key...)
		j.kept = isEntryField(key)
		j.state, j.length, j.size = exportLength, 0, 0
	}
	if string(key) == "MESSAGE" {
		j.line = line
	}
}

func (j *journalExport) end(rec *record, yield func(class)) {
	if j.line == 0 {
		return
	}
	rec.clear()
	c := j.e.record(rec)
	if j.bad != "" && (c != other || j.e.transport == nil) {
		c, rec.why = unusable, j.bad
	}
	rec.line = j.line
	yield(c)
	j.e, j.text, j.line, j.bad = entry{}, j.text[:0], 0, ""
}

func isFieldName(key []byte) bool {
	for _, c := range key {
		if (c < 'A' || c > 'Z') && c != '_' && !isDigit(c) {
			return false
		}
	}
	return len(key) > 0 && len(key) <= 64
}
