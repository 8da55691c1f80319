package traces

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// What usual makes of lines, of which many have been damaged, is what one makes of
// each.
func TestUsualIsOneByOne(t *testing.T) {
	text, _ := bigFtrace(t, 1_000_000, 0.5)
	rng := rand.New(rand.NewPCG(5, 6))
	for range 30 {
		text := bytes.Clone(text)
		for range len(text) / 200 {
			i := rng.IntN(len(text))
			if b := " 0129[]=-:._apx\xff\n"; text[i] != '\n' || rng.IntN(4) == 0 {
				text[i] = b[rng.IntN(len(b))]
			}
		}
		g, h := glancer{watch: newPIDs(), names: newNameCache()}, glancer{watch: newPIDs(), names: newNameCache()}
		for line := range bytes.Lines(text) {
			if line := bytes.TrimSuffix(line, []byte("\n")); len(line) > 50 && g.find(line) && h.find(line) {
				break
			}
		}
		waking, usual := rng.IntN(2), 0
		for at := 0; at < len(text); at += window {
			var ends [window]int32
			from := bytes.LastIndexByte(text[:at], '\n') + 1
			n, _ := newlines(ends[:], text[at:min(at+window, len(text))])
			if n == 0 {
				continue
			}
			bl, want := block{waking: waking}, block{waking: waking}
			got, one := make([]glance, n), make([]glance, n)
			g.columns(text, from, at, ends[:n], got, &bl)
			c := h.begin(text, from, at, ends[:n], one, &want)
			for c.i < len(c.ends) {
				c.one()
			}
			if !slices.Equal(got, one) || bl.seen != c.seen || c.from != from+len(text[from:at+int(ends[n-1])])+1 {
				t.Fatalf("%d: %v, want %v", at, got, one)
			}
			for i := range got {
				if got[i].a >= 0 {
					if usual++; g.found[i] != h.found[i] {
						t.Fatalf("%d: line %d: %v, want %v", at, i, g.found[i], h.found[i])
					}
				}
			}
		}
		if usual < 1000 {
			t.Errorf("%d usual lines", usual)
		}
	}
}
