package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/internal/recipe"
	"github.com/kthread-tla/tracecheck/report"
	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

//go:generate go test . -run TestGenerated -update

// The man page and the completions are made of the flags, docs/json.md of the
// schema, docs/rules.md of what --explain prints. `go generate ./cmd/tracecheck`
// writes them anew.
func TestGenerated(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	for file, text := range map[string]string{
		"docs/man/tracecheck.1":       manPage(),
		"completions/tracecheck.bash": bashCompletion(),
		"completions/_tracecheck":     zshCompletion(),
		"completions/tracecheck.fish": fishCompletion(),
		"docs/json.md":                jsonPage(t),
		"docs/rules.md":               rulesPage(),
	} {
		if *update {
			if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(b), text); d != "" {
			t.Errorf("%s is stale: go generate ./cmd/tracecheck\n%s", file, d)
		}
	}
}

// missing ends a test for which a program is missing: in CI that is a failure.
func missing(t *testing.T, program string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("no %s: .ci/tools installs it", program)
	}
	t.Skipf("no %s on the PATH (Debian: apt-get install %[1]s)", program)
}

// What the completions print is what their shells read.
func TestCompletionsAreShell(t *testing.T) {
	for shell, file := range map[string]string{"bash": "tracecheck.bash", "zsh": "_tracecheck", "fish": "tracecheck.fish"} {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if err != nil {
				missing(t, shell)
			}
			if out, err := exec.Command(path, "-n", "../../completions/"+file).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		missing(t, "bash")
	}
	for line, want := range map[string]string{
		"tracecheck --form":               "--format",
		"tracecheck --format s":           "sarif",
		"tracecheck -f j":                 "json",
		"tracecheck --record-recipe tr":   "trace-cmd",
		"tracecheck --record-recipe = tr": "trace-cmd", // as bash splits --record-recipe=tr
	} {
		words := strings.Fields(line)
		script := fmt.Sprintf(". ../../completions/tracecheck.bash; COMP_WORDS=(%s); COMP_CWORD=%d; _tracecheck; printf '%%s\\n' \"${COMPREPLY[@]}\"", line, len(words)-1)
		out, err := exec.Command(bash, "-c", script).CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%s<TAB>: %q, %v; want %s", line, out, err, want)
		}
	}
}

// choices are the values that a flag takes; nil: something else, a file perhaps.
func choices(flag string) []string {
	switch flag {
	case "format":
		return report.Formats
	case "color":
		return []string{"auto", "always", "never"}
	case "record-recipe":
		return recipe.Tools
	case "kernel":
		list := []string{"auto"}
		for _, e := range graph.Eras() {
			list = append(list, e.Name)
		}
		return list
	case "input-format":
		list := []string{"auto"}
		for _, f := range reader.Formats() {
			list = append(list, f.Name)
		}
		return list
	case "explain":
		list := []string{"rules"}
		for _, r := range checker.Rules {
			list = append(list, r.ID)
		}
		return list
	}
	return nil
}

func eachFlag(f func(*pflag.Flag)) {
	var o options
	flags(&o).VisitAll(f)
}

func takesValue(f *pflag.Flag) bool { return f.Value.Type() != "bool" }

