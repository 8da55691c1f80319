package printk

// overlap finds a message that matches both patterns, if names are single words. ("{by}
// woke {thread}" and "{by} made {thread}" can match the same message only where a name has
// a blank; Match then says that the message is ambiguous.) It walks the product of the two
// patterns as automata over bytes.
func overlap(a, b []part) (example string, ok bool) {
	x, y := automaton(a), automaton(b)
	type pair struct{ i, j int }
	type place struct {
		pair
		text string
	}
	seen := map[pair]bool{}
	queue := []place{{}}
	visit := func(i, j int, text string) {
		if p := (pair{i, j}); !seen[p] {
			seen[p] = true
			queue = append(queue, place{p, text})
		}
	}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		if p.i == len(x) && p.j == len(y) {
			return p.text, true
		}
		if p.i < len(x) && x[p.i].skip {
			visit(p.i+1, p.j, p.text)
		}
		if p.j < len(y) && y[p.j].skip {
			visit(p.i, p.j+1, p.text)
		}
		if p.i < len(x) && p.j < len(y) {
			if c, ok := x[p.i].meets(y[p.j]); ok {
				i, j := p.i+1, p.j+1
				if x[p.i].loop {
					i--
				}
				if y[p.j].loop {
					j--
				}
				visit(i, j, p.text+string(c))
			}
		}
	}
	return "", false
}

// A symbol is one step of a pattern's automaton: a byte, or a class of bytes. It may be
// optional (skip), and be repeated (loop).
type symbol struct {
	class      byte // 0: the byte b; 'w': any byte but a blank; '*': any byte
	b          byte
	skip, loop bool
}

// meets is a byte that both symbols accept; false: there is none.
func (s symbol) meets(t symbol) (byte, bool) {
	for _, c := range [...]byte{s.b, t.b, '1'} {
		if s.accepts(c) && t.accepts(c) {
			return c, true
		}
	}
	return 0, false
}

// accepts says whether a symbol accepts a byte.
func (s symbol) accepts(c byte) bool {
	switch s.class {
	case 'w':
		return c != ' ' && c != 0
	case '*':
		return c != 0
	}
	return s.b == c
}

// automaton is the automaton of a pattern's parts.
func automaton(parts []part) []symbol {
	var a []symbol
	for _, p := range parts {
		switch p.place {
		case literal:
			for i := range len(p.text) {
				a = append(a, symbol{b: p.text[i]})
			}
		case placeAny:
			a = append(a, symbol{class: '*', skip: true, loop: true})
		default:
			a = append(a, symbol{class: 'w'}, symbol{class: 'w', skip: true, loop: true})
		}
	}
	return a
}
