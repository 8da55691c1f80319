package tracecheck_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kthread-tla/tracecheck"
	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/internal/logtest"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

// FuzzOneLogOneVerdict holds three ways to read a log together, a file's, a pipe's and
// --follow's: of every sample, damaged at random, they give the same counts, losses and
// diagnostics, and in the end the same verdicts.
func FuzzOneLogOneVerdict(f *testing.F) {
	logs := samples(f)
	for i := range logs {
		f.Add(uint(i), uint64(0))
		f.Add(uint(i), uint64(i+1))
	}
	judge, err := checker.New(nil, time.Minute)
	if err != nil {
		f.Fatal(err)
	}
	ktlab := printk.Builtin("ktlab")
	f.Fuzz(func(t *testing.T, which uint, seed uint64) {
		log := logs[which%uint(len(logs))]
		text := damage(log.text, seed)
		o := tracecheck.Options{Checker: judge}
		if seed%3 == 1 {
			o.Printk = ktlab
		}
		want := said(t, bytes.NewReader(text), o)
		got := said(t, &trickle{text: text, rng: rand.New(rand.NewPCG(seed, 1))}, o)
		if want != got {
			t.Errorf("%s, damaged by %d: -file +pipe\n%s", log.name, seed, cmp.Diff(want, got))
		}
		o.Follow = true
		if got := said(t, logtest.Lines(bytes.NewReader(text)), o); want != got {
			t.Errorf("%s, damaged by %d: -file +follow\n%s", log.name, seed, cmp.Diff(want, got))
		}
	})
}

// said is all that is said of a log in the end, a line for each thread.
func said(t *testing.T, in io.Reader, o tracecheck.Options) string {
	t.Helper()
	r, err := tracecheck.Check(t.Context(), in, o)
	if err != nil { // what was open then is not judged, but where it has been already
		return fmt.Sprintf("%v\n%+v\n", err, r.Summary.Inputs[0].Stats)
	}
	var threads []string
	for _, v := range r.Threads {
		l := v.Life
		s := fmt.Sprintf("%s#%d: %s, %s, ran %s, woken %s, %d (%s), stops %v", l.Thread, l.Incarnation, v.Fits, v.Outcome, v.Ran, v.Woken, v.ExitCode, v.ExitCodeFrom, v.Stops)
		for _, f := range v.Findings {
			text := f.Text()
			text.Allowed = nil // --follow may have said it before the trace had shown all kinds of events
			s += fmt.Sprintf(", %s %+v", f.Rule.ID, text)
		}
		threads = append(threads, s)
	}
	slices.Sort(threads) // in the order in which they are told of, which differs
	input := r.Summary.Inputs[0]
	return fmt.Sprintf("%v\n%s\n%s\n%+v\n", err, r.Verdict, strings.Join(threads, "\n"), input.Stats)
}

type sample struct {
	name string
	text []byte
}

// samples are the logs in traces/samples.
func samples(t testing.TB) (list []sample) {
	t.Helper()
	err := filepath.WalkDir("traces/samples", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(name, ".want") || strings.HasSuffix(name, ".patterns") || strings.HasSuffix(name, ".md") {
			return err
		}
		text, err := os.ReadFile(name)
		list = append(list, sample{name, text})
		return err
	})
	if err != nil || len(list) < 100 {
		t.Fatalf("%d samples, %v", len(list), err)
	}
	return list
}

// damage does to a log what happens to logs; nothing where seed is 0.
func damage(text []byte, seed uint64) []byte {
	text = bytes.Clone(text)
	if seed == 0 {
		return text
	}
	rng := rand.New(rand.NewPCG(seed, 2))
	for range 1 + rng.IntN(6) {
		if len(text) < 10 {
			break
		}
		at := rng.IntN(len(text))
		end := min(len(text), at+rng.IntN(40))
		switch rng.IntN(9) {
		case 0: // cut
			text = text[:max(1, len(text)-rng.IntN(min(200, len(text))))]
		case 1:
			text[at] = byte(rng.IntN(256))
		case 2: // a piece is gone, perhaps with a line's end
			text = slices.Delete(text, at, end)
		case 3: // a piece comes again
			text = slices.Insert(text, at, bytes.Clone(text[at:end])...)
		case 4:
			for i := at; i < end; i++ {
				text[i] = 'X'
			}
		case 5: // two lines in one
			if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
				text[at+i] = ' '
			}
		case 6: // lines left out by hand
			marks := []string{"[...]\n", "...\n", "<snip>\n", "Then I saw this:\n", "--\n"}
			at = bytes.LastIndexByte(text[:at], '\n') + 1
			text = slices.Insert(text, at, []byte(marks[rng.IntN(len(marks))])...)
		case 7: // the second part first
			at = bytes.LastIndexByte(text[:at], '\n') + 1
			text = slices.Concat(text[at:], text[:at])
		default: // lines out of order
			split := bytes.SplitAfter(text, []byte("\n"))
			i, j := rng.IntN(len(split)), rng.IntN(len(split))
			split[i], split[j] = split[j], split[i]
			text = bytes.Join(split, nil)
		}
	}
	return text
}

// trickle reads a little at a time, as from a pipe.
type trickle struct {
	text []byte
	rng  *rand.Rand
}

func (r *trickle) Read(p []byte) (int, error) {
	if len(r.text) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 1+r.rng.IntN(300))], r.text)
	r.text = r.text[n:]
	return n, nil
}
