package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every ```console block in README.md and docs is a command and its output.
// The test runs the command and compares; -update writes the output. Commands
// begin with "go run ./cmd/tracecheck", which is run in this process, or are
// plain sed, grep, head and cat.
func TestDocsCommands(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, page := range append(pages, "README.md") {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		in, skip := false, false
		for line := range strings.Lines(string(b)) {
			switch {
			case line == "```console\n":
				in = true
			case line == "```\n" && in:
				in, skip = false, false
			case in && strings.HasPrefix(line, "$ "):
				commands++
				out.WriteString(line)
				out.WriteString(outputOf(t, page, strings.TrimSpace(line[2:])))
				skip = true
				continue
			case skip:
				continue
			}
			out.WriteString(line)
		}
		if *update {
			if err := os.WriteFile(page, []byte(out.String()), 0o666); err != nil {
				t.Fatal(err)
			}
		} else if d := cmp.Diff(string(b), out.String()); d != "" {
			t.Errorf("%s: -written +printed:\n%s", page, d)
		}
	}
	if commands < 10 {
		t.Errorf("only %d commands found", commands)
	}
}

func outputOf(t *testing.T, page, command string) string {
	t.Helper()
	args := strings.Fields(command)
	if rest, ok := strings.CutPrefix(command, "go run ./cmd/tracecheck "); ok {
		var out bytes.Buffer
		run(nil, &out, &out, strings.Fields(rest))
		return out.String()
	}
	switch args[0] {
	case "sed", "grep", "head", "cat":
	default:
		t.Fatalf("%s: the command %q is not known to this test", page, command)
	}
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %s: %v\n%s", page, command, err, out)
	}
	return string(out)
}

// The README's first screen holds exactly two commands. The first is run here
// as it stands; the second is what runs this test, by way of .ci/run.
func TestREADMECommands(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "```sh\n")
	block, after, ok := strings.Cut(rest, "```\n")
	if !ok || strings.Contains(after, "```sh") {
		t.Fatal("README.md: want exactly one block of commands")
	}
	want := "go run ./cmd/tracecheck traces/samples/race-run2.dmesg\nmake test\n"
	if block != want {
		t.Fatalf("README.md's commands are\n%swant\n%s", block, want)
	}

	out, err := exec.Command("go", "run", "./cmd/tracecheck", "traces/samples/race-run2.dmesg").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, s := range []string{"t2  was stopped before it ran  [fits]", "exit code: -4 (inferred)", "KT001", "legal", "-EINTR", "if threadfn must run once", "verdict: fits (3 threads)"} {
		if !bytes.Contains(out, []byte(s)) {
			t.Errorf("the README's first command does not print %q:\n%s", s, out)
		}
	}

	ci, err := os.ReadFile(".ci/run")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(ci, []byte("exec make test\n")) {
		t.Error(".ci/run does not run the README's test command")
	}
	if out, err := exec.Command("make", "-n", "test").CombinedOutput(); err != nil || !bytes.Contains(out, []byte(" ./...\n")) {
		t.Errorf("make -n test: %v\n%s", err, out)
	}
}

// The program of docs/library.md prints what stands behind it.
func TestDocsLibrary(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	b, err := os.ReadFile("docs/library.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok1 := strings.Cut(string(b), "```go\n")
	program, rest, ok2 := strings.Cut(rest, "```\n")
	_, rest, ok3 := strings.Cut(rest, "```text\n")
	want, _, ok4 := strings.Cut(rest, "```\n")
	if !ok1 || !ok2 || !ok3 || !ok4 {
		t.Fatal("want a block of go, and one of text behind it")
	}
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(program), 0o666); err != nil {
		t.Fatal(err)
	}
	log, err := os.Open("traces/samples/race-run2.dmesg")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("go", "run", file)
	cmd.Stdin = log
	out, err := cmd.CombinedOutput()
	if d := cmp.Diff(want, string(out)); err != nil || d != "" {
		t.Errorf("%v -written +printed:\n%s", err, d)
	}
}

// The index names every page.
func TestDocsIndex(t *testing.T) {
	t.Chdir(filepath.Join("..", "..", "docs"))
	index, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if page != "README.md" && !bytes.Contains(index, []byte("]("+page+")")) {
			t.Errorf("docs/README.md does not name %s", page)
		}
	}
}

// What the pages link to is there.
func TestDocsLinks(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "README.md", "CONTRIBUTING.md") {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		rest := string(b)
		for {
			_, tail, ok := strings.Cut(rest, "](")
			if !ok {
				break
			}
			var target string
			target, rest, _ = strings.Cut(tail, ")")
			target, _, _ = strings.Cut(target, "#")
			if target == "" || strings.HasPrefix(target, "https://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), target)); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}
