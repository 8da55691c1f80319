package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"html/template"
	"io"
	"strconv"
	"strings"

	"github.com/anishathalye/porcupine"

	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/spec/graph"
)

// HTML writes one page that needs no other file and no network. Each life is a row that
// can be opened. The row's content is data in the page, and is drawn when the row is
// opened, so that a page with thousands of lives loads quickly.
//
// Text of a log cannot run as a script: it is put into text nodes, and the page's policy
// allows only two scripts, by their digests. The timeline is porcupine's drawing, in a
// frame of its own.
type HTML struct {
	w       io.Writer
	version string
	names   []string
	frame   *timelineFrame
	lives   int
	shrunk  shrinking
	input   int // index of the input whose heading was written last; -1: none yet
	begun   bool
}

// NewHTML writes to w; names are the inputs' names.
func NewHTML(w io.Writer, version string, names []string) *HTML {
	return &HTML{w: w, version: version, names: names, input: -1}
}

var (
	//go:embed html/page.css
	pageCSS string
	//go:embed html/page.js
	pageJS string
	//go:embed html/frame.js
	frameJS string
	//go:embed html/head.html
	headHTML string
	//go:embed html/tail.html
	tailHTML string
)

// A timelineFrame is porcupine's page without its data, which go between before and after.
type timelineFrame struct {
	before, after string
	script        string
}

// dataMark stands before the data in porcupine's page, drawMark behind them.
const (
	dataMark = "const data = "
	drawMark = "render(data)"
)

// porcupineData cuts the data out of a page of porcupine's.
func porcupineData(page []byte) ([]byte, bool) {
	i, j := bytes.LastIndex(page, []byte(dataMark)), bytes.LastIndex(page, []byte(drawMark))
	if i < 0 || j < i {
		return nil, false
	}
	return bytes.TrimSpace(page[i+len(dataMark) : j]), true
}

// newTimelineFrame makes the frame of an empty page of porcupine's. Porcupine numbers the
// rows; the frame shows the names that come with the data instead.
func newTimelineFrame() (*timelineFrame, error) {
	var page strings.Builder
	if err := porcupine.Visualize(porcupine.Model{Init: func() any { return nil }, Step: func(s, _, _ any) (bool, any) { return true, s }}, porcupine.LinearizationInfo{}, &page); err != nil {
		return nil, err
	}
	head, rest, ok1 := strings.Cut(page.String(), "<script>")
	script, _, ok2 := strings.Cut(rest, dataMark)
	style, body, ok3 := strings.Cut(head, "</style>")
	const width, label = "i < realClients ? i.toString() :", "i < realClients ? i :"
	if !ok1 || !ok2 || !ok3 || !strings.Contains(script, width) || !strings.Contains(script, label) {
		return nil, errors.New("porcupine's page is not as it was: report/html.go takes it apart")
	}
	script = strings.Replace(script, width, "i < realClients ? data.Rows[i] :", 1)
	script = strings.Replace(script, label, "i < realClients ? data.Rows[i] :", 1)
	body = strings.NewReplacer(">Clients<", ">Tasks<", "Invalid LP", "not here", "Valid LP", "an order", `"660"`, `"700"`, `"0 0 660 20"`, `"0 0 700 20"`).Replace(body)
	f := &timelineFrame{script: script + frameJS}
	f.before = style + frameCSS + "</style>" + body + `<script type="application/json" id="data">`
	f.after = "</script><script>" + f.script + "</script></body></html>"
	return f, nil
}

const frameCSS = `
html { background: #fff; color-scheme: light; }
`

