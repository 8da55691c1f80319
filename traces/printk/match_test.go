package printk

import (
	"fmt"
	"strings"
	"testing"
)

// Of the ways to read a message those count that have a number where one must be.
func TestReadings(t *testing.T) {
	const file = `
enter        m: {thread}[{pid}] started
return       m: {thread}[{pid}] returns {code}
stop-return  m: kthread_stop({thread}[{pid}]) = {code}
park-call    m: {thread}/{pid}
create       {by}: made {thread}
wake         {by}: woke {thread}
exit         m: {thread} leaves with {code}
unpark       m: {thread} leaves again, {by}
`
	p, err := Parse("p", strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ msg, want string }{
		{"m: kt[324] started", "enter kt[324]"},
		{"m: kt [b](c)[324] started", "enter kt [b](c)[324]"},
		{"m: kt[b][324] started", "enter kt[b][324]"},
		{"m: kt[5][324] started", "enter kt[5][324]"},
		{"m: [324] started", "none"},
		{"m: kt[[324] started", "enter kt[[324]"},
		{"m: kt]x[324] started", "enter kt]x[324]"},
		{"m: kt [b](c)[324] returns -4", "return kt [b](c)[324] = -4"},
		{"m: kt[1] returns 2[324] returns -4", "return kt[1] returns 2[324] = -4"},
		{"m: kthread_stop(kt [b](c)[324]) = 3", "stop-return kt [b](c)[324] = 3"},
		{"m: kworker/0:1/77", "park-call kworker/0:1[77]"},
		{"m: kt[b] started", `"b" is no pid of a kernel thread: not used`},
		{"m: kt[0] started", `"0" is no pid of a kernel thread: not used`},
		{"m: kt[99999999999] started", `"99999999999" is no pid of a kernel thread: not used`},
		{"m: kt[5] returns five", `"five" is no number for {code}: not used`},
		{"m: kt leaves with 5", "exit kt = 5"},
		{"a: made b: made c", "ambiguous"},
	} {
		t.Run(tt.msg, func(t *testing.T) {
			got := "none"
			if m, ok := p.Match([]byte(tt.msg)); ok {
				e, problem, usable := m.Event()
				switch {
				case m.Ambiguous:
					got = "ambiguous"
				case !usable:
					got = problem
				default:
					if got = fmt.Sprintf("%s %s", e.Kind, e.Thread); e.HasCode {
						got += fmt.Sprintf(" = %d", e.Code)
					}
				}
			}
			if got != tt.want {
				t.Errorf("read as %s, want %s", got, tt.want)
			}
		})
	}
}
