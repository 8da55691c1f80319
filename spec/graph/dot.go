package graph

import (
	"fmt"
	"slices"
	"strings"
)

// ParseDot reads what TLC writes for -dump dot,actionlabels:
//
//	-4826… [label="/\\ phase = \"absent\"\n/\\ exited = 0",style = filled]
//	-4826… -> 7301… [label="Create",color="black",fontcolor="black"];
//
// TLC's ids of the states are fingerprints and do not survive. Initial states
// are the ones that are filled; there must be exactly one.
func ParseDot(module, kernel string, dot []byte) (*Graph, error) {
	raw := rawGraph{module: module, kernel: kernel}
	name := make(map[string]string) // TLC's id: values
	type idEdge struct{ from, action, to string }
	var edges []idEdge
	n := 0
	for line := range strings.Lines(string(dot)) {
		n++
		id, rest, ok := strings.Cut(strings.TrimRight(line, ";\n"), " ")
		if !ok || !isID(id) {
			continue
		}
		if to, ok := strings.CutPrefix(rest, "-> "); ok {
			to, attrs, _ := strings.Cut(to, " ")
			action, ok := label(attrs)
			if !ok || action == "" {
				return nil, fmt.Errorf("dot:%d: an edge without an action's name", n)
			}
			edges = append(edges, idEdge{id, action, to})
			continue
		}
		text, ok := label(rest)
		if !ok {
			return nil, fmt.Errorf("dot:%d: a state without a label", n)
		}
		vars, vals, err := assignments(text)
		if err != nil {
			return nil, fmt.Errorf("dot:%d: %v", n, err)
		}
		if raw.variables == nil {
			raw.variables = vars
		}
		if strings.Join(vars, " ") != strings.Join(raw.variables, " ") {
			return nil, fmt.Errorf("dot:%d: other variables than the first state's", n)
		}
		values := short(vals)
		name[id] = values
		raw.states = append(raw.states, values)
		if strings.Contains(rest, "style = filled") {
			if raw.start != "" && raw.start != values {
				return nil, fmt.Errorf("dot:%d: a second initial state", n)
			}
			raw.start = values
		}
	}
	for _, e := range edges {
		raw.edges = append(raw.edges, rawEdge{name[e.from], e.action, name[e.to]})
	}
	return raw.graph()
}

func isID(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// label is the unescaped text of the attribute label in [label="…",…].
func label(attrs string) (string, bool) {
	_, s, ok := strings.Cut(attrs, `label="`)
	if !ok {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), true
		case s[i] == '\\' && i+1 < len(s):
			i++
			if s[i] == 'n' {
				b.WriteByte('\n')
			} else {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return "", false
}

// assignments splits a state's text, a line `/\ variable = value` for each
// variable, and sorts by the variables' names: TLC has an order of its own.
// A value with blanks in it would not survive our file's form.
func assignments(text string) (vars, vals []string, err error) {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	for _, line := range lines {
		v, val, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), `/\ `), " = ")
		val = strings.Trim(val, `"`)
		if !ok || val == "" || strings.ContainsAny(val, " \t") {
			return nil, nil, fmt.Errorf("cannot read the state %q", line)
		}
		vars = append(vars, v)
		vals = append(vals, val)
	}
	return vars, vals, nil
}