func digest(script string) string {
	sum := sha256.Sum256([]byte(script))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func (h *HTML) head() error {
	if h.begun {
		return nil
	}
	h.begun = true
	f, err := newTimelineFrame()
	if err != nil {
		return err
	}
	h.frame = f
	where := map[string]string{}
	for _, a := range checker.Actions {
		where[a.Name] = a.Where
	}
	frame, err := json.Marshal(map[string]any{"before": f.before, "after": f.after, "where": where})
	if err != nil {
		return err
	}
	var b bytes.Buffer
	err = template.Must(template.New("head").Parse(headHTML)).Execute(&b, struct {
		Policy string
		Style  template.CSS
	}{
		"default-src 'none'; script-src " + digest(pageJS) + " " + digest(f.script) + "; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
		template.CSS(pageCSS),
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(&b, "<script type=\"application/json\" id=\"page\">%s</script>\n<main>\n", frame)
	_, err = h.w.Write(b.Bytes())
	return err
}

type htmlFinding struct {
	Rule        string   `json:"rule"`
	Title       string   `json:"title"`
	Level       string   `json:"level"`
	Where       string   `json:"where"`
	Message     string   `json:"message"`
	Allowed     []string `json:"allowed,omitempty"`
	Advice      string   `json:"advice,omitempty"`
	WouldSettle string   `json:"would_settle,omitempty"`
}

type htmlLine struct {
	N    int    `json:"n"`
	Text string `json:"text"`
}

// An htmlLife is the content of a row.
type htmlLife struct {
	Name     string        `json:"name"`
	Facts    [][2]string   `json:"facts"`
	Findings []htmlFinding `json:"findings"`
	Caller   string        `json:"caller"`
	Chart    [][4]string   `json:"chart"` // line, what the caller does, what the thread does, the action
	Lines    []htmlLine    `json:"lines"`
	More     int           `json:"more"` // how many lines are left out
	Timeline *timeline     `json:"timeline,omitempty"`
}

// A timeline has porcupine's data (as in its visualization.go), and the names of the rows.
type timeline struct {
	Partitions []struct {
		History []struct {
			ClientId, Start, End       int
			OriginalStart, OriginalEnd string
			Description, Metadata      string
		}
		PartialLinearizations json.RawMessage
		Largest               json.RawMessage
	}
	Annotations []struct{}
	Rows        []string
}

// Bounds of what the page has of one life: lines, and bytes of a timeline.
const (
	maxLines    = 500
	maxTimeline = 256 << 10
)

// timelineOf returns the timeline of a life; nil: it cannot be drawn.
func timelineOf(v *checker.Verdict) (*timeline, error) {
	var page bytes.Buffer
	if err := v.Visualize(&page); errors.Is(err, checker.ErrNotDrawn) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	data, ok := porcupineData(page.Bytes())
	if !ok || len(data) > maxTimeline {
		return nil, nil
	}
	var t timeline
	if err := json.Unmarshal(data, &t); err != nil {
		return nil, err
	}
	if len(t.Partitions) == 0 {
		return nil, nil
	}
	ops := v.Operations()
	_, t.Rows = checker.Lanes(ops)
	for i := range t.Rows {
		t.Rows[i] = Clean(t.Rows[i])
	}
	or := func(s, open string) string {
		if s == "" {
			return open
		}
		return s
	}
	for i := range t.Partitions[0].History {
		e := &t.Partitions[0].History[i]
		e.OriginalStart, e.OriginalEnd = or(ops[i].Since, "at any time before"), or(ops[i].Until, "at any time after")
		e.Description, e.Metadata = Clean(e.Description), Clean(e.Metadata)
	}
	return &t, nil
}

// Life writes a row.
func (h *HTML) Life(input int, v *checker.Verdict) error {
	if err := h.head(); err != nil {
		return err
	}
	l := v.Life
	name := Clean(l.Thread.String())
	if l.Incarnation > 1 {
		name += fmt.Sprintf(" (#%d)", l.Incarnation)
	}
	life := htmlLife{Name: name, Caller: callerOf(v), Findings: []htmlFinding{}, Chart: [][4]string{}, Lines: []htmlLine{}}
	code := "not in this log"
	if v.ExitCodeFrom != "" {
		code = fmt.Sprintf("%d (%s)", v.ExitCode, v.ExitCodeFrom)
	}
	life.Facts = [][2]string{
		{"outcome", string(v.Outcome)}, {"threadfn ran", string(v.Ran)}, {"woken", string(v.Woken)}, {"exit code", code},
		{"as of", "line " + strconv.Itoa(l.AsOf)},
	}
	if v.Why != "" {
		life.Facts = append(life.Facts, [2]string{"inconclusive", Clean(v.Why)})
	}
	if len(v.KernelsFit) > 0 {
		life.Facts = append(life.Facts, [2]string{"fits the rules of Linux", strings.Join(ranges(v.KernelsFit), ", ")})
	}
	if v.FitsTo > 0 {
		life.Facts = append(life.Facts, [2]string{"fits up to", "line " + strconv.Itoa(v.FitsTo)})
	}
	if spans := h.shrunk.of(v); spans != nil {
		life.Facts = append(life.Facts, [2]string{"smallest part that does not", spanList(spans)})
	}
	level := ""
	worse := map[checker.Level]int{checker.Note: 1, checker.Warning: 2, checker.Error: 3}
	for _, f := range v.Findings {
		if worse[f.Rule.Level] > worse[checker.Level(level)] {
			level = string(f.Rule.Level)
		}
		life.Findings = append(life.Findings, findingHTML(f))
	}
	for _, s := range v.Witness() {
		line, calls, does := stepWords(v, s)
		if calls == "" && does == "" {
			continue
		}
		life.Chart = append(life.Chart, [4]string{line, calls, does, s.Name})
	}
	for i, e := range l.Events() {
		if i == maxLines {
			life.More = len(l.Events()) - i
			break
		}
		if n := len(life.Lines); n > 0 && life.Lines[n-1].N == e.Line {
			continue
		}
		life.Lines = append(life.Lines, htmlLine{e.Line, Clean(checker.EventText(e))})
	}
	var err error
	if life.Timeline, err = timelineOf(v); err != nil {
		return err
	}

	var b bytes.Buffer
	if input != h.input {
		if h.input >= 0 {
			b.WriteString("</section>\n")
		}
		h.input = input
		fmt.Fprintf(&b, "<section>\n<h2>%s</h2>\n", html.EscapeString(Clean(h.names[input])))
	}
	h.lives++
	bad := v.Conclusion()
	open := ""
	if (bad == checker.Violates || bad == checker.Hangs) && h.lives <= 20 {
		open = " open"
	}
	// json.Marshal escapes <, > and &. Once ' is escaped too, the data can be quoted by '.
	data, err := json.Marshal(life)
	if err != nil {
		return err
	}
	data = bytes.ReplaceAll(plain(data), []byte("'"), []byte(`\u0027`))
	fmt.Fprintf(&b, "<details%s class=\"life\" data-name=\"%s\" data-fits=\"%s\" data-outcome=\"%s\" data-level=\"%s\" data-verdict=\"%s\" data-life='%[9]s'><summary><b>%[2]s</b> <span>%[7]s</span> <i class=\"%[6]s\">%[8]s</i></summary></details>\n",
		open, html.EscapeString(name), v.Fits, v.Outcome, level, bad, html.EscapeString(whatBecame(v)), fitsWords(v), data)
	_, err = h.w.Write(b.Bytes())
	return err
}

func findingHTML(f checker.Finding) htmlFinding {
	t := f.Text()
	out := htmlFinding{
		Rule: f.Rule.ID, Title: f.Rule.Title, Level: string(f.Rule.Level), Where: lineList(t.Lines),
		Message: Clean(t.Message), Advice: Clean(t.Advice), WouldSettle: Clean(t.WouldSettle),
	}
	for _, a := range t.Allowed {
		out.Allowed = append(out.Allowed, Clean(a))
	}
	return out
}

func fitsWords(v *checker.Verdict) string {
	switch {
	case v.Fits == checker.FitsNo:
		return "does not fit"
	case v.Fits == checker.FitsInconclusive:
		return "inconclusive"
	case v.Conclusion() == checker.Hangs:
		return "fits, hangs"
	}
	return "fits"
}

// Close writes what the run came to. The page's script moves it to the top.
func (h *HTML) Close(s *Summary) error {
	if err := h.head(); err != nil {
		return err
	}
	type input struct {
		Input
		Rules    string
		General  []htmlFinding
		MoreDiag int
	}
	data := struct {
		Version, Verdict, Line string
		Inputs                 []input
		Open                   bool
	}{Version: h.version, Verdict: string(s.Verdict()), Line: verdictLine(s, string(s.Verdict())), Open: h.input >= 0}
	for _, in := range s.Inputs {
		rules := "Linux " + graph.Covered() + ", all tried: the log names no kernel"
		switch {
		case in.Era == nil && in.Banner != "":
			rules = "all tried: the log is of " + Clean(in.Banner) + ", which no era covers"
		case in.Era != nil && in.KernelFrom == "log":
			rules = "Linux " + in.Era.Range() + ", the log is of " + Clean(in.Banner)
		case in.Era != nil:
			rules = "Linux " + in.Era.Range()
		}
		out := input{Input: in, Rules: rules, MoreDiag: in.Stats.Unusable - len(in.Stats.Diagnostics)}
		for _, f := range in.Findings {
			out.General = append(out.General, findingHTML(f))
		}
		data.Inputs = append(data.Inputs, out)
	}
	var b bytes.Buffer
	tail := template.Must(template.New("tail").Funcs(template.FuncMap{
		"clean": Clean, "lines": lineList, "words": func(s string) string { return strings.ReplaceAll(s, "_", " ") },
	}).Parse(tailHTML))
	if err := tail.Execute(&b, data); err != nil {
		return err
	}
	// The script is written as it is: its digest is in the policy.
	b.WriteString("<script>" + pageJS + "</script>\n</body>\n</html>\n")
	_, err := h.w.Write(b.Bytes())
	return err
}
