package graph

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/tlc"
	"github.com/kthread-tla/tracecheck/internal/tlctest"
)

// The graphs that are embedded are those that TLC dumps today, and each era's
// is the one that it is said to share.
func TestGraphsAreWhatTLCDumps(t *testing.T) {
	root, tools := tlctest.Find(t)
	for _, era := range Eras() {
		model, err := tlc.ReadModel(filepath.Join(root, "spec", "models", "api-"+era.Name+".cfg"))
		if err != nil {
			t.Fatal(err)
		}
		dot, err := tools.Dump(t.Context(), model)
		if err != nil {
			t.Fatal(err)
		}
		g, err := ParseDot(era.graph, dot)
		if err != nil {
			t.Fatal(err)
		}
		have, err := files.ReadFile("KThreadAPI-" + era.graph + ".graph")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(g.Format(), have) {
			t.Errorf("the graph for %s is not that of the specification: run go generate ./...", era.Name)
		}
		if len(g.States) != model.Expect.States {
			t.Errorf("%d states, TLC found %d", len(g.States), model.Expect.States)
		}
	}
}

func TestEraOf(t *testing.T) {
	for release, want := range map[string]string{
		"2.6.31": "2.6.32", "2.6.32-754.el6.x86_64": "2.6.32", "3.6.11": "2.6.32", "3.7": "3.18",
		"3.10.0-1160.el7.x86_64": "3.18", "4.9.337": "3.18", "4.10.0": "5.4", "4.19.0-26-amd64": "5.4",
		"5.4.73-1-lts": "5.4", "5.15.0-91-generic": "5.4", "5.16.20": "5.4", "5.17.1": "6.1",
		"6.1.0-18-amd64": "6.1", "6.12": "6.1", "6.12.117+deb12-amd64": "6.1", "7.0": "7.0", "7.3.1-rc2": "7.0",
	} {
		if e, err := EraOf(release); err != nil || e.Name != want {
			t.Errorf("EraOf(%q) = %s, %v, want %s", release, e.Name, err, want)
		}
	}
	for _, release := range []string{"", "6", "five", "2.6.30", "2.4.18", "next-20260101", "5.x", "6.1abc", ".5.4"} {
		if e, err := EraOf(release); err == nil {
			t.Errorf("EraOf(%q) = %s, want an error", release, e.Name)
		}
	}
}

func TestFormatAndParseAgree(t *testing.T) {
	for _, kernel := range Kernels() {
		g, err := Load(kernel)
		if err != nil {
			t.Fatal(err)
		}
		b := g.Format()
		h, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(h.Format(), b) {
			t.Errorf("%s does not survive", kernel)
		}
		if g.Value(g.Start, "phase") != "absent" {
			t.Errorf("%s starts in phase %s", kernel, g.Value(g.Start, "phase"))
		}
	}
	names, err := filepath.Glob("*.graph")
	if err != nil || len(names) != len(Kernels()) {
		t.Errorf("%d graphs for %d kernels (%v)", len(names), len(Kernels()), err)
	}
}

const dot = `strict digraph DiskGraph {
nodesep=0.35;
subgraph cluster_graph {
color="white";
-482 [label="/\\ phase = \"absent\"\n/\\ exited = 0",style = filled]
-482 -> 73 [label="Create",color="black",fontcolor="black"];
73 [label="/\\ phase = \"created\"\n/\\ exited = 0"];
73 -> 73 [label="Wake",color="black",fontcolor="black"];
73 -> 73 [label="Poke",color="black",fontcolor="black"];
}
}
`

func TestParseDot(t *testing.T) {
	g, err := ParseDot("5.4", []byte(dot))
	if err != nil {
		t.Fatal(err)
	}
	want := head + `kernel 5.4
variables exited phase
start 0 absent

0 absent
  Create          0 created

0 created
  Poke            .
  Wake            .
`
	if got := string(g.Format()); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	for _, bad := range []struct{ name, dot string }{
		{"no initial state", strings.Replace(dot, ",style = filled", "", 1)},
		{"an edge without a name", strings.Replace(dot, `label="Wake"`, `label=""`, 1)},
		{"a value with blanks", strings.Replace(dot, `exited = 0"`, `exited = <<1, 2>>"`, 1)},
		{"an edge to nowhere", strings.Replace(dot, "-> 73", "-> 74", 1)},
		{"two kinds of states", strings.Replace(dot, `/\\ exited = 0"]`, `/\\ done = 0"]`, 1)},
	} {
		if _, err := ParseDot("5.4", []byte(bad.dot)); err == nil {
			t.Errorf("%s: no error", bad.name)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, bad := range []string{
		"",
		"kernel 5.4\nvariables a\nstart 1\n",
		"kernel 5.4\nvariables a\nstart 1\n  Go 1\n",
		"kernel 5.4\nvariables a b\nstart 1\n\n1\n",
		"kernel 5.4\nvariables a\nstart 1\n\n1\n  Go 2\n",
	} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	if _, err := Load("0.01"); err == nil || !strings.Contains(err.Error(), "5.4") {
		t.Errorf("Load of an unknown kernel: %v", err)
	}
	if _, err := os.Stat("KThreadAPI-5.4.graph"); err != nil {
		t.Error(err)
	}
}
