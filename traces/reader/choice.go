package reader

import (
	"bytes"
	"slices"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/klog"
	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
	"github.com/kthread-tla/tracecheck/traces/internal/skim"
)

// A decoder makes events of the lines of one input. It also knows the number of the
// line: that is Stats.Lines.
type decoder interface {
	// Line takes a whole line, without its newline. It is false where the line
	// is not of a format that the decoder knows.
	Line(text []byte) bool
	// Damaged looks at what there is of a line that is not whole, and says
	// whether it is, or may be, one of those that count. It makes no events.
	Damaged(text []byte) bool
	// Raw is offered every line first, with its newline, or the first piece of
	// a long one. If it takes it, it gets the other pieces as well, and Line
	// and Damaged do not see it.
	Raw(piece []byte) bool
	// LeftOut says that n lines were left out here; see LeftOut.
	LeftOut(n int)
	// End is called once, behind the last line.
	End()
	// Format names what the lines have been.
	Format() string
}

// A choice chooses the decoder for an input.
type choice struct {
	force  string // the only format to be read; empty: whatever it is
	picks  [2]pick
	chosen *pick  // nil: none, or bare messages that nobody has asked for
	said   bool   // a diagnostic has said that a line is of another format than the chosen one
	held   []held // the lines before the one that decides
	weight int    // bytes held
	shed   bool   // some held lines were dropped
}

// A pick is a decoder that may be the input's. detect says whether a line, by
// itself, shows that it is; it may get the beginning of a long line.
type pick struct {
	name    string
	detect  func(line []byte) bool
	decoder func() decoder // for the line that detect has seen last
}

// init makes the picks. The first that detects its own wins.
func (c *choice) init(r *Reader) {
	if c.force = r.opts.Format; c.force == "auto" {
		c.force = ""
	}
	log := func(stats *traces.Stats, emit func(traces.Event)) *klog.Log {
		return klog.New(c.force, r.opts.Patterns, r.opts.Always, stats, emit)
	}
	var probe *klog.Log
	var layout *ktrace.Layout
	for i := range ktrace.Layouts {
		if ktrace.Layouts[i].Name == c.force {
			layout = &ktrace.Layouts[i]
		}
	}
	c.picks = [...]pick{
		{"a trace", func(line []byte) bool {
			if c.force == "" {
				layout = ktrace.Detect(line)
			}
			return layout != nil
		}, func() decoder { return ktrace.New(layout, &r.stats, r.opts.Interest, r.emit) }},
		{"a kernel log", func(line []byte) bool {
			if probe == nil {
				probe = log(new(traces.Stats), func(traces.Event) {})
			}
			return probe.Detect(line)
		}, func() decoder {
			k := log(&r.stats, r.emit)
			k.TestHook = r.opts.testHook
			return k
		}},
	}
}

// decide chooses the decoder if text, a line or the beginning of a long one, shows the
// format.
func (c *choice) decide(r *Reader, text []byte) {
	for i := range c.picks {
		p := &c.picks[i]
		if p.detect(bytes.TrimRight(text, "\r\n")) {
			c.chosen = p
			c.use(r, p.decoder())
			return
		}
	}
}

// use makes d the decoder, and gives it the lines before the one that decided: they may be
// its header.
func (c *choice) use(r *Reader, d decoder) {
	r.dec = d
	n := r.stats.Lines
	for _, h := range c.held {
		r.stats.Lines = h.n
		if !d.Raw(h.text) {
			r.decode(h.text[:len(h.text)-1])
		}
	}
	r.stats.Lines, c.held = n, nil
}

// choose makes the rest of the block, and all blocks behind it, be skimmed for the decoder
// that was chosen.
func (r *Reader) choose() {
	skimmers := func() skim.Skimmer { return new(skim.Plain) }
	switch d := r.dec.(type) {
	case *ktrace.Decoder:
		l := d.Layout
		switch {
		case l.Head == nil || r.opts.Interest == nil:
		case r.opts.skimmer != nil:
			r.trace = d
			skimmers = func() skim.Skimmer { return r.opts.skimmer(l.Head) }
		case l.Ahead:
			r.trace, r.hints = d, new(skim.Hints)
			r.late = skim.NewScanner(l.Head, r.hints)
			skimmers = func() skim.Skimmer { return skim.NewScanner(l.Head, r.hints) }
		default:
			r.trace = d
			skimmers = func() skim.Skimmer { return skim.NewScanner(l.Head, nil) }
		}
	case *klog.Log:
		if r.opts.skimmer == nil {
			skimmers = func() skim.Skimmer { return klog.NewBoringLines(r.opts.Patterns) }
		}
	}
	r.blocks.start(skimmers)
	b := r.block
	if decided := bytes.TrimSuffix(b.text[:min(r.from, len(b.text))], []byte("\n")); r.trace != nil {
		r.tail.add(skim.Line{Prev: skim.Whole, Next: -1}, decided[bytes.LastIndexByte(decided, '\n')+1:])
	}
	b.text = b.text[min(r.from, len(b.text)):]
	b.Tail, r.next, r.from = false, 0, 0
	r.blocks.own.Skim(b.text, &b.Block)
}

// bareReports reads as bare messages what no line has decided about, if a
// report of the kernel begins in it: a few lines of dmesg -t that somebody has
// pasted, or the output of `grep . /proc/*/stack`.
func (c *choice) bareReports(r *Reader) {
	if c.force == "" && !c.shed && slices.ContainsFunc(c.held, func(h held) bool { return klog.BeginsReport(h.text) }) {
		c.use(r, klog.New("bare", r.opts.Patterns, r.opts.Always, &r.stats, r.emit))
	}
}

// foreign names the other kind of log that a line belongs to, the first time.
func (c *choice) foreign(line []byte) (name string, ok bool) {
	for i := range c.picks {
		if p := &c.picks[i]; !c.said && p != c.chosen && p.detect(line) {
			c.said = true
			return p.name, true
		}
	}
	return "", false
}

// maxHeld bounds the bytes that are kept of the lines before the one that
// decides: a tracer's header is far shorter.
const maxHeld = 64 << 10

// held is a line, with its newline, that waits for a decoder.
type held struct {
	n    int
	text []byte
}

func (c *choice) hold(n int, text []byte) {
	for len(c.held) > 0 && c.weight+len(text) > maxHeld {
		c.weight -= len(c.held[0].text)
		c.held, c.shed = c.held[1:], true
	}
	c.held = append(c.held, held{n, bytes.Clone(text)})
	c.weight += len(text)
}
