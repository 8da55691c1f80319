package scan

import "testing"

func TestElision(t *testing.T) {
	for _, line := range []string{
		"[...]", "...", " ... ", "[ ... ]", "(...)", "<...>", "…", "[…]", "<snip>", "[snip]", "--- snip ---", "----8<----", "-- >8 --", "--",
		".", ":", "....", "[ 300 lines skipped ]", "12 more lines", "<cut>", "[truncated]", "[... 12 lines omitted ...]", "# ...", "*snip*", "-- snip --\r",
	} {
		if !IsElision([]byte(line)) {
			t.Errorf("%q is taken for no mark", line)
		}
	}
	for _, line := range []string{
		"", "#", "------------------------------------------", "=======", "# tracer: nop", "#              | |         |   |||||     |         |",
		"##### CPU 1 buffer started ####", "the lines of it", "a", "-", "[  12.345678] ...", "done.",
		" 0)               |  }", "}", "[]", "()", "*", "# | |    |           |   |                     |   |   |   |",
	} {
		if IsElision([]byte(line)) {
			t.Errorf("%q is taken for a mark", line)
		}
	}
}
