package graph

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// ScanDot reads what TLC writes for -dump dot,actionlabels, as it comes:
//
//	-4826… [label="/\\ phase = \"absent\"\n/\\ exited = 0",style = filled]
//	-4826… -> 7301… [label="Create",color="black",fontcolor="black"];
//
// It calls state with the id and the text of each state, and whether it is an initial
// one, which TLC fills. It calls edge with each step. A step may come before the states
// that it leads from and to, so ScanDot does not know whether they are there. It stops at
// the first error, of the two functions too, and says on which line of the dump it is.
func ScanDot(dot io.Reader, state func(id, text string, initial bool) error, edge func(from, action, to string) error) error {
	in := bufio.NewReaderSize(dot, 1<<16)
	for n := 1; ; n++ {
		line, err := in.ReadString('\n')
		if err != nil && err != io.EOF {
			return err
		}
		if id, rest, ok := strings.Cut(line, " "); ok && isID(id) {
			if fault := scanLine(id, rest, state, edge); fault != nil {
				return fmt.Errorf("dot:%d: %w", n, fault)
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

// scanLine reads a line behind the id that it begins with.
func scanLine(id, rest string, state func(id, text string, initial bool) error, edge func(from, action, to string) error) error {
	step, isEdge := strings.CutPrefix(rest, "-> ")
	if !isEdge {
		text, attrs, ok := label(rest)
		if !ok {
			return errors.New("a state without a label")
		}
		return state(id, text, strings.HasPrefix(attrs, ",style = filled"))
	}
	to, attrs, _ := strings.Cut(step, " ")
	action, _, ok := label(attrs)
	if !ok || action == "" || !isID(to) {
		return errors.New("an edge without an action's name")
	}
	return edge(id, action, to)
}

func isID(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// label is the text of the attribute that [label="…",…] begins with, and what is behind
// it. What TLC escapes, \n, \\ and \", Go does too.
func label(attrs string) (text, rest string, ok bool) {
	attrs, ok = strings.CutPrefix(attrs, "[label=")
	if !ok {
		return "", "", false
	}
	quoted, err := strconv.QuotedPrefix(attrs)
	if err != nil {
		return "", "", false
	}
	text, err = strconv.Unquote(quoted)
	return text, attrs[len(quoted):], err == nil
}
