package skim

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// Texts of any length, at any address, with few newlines or many.
func TestNewlines(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var got [1 << 10]int32
	for length := range 600 {
		for range 50 {
			room := make([]byte, length+64+32)
			often := 1 + rng.IntN(1+rng.IntN(200))
			for i := range room {
				if room[i] = byte(1 + rng.IntN(255)); rng.IntN(often) == 0 {
					room[i] = '\n'
				}
			}
			from := rng.IntN(64)
			text := room[from : from+length]
			room[(from+length)%len(room)] = '\n' // behind it
			if rng.IntN(2) == 0 && length > 0 {
				text[rng.IntN(length)] = 0
			}
			var want []int32
			for i, c := range text {
				if c == '\n' {
					want = append(want, int32(i))
				}
			}
			for name, find := range map[string]func([]int32, []byte) (int, bool){"newlines": Newlines, "indexNewlines": indexNewlines} {
				n, zero := find(got[:length], text)
				if !slices.Equal(got[:n], want) || zero != (bytes.IndexByte(text, 0) >= 0) {
					t.Fatalf("%s of %q: %v, NUL %v, want %v", name, text, got[:n], zero, want)
				}
			}
		}
	}
}
