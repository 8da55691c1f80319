package languages

import (
	"errors"
	"io"
	"strings"

	"github.com/kthread-tla/tracecheck/spec/graph"
)

// ReadDot makes an automaton of TLC's dump, which graph.ScanDot reads: the text of a
// state is not kept. The edges bear the actions' names. There must be one initial state.
func ReadDot(r io.Reader) (*Automaton, error) {
	a := &Automaton{Start: -1}
	index := map[string]int{} // TLC's id: the state
	names := map[string]string{}
	told := []bool{} // the states that have a line of their own
	state := func(id string) int {
		i, ok := index[id]
		if !ok {
			i = len(a.States)
			index[strings.Clone(id)] = i
			a.States = append(a.States, nil)
			told = append(told, false)
		}
		return i
	}
	err := graph.ScanDot(r, func(id, _ string, initial bool) error {
		i := state(id)
		told[i] = true
		if initial {
			if a.Start >= 0 && a.Start != i {
				return errors.New("a second initial state")
			}
			a.Start = i
		}
		return nil
	}, func(from, action, to string) error {
		name, ok := names[action]
		if !ok {
			name = strings.Clone(action)
			names[name] = name
		}
		f := state(from)
		a.States[f] = append(a.States[f], Edge{name, state(to)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if a.Start < 0 {
		return nil, errors.New("dot: no initial state")
	}
	for _, ok := range told {
		if !ok {
			return nil, errors.New("dot: an edge to or from a state that is not there")
		}
	}
	return a, nil
}
