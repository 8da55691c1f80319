package kreport

import (
	"fmt"
	"testing"
)

// The line about a lock's likely holder is read as 6.15, 6.16 and 6.17 print it.
func TestParseBlocked(t *testing.T) {
	for _, test := range []struct{ msg, want string }{
		{"INFO: task cat:115 is blocked on a mutex likely owned by task cat:114.", "cat[115] a mutex likely owned by cat[114]"},
		{"INFO: task cat:115 blocked on a semaphore likely last held by task k:w/0:1:114", "cat[115] a semaphore likely last held by k:w/0:1[114]"},
		{"INFO: task x y:115 <reader> blocked on an rw-semaphore likely owned by task cat:114 <writer>", "x y[115] an rw-semaphore likely owned by cat[114]"},
		{"INFO: task cat:115 is blocked on a mutex, but the owner is not found.", ""},
		{"INFO: task cat:115 blocked on a semaphore, but the last holder is not found.", ""},
		{"INFO: task cat:115 is blocked on a mutex likely owned by task cat.", ""},
		{"INFO: task cat:115 blocked for more than 120 seconds.", ""},
	} {
		got := ""
		if waiter, owner, lock, ok := parseBlocked([]byte(test.msg)); ok {
			got = fmt.Sprintf("%s %s %s", waiter, lock, owner)
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.msg, got, test.want)
		}
	}
}