func roff(s string) string {
	s = strings.ReplaceAll(s, `\`, `\e`)
	s = strings.ReplaceAll(s, "-", `\-`)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}

func manPage() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p(`.\" Written by go generate; do not edit.`)
	p(`.TH TRACECHECK 1 "" "tracecheck" "User Commands"`)
	p(".SH NAME\ntracecheck \\- what happened to kernel threads, and was it legal?")
	p(".SH SYNOPSIS\n.B tracecheck\n[\\fIflags\\fR] [\\fIFILE\\fR...]")
	_, about, _ := strings.Cut(usage, "\n\n")
	p(".SH DESCRIPTION\n%s", roff(strings.TrimSpace(about)))
	p(".SH OPTIONS")
	eachFlag(func(f *pflag.Flag) {
		value, text := pflag.UnquoteUsage(f)
		name := `\fB\-\-` + roff(f.Name) + `\fR`
		if f.Shorthand != "" {
			name = `\fB\-` + f.Shorthand + `\fR, ` + name
		}
		if takesValue(f) {
			name += ` \fI` + value + `\fR`
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" {
			text += " (default " + f.DefValue + ")"
		}
		p(".TP\n%s\n%s", name, roff(text))
	})
	p(".SH INPUT FORMATS")
	for _, f := range reader.Formats() {
		p(".TP\n\\fB%s\\fR\n%s", roff(f.Name), roff(f.Text))
	}
	p("%s", ".SH EXIT STATUS\n.TP\n0\neverything fits, or there is no evidence\n.TP\n1\na violation or a hang; with\n.B \\-\\-strict\nalso where something is inconclusive, or there is no evidence\n.TP\n2\nusage, or an input that cannot be read")
	p("%s", ".SH ENVIRONMENT\n.TP\nNO_COLOR, CLICOLOR_FORCE\nwhether text has colours, where\n.B \\-\\-color\nsays nothing")
	p("%s", ".SH EXAMPLES\n.nf\ndmesg | tracecheck\ntracecheck \\-\\-format html trace.txt >report.html\ntracecheck \\-\\-record\\-recipe=ftrace \\-\\-kernel \"$(uname \\-r)\"\n.fi")
	return b.String()
}

func bashCompletion() string {
	var names, files, cases []string
	eachFlag(func(f *pflag.Flag) {
		names = append(names, "--"+f.Name)
		which := "--" + f.Name
		if f.Shorthand != "" {
			names = append(names, "-"+f.Shorthand)
			which = "-" + f.Shorthand + "|" + which
		}
		if !takesValue(f) {
			return
		}
		if c := choices(f.Name); c != nil {
			cases = append(cases, fmt.Sprintf("\t%s) mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\"); return ;;\n", which, strings.Join(c, " ")))
		} else if f.Name == "printk" {
			files = append(files, which)
		} else {
			cases = append(cases, fmt.Sprintf("\t%s) COMPREPLY=(); return ;;\n", which))
		}
	})
	return `# bash completion for tracecheck; written by go generate, do not edit.
_tracecheck() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	# --flag=value comes as three words.
	if [[ $cur == = ]]; then
		cur=
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD-2]}
	fi
	case $prev in
` + strings.Join(cases, "") + `	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W '` + strings.Join(names, " ") + `' -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}
complete -o filenames -F _tracecheck tracecheck
`
}

// inQuotes makes s good between single quotes of zsh and fish.
func inQuotes(s string) string { return strings.ReplaceAll(s, "'", `'\''`) }

func zshCompletion() string {
	var b strings.Builder
	b.WriteString("#compdef tracecheck\n# zsh completion for tracecheck; written by go generate, do not edit.\n_arguments -s \\\n")
	eachFlag(func(f *pflag.Flag) {
		value, text := pflag.UnquoteUsage(f)
		text = strings.NewReplacer("[", "(", "]", ")", ":", `\:`).Replace(text)
		spec := "[" + text + "]"
		if takesValue(f) {
			spec += ":" + value + ":"
			if c := choices(f.Name); c != nil {
				spec += "(" + strings.Join(c, " ") + ")"
			} else if f.Name == "printk" {
				spec += "_files"
			}
		}
		many := ""
		if f.Value.Type() == "stringArray" {
			many = "*"
		}
		eq := ""
		if takesValue(f) {
			eq = "="
		}
		if f.Shorthand != "" {
			fmt.Fprintf(&b, "  '%s-%s%s' \\\n", many, f.Shorthand, inQuotes(spec))
		}
		fmt.Fprintf(&b, "  '%s--%s%s%s' \\\n", many, f.Name, eq, inQuotes(spec))
	})
	b.WriteString("  '*:file:_files'\n")
	return b.String()
}

func fishCompletion() string {
	var b strings.Builder
	b.WriteString("# fish completion for tracecheck; written by go generate, do not edit.\n")
	eachFlag(func(f *pflag.Flag) {
		_, text := pflag.UnquoteUsage(f)
		fmt.Fprintf(&b, "complete -c tracecheck -l %s", f.Name)
		if f.Shorthand != "" {
			b.WriteString(" -s " + f.Shorthand)
		}
		if c := choices(f.Name); c != nil {
			fmt.Fprintf(&b, " -x -a '%s'", strings.Join(c, " "))
		} else if takesValue(f) && f.Name == "printk" {
			b.WriteString(" -r")
		} else if takesValue(f) {
			b.WriteString(" -x")
		}
		fmt.Fprintf(&b, " -d '%s'\n", strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), "'", `\'`))
	})
	return b.String()
}

