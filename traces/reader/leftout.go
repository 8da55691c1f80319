package reader

import (
	"bytes"
	"fmt"
	"strconv"
)

// The part of a log that tracecheck --shrink prints has a line of its own where
// lines of the log were left out, in whatever format. What they said is missing,
// as with any loss. None of them began a boot or a set's messages, and none told
// of an oops: of a kernel log, all its lines are of one boot and one module.
//
//	# tracecheck: 3 lines left out

const leftOutHead = "# tracecheck: "

// RestLeftOut is the last line of a part from which the lines up to the log's end were left
// out, where a log without its end would say less: see docs/events.md. It has no line end.
const RestLeftOut = leftOutHead + "the rest left out"

// LeftOut is that line, without its end.
func LeftOut(n int) string {
	if n == 1 {
		return leftOutHead + "1 line left out"
	}
	return fmt.Sprintf("%s%d lines left out", leftOutHead, n)
}

// leftOut says how many lines a line says were left out.
func leftOut(line []byte) (n int, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte(leftOutHead))
	if !ok {
		return 0, false
	}
	num, what, _ := bytes.Cut(bytes.TrimRight(rest, " \r"), []byte(" "))
	n, err := strconv.Atoi(string(num))
	return n, err == nil && n > 0 && (string(what) == "lines left out" || string(what) == "line left out")
}
