package skim

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/logtest"
	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
)

// What is told of a line by its columns alone is what is found in it otherwise,
// also in lines that differ from matched ones by a few bytes.
func TestMatchedLinesAreAsOthers(t *testing.T) {
	text, _ := logtest.Ftrace(t, 2_000_000, 0.5)
	rng := rand.New(rand.NewPCG(3, 4))
	g := NewScanner(ktrace.FtraceHead, new(Hints))
	watched := func(pid int) bool { return pid < 6000 && pid%3 > 0 }
	for pid := range 6000 {
		if watched(pid) {
			g.hints.Set(int32(pid))
		}
	}
	matched := 0
	for line := range bytes.Lines(text) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		h, ok := ktrace.FtraceHead(line)
		if !ok {
			continue // a comment
		}
		g.learn(&h)
		for try := range 20 {
			line := bytes.Clone(line)
			for range min(try, 3) {
				i := rng.IntN(len(line))
				if try%2 > 0 { // what matters is at both ends
					i = max(0, len(line)-1-rng.IntN(40))
				}
				switch b := " 0129[]=-:._apx\xff"; rng.IntN(9) {
				case 0:
					line = append(line[:i], line[i+1:]...)
				case 1:
					line = bytes.Join([][]byte{line[:i], line[i:]}, []byte{b[rng.IntN(len(b))]})
				default:
					line[i] = b[rng.IntN(len(b))]
				}
			}
			got := Block{Waking: try%3 > 0} // sched_waking has been seen, or not
			want := got
			l, ok := g.fastPath(line, &got)
			if !ok {
				continue
			}
			again := func() {
				if watched(int(l.Prev)) {
					g.hints.Set(l.Prev) // the line may have been the thread's last
				}
			}
			again()
			wantLine := g.slowPath(line, &want)
			again()
			matched++
			if l.Prev != wantLine.Prev || l.Next != wantLine.Next || l.Decoded != wantLine.Decoded || got.Seen != want.Seen || got.Waking != want.Waking {
				t.Fatalf("%q: %+v, otherwise %+v", line, l, wantLine)
			}
			if l.Decoded > 0 && got.Decoded[0] != want.Decoded[0] {
				t.Fatalf("%q: %+v, otherwise %+v", line, got.Decoded[0], want.Decoded[0])
			}
		}
	}
	if matched < 10_000 {
		t.Errorf("%d matched lines", matched)
	}
}
