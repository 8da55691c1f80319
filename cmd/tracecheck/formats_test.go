package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/report"
)

// eachSample runs f with the arguments that a sample's NAME.want begins with,
// several at the same time.
func eachSample(t *testing.T, f func(t *testing.T, base string, args []string)) {
	t.Helper()
	eachSampleIn(t, []string{"traces/samples", "traces/samples/formats"}, func(t *testing.T, base string, args []string) {
		if !*update { // which writes a file that all of them share
			t.Parallel()
		}
		f(t, base, args)
	})
}

func eachSampleIn(t *testing.T, folders []string, f func(t *testing.T, base string, args []string)) {
	t.Helper()
	t.Chdir(filepath.Join("..", ".."))
	var wants []string
	for _, folder := range folders {
		list, err := filepath.Glob(folder + "/*.want")
		if err != nil || len(list) < 20 {
			t.Fatalf("%s: %d samples, %v", folder, len(list), err)
		}
		wants = append(wants, list...)
	}
	for _, want := range wants {
		b, err := os.ReadFile(want)
		if err != nil {
			t.Fatal(err)
		}
		command, _, _ := strings.Cut(string(b), "\n")
		base := strings.TrimSuffix(want, ".want")
		t.Run(filepath.Base(base), func(t *testing.T) {
			f(t, base, strings.Fields(strings.TrimPrefix(command, "$ tracecheck ")))
		})
	}
}

// as is what is printed with --format format.
func as(format string, args []string) []byte {
	var out, errs bytes.Buffer
	run(nil, &out, &errs, append([]string{"--format", format}, args...))
	return bytes.Replace(out.Bytes(), []byte(fmt.Sprintf(`"version":%q`, version())), []byte(`"version":"test"`), 1)
}

// Each sample's JSON is in NAME.want.json.
func TestSamplesJSON(t *testing.T) {
	eachSample(t, func(t *testing.T, base string, args []string) {
		golden(t, base+".want.json", as("json", args))
	})
}

// Of each sample's page, what is its own is in NAME.want.html, and what is the
// same in all of them in testdata/page.html.
func TestSamplesPage(t *testing.T) {
	eachSample(t, func(t *testing.T, base string, args []string) {
		same, own := parts(as("html", args))
		golden(t, base+".want.html", own)
		golden(t, "cmd/tracecheck/testdata/page.html", same)
	})
}

// parts are what a page shares with all others, and its own. Of the shared part
// the style, the scripts, porcupine's page, their digests and the version of
// tracecheck are left out.
func parts(page []byte) (same, own []byte) {
	const begin, end = "<main>\n", "<footer>"
	head, rest, _ := bytes.Cut(page, []byte(begin))
	own, tail, _ := bytes.Cut(rest, []byte(end))
	same = slices.Concat(head, []byte(begin+"…\n"+end), tail)
	for _, p := range []struct{ from, to string }{
		{"<style>", "</style>"},
		{`<script type="application/json" id="page">`, "</script>"},
		{"<script>", "</script>"},
		{`http-equiv="Content-Security-Policy" content="`, `"`},
	} {
		var out []byte
		for {
			before, after, ok := bytes.Cut(same, []byte(p.from))
			out = append(out, before...)
			if !ok {
				break
			}
			_, same, _ = bytes.Cut(after, []byte(p.to))
			out = append(out, p.from+"…"+p.to...)
		}
		same = out
	}
	return bytes.ReplaceAll(same, []byte(version()), []byte("test")), own
}

// golden compares what was got with a file, or, with -update, writes it.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test ./cmd/tracecheck -update writes it)", err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s: -want +got:\n%s", file, d)
	}
}

// strict is a schema in which every object has the fields that are named, and
// no others.
func strict(v any) {
	switch v := v.(type) {
	case map[string]any:
		if v["type"] == "object" {
			v["additionalProperties"] = false
		}
		for _, e := range v {
			strict(e)
		}
	case []any:
		for _, e := range v {
			strict(e)
		}
	}
}

func parse(t *testing.T, doc []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatalf("%v:\n%s", err, doc)
	}
	return v
}

