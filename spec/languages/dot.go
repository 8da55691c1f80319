package languages

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// ReadDot reads what TLC writes for -dump dot,actionlabels, as it comes: the
// text of a state, of which a line can be long, is not kept. The edges bear the
// actions' names. There must be one initial state.
func ReadDot(r io.Reader) (*Automaton, error) {
	a := &Automaton{Start: -1}
	index := map[string]int{} // TLC's id: the state
	names := map[string]string{}
	told := []bool{} // the states that have a line of their own
	state := func(id []byte) int {
		i, ok := index[string(id)]
		if !ok {
			i = len(a.States)
			index[string(id)] = i
			a.States = append(a.States, nil)
			told = append(told, false)
		}
		return i
	}
	in := bufio.NewReaderSize(r, 1<<16)
	for n := 1; ; n++ {
		line, err := in.ReadSlice('\n')
		for err == bufio.ErrBufferFull {
			line = bytes.Clone(line)
			var more []byte
			more, err = in.ReadSlice('\n')
			line = append(line, more...)
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
		if id, rest, ok := bytes.Cut(line, []byte(" ")); ok && isID(id) {
			if edge, ok := bytes.CutPrefix(rest, []byte("-> ")); ok {
				to, attrs, _ := bytes.Cut(edge, []byte(" "))
				_, label, _ := bytes.Cut(attrs, []byte(`[label="`))
				name, _, ok := bytes.Cut(label, []byte(`"`))
				if !ok || len(name) == 0 || !isID(to) {
					return nil, fmt.Errorf("dot:%d: an edge without an action's name", n)
				}
				seen, ok := names[string(name)]
				if !ok {
					seen = string(name)
					names[seen] = seen
				}
				from := state(id)
				a.States[from] = append(a.States[from], Edge{seen, state(to)})
			} else if bytes.HasPrefix(rest, []byte("[label=")) {
				i := state(id)
				told[i] = true
				if bytes.Contains(rest, []byte(`",style = filled]`)) {
					if a.Start >= 0 && a.Start != i {
						return nil, fmt.Errorf("dot:%d: a second initial state", n)
					}
					a.Start = i
				}
			}
		}
		if err == io.EOF {
			break
		}
	}
	if a.Start < 0 {
		return nil, fmt.Errorf("dot: no initial state")
	}
	for _, ok := range told {
		if !ok {
			return nil, fmt.Errorf("dot: an edge to or from a state that is not there")
		}
	}
	return a, nil
}

func isID(b []byte) bool {
	b = bytes.TrimPrefix(b, []byte("-"))
	return len(b) > 0 && len(bytes.Trim(b, "0123456789")) == 0
}
