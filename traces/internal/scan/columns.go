package scan

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Numbers are read eight columns at once: a column's byte is '0' to '9' where,
// with '0' taken off each, its nibbles say at most 9.

const (
	EachZero  = 0x3030303030303030
	EachBlank = 0x2020202020202020
	eachColon = 0x3a3a3a3a3a3a3a3a
	eachTop   = 0x8080808080808080
)

// Eight are the eight columns from i on.
func Eight(line []byte, i int) uint64 { return binary.LittleEndian.Uint64(line[i : i+8]) }

// Others are those of eight columns that are no digits, by the top bit of each; x
// has '0' taken off each column.
func Others(x uint64) uint64 {
	return (x&^uint64(eachTop) + 0x7676767676767676 | x) & eachTop
}

// DigitsLeft is where the digits that end at a column begin; it is that column
// where there is none, or there are more than seven.
func DigitsLeft(line []byte, end int) (from int) {
	if end < 8 {
		return end
	}
	if o := Others(Eight(line, end-8) ^ EachZero); o != 0 {
		return end - bits.LeadingZeros64(o)/8
	}
	return end
}

// SignedLeft is digitsLeft with a minus sign before the digits.
func SignedLeft(line []byte, end int) (from int) {
	from = DigitsLeft(line, end)
	if from > 0 && from < end && line[from-1] == '-' {
		from--
	}
	return from
}

// NumberLeft is the number of at most seven digits that ends at a column, and
// where it begins, which is that column where there is none. No pid has more
// (include/linux/threads.h PID_MAX_LIMIT).
func NumberLeft(line []byte, end int) (v int32, from int) {
	if end < 8 {
		return 0, end
	}
	if IsDigit(line[end-8]) && DigitsLeft(line, end) == end {
		return 0, end
	}
	v, digits := NumberIn(Eight(line, end-8))
	return v, end - digits
}

// NumberIn is the number of at most seven digits at the end of eight columns, and
// how many it has; 0: there is none. Of more digits it is the last seven.
func NumberIn(w uint64) (v int32, digits int) {
	x := w ^ EachZero
	n := bits.LeadingZeros64(Others(x) | 0x80) // eight for each digit
	return Value(x & (math.MaxUint64 << ((63 - n) & 63) << 1)), n / 8
}

// Value is the number that eight columns say, of at most seven digits, with '0'
// taken off each.
func Value(x uint64) int32 {
	const pairs = 0x000000ff000000ff
	x = x*10 + x>>8
	return int32((x&pairs*(100+1000000<<32) + x>>16&pairs*(1+10000<<32)) >> 32)
}

// DigitsEnd is where the digits that begin at a column end.
func DigitsEnd(line []byte, i int) int {
	for i < len(line) && IsDigit(line[i]) {
		i++
	}
	return i
}

// Colons are the colons among eight columns, by the top bit of each; above the first
// there may be more bits.
func Colons(w uint64) uint64 {
	x := w ^ eachColon
	return (x - EachZero/'0') &^ x & eachTop
}

// Blanks are the blanks among eight columns, as Colons are the colons.
func Blanks(w uint64) uint64 {
	x := w ^ EachBlank
	return (x - EachZero/'0') &^ x & eachTop
}

// NumberFirst is the number of at most seven digits that eight columns begin with, if
// there are but blanks behind it, and eight times how many digits it has; 0: there is
// none. It is as short as the compiler needs to put it in its callers' place.
func NumberFirst(w uint64) (v int32, width int) {
	x := w ^ EachZero
	width = bits.TrailingZeros64(Others(x)|1<<63) &^ 7
	if (w^EachBlank)>>(width&63) != 0 {
		width = 0
	}
	return Value(x << (-width & 63)), width
}