func compile(t *testing.T, schema any, at string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("file:///schema.json", schema); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("file:///schema.json" + at)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchemaPrinted(t *testing.T) {
	var out, errs bytes.Buffer
	if got := run(nil, &out, &errs, []string{"--schema"}); got != exitFits || out.String() != report.Schema {
		t.Errorf("status %d, %s", got, errs.String())
	}
	// The compiler holds it against the schema of schemas.
	compile(t, parse(t, out.Bytes()), "")
}

// What is written as json and ndjson is what the schema says, down to the last
// field, and both say the same.
func TestSamplesAgainstSchema(t *testing.T) {
	doc := parse(t, []byte(report.Schema))
	strict(doc)
	whole, line := compile(t, doc, ""), compile(t, doc, "#/$defs/ndjsonLine")
	eachSample(t, func(t *testing.T, _ string, args []string) {
		got := parse(t, as("json", args))
		if err := whole.Validate(got); err != nil {
			t.Errorf("json: %v", err)
		}
		var threads []any
		var summary map[string]any
		lines := bytes.Split(bytes.TrimSuffix(as("ndjson", args), []byte("\n")), []byte("\n"))
		for i, l := range lines {
			if len(l) == 0 {
				continue
			}
			v := parse(t, l)
			if err := line.Validate(v); err != nil {
				t.Errorf("ndjson, line %d: %v", i+1, err)
			}
			if i < len(lines)-1 {
				threads = append(threads, v)
			} else {
				summary = v.(map[string]any)["summary"].(map[string]any)
			}
		}
		rest := got.(map[string]any)
		if all := rest["threads"].([]any); len(all)+len(threads) > 0 && !reflect.DeepEqual(all, threads) {
			t.Errorf("ndjson's threads are not json's")
		}
		delete(rest, "threads")
		if d := cmp.Diff(any(rest), any(summary)); d != "" {
			t.Errorf("-json +ndjson:\n%s", d)
		}
	})
}

// A sarifLog is what the tests look at of a report in SARIF.
type sarifLog struct {
	Runs []struct {
		Tool struct {
			Driver struct{ Rules []struct{ ID string } }
		}
		Artifacts  []struct{ Location struct{ URI string } }
		Results    []sarifResult
		Properties struct{ Verdict string }
	}
}

type sarifResult struct {
	RuleID, Level, Kind         string
	RuleIndex                   int
	Locations, RelatedLocations []struct {
		PhysicalLocation struct {
			ArtifactLocation struct {
				URI   string
				Index int
			}
			Region struct{ StartLine, EndLine int }
		}
		Message struct{ Text string }
	}
}

// SARIF is valid by the standard's own schema, points at lines that are there,
// and holds an error exactly where the verdict says so.
func TestSamplesSARIF(t *testing.T) {
	b, err := os.ReadFile("../../report/testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	schema := compile(t, parse(t, b), "")
	eachSample(t, func(t *testing.T, _ string, args []string) {
		doc := as("sarif", args)
		if err := schema.Validate(parse(t, doc)); err != nil {
			t.Fatalf("%v\n%s", err, doc)
		}
		var r sarifLog
		if err := json.Unmarshal(doc, &r); err != nil {
			t.Fatal(err)
		}
		run := r.Runs[0]
		errors := 0
		for _, res := range run.Results {
			if res.Level == "error" {
				errors++
			}
			if got := run.Tool.Driver.Rules[res.RuleIndex].ID; got != res.RuleID {
				t.Errorf("rule %s has the index of %s", res.RuleID, got)
			}
			for _, l := range append(res.Locations, res.RelatedLocations...) {
				at := l.PhysicalLocation
				if run.Artifacts[at.ArtifactLocation.Index].Location.URI != at.ArtifactLocation.URI {
					t.Errorf("%v is no artifact", at)
				}
				log, err := os.ReadFile(at.ArtifactLocation.URI)
				lines := bytes.Count(log, []byte("\n")) + 1
				switch filepath.Ext(at.ArtifactLocation.URI) {
				case ".gz", ".bz2", ".zst", ".json": // what counts are the lines that are unpacked from it
					lines = at.Region.StartLine
				}
				if err != nil || at.Region.StartLine < 1 || at.Region.StartLine > lines {
					t.Errorf("no such line: %v %v", at, err)
				}
			}
		}
		if d := cmp.Diff(misfitsInJSON(t, as("json", args)), misfitsInSARIF(run.Results)); d != "" {
			t.Errorf("-json +sarif:\n%s", d)
		}
		v := run.Properties.Verdict
		if bad := v == string(checker.Violates) || v == string(checker.Hangs); bad != (errors > 0) {
			t.Errorf("verdict %s, %d errors", v, errors)
		}
	})
}

// misfitsInJSON says how far each thread fits, and the smallest part that does not.
func misfitsInJSON(t *testing.T, doc []byte) (said []string) {
	t.Helper()
	var r struct {
		Threads []struct {
			FitsTo int `json:"fits_to"`
			Shrunk []struct{ From, To int }
		}
	}
	if err := json.Unmarshal(doc, &r); err != nil {
		t.Fatal(err)
	}
	for _, th := range r.Threads {
		if th.FitsTo > 0 {
			said = append(said, fmt.Sprintf("to %d", th.FitsTo))
		}
		for _, s := range th.Shrunk {
			said = append(said, fmt.Sprintf("%d-%d", s.From, s.To))
		}
	}
	return said
}

// misfitsInSARIF says the same as misfitsInJSON.
func misfitsInSARIF(results []sarifResult) (said []string) {
	for _, res := range results {
		for _, l := range res.RelatedLocations {
			at := l.PhysicalLocation.Region
			switch l.Message.Text {
			case "it fits up to here":
				said = append(said, fmt.Sprintf("to %d", at.StartLine))
			case "of the smallest part that does not fit":
				said = append(said, fmt.Sprintf("%d-%d", at.StartLine, max(at.StartLine, at.EndLine)))
			}
		}
	}
	return said
}

// Each line of github is a workflow command, but for the verdict.
func TestSamplesGitHub(t *testing.T) {
	eachSample(t, func(t *testing.T, _ string, args []string) {
		lines := strings.Split(strings.TrimSuffix(string(as("github", args)), "\n"), "\n")
		for i, l := range lines {
			switch {
			case i == len(lines)-1:
				if !strings.HasPrefix(l, "verdict: ") {
					t.Errorf("last line %q", l)
				}
			case !strings.HasPrefix(l, "::notice file=") && !strings.HasPrefix(l, "::warning file=") && !strings.HasPrefix(l, "::error file="):
				t.Errorf("line %q", l)
			}
		}
	})
}
