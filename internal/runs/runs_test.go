package runs

import (
	"bytes"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/tlctest"
)

// storedWalks are some walks of TLC's graphs, for tests without TLC.
func storedWalks(t *testing.T) []*Walk {
	t.Helper()
	f, err := os.Open("testdata/walks.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	walks, err := ReadWalks(f)
	if err != nil {
		t.Fatal(err)
	}
	return walks
}

func TestWalksAreReadAsTheyWereWritten(t *testing.T) {
	walks := storedWalks(t)
	var b bytes.Buffer
	if err := WriteWalks(&b, walks); err != nil {
		t.Fatal(err)
	}
	again, err := ReadWalks(&b)
	if err != nil {
		t.Fatal(err)
	}
	if len(again) != len(walks) {
		t.Fatalf("%d walks, want %d", len(again), len(walks))
	}
	for i, w := range walks {
		if len(again[i].Steps) != len(w.Steps) || again[i].Kernel != w.Kernel {
			t.Fatalf("walk %d: %d steps of %s, want %d of %s", i, len(again[i].Steps), again[i].Kernel, len(w.Steps), w.Kernel)
		}
		for n := range w.Steps {
			if again[i].Steps[n] != w.Steps[n] {
				t.Fatalf("walk %d, step %d: %+v, want %+v", i, n, again[i].Steps[n], w.Steps[n])
			}
		}
	}
}

// The machine keeps to what every kernel keeps to: a CPU goes from one task to another, a
// task is on one CPU, and a sleeper is woken before it runs.
func TestMachineIsSound(t *testing.T) {
	walks := storedWalks(t)
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 5))
		w := walks[rng.IntN(len(walks))]
		r := New(rng, []*Walk{w}, Options{})
		on := map[int]int{}       // by CPU: the pid
		asleep := map[int]bool{}  // by pid
		cpuOf := map[int]int{}    // by pid, from 1
		woken := map[int]bool{}   // by pid: since its last switch
		stamps := map[int]int64{} // by CPU
		for _, l := range r.Lines {
			if l.Stamp < stamps[l.CPU] {
				t.Fatalf("seed %d: CPU %d goes back at %d", seed, l.CPU, l.Stamp)
			}
			stamps[l.CPU] = l.Stamp
			if l.PID != on[l.CPU] {
				t.Fatalf("seed %d: %s by %d on CPU %d, which %d has", seed, l.Event, l.PID, l.CPU, on[l.CPU])
			}
			switch l.Event {
			case "sched_waking", "sched_wakeup":
				asleep[l.About], woken[l.About] = false, true
			case "sched_switch":
				prev, next := l.Prev.PID, l.About
				if prev != 0 {
					asleep[prev] = l.State[0] != 'R' && !woken[prev]
					cpuOf[prev] = 0
				}
				if next != 0 && (asleep[next] || cpuOf[next] != 0) {
					t.Fatalf("seed %d: %d gets CPU %d, asleep %v, on CPU %d", seed, next, l.CPU, asleep[next], cpuOf[next]-1)
				}
				woken[next] = false
				on[l.CPU] = next
				if next != 0 {
					cpuOf[next] = l.CPU + 1
				}
			}
		}
	}
}

// TLC finds an order for every run, and for none in which a thread is stopped that was
// never forked.
func TestTLCAcceptsRuns(t *testing.T) {
	root, tools := tlctest.Find(t)
	walks := storedWalks(t)
	rng := rand.New(rand.NewPCG(1, 6))
	const n = 30
	var all []*History
	for len(all) < n {
		w := walks[rng.IntN(len(walks))]
		if !w.judged() {
			continue
		}
		r := New(rng, []*Walk{w}, Options{Skew: Skews[rng.IntN(len(Skews))], Apart: true, Probes: true})
		all = append(all, r.History(r.Lives[0], r.Lines, true))
		if len(all) == 1 {
			all = append(all, r.History(r.Lives[0], r.Lines[len(r.Lines)/2:], true))
		}
	}
	legal, err := Legal(t.Context(), tools, root, all)
	if err != nil {
		t.Fatal(err)
	}
	for i, ok := range legal {
		if ok == (i == 1) {
			t.Errorf("history %d of Linux %s, %s: legal %v", i, all[i].Kernel, all[i].Model, ok)
		}
	}
}

// A share of random legal lives, so that a change of the checker that accuses many is seen
// before `make runs`. With one clock hardly any may be.
func TestLegalRuns(t *testing.T) {
	walks := storedWalks(t)
	n := 3000
	if testing.Short() {
		n = 400
	}
	table := NewTable()
	if err := table.Legal(t.Context(), walks, n, 7); err != nil {
		t.Fatal(err)
	}
	var lives, accused int
	for _, f := range Formats {
		if c := table.legal[cellKey(f, 0)]; c != nil {
			lives += c.lives
			accused += c.accused
		}
	}
	if accused*50 > lives {
		t.Errorf("with one clock %d of %d legal lives are accused:\n%s", accused, lives, table)
	}
	t.Log("\n" + table.String())
}
