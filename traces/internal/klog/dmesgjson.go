package klog

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces/internal/scan"
	"github.com/kthread-tla/tracecheck/traces/internal/skim"
)

// dmesgJSON reads dmesg -J, a document
//
//	{
//	   "dmesg": [
//	      {
//	         "pri": 6,
//	         "time":    30.363151,
//	         "msg": "func t1"
//	      },{
//
// or the same without blanks. With -x a record has a facility "fac", and the level's name
// in "pri"; with -T and --time-format iso its time is no JSON (util-linux
// sys-utils/dmesg.c print_record).
type dmesgJSON struct {
	object []byte // the record so far, from its brace on
	text   []byte // its strings, decoded
	line   int    // where its latest string begins: that is its message
	depth  int    // braces that are open within the array
	quoted bool   // in a string
	escape bool   // behind a backslash
	long   bool   // the record is longer than a record can be: its rest is skipped
	inside bool   // in the array of records
}

func (j *dmesgJSON) name() string { return "dmesg-json" }

func (j *dmesgJSON) begins(piece []byte) bool {
	return j.array(piece) > 0
}

// array is where the records begin: behind {"dmesg":[ or "dmesg":[, with any blanks. It is
// 0 where piece begins otherwise.
func (j *dmesgJSON) array(piece []byte) int {
	i := 0
	blanks := func() {
		for i < len(piece) && (piece[i] == ' ' || piece[i] == '\t') {
			i++
		}
	}
	blanks()
	if i < len(piece) && piece[i] == '{' {
		i++
		blanks()
	}
	if !bytes.HasPrefix(piece[i:], []byte(`"dmesg"`)) {
		return 0
	}
	i += len(`"dmesg"`)
	blanks()
	if i == len(piece) || piece[i] != ':' {
		return 0
	}
	i++
	blanks()
	if i == len(piece) || piece[i] != '[' {
		return 0
	}
	return i + 1
}

func (j *dmesgJSON) open() bool { return j.inside }

func (j *dmesgJSON) feed(piece []byte, line int, rec *record, yield func(class)) bool {
	i := 0
	if !j.inside {
		*j = dmesgJSON{object: j.object[:0], text: j.text[:0], inside: true}
		i = j.array(piece)
	}
	for ; i < len(piece); i++ {
		c := piece[i]
		if j.depth > 0 && !j.long {
			j.object = append(j.object, c)
			j.long = len(j.object) > skim.MaxLine
		}
		switch {
		case j.escape:
			j.escape = false
		case j.quoted:
			j.quoted = c != '"'
			j.escape = c == '\\'
		case c == '"':
			j.quoted, j.line = true, line
		case c == '{':
			if j.depth == 0 {
				j.object, j.line = append(j.object[:0], c), line
			}
			j.depth++
		case c == '}':
			j.depth--
			if j.depth == 0 {
				rec.clear()
				class := j.record(rec)
				rec.line = j.line
				yield(class)
				j.long = false
			}
		case c == ']' && j.depth == 0:
			j.inside = false
			return false
		}
		if j.depth < 0 {
			j.inside = false
			return false
		}
	}
	return true
}

// record reads j.object, a whole record.
func (j *dmesgJSON) record(rec *record) class {
	if j.long {
		rec.problem = "a record longer than any of the kernel's: not used"
		return unusable
	}
	j.text = j.text[:0]
	var msg, who []byte
	found, program, bad := false, false, false
	str := func(value []byte) []byte {
		from := len(j.text)
		var ok bool
		if value[0] == '"' {
			j.text, ok = appendJSONString(j.text, value)
		}
		bad = bad || !ok
		return j.text[from:len(j.text):len(j.text)]
	}
	whole := eachField(j.object, func(key, value []byte) bool {
		switch string(key) {
		case "fac":
			program = program || string(str(value)) != "kern"
		case "pri":
			if n, _, ok := scan.Number(value); ok {
				program = program || n>>3 != 0
			}
		case "time":
			if micros, ok := seconds(bytes.Trim(value, " \"")); ok {
				rec.stamp = micros
			}
		case "caller":
			who = str(value)
		case "msg":
			bad = bad || found
			msg, found = str(value), true
		}
		return true
	})
	rec.msg, rec.caller = alone(msg), who
	switch {
	case program:
		return other
	case !whole || !found || bad:
		rec.problem = "a record that is not as dmesg writes it: not used"
		return unusable
	}
	return message
}

// alone is a message without the records behind it. With each record dmesg -J -F prints
// all that follow it in the buffer (util-linux to 2.38 at least).
func alone(msg []byte) []byte {
	for i := 0; ; i++ {
		n := bytes.IndexByte(msg[i:], '\n')
		if n < 0 {
			return msg
		}
		i += n
		if rest, _, ok := level(msg[i+1:]); ok {
			if _, _, ok := body(rest); ok {
				return msg[:i]
			}
		}
	}
}
