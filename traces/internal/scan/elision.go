package scan

import "bytes"

// maxElision is the longest line that is taken for a mark of lines that were left out.
const maxElision = 60

// leftOutWords are what a line says in whose place others were.
var leftOutWords = map[string]bool{
	"snip": true, "snipped": true, "snap": true, "cut": true, "skip": true, "skipped": true, "truncated": true, "omitted": true,
	"elided": true, "trimmed": true, "removed": true, "deleted": true, "etc": true, "more": true, "cut here": true,
}

// IsElision says whether a line stands in the place of lines that somebody has left out:
// "[...]", "...", "<snip>", "--- 8< ---", "[ 300 lines skipped ]", grep's "--".
func IsElision(line []byte) bool {
	if len(line) > maxElision {
		return false
	}
	line = bytes.Trim(bytes.TrimRight(line, "\r\n"), " \t")
	if len(line) < 2 && string(line) != "." && string(line) != ":" || IsRow(line) {
		return false
	}
	inner := bytes.Trim(line, " \t#[](){}<>-=~*_.:|8%\xe2\x80\xa6\xe2\x8b\xae")
	if len(inner) == 0 {
		return bytes.Contains(line, []byte("..")) || bytes.Contains(line, []byte("8<")) || bytes.Contains(line, []byte(">8")) ||
			string(line) == "--" || string(line) == "." || string(line) == ":" || bytes.Contains(line, []byte("\u2026")) || bytes.Contains(line, []byte("\u22ee"))
	}
	var lower [maxElision]byte
	words := lower[:copy(lower[:], inner)]
	for i, c := range words {
		if 'A' <= c && c <= 'Z' {
			words[i] = c | 0x20
		}
	}
	if leftOutWords[string(words)] {
		return true
	}
	// "300 lines skipped", "12 more lines", "many lines omitted"
	lines, left := false, false
	for n := 0; len(words) > 0; n++ {
		word, rest, _ := bytes.Cut(words, []byte(" "))
		switch words = bytes.TrimLeft(rest, " "); string(word) {
		case "lines", "events", "messages":
			lines = true
		default:
			left = left || leftOutWords[string(word)]
		}
		if n > 4 {
			return false
		}
	}
	return lines && left
}

// IsRow says whether a line has nothing but one character, three times or more, and
// blanks: it is drawn to be looked at.
func IsRow(line []byte) bool {
	for _, c := range line {
		if c != line[0] && c != ' ' {
			return false
		}
	}
	return len(line) > 2 && line[0] != '.'
}
