package reader

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/traces"
)

// What happens to a thread within a second of its fork is not left out: such
// lines are read before their fork is given out, which is when somebody can ask
// for the thread.
func TestInterestAfterReordering(t *testing.T) {
	in := `{"kt":1,"ts":1000,"ev":"begin"}` + "\n" +
		`{"kt":1,"ts":2000,"cpu":1,"ev":"fork","tid":2,"pid":367}` + "\n" +
		`{"kt":1,"ts":3000,"cpu":0,"ev":"switch","prev":2,"state":1,"next":367}` + "\n" +
		`{"kt":1,"ts":4000,"cpu":1,"ev":"switch","prev":367,"state":2,"next":0}` + "\n" +
		`{"kt":1,"ts":5000,"cpu":0,"ev":"waking","tid":294,"pid":367}` + "\n" +
		`{"kt":1,"ev":"end"}` + "\n"
	interest := traces.NewInterest()
	r := New(strings.NewReader(in), Options{Interest: interest})
	defer r.Close()
	var got []string
	for r.Scan() {
		e := r.Event()
		got = append(got, fmt.Sprint(e.Line, " ", e.Kind))
		if e.Kind == traces.Fork {
			interest.Add(e.Thread.PID)
		}
	}
	want := "[2 fork 3 switch-out 3 switch-in 4 switch-out 5 woken]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// A trace that is cut in its last line says nothing with it, and that it is cut.
func TestCutTraces(t *testing.T) {
	for _, file := range []string{"ftrace-ok.txt", "perf-script.txt", "tracecmd-report.txt"} {
		in, err := os.ReadFile(filepath.Join("..", "samples", "recorded", file))
		if err != nil {
			t.Fatal(err)
		}
		read := func(text []byte) (string, *Reader) {
			var b strings.Builder
			r := New(bytes.NewReader(text), Options{})
			defer r.Close()
			for r.Scan() {
				fmt.Fprintf(&b, "%+v\n", *r.Event())
			}
			return b.String(), r
		}
		whole, _ := read(in)
		for cut := 2000; cut < 2400; cut++ {
			if in[cut-1] == '\n' {
				continue
			}
			part, r := read(in[:cut])
			if s := r.Stats(); !strings.HasPrefix(whole, part) || s.Unusable != 1 || s.Diagnostics[0].Line != s.Lines {
				t.Fatalf("%s cut at %d: %v\n%s", file, cut, s.Diagnostics, part)
			}
		}
	}
}
