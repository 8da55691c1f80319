package scan

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Numbers are read eight columns at a time, as the bytes of a uint64, the first column in
// the lowest byte. A byte is a digit if, after xor with '0', it is at most 9.

// Eight columns of '0', of blanks, of colons, and of the top bit.
const (
	EachZero  = 0x3030303030303030
	EachBlank = 0x2020202020202020
	eachColon = 0x3a3a3a3a3a3a3a3a
	eachTop   = 0x8080808080808080
)

// Eight are the eight columns from i on. line must have them.
func Eight(line []byte, i int) uint64 { return binary.LittleEndian.Uint64(line[i : i+8]) }

// Others has the top bit of each column that is no digit. x is eight columns after xor with
// EachZero.
func Others(x uint64) uint64 {
	return (x&^uint64(eachTop) + 0x7676767676767676 | x) & eachTop
}

// DigitsLeft is where the digits begin that end before column end. It is end where there is
// none, or more than seven, or where end is below 8.
func DigitsLeft(line []byte, end int) (from int) {
	if end < 8 {
		return end
	}
	if o := Others(Eight(line, end-8) ^ EachZero); o != 0 {
		return end - bits.LeadingZeros64(o)/8
	}
	return end
}

// SignedLeft is DigitsLeft, but for a minus sign before the digits: it is part of the
// number.
func SignedLeft(line []byte, end int) (from int) {
	from = DigitsLeft(line, end)
	if from > 0 && from < end && line[from-1] == '-' {
		from--
	}
	return from
}

// NumberLeft is the number of at most seven digits that ends before column end, and where
// it begins; from is end where there is none. No pid has more digits
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

// NumberIn is the number at the end of eight columns, and how many digits it has; 0: there
// is none. Of eight digits it reads the last seven.
func NumberIn(w uint64) (v int32, digits int) {
	x := w ^ EachZero
	n := bits.LeadingZeros64(Others(x) | 0x80) // eight for each digit
	return Value(x & (math.MaxUint64 << ((63 - n) & 63) << 1)), n / 8
}

// Value is the number of at most seven digits in eight columns, after xor with EachZero.
func Value(x uint64) int32 {
	const pairs = 0x000000ff000000ff
	x = x*10 + x>>8
	return int32((x&pairs*(100+1000000<<32) + x>>16&pairs*(1+10000<<32)) >> 32)
}

// DigitsEnd is the first column from i on that has no digit.
func DigitsEnd(line []byte, i int) int {
	for i < len(line) && IsDigit(line[i]) {
		i++
	}
	return i
}

// Colons has the top bit of the first column that is a colon; 0: there is none. Bits above
// that one mean nothing.
func Colons(w uint64) uint64 {
	x := w ^ eachColon
	return (x - EachZero/'0') &^ x & eachTop
}

// Blanks is Colons for blanks.
func Blanks(w uint64) uint64 {
	x := w ^ EachBlank
	return (x - EachZero/'0') &^ x & eachTop
}

// NumberFirst is the number of at most seven digits at the beginning of eight columns, if
// only blanks follow it, and eight times how many digits it has; 0: there is none. It is
// short enough for the compiler to inline it.
func NumberFirst(w uint64) (v int32, width int) {
	x := w ^ EachZero
	width = bits.TrailingZeros64(Others(x)|1<<63) &^ 7
	if (w^EachBlank)>>(width&63) != 0 {
		width = 0
	}
	return Value(x << (-width & 63)), width
}
