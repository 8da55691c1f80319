package printk

import (
	"slices"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/traces"
)

func TestPatternErrors(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"unknown action", "start x {thread}", `p:1: "start" is no action: want begin, create, create-failed, wake, stop-call, stop-return, enter, return, park-call, park-return, unpark, exit`},
		{"no message", "enter", "p:1: enter: no message"},
		{"no thread", "\nenter hello", "p:2: enter: needs {thread} or {pid}"},
		{"thread in begin", "begin {thread} up", "p:1: begin: only {*} can stand in it, it is about no thread"},
		{"code where there is none", "enter {thread} {code}", "p:1: enter: has no {code}"},
		{"adjacent", "enter x {thread}{pid}", "p:1: enter: two placeholders without text between them"},
		{"twice", "enter x {thread} y {thread}", "p:1: enter: {thread} twice"},
		{"no text", "enter {thread}", "p:1: enter: a pattern needs some literal text"},
		{"a tie", "enter in {thread}\nreturn in {thread}", "p:2: ambiguous: \"in 1\" matches this pattern and the one of line 1, and both have 3 literal characters"},
		{"a tie of shapes", "enter ab {thread}\nreturn {thread} ab", "p:2: ambiguous: \"ab ab\" matches this pattern and the one of line 1, and both have 3 literal characters"},
		{"a tie of number and name", "enter x{pid}\nreturn x{thread}", "p:2: ambiguous: \"x1\" matches this pattern and the one of line 1, and both have 1 literal characters"},
		{"a tie with anything", "enter {*}xx {thread}\nreturn {thread} y{*}z", "p:2: ambiguous: \"xx yz\" matches this pattern and the one of line 1, and both have 3 literal characters"},
		{"no placeholder", "enter {tread} x {thread}", "p:1: enter: {tread} is no placeholder; {*} stands for anything"},
		{"nothing", "# nothing\n", "p: no pattern in it"},
		{"two at once", "foo x\nenter y", "p:1: \"foo\" is no action: want begin, create, create-failed, wake, stop-call, stop-return, enter, return, park-call, park-return, unpark, exit\np:2: enter: needs {thread} or {pid}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("p", strings.NewReader(tt.in))
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
	for _, fine := range []string{
		"enter a{thread}\nreturn b{thread}",                  // cannot meet
		"enter {thread} up\nreturn {thread} dn",              // nor can these
		"enter x{pid}\nreturn x {thread}",                    // a blank is no digit
		"create {by} made {thread}\nwake {by} woke {thread}", // but for strange names
		"return {thread} x {code}\nenter {thread} y z",       // a code is a number
		"stop-return {thread}: {code}\nenter {thread}:!",     // nor is a mark one
	} {
		if _, err := Parse("p", strings.NewReader(fine)); err != nil {
			t.Errorf("%q: %v", fine, err)
		}
	}
}

func TestMessage(t *testing.T) {
	story := Builtin("story")
	code := -4
	for _, tt := range []struct {
		kind traces.Kind
		code *int
		want string
	}{
		{traces.StopReturn, nil, "t2 stopped"},
		{traces.StopReturn, &code, "t2 stopped, exit code -4"},
		{traces.Enter, nil, "func t2"},
		{traces.Wake, nil, ""},
	} {
		if got := story.Message(tt.kind, traces.Task{Comm: "t2"}, tt.code); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.kind, got, tt.want)
		}
	}
}

// Whatever the file, parsing ends, and what it accepts can be used.
func FuzzPatterns(f *testing.F) {
	f.Add("enter func {thread}\nreturn func {thread} return {code}", "func a return 3")
	f.Add("begin x{*}\nexit {by}: {thread} {pid}", "a: b 3")
	f.Add("enter aa{thread}aa{*}a", "aaaaaaaa")
	f.Fuzz(func(t *testing.T, file, msg string) {
		p, err := Parse("p", strings.NewReader(file))
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "p:") {
					t.Fatalf("an error without its place: %q", line)
				}
			}
			return
		}
		if len(msg) > 200 {
			return
		}
		q, m, ambiguous := p.find([]byte(msg))
		if q == nil || ambiguous {
			return
		}
		// The placeholders, put back, make the message again.
		var b strings.Builder
		for _, part := range q.parts {
			switch part.place {
			case literal:
				b.WriteString(part.text)
			case placeThread:
				b.WriteString(m.thread)
			case placeBy:
				b.WriteString(m.by)
			case placePID:
				b.WriteString(m.pid)
			case placeCode:
				b.WriteString(m.code)
			case placeAny:
				return
			}
		}
		if b.String() != msg {
			t.Fatalf("%q read as %q", msg, b.String())
		}
	})
}

// Every set in the library can be read.
func TestBuiltins(t *testing.T) {
	names := Builtins()
	if !slices.Contains(names, "story") || len(names) < 3 {
		t.Errorf("built-in sets: %v", names)
	}
	for _, name := range names {
		if p := Builtin(name); p == nil || p.Shows() == 0 {
			t.Errorf("%s: %v", name, p)
		}
	}
}

// Sets that are joined stay sets of their own.
func TestJoin(t *testing.T) {
	parse := func(name, text string) *Set {
		p, err := Parse(name, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	a := parse("a", "begin a: up\nenter a: {thread} in\nstop-return a: {thread} is gone")
	b := parse("b", "enter b: {thread} in\nstop-return {thread} is gone")
	all, err := Join(a, b, a)
	if err != nil {
		t.Fatal(err)
	}
	all = WithBuiltins(all)
	for _, tt := range []struct {
		msg, want string
		of        *Set
	}{
		{"a: t in", "enter t", a},
		{"b: t in", "enter t", b},
		{"a: t is gone", "stop-return t", a}, // the one with more text
		{"t is gone", "stop-return t", b},
		{"func t", "enter t", nil},
	} {
		m, ok := all.Match([]byte(tt.msg))
		if !ok || !all.MayMatch([]byte(tt.msg)) {
			t.Errorf("%q: no match", tt.msg)
			continue
		}
		e, _, _ := m.Event()
		if got := e.Kind.String() + " " + e.Thread.String(); got != tt.want || tt.of != nil && e.Set != tt.of || m.Builtin != (tt.of == nil) {
			t.Errorf("%q: %s of %v", tt.msg, got, e.Set)
		}
	}
	if m, _ := all.Match([]byte("a: t is gone")); m.Set() == nil || len(all.Literals()) != 5+7 {
		t.Errorf("%d literals", len(all.Literals()))
	}
	_, err = Join(a, parse("c", "\nreturn a: {thread} up"))
	if err != nil {
		t.Error(err)
	}
	_, err = Join(a, parse("c", "\nreturn a: {thread} in"))
	if want := `c:2: ambiguous: "a: 1 in" matches this pattern and the one of a:2, and both have 6 literal characters`; err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	// Who has words for one of the story's messages replaces it.
	own := parse("own", "stop-return {thread} stopped")
	if WithBuiltins(own) != own {
		t.Error("the story is behind a set with its own words")
	}
	if m, ok := WithBuiltins(nil).Match([]byte("func t")); !ok || !m.Builtin {
		t.Error("the story is not there by itself")
	}
}
