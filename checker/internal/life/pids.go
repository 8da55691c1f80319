package life

import "iter"

// A pidMap is a map from pids. They are small and close together, so that it is
// a table, of which only those parts are there that have something in them.
type pidMap[T any] struct {
	parts []*pidPart[T]
	spare *pidPart[T]
	other map[int]*T // by pids that no kernel has
}

const partSize = 256

type pidPart[T any] struct {
	n  int
	at [partSize]*T
}

// pidLimit is more than any pid (include/linux/threads.h PID_MAX_LIMIT).
const pidLimit = 1 << 22

func (b *pidMap[T]) get(pid int) *T {
	if uint(pid) < pidLimit {
		if i := pid / partSize; i < len(b.parts) && b.parts[i] != nil {
			return b.parts[i].at[pid%partSize]
		}
		return nil
	}
	return b.other[pid]
}

func (b *pidMap[T]) set(pid int, v *T) {
	if uint(pid) >= pidLimit {
		if b.other == nil {
			b.other = make(map[int]*T)
		}
		b.other[pid] = v
		return
	}
	i := pid / partSize
	for i >= len(b.parts) {
		b.parts = append(b.parts, nil)
	}
	if b.parts[i] == nil {
		if b.parts[i] = b.spare; b.spare == nil {
			b.parts[i] = new(pidPart[T])
		}
		b.spare = nil
	}
	p := b.parts[i]
	if p.at[pid%partSize] == nil {
		p.n++
	}
	p.at[pid%partSize] = v
}

func (b *pidMap[T]) remove(pid int) {
	if uint(pid) >= pidLimit {
		delete(b.other, pid)
		return
	}
	i := pid / partSize
	if i >= len(b.parts) || b.parts[i] == nil || b.parts[i].at[pid%partSize] == nil {
		return
	}
	p := b.parts[i]
	p.at[pid%partSize] = nil
	if p.n--; p.n == 0 {
		b.parts[i], b.spare = nil, p
	}
}

func (b *pidMap[T]) values() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for _, p := range b.parts {
			if p == nil {
				continue
			}
			for _, v := range p.at {
				if v != nil && !yield(v) {
					return
				}
			}
		}
		for _, v := range b.other {
			if !yield(v) {
				return
			}
		}
	}
}
