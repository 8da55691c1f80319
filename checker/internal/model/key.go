package model

import (
	"encoding/binary"
	"slices"
)

// Key returns all of a query that a search looks at: the operations, the order of the ends
// of their windows, and what may be hidden. Two queries with the same key have the same
// answers, with the same Events.
func (q *Query) Key() []byte {
	ends := make([]int64, 0, 2*len(q.Operations))
	for i := range q.Operations {
		ends = append(ends, q.Operations[i].From, q.Operations[i].To)
	}
	slices.Sort(ends)
	ends = slices.Compact(ends)
	rank := func(t int64) uint64 {
		if t == Never {
			return 0
		}
		n, _ := slices.BinarySearch(ends, t)
		return uint64(n) + 1
	}
	flag := func(b bool, bit uint64) uint64 {
		if b {
			return bit
		}
		return 0
	}
	key := make([]byte, 0, 16+24*len(q.Operations))
	key = binary.AppendUvarint(key, uint64(q.Hidden)<<1|flag(q.Late, 1))
	if key = append(key, byte(flag(q.From != nil, 1))); q.From != nil {
		key = append(key, q.From.bytes()...)
	}
	for i := range q.Operations {
		o := &q.Operations[i]
		key = binary.AppendUvarint(key, rank(o.From))
		key = binary.AppendUvarint(key, rank(o.To))
		key = binary.AppendUvarint(key, uint64(o.Actions))
		key = binary.AppendUvarint(key, uint64(o.Event+1))
		key = append(key, byte(flag(o.Optional, 1)|flag(o.Observes, 2)|flag(o.UntilEnd, 4)|flag(o.OrderOnly, 8)|uint64(o.Places)<<4))
		if o.Observes {
			key = append(key, o.Only.bytes()...)
		}
		for _, p := range o.In[:o.Places] {
			key = append(key, byte(p.Chain))
			key = binary.AppendUvarint(key, uint64(p.Seq))
		}
	}
	return key
}

// Found is what a search has found: where fitting orders end, or a witness.
type Found struct {
	ends   StateSet
	answer Answer
	way    []Step
}
