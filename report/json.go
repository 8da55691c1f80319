package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/traces"
)

// schemaVersion changes when a field's meaning does, or a field goes.
const schemaVersion = 1

// JSON writes one document, which docs/json.md describes. Threads are written as they end
// and the verdict last, so nothing is kept.
type JSON struct {
	w       io.Writer
	version string
	names   []string
	threads int
	shrunk  shrinking
}

// NewJSON writes to w; names are the inputs' names.
func NewJSON(w io.Writer, version string, names []string) *JSON {
	return &JSON{w: w, version: version, names: names}
}

type jsonTask struct {
	Comm *string `json:"comm"`
	PID  *int    `json:"pid"`
}

type jsonStop struct {
	By         *jsonTask `json:"by"`
	CalledAt   *int      `json:"called_at"`
	ReturnedAt *int      `json:"returned_at"`
	Result     *int      `json:"result"`
}

type jsonStep struct {
	Action string `json:"action"`
	By     string `json:"by"`
	Line   *int   `json:"line"`
	Hidden bool   `json:"hidden"`
}

type jsonFinding struct {
	Rule        string   `json:"rule"`
	Level       string   `json:"level"`
	Message     string   `json:"message"`
	Lines       []int    `json:"lines"`
	Allowed     []string `json:"allowed,omitempty"`
	WouldSettle string   `json:"would_settle,omitempty"`
	Advice      string   `json:"advice,omitempty"`
}

// A jsonOpen is a fact that the log leaves open.
type jsonOpen struct {
	Fact        string `json:"fact"`
	WouldSettle string `json:"would_settle,omitempty"`
}

// A jsonGeneral is a finding that belongs to no thread.
type jsonGeneral struct {
	jsonFinding
	Input int `json:"input"`
}

type jsonWait struct {
	Waiter  *jsonTask `json:"waiter"`
	For     *jsonTask `json:"for"`
	Certain bool      `json:"certain"` // false: for is null, or only likely
	In      string    `json:"in"`
	Module  string    `json:"module,omitempty"`
	Line    int       `json:"line"`
	Seconds int       `json:"seconds"`
	Input   int       `json:"input"`
}

func findingJSON(f checker.Finding) jsonFinding {
	t := f.Text()
	return jsonFinding{f.Rule.ID, string(f.Rule.Level), t.Message, t.Lines, t.Allowed, t.WouldSettle, t.Advice}
}

// A jsonLife names the life that a thread's object is about.
type jsonLife struct {
	Comm        *string `json:"comm"`
	PID         *int    `json:"pid"`
	Incarnation int     `json:"incarnation"`
	Input       int     `json:"input"`
	InputName   string  `json:"input_name"`
	AsOf        int     `json:"as_of"`
	Revision    int     `json:"revision"`
}

type jsonThread struct {
	jsonLife
	Fits         string        `json:"fits"`
	Why          string        `json:"why,omitempty"`
	Assumes      []string      `json:"assumes,omitempty"`
	Outcome      string        `json:"outcome"`
	Ran          string        `json:"ran"`
	Woken        string        `json:"woken"`
	ExitCode     *int          `json:"exit_code"`
	ExitCodeFrom *string       `json:"exit_code_from"`
	Stops        []jsonStop    `json:"stops"`
	Witness      []jsonStep    `json:"witness"`
	Findings     []jsonFinding `json:"findings"`
	Open         []jsonOpen    `json:"open,omitempty"`
	FitsTo       int           `json:"fits_to,omitempty"`
	Shrunk       []jsonSpan    `json:"shrunk,omitempty"`
}

type jsonSpan struct {
	From int `json:"from"`
	To   int `json:"to"`
}

type jsonDiagnostic struct {
	Line    int    `json:"line"`
	Message string `json:"message"`
}

type jsonClocks struct {
	Ahead  int    `json:"ahead"`
	Behind int    `json:"behind"`
	By     int64  `json:"by_ns"`
	Lines  [2]int `json:"lines"`
}

