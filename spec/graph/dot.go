package graph

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ParseDot makes a graph of TLC's dump, which ScanDot reads. TLC's ids of the states are
// fingerprints and do not survive. There must be exactly one initial state.
func ParseDot(module, kernel string, dot []byte) (*Graph, error) {
	raw := rawGraph{module: module, kernel: kernel}
	name := make(map[string]string) // TLC's id: values
	type idEdge struct{ from, action, to string }
	var edges []idEdge
	err := ScanDot(bytes.NewReader(dot), func(id, text string, initial bool) error {
		vars, vals, err := assignments(text)
		if err != nil {
			return err
		}
		if raw.variables == nil {
			raw.variables = vars
		}
		if strings.Join(vars, " ") != strings.Join(raw.variables, " ") {
			return errors.New("other variables than the first state's")
		}
		values := short(vals)
		name[id] = values
		raw.states = append(raw.states, values)
		if initial {
			if raw.start != "" && raw.start != values {
				return errors.New("a second initial state")
			}
			raw.start = values
		}
		return nil
	}, func(from, action, to string) error {
		edges = append(edges, idEdge{from, action, to})
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, e := range edges {
		raw.edges = append(raw.edges, rawEdge{name[e.from], e.action, name[e.to]})
	}
	return raw.graph()
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
