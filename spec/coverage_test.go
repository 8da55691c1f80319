package spec_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/tlc"
	"github.com/kthread-tla/tracecheck/internal/tlctest"
	"github.com/kthread-tla/tracecheck/spec/coverage"
	"github.com/kthread-tla/tracecheck/spec/graph"
)

// callersDo has the actions of MCAnyCallers that do something to the object, and what.
var callersDo = map[string]string{
	"Created": "Create", "CreateFailed": "CreateFail", "Woke": "Wake", "WokeLater": "WakeLater",
	"WokenFirstByNobody": "Wake", "WokenLaterByNobody": "WakeLater",
	"StopRequested": "StopRequest", "StopUnparked": "StopUnpark",
	"StopWoke": "StopWake", "StopWokeLater": "WakeLater",
	"StopGotValue": "StopReturnValue", "StopGotEintr": "StopReturnEintr",
	"StopSkippedValue": "StopSkipValue", "StopSkippedEintr": "StopSkipEintr",
	"ParkRequested": "ParkRequest", "ParkReturned": "ParkReturn",
	"ParkWoke": "ParkWake", "ParkWokeUnasked": "Wake", "ParkWokeLater": "WakeLater",
	"ParkRefusedBusy": "ParkBusy", "ParkRefusedGone": "ParkGone", "ParkSkipped": "ParkAlready",
	"Unparked":   "Unpark",
	"DecidedRun": "DecideRun", "DecidedNotRun": "DecideNotRun",
	"HoldingUnasked": "HoldUnasked", "HoldingAsked": "HoldAsked", "HoldingBegun": "Hold", "HoldingEnded": "HoldEnd",
	"ParkingAsked": "ParkAsked", "ParkingBegun": "Park", "ParkingEnded": "ParkEnd",
	"Entered": "Enter", "Worked": "Work", "TestedFalse": "TestFalse", "TestedTrue": "TestTrue",
	"ReturnedValue": "ReturnValue", "ReturnedEintr": "ReturnEintr",
	"ExitedValue": "ExitValue", "ExitedEintr": "ExitEintr", "Oopsed": "Oops", "Finished": "Finish",
}

// looseAPI are wrong objects: each allows what the kernel does not do. The callers do not
// do it either, so no model of theirs notices: only the steps that nobody takes do, which
// are counted here by their actions.
var looseAPI = []struct{ name, kernel, old, new, gaps string }{
	{"StopUnpark without a stop", "5.4", "StopUnpark ==\n    /\\ should_stop\n", "StopUnpark ==\n    /\\ Era.parks\n", "39 StopUnpark"},
	{"ParkAlready in any phase", "3.18", `    /\ phase \in {"holding", "held", "parking", "parked"}` + "\n", "", "196 ParkAlready"},
	{"ParkGone of a thread that is there", "5.4", `    /\ phase = "finished" \/ (phase = "returned" /\ ~Era.skips_gone)` + "\n", "", "88 ParkGone"},
	{"StopSkip of a thread that is there", "2.6.32", `Era.skips_gone /\ phase = "finished" /\ code # EINTR`, `Era.skips_gone /\ Exists /\ code # EINTR`, "15 StopSkipValue"},
	{"ParkBusy unasked", "5.4", `~Era.marks_parked /\ Exists /\ should_park /\`, `~Era.marks_parked /\ Exists /\`, "121 ParkBusy"},
	{"ParkWake unasked", "6.1", "ParkWake ==\n    /\\ phase = \"created\"\n    /\\ should_park\n", "ParkWake ==\n    /\\ phase = \"created\"\n", "2 ParkWake"},
	{"Unpark of a thread that is not there", "5.4", "Unpark ==\n    /\\ Era.parks\n    /\\ Exists\n", "Unpark ==\n    /\\ Era.parks\n", "2 Unpark"},
}

// Each edge of KThreadAPI's graphs is a step of some caller.
func TestCallersTakeEachEdge(t *testing.T) {
	root, tools := tlctest.Find(t)
	models := filepath.Join(root, "spec", "models")
	for _, kernel := range graph.KThreadAPI.Kernels() {
		dump := dumpOf(t, tools, models, "any-callers-"+kernel)
		t.Run(kernel, func(t *testing.T) {
			g, err := graph.Load(graph.KThreadAPI, kernel)
			if err != nil {
				t.Fatal(err)
			}
			if gaps := gapsOf(t, g, dump); gaps != "" {
				t.Errorf("nobody takes these: %s", gaps)
			}
		})
		for _, l := range looseAPI {
			if l.kernel != kernel {
				continue
			}
			t.Run(kernel+"/"+l.name, func(t *testing.T) {
				loose := looseModels(t, root, "KThreadAPI.tla", l.old, l.new)
				g, err := graph.ParseDot("KThreadAPI", kernel, dumpOf(t, tools, loose, "api-"+kernel))
				if err != nil {
					t.Fatal(err)
				}
				if gaps := gapsOf(t, g, dump); gaps != l.gaps {
					t.Errorf("nobody takes %q, want %q", gaps, l.gaps)
				}
			})
		}
	}
}

// dumpOf has TLC check a model, and returns its state graph in TLC's dot form.
func dumpOf(t *testing.T, tools tlc.Tools, models, name string) (dot []byte) {
	t.Helper()
	m, err := tlc.ReadModel(filepath.Join(models, name+".cfg"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = tools.RunAndRead(t.Context(), m, func(r io.Reader) (err error) {
		dot, err = io.ReadAll(r)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dot
}

// gapsOf is how many edges of a graph no step of a dump takes, by their actions.
func gapsOf(t *testing.T, g *graph.Graph, dot []byte) string {
	t.Helper()
	c := coverage.New(g, callersDo)
	if err := c.Read(bytes.NewReader(dot)); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, gap := range c.Gaps() {
		count[gap.Action]++
	}
	var gaps []string
	for _, action := range slices.Sorted(maps.Keys(count)) {
		gaps = append(gaps, fmt.Sprintf("%d %s", count[action], action))
	}
	return strings.Join(gaps, ", ")
}

// looseModels is a folder like spec/models, beside modules of which one has another text in
// one place. The models check nothing: TLC would stop at the first wrong state.
func looseModels(t *testing.T, root, module, old, new string) string {
	t.Helper()
	spec := t.TempDir()
	models := filepath.Join(spec, "models")
	if err := os.Mkdir(models, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"*.tla", "models/MC*.tla", "models/*api-*.cfg", "models/*task-*.cfg"} {
		paths, err := filepath.Glob(filepath.Join(root, "spec", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(path)
			if name == module {
				if bytes.Count(b, []byte(old)) != 1 {
					t.Fatalf("%s has not once %q", module, old)
				}
				b = bytes.Replace(b, []byte(old), []byte(new), 1)
			}
			if checks := bytes.Index(b, []byte("\nINVARIANTS\n")); strings.HasSuffix(name, ".cfg") && checks >= 0 {
				b = append(b[:checks:checks], "\nCHECK_DEADLOCK FALSE\n"...)
			}
			if err := os.WriteFile(filepath.Join(spec, filepath.Dir(pattern), name), b, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	return models
}
