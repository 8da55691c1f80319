// Package coverage says which edges of a state graph are taken by the steps of a
// specification that has the graph's object in it and more.
//
// An object may allow what nobody asks of it, and refinement does not mind: an object
// that allowed everything would be refined by everything. So TLC dumps the object with
// what is around it, each state of that dump is projected on the object's variables, and
// each step is looked up in the object's graph. What is left is a mistake, or something
// that a reason can be given for.
package coverage

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kthread-tla/tracecheck/spec/graph"
)

// A Coverage is a graph with the edges of it that have been taken.
type Coverage struct {
	graph   *graph.Graph
	actions map[string]string
	taken   []map[graph.Edge]bool // for each state
}

// New makes a Coverage with no edge taken. actions has, for each action of the dumps
// that does something to the object, the object's action that it does. An action
// that is not in it must leave the object as it is.
func New(g *graph.Graph, actions map[string]string) *Coverage {
	c := &Coverage{graph: g, actions: actions}
	for range g.States {
		c.taken = append(c.taken, map[graph.Edge]bool{})
	}
	return c
}

// Read takes the edges that the steps of a dump take. The dump is what TLC writes for
// -dump dot,actionlabels. Its states have the graph's variables, by the same names,
// and may have more. A step that is no edge of the graph is an error.
func (c *Coverage) Read(dot io.Reader) error {
	byValues := make(map[string]int, len(c.graph.States))
	for i, s := range c.graph.States {
		byValues[strings.Join(s.Values, " ")] = i
	}
	type step struct{ from, action, to string }
	var steps []step
	at := map[string]int{} // TLC's id: the state of the graph
	err := graph.ScanDot(dot, func(id, text string, _ bool) error {
		values := project(text, c.graph.Variables)
		i, ok := byValues[values]
		if !ok {
			return fmt.Errorf("%q is no state of the graph", values)
		}
		at[id] = i
		return nil
	}, func(from, action, to string) error {
		steps = append(steps, step{from, action, to})
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range steps {
		if err := c.take(at[s.from], s.action, at[s.to]); err != nil {
			return err
		}
	}
	return nil
}

// take takes the edge of one step.
func (c *Coverage) take(from int, action string, to int) error {
	does, ok := c.actions[action]
	e := graph.Edge{Action: c.graph.Action(does), To: to}
	switch {
	case !ok && from == to:
	case !ok:
		return fmt.Errorf("%s leads from %v to %v and is said to leave the object alone",
			action, c.graph.States[from].Values, c.graph.States[to].Values)
	case !slices.Contains(c.graph.States[from].Edges, e):
		return fmt.Errorf("%s is no %s from %v to %v",
			action, does, c.graph.States[from].Values, c.graph.States[to].Values)
	default:
		c.taken[from][e] = true
	}
	return nil
}

// Step takes each edge that leads from one state to another, whatever its action. The
// states are told by the values of the graph's variables. It is an error where there is
// no such state or edge.
func (c *Coverage) Step(from, to []string) error {
	f, t := c.state(from), c.state(to)
	if f < 0 || t < 0 {
		return fmt.Errorf("%v or %v is no state of the graph", from, to)
	}
	found := false
	for _, e := range c.graph.States[f].Edges {
		if e.To == t {
			c.taken[f][e], found = true, true
		}
	}
	if !found {
		return fmt.Errorf("there is no edge from %v to %v", from, to)
	}
	return nil
}

func (c *Coverage) state(values []string) int {
	return slices.IndexFunc(c.graph.States, func(s graph.State) bool { return slices.Equal(s.Values, values) })
}

// Project is a graph of some of the variables: states that differ in others alone are one,
// and what changes others alone is not there.
func Project(g *graph.Graph, variables ...string) *graph.Graph {
	p := &graph.Graph{Module: g.Module, Kernel: g.Kernel, Variables: variables, Actions: g.Actions}
	index := map[string]int{}
	of := make([]int, len(g.States))
	for i := range g.States {
		var values []string
		for _, v := range variables {
			values = append(values, g.Value(i, v))
		}
		key := strings.Join(values, " ")
		at, ok := index[key]
		if !ok {
			at = len(p.States)
			index[key] = at
			p.States = append(p.States, graph.State{Values: values})
		}
		of[i] = at
	}
	p.Start = of[g.Start]
	for i, s := range g.States {
		from := &p.States[of[i]]
		for _, e := range s.Edges {
			if e.To = of[e.To]; e.To != of[i] && !slices.Contains(from.Edges, e) {
				from.Edges = append(from.Edges, e)
			}
		}
	}
	return p
}

// project reads a state's text, as TLC writes it, and returns the values of some variables
// with a blank between each two. One that is not there has no value.
func project(text string, variables []string) string {
	values := make([]string, len(variables))
	for part := range strings.SplitSeq(text, `/\ `) {
		v, value, ok := strings.Cut(part, " = ")
		if i := slices.Index(variables, v); ok && i >= 0 {
			values[i] = strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return strings.Join(values, " ")
}

// A Gap is an edge that no step has taken.
type Gap struct {
	Action   string
	From, To int // states of the graph
}

// Gaps are the edges that no step has taken, by their states and actions.
func (c *Coverage) Gaps() (gaps []Gap) {
	for i, s := range c.graph.States {
		for _, e := range s.Edges {
			if !c.taken[i][e] {
				gaps = append(gaps, Gap{c.graph.Actions[e.Action], i, e.To})
			}
		}
	}
	return gaps
}