// rulesPage has all rules, in the order of their IDs.
func rulesPage() string {
	var b strings.Builder
	b.WriteString("<!-- Written by go generate from checker/rules.go and checker/rules/*.log; do not edit. -->\n\n# Rules\n\n" +
		"A finding has the ID of a rule. `tracecheck --explain KT001` prints the rule as it is here. A note is good to\n" +
		"know and legal; a warning cannot be decided, or looks wrong; an error is a violation or a hang, and the exit\n" +
		"status is 1. Of each rule's two logs, which are tests, the first has such a finding and the second has not.\n\n" +
		"| rule | | level | Linux |\n| --- | --- | --- | --- |\n")
	for _, r := range checker.Rules {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s |\n", r.ID, strings.ToLower(r.ID), r.Title, levelOf(r), r.Kernels)
	}
	for _, r := range checker.Rules {
		fmt.Fprintf(&b, "\n## %s\n\n**%s** (%s, Linux %s)\n\n%s\n\nA log that has it:\n\n```text\n%s```\n\nOne that has not:\n\n```text\n%s```\n",
			r.ID, r.Title, levelOf(r), r.Kernels, r.Text, r.Bad(), r.Good())
	}
	return b.String()
}

func levelOf(r *checker.Rule) string {
	if r.Hang {
		return string(r.Level) + ", a hang"
	}
	return string(r.Level)
}

// A schemaObject is as much of a schema as the page needs.
type schemaObject struct {
	Description string                  `json:"description"`
	Type        any                     `json:"type"`
	Enum        []any                   `json:"enum"`
	Const       any                     `json:"const"`
	Ref         string                  `json:"$ref"`
	OneOf       []schemaObject          `json:"oneOf"`
	AnyOf       []schemaObject          `json:"anyOf"`
	Items       *schemaObject           `json:"items"`
	Required    []string                `json:"required"`
	Properties  map[string]schemaObject `json:"properties"`
	Defs        map[string]schemaObject `json:"$defs"`
	order       []string
	defs        []string
}

// UnmarshalJSON keeps the order of the fields, which is that of the document.
func (s *schemaObject) UnmarshalJSON(b []byte) error {
	type plain schemaObject
	if err := json.Unmarshal(b, (*plain)(s)); err != nil {
		return err
	}
	var raw struct {
		Properties json.RawMessage `json:"properties"`
		Defs       json.RawMessage `json:"$defs"`
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	var err error
	if s.order, err = keys(raw.Properties); err != nil {
		return err
	}
	s.defs, err = keys(raw.Defs)
	return err
}

// keys are an object's, in their order.
func keys(b json.RawMessage) (list []string, err error) {
	if b == nil {
		return nil, nil
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return nil, err
		}
		list = append(list, k.(string))
		var skip json.RawMessage
		if err := d.Decode(&skip); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (s schemaObject) kind() string {
	switch {
	case s.Ref != "":
		name := strings.TrimPrefix(s.Ref, "#/$defs/")
		return "[" + name + "](#" + strings.ToLower(name) + ")"
	case s.Const != nil:
		return fmt.Sprintf("`%v`", s.Const)
	case s.Enum != nil:
		var v []string
		for _, e := range s.Enum {
			if e == nil {
				v = append(v, "null")
			} else {
				v = append(v, fmt.Sprintf("`%v`", e))
			}
		}
		return strings.Join(v, ", ")
	case s.Items != nil:
		return "list of " + s.Items.kind()
	case s.OneOf != nil:
		var v []string
		for _, o := range s.OneOf {
			v = append(v, o.kind())
		}
		return strings.Join(v, " or ")
	}
	if list, ok := s.Type.([]any); ok {
		return fmt.Sprintf("%v or %v", list...)
	}
	return fmt.Sprint(s.Type)
}

func jsonPage(t *testing.T) string {
	t.Helper()
	var doc schemaObject
	if err := json.Unmarshal([]byte(report.Schema), &doc); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fields := func(s schemaObject) {
		b.WriteString("| field | type | |\n| --- | --- | --- |\n")
		for _, name := range s.order {
			p := s.Properties[name]
			optional := " May be absent."
			for _, r := range s.Required {
				if r == name {
					optional = ""
				}
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s%s |\n", name, p.kind(), p.Description, optional)
		}
		b.WriteString("\n")
	}
	b.WriteString("<!-- Written by go generate from report/schema.json; do not edit. -->\n\n# JSON\n\n" +
		"`--format json` writes one document, `--format ndjson` a line for each thread and a last line with the rest.\n" +
		"`tracecheck --schema` prints the JSON Schema (draft 2020-12) that this page is made of; every sample's output\n" +
		"is tested against it. Threads come when their lives end, and the verdict last, so that nothing need be kept.\n" +
		"Fields may be added; none is renamed or taken away without another `schema_version`.\n\n" +
		"## The document\n\n" + doc.Description + "\n\n")
	fields(doc)
	for _, name := range doc.defs {
		s := doc.Defs[name]
		fmt.Fprintf(&b, "## %s\n\n%s\n\n", name, s.Description)
		if s.Properties != nil {
			fields(s)
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
