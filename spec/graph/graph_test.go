package graph

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kthread-tla/tracecheck/internal/tlc"
	"github.com/kthread-tla/tracecheck/internal/tlctest"
)

// The graphs that are embedded are those that TLC dumps today, and each era's
// is the one that it is said to share.
func TestGraphsAreWhatTLCDumps(t *testing.T) {
	root, tools := tlctest.Find(t)
	for _, module := range Modules {
		for _, era := range Eras() {
			kernel := module.Kernel(era)
			model, err := tlc.ReadModel(filepath.Join(root, "spec", "models", module.ModelOf(era.Name)))
			if err != nil {
				t.Fatal(err)
			}
			dot, err := tools.Dump(t.Context(), model)
			if err != nil {
				t.Fatal(err)
			}
			g, err := ParseDot(module.Name, kernel, dot)
			if err != nil {
				t.Fatal(err)
			}
			have, err := os.ReadFile(module.FileOf(kernel) + ".graph")
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(g.Format(), have) {
				t.Errorf("the graph of %s for %s is not that of the specification: run go generate ./...", module.Name, era.Name)
			}
			if len(g.States) != model.Expect.States {
				t.Errorf("%d states, TLC found %d", len(g.States), model.Expect.States)
			}
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

func TestDoubtsOf(t *testing.T) {
	tests := []struct{ name, release, want, why string }{
		{"plain mainline", "5.4.73", "", ""},
		{"a release candidate", "4.9.0-rc3+", "", ""},
		{"a tree between releases", "5.16.0-00012-g0123abc-dirty", "", ""},
		{"linux-next", "5.16.0-next-20220105", "", ""},
		{"Red Hat 6", "2.6.32-754.el6.x86_64", "3.18", "a distribution"},
		{"Red Hat 7", "3.10.0-1160.el7.x86_64", "5.4", "a distribution"},
		{"Red Hat 8", "4.18.0-553.el8_10.x86_64", "6.1", "a distribution"},
		{"Red Hat 9, first builds", "5.14.0-70.13.1.el9_0.x86_64", "6.1", "a distribution"},
		{"Red Hat 9, a build that was seen", "5.14.0-427.13.1.el9_4.x86_64", "6.1", "build from -210.el9"},
		{"CentOS Stream 9, a build that was seen", "5.14.0-210.el9.x86_64", "6.1", "build from -210.el9"},
		{"another 5.14.0 of many builds", "5.14.0-427-generic", "6.1", "a distribution"},
		{"SUSE", "5.14.21-150500.55.7-default", "6.1", "a distribution"},
		{"Debian", "5.10.0-21-amd64", "6.1", "a distribution"},
		{"Android", "5.10.43-android12-9-00031-g0123abcdef01", "6.1", "a distribution"},
		{"a stable kernel that may have the change of 7.0", "6.12.117", "7.0", "stable"},
		{"the same of a distribution", "6.1.0-18-amd64", "7.0", "stable"},
		{"nothing newer is known", "7.0.3-arch1-1", "", ""},
		{"older than what is specified", "2.6.18-398.el5", "", ""},
		{"no release", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := DoubtsOf(tt.release)
			if tt.want == "" {
				if len(got) > 0 {
					t.Errorf("got %+v, want none", got)
				}
				return
			}
			if len(got) != 1 || got[0].Era.Name != tt.want || !strings.Contains(got[0].Why, tt.why) {
				t.Errorf("got %+v, want %s because %q", got, tt.want, tt.why)
			}
		})
	}
	for i, e := range Eras() {
		if (e.Brings == "") != (i == 0) {
			t.Errorf("%s brings %q", e.Name, e.Brings)
		}
	}
}

// The graph that is loaded, which is packed, is the one that can be read as text.
func TestThePackedGraphIsTheText(t *testing.T) {
	n := 0
	for _, module := range Modules {
		n += len(module.Kernels())
		for _, kernel := range module.Kernels() {
			text, err := os.ReadFile(module.FileOf(kernel) + ".graph")
			if err != nil {
				t.Fatal(err)
			}
			g, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(g.Format(), text) {
				t.Errorf("%s does not survive", module.FileOf(kernel))
			}
			have, err := Load(module, kernel)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(g, have, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("%s.packed is not %[1]s.graph: run go generate ./...\n%s", module.FileOf(kernel), d)
			}
			for variable, start := range map[string]string{"phase": "absent", "on": "absent"} {
				if slices.Contains(g.Variables, variable) && g.Value(g.Start, variable) != start {
					t.Errorf("%s starts with %s = %s", module.FileOf(kernel), variable, g.Value(g.Start, variable))
				}
			}
		}
	}
	for _, form := range []string{"*.graph", "*.packed"} {
		names, err := filepath.Glob(form)
		if err != nil || len(names) != n {
			t.Errorf("%d %s for %d graphs (%v)", len(names), form, n, err)
		}
	}
}

// Bytes that Pack did not write are an error or another graph, and no panic.
func FuzzUnpack(f *testing.F) {
	for _, module := range []Module{KThreadAPI, Task} {
		for _, kernel := range module.Kernels() {
			b, err := files.ReadFile(module.FileOf(kernel) + ".packed")
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
			f.Add(b[:len(b)/2])
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := unpack(b)
		if err != nil {
			return
		}
		for _, s := range g.States {
			for _, e := range s.Edges {
				_, _ = g.Actions[e.Action], g.States[e.To]
			}
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	for _, module := range Modules {
		b.Run(module.Name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Load(module, "5.4"); err != nil {
					b.Fatal(err)
				}
			}
		})
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
	g, err := ParseDot("KThreadAPI", "5.4", []byte(dot))
	if err != nil {
		t.Fatal(err)
	}
	want := head + `module KThreadAPI
kernel 5.4
variables exited phase
start 0 absent

0 absent
  Create          phase=created

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
		if _, err := ParseDot("KThreadAPI", "5.4", []byte(bad.dot)); err == nil {
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
		"kernel 5.4\nvariables a\nstart 1\n\n1\n  Go a=2\n",
		"kernel 5.4\nvariables a\nstart 1\n\n1\n  Go b=1\n",
	} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	if _, err := Load(KThreadAPI, "0.01"); err == nil || !strings.Contains(err.Error(), "5.4") {
		t.Errorf("Load of an unknown kernel: %v", err)
	}
}
