package klog

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces/internal/scan"
	"github.com/kthread-tla/tracecheck/traces/internal/skim"
)

// journalExport reads journalctl -o export (systemd.io/JOURNAL_EXPORT_FORMATS). A field of
// an entry is a line "KEY=value". Where the value is no text, the field is a line with the
// key, the value's length in 64 bits, lowest byte first, the value, and a newline. An empty
// line ends the entry.
type journalExport struct {
	e       entry
	text    []byte // the entry's values
	line    int    // where its message begins, or the entry if it has none; 0: no entry is open
	partial []byte // the beginning of a line whose end has not come
	key     []byte // of the binary value that the input is in
	left    uint64 // bytes of that value that are still to come
	length  int    // bytes of the length that have come
	size    uint64 // the length so far
	state   exportState
	bad     string // why the entry cannot be used; empty: it can
	wanted  bool   // the binary value is one that an entry keeps
	from    int    // where it begins in text
}

// An exportState is what the next byte of an export belongs to.
type exportState uint8

const (
	exportLine   exportState = iota // a line
	exportLength                    // the length of a binary value
	exportValue                     // a binary value
	exportSkip                      // the rest of a line that is too long
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
					if len(j.partial) > skim.MaxLine {
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
				if j.size > skim.MaxLine {
					if string(j.key) == "MESSAGE" {
						j.bad = "a message longer than any of the kernel's: not used"
					}
					j.wanted = false
				}
				j.from = len(j.text)
			}
		case exportValue:
			n := min(j.left, uint64(len(piece)))
			if j.wanted {
				j.text = append(j.text, piece[:n]...)
			}
			j.left -= n
			piece = piece[n:]
			if j.left > 0 || len(piece) == 0 {
				continue
			}
			if j.wanted {
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

// fieldLine takes a line that is not inside a binary value.
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
		if string(key) == "__CURSOR" && j.e.isJournal {
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
		j.wanted = isEntryField(key)
		j.state, j.length, j.size = exportLength, 0, 0
	}
	if string(key) == "MESSAGE" {
		j.line = line
	}
}

// end ends the entry, if one is open.
func (j *journalExport) end(rec *record, yield func(class)) {
	if j.line == 0 {
		return
	}
	rec.clear()
	c := j.e.record(rec)
	if j.bad != "" && (c != other || j.e.transport == nil) {
		c, rec.problem = unusable, j.bad
	}
	rec.line = j.line
	yield(c)
	j.e, j.text, j.line, j.bad = entry{}, j.text[:0], 0, ""
}

// isFieldName says whether key can be the name of a journal field.
func isFieldName(key []byte) bool {
	for _, c := range key {
		if (c < 'A' || c > 'Z') && c != '_' && !scan.IsDigit(c) {
			return false
		}
	}
	return len(key) > 0 && len(key) <= 64
}
