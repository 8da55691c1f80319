package checker

import (
	"encoding/binary"
	"slices"
)

// shape is all of a history that a search looks at: its operations, the order
// of their windows' ends, and what may be hidden. Two histories of one shape
// have the same answers, with the same indices of events.
func (h *history) shape() []byte {
	ends := make([]int64, 0, 2*len(h.ops))
	for i := range h.ops {
		ends = append(ends, h.ops[i].from, h.ops[i].to)
	}
	slices.Sort(ends)
	ends = slices.Compact(ends)
	rank := func(t int64) uint64 {
		if t == never {
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
	key := make([]byte, 0, 16+24*len(h.ops))
	key = binary.AppendUvarint(key, uint64(h.hidden)<<1|flag(h.late, 1))
	if key = append(key, byte(flag(h.from != nil, 1))); h.from != nil {
		key = append(key, h.from.bytes()...)
	}
	for i := range h.ops {
		o := &h.ops[i]
		key = binary.AppendUvarint(key, rank(o.from))
		key = binary.AppendUvarint(key, rank(o.to))
		key = binary.AppendUvarint(key, uint64(o.actions))
		key = binary.AppendUvarint(key, uint64(o.event+1))
		key = append(key, byte(flag(o.optional, 1)|flag(o.observes, 2)|flag(o.still, 4)|flag(o.carries, 8)|uint64(o.places)<<4))
		if o.observes {
			key = append(key, o.only.bytes()...)
		}
		for _, p := range o.in[:o.places] {
			key = append(key, byte(p.task))
			key = binary.AppendUvarint(key, uint64(p.seq))
		}
	}
	return key
}

func (s stateSet) bytes() []byte {
	b := make([]byte, 0, 8*len(s))
	for _, w := range s {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

// answered is what a search has found once.
type answered struct {
	ends   stateSet
	answer answer
	way    []step
	probeSets
}