type jsonInput struct {
	Name        string           `json:"name"`
	Format      *string          `json:"format"`
	Lines       int              `json:"lines"`
	Events      int              `json:"events"`
	Lost        int              `json:"lost"`
	Kernel      *string          `json:"kernel"`
	KernelFrom  string           `json:"kernel_from"`
	Banner      string           `json:"banner,omitempty"`
	KernelsFit  []string         `json:"kernels_fit"`
	Notes       []string         `json:"notes,omitempty"`
	Clocks      []jsonClocks     `json:"clocks,omitempty"`
	Diagnostics []jsonDiagnostic `json:"diagnostics"`
	Unusable    int              `json:"unusable"`
	Error       string           `json:"error,omitempty"`
}

func number(n int, known bool) *int {
	if !known {
		return nil
	}
	return &n
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func taskJSON(t traces.Task) *jsonTask {
	if t == (traces.Task{}) {
		return nil
	}
	return &jsonTask{text(t.Comm), number(t.PID, t.PID != 0)}
}

func (j *JSON) head() error {
	return writeJSON(j.w, `{"schema_version":`+strconv.Itoa(schemaVersion)+`,"tool":`, jsonTool{"tracecheck", j.version}, ",\n\"threads\":[")
}

// threadJSON makes an element of "threads". name is the name of its input.
func threadJSON(input int, name string, v *checker.Verdict, n *shrinking) jsonThread {
	l := v.Life
	t := jsonThread{
		jsonLife: jsonLife{
			Comm: text(l.Thread.Comm), PID: number(l.Thread.PID, l.Thread.PID != 0), Incarnation: l.Incarnation,
			Input: input, InputName: name, AsOf: l.AsOf, Revision: v.Revision,
		},
		Fits: string(v.Fits), Why: v.Why, Outcome: string(v.Outcome), Ran: string(v.Ran), Woken: string(v.Woken),
		ExitCode: number(v.ExitCode, v.ExitCodeFrom != ""), ExitCodeFrom: text(v.ExitCodeFrom),
		Stops: []jsonStop{}, Witness: []jsonStep{}, Findings: []jsonFinding{},
	}
	if l.OneName() && v.Fits != checker.FitsNo {
		t.Assumes = append(t.Assumes, "one name is one thread")
	}
	if v.ForeignWake {
		t.Assumes = append(t.Assumes, "the wake in the context of a task in kthread_stop is that stop's own: the trace does not show interrupts")
	}
	for _, s := range v.Stops {
		t.Stops = append(t.Stops, jsonStop{taskJSON(s.By), number(s.CalledAt, s.CalledAt > 0),
			number(s.ReturnedAt, s.ReturnedAt > 0), number(s.Result, s.HasResult)})
	}
	for _, s := range v.Witness() {
		t.Witness = append(t.Witness, jsonStep{s.Name, string(s.By), number(s.Line, s.Line > 0), s.Line == 0})
	}
	for _, f := range v.Findings {
		t.Findings = append(t.Findings, findingJSON(f))
	}
	for _, o := range v.Open {
		t.Open = append(t.Open, jsonOpen(o))
	}
	t.FitsTo = v.FitsTo
	for _, s := range n.of(v) {
		t.Shrunk = append(t.Shrunk, jsonSpan{s.From, s.To})
	}
	return t
}

// Life writes one element of "threads".
func (j *JSON) Life(input int, v *checker.Verdict) error {
	if j.threads == 0 {
		if err := j.head(); err != nil {
			return err
		}
	}
	sep := "\n"
	if j.threads > 0 {
		sep = ",\n"
	}
	j.threads++
	return writeJSON(j.w, sep, threadJSON(input, j.names[input], v, &j.shrunk))
}

// Close writes what comes after the threads.
func (j *JSON) Close(s *Summary) error {
	if j.threads == 0 {
		if err := j.head(); err != nil {
			return err
		}
	}
	r := restJSON(s)
	if err := writeJSON(j.w, "\n],\n\"inputs\":", r.Inputs); err != nil {
		return err
	}
	if err := writeJSON(j.w, ",\n\"waits\":", r.Waits); err != nil {
		return err
	}
	if err := writeJSON(j.w, ",\n\"findings\":", r.Findings); err != nil {
		return err
	}
	return writeJSON(j.w, ",\n\"verdict\":", r.Verdict, "}\n")
}

// A jsonRest is the document without its threads.
type jsonRest struct {
	SchemaVersion int           `json:"schema_version"`
	Tool          jsonTool      `json:"tool"`
	Inputs        []jsonInput   `json:"inputs"`
	Waits         []jsonWait    `json:"waits"`
	Findings      []jsonGeneral `json:"findings"`
	Verdict       string        `json:"verdict"`
}

type jsonTool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

func restJSON(s *Summary) jsonRest {
	inputs := make([]jsonInput, 0, len(s.Inputs))
	for _, in := range s.Inputs {
		out := jsonInput{
			Name: in.Name, Format: text(in.Format), Lines: in.Stats.Lines, Events: in.Stats.Events, Lost: in.Stats.Lost,
			KernelFrom: in.KernelFrom, Banner: in.Banner, KernelsFit: in.KernelsFit, Notes: in.Notes,
			Diagnostics: []jsonDiagnostic{}, Unusable: in.Stats.Unusable,
		}
		if in.Era != nil {
			out.Kernel = &in.Era.Name
		}
		if out.KernelsFit == nil {
			out.KernelsFit = []string{}
		}
		for _, c := range in.Clocks {
			out.Clocks = append(out.Clocks, jsonClocks{c.Ahead, c.Behind, c.By, [2]int{c.Cause, c.Effect}})
		}
		for _, d := range in.Stats.Diagnostics {
			out.Diagnostics = append(out.Diagnostics, jsonDiagnostic{d.Line, d.Message})
		}
		if in.Err != nil {
			out.Error = in.Err.Error()
		}
		inputs = append(inputs, out)
	}
	waits, findings := []jsonWait{}, []jsonGeneral{}
	for i, in := range s.Inputs {
		for _, w := range in.Waits {
			waits = append(waits, jsonWait{taskJSON(w.Waiter), taskJSON(w.For), w.Certain, w.In, w.Module, w.Lines[0], w.Seconds, i})
		}
		for _, f := range in.Findings {
			findings = append(findings, jsonGeneral{findingJSON(f), i})
		}
	}
	return jsonRest{Inputs: inputs, Waits: waits, Findings: findings, Verdict: string(s.Verdict())}
}

// NDJSON writes one line for each thread, with the object that JSON has in "threads", and a
// last line with an object "summary", which has the rest.
type NDJSON struct {
	w       io.Writer
	version string
	names   []string
	shrunk  shrinking
}

// NewNDJSON writes to w; names are the inputs' names.
func NewNDJSON(w io.Writer, version string, names []string) *NDJSON {
	return &NDJSON{w: w, version: version, names: names}
}

// Life writes a line.
func (n *NDJSON) Life(input int, v *checker.Verdict) error {
	return writeJSON(n.w, "", threadJSON(input, n.names[input], v, &n.shrunk), "\n")
}

// Close writes the last line.
func (n *NDJSON) Close(s *Summary) error {
	r := restJSON(s)
	r.SchemaVersion, r.Tool = schemaVersion, jsonTool{"tracecheck", n.version}
	return writeJSON(n.w, `{"summary":`, r, "}\n")
}

// writeJSON writes text, a value in JSON, and more text, in one write.
func writeJSON(w io.Writer, before string, v any, behind ...string) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	out := append([]byte(before), plain(b)...)
	for _, s := range behind {
		out = append(out, s...)
	}
	_, err = w.Write(out)
	return err
}

// plain escapes the characters that JSON allows and that a terminal might act on.
func plain(b []byte) []byte {
	if !bytes.ContainsFunc(b, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return b
	}
	var out []byte
	for _, r := range string(b) {
		switch {
		case strconv.IsPrint(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			a, b := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, a, b)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}
