package tlc

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestJavaVersion(t *testing.T) {
	for out, want := range map[string]int{
		"openjdk version \"17.0.15\" 2025-04-15\nOpenJDK …": 17,
		"openjdk version \"11.0.2\"":                        11,
		"java version \"1.8.0_292\"":                        8,
		"openjdk version \"25\" 2025-09-16":                 25,
		"bash: java: command not found":                     0,
	} {
		if got := javaVersion(out); got != want {
			t.Errorf("javaVersion(%q) = %d, want %d", out, got, want)
		}
	}
}

func TestFindSaysInOneLineWhatIsMissing(t *testing.T) {
	good := filepath.Join(t.TempDir(), "my.jar")
	if err := os.WriteFile(good, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	bad := t.TempDir()
	if err := os.MkdirAll(filepath.Join(bad, jarDir), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bad, jarDir, jarName), []byte("not it"), 0o666); err != nil {
		t.Fatal(err)
	}
	oldJava := t.TempDir()
	script := "#!/bin/sh\necho 'java version \"1.8.0_292\"' >&2\n"
	if err := os.WriteFile(filepath.Join(oldJava, "java"), []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, root, env, path, want string }{
		{"no jar", t.TempDir(), "", os.Getenv("PATH"), "run `make tools`, or set TLA2TOOLS_JAR"},
		{"another jar than the one known", bad, "", os.Getenv("PATH"), "has SHA-256"},
		{"the reader's own jar is not there", bad, "/nonexistent/tla2tools.jar", os.Getenv("PATH"), "TLA2TOOLS_JAR"},
		{"no java", bad, good, t.TempDir(), "no java on the PATH"},
		{"an old java", bad, good, oldJava, "is Java 8: TLC needs Java 11 or later"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("TLA2TOOLS_JAR", tt.env)
			t.Setenv("PATH", tt.path)
			_, err := Find(tt.root)
			if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, tt.want)
			}
		})
	}
	t.Run("the reader's own jar is taken as it is", func(t *testing.T) {
		java := t.TempDir()
		if err := os.WriteFile(filepath.Join(java, "java"), []byte(strings.Replace(script, "1.8.0_292", "21.0.1", 1)), 0o777); err != nil {
			t.Fatal(err)
		}
		t.Setenv("TLA2TOOLS_JAR", good)
		t.Setenv("PATH", java)
		tools, err := Find(bad)
		if err != nil || tools.Jar != good {
			t.Errorf("got %v, %v", tools, err)
		}
	})
}

func TestReadModel(t *testing.T) {
	const head = "\\* What it shows,\n\\* in two lines.\n\\* module: MCKThread\n"
	tests := []struct{ name, in, want, err string }{
		{"holds", head + "\\* expect: holds, 41 distinct states\nSPECIFICATION Spec\n", "holds, 41 distinct states", ""},
		{"violates", head + "\\* expect: violates Foo, 23 states\nSPECIFICATION Spec\n", "violates Foo, 23 states", ""},
		{"no expectation", head + "SPECIFICATION Spec\n", "", "no line `\\* expect: …`"},
		{"no number", head + "\\* expect: holds\n", "", ":4: expect \"holds\": want"},
		{"zero", head + "\\* expect: holds, 0 distinct states\n", "", ":4:"},
		{"wrong unit", head + "\\* expect: violates Foo, 23 distinct states\n", "", ":4:"},
		{"no module", "\\* Shows.\n\\* expect: holds, 41 distinct states\n", "", "no line `\\* module: NAME`"},
		{"no prose", "\\* module: X\n\\* expect: holds, 41 distinct states\n", "", "does not say what the model shows"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "m.cfg")
			if err := os.WriteFile(path, []byte(tt.in), 0o666); err != nil {
				t.Fatal(err)
			}
			m, err := ReadModel(path)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if m.Expect.String() != tt.want || m.Module != "MCKThread" || m.Shows != "What it shows, in two lines." {
				t.Errorf("got %+v", m)
			}
		})
	}
}

func TestParseOutput(t *testing.T) {
	out := `Error: Invariant Foo is violated.
Error: The behavior up to this point is:
State 1: <Initial predicate>
/\ x = 0

State 2: <CreateRequest line 210, col 5 to line 213, col 9 of module KThread>
/\ x = 1

State 3: <FnReturn(0) line 1, col 1 to line 2, col 2 of module M>
/\ x = 2

State 4: Stuttering
Progress(3) at 2026-01-01 00:00:00: 5 states generated, 4 distinct states found, 1 states left on queue.
1334 states generated, 592 distinct states found, 71 states left on queue.
The depth of the complete state graph search is 23.
`
	r := parseOutput(out)
	if r.Got != (Expect{"Foo", 3}) || r.Generated != 1334 || r.Distinct != 592 || r.Depth != 23 {
		t.Errorf("got %+v", r)
	}
	if want := []string{"CreateRequest", "FnReturn"}; !slices.Equal(r.Trace, want) {
		t.Errorf("trace %v, want %v", r.Trace, want)
	}
}

func TestSection(t *testing.T) {
	for in, want := range map[string]string{
		"SPECIFICATION Spec\nPROPERTIES\n  Live\nCHECK_DEADLOCK FALSE\n": "Live",
		"PROPERTY Live \\* why\nINVARIANT A\n":                           "Live",
		"PROPERTIES A B\nPROPERTY C\n":                                   "A|B|C",
		"INVARIANT A\n":                                                  "",
		"CONSTANTS\n  Works = {\"W1\"}\n":                                "",
	} {
		if got := strings.Join(Section(in, "PROPERTY", "PROPERTIES"), "|"); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestWithout(t *testing.T) {
	in := "SPECIFICATION Spec\nINVARIANTS\n  A\nPROPERTIES\n  Live\n  Refines\nCHECK_DEADLOCK FALSE\n"
	if got, want := Without(in, "PROPERTY", "PROPERTIES"), "SPECIFICATION Spec\nINVARIANTS\n  A\nCHECK_DEADLOCK FALSE\n"; got != want {
		t.Errorf("got %q", got)
	}
}
