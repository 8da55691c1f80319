package coverage

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// scanDot reads what TLC writes for -dump dot,actionlabels, as it comes, and calls state
// with the id and the text of each state and edge with each step. It stops at the first
// error of theirs. A step may come before the states that it leads from and to.
func scanDot(dot io.Reader, state func(id, text string) error, edge func(from, action, to string) error) error {
	in := bufio.NewReaderSize(dot, 1<<16)
	for n := 1; ; n++ {
		line, err := in.ReadString('\n')
		if err != nil && err != io.EOF {
			return err
		}
		if id, rest, ok := strings.Cut(line, " "); ok && isID(id) {
			_, attrs, _ := strings.Cut(rest, "[label=")
			label, fault := strconv.QuotedPrefix(attrs)
			if fault == nil {
				label, fault = strconv.Unquote(label) // a \n, \\ or \" is Go's too
			}
			if to, isEdge := strings.CutPrefix(rest, "-> "); fault == nil && isEdge {
				to, _, _ = strings.Cut(to, " ")
				fault = edge(id, label, to)
			} else if fault == nil {
				fault = state(id, label)
			}
			if fault != nil {
				return fmt.Errorf("dot:%d: %w", n, fault)
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

func isID(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return s != "" && strings.Trim(s, "0123456789") == ""
}
