package graph

import (
	"fmt"
	"strconv"
	"strings"
)

// An Era is a range of kernels with the same rules for a thread's callers.
// The rules that differ inside one (killable creation, the freezer, the pending
// signal of a stop) differ in the mechanism, not in what a caller may rely on.
type Era struct {
	Name  string // a kernel of it, as in spec/Eras.tla
	From  string // the first release of it
	To    string // the last one; empty: the newest known
	graph string // the one of Kernels whose graph is its
	from  version

	// Backport says what a distribution may have changed in a kernel of this
	// era so that another era's rule holds; empty: nothing that is known.
	Backport string
}

// The dates of the changes, see spec/Eras.tla: struct kthread for each thread
// (2.6.31), parking (3.7), the struct off the stack (4.10), kthread->result
// (5.17), one exit path for all again (7.0).
var eras = []Era{
	{"2.6.32", "2.6.31", "3.6", "2.6.32", version{2, 6, 31}, ""},
	{"3.18", "3.7", "4.9", "3.18", version{3, 7, 0}, ""},
	{"5.4", "4.10", "5.16", "5.4", version{4, 10, 0}, ""},
	{"6.1", "5.17", "6.x", "6.1", version{5, 17, 0}, "the exit path of 7.0, by which kthread_stop() of a thread that oopsed returns the signal and not 0"},
	{"7.0", "7.0", "", "5.4", version{7, 0, 0}, ""},
}

// Eras are all eras, oldest first.
func Eras() []Era { return eras }

// Graph is the era's state graph.
func (e Era) Graph() (*Graph, error) { return Load(e.graph) }

// Range names the era's releases.
func (e Era) Range() string {
	if e.To == "" {
		return e.From + " and later"
	}
	return e.From + " to " + e.To
}

// EraOf is the era of a release, as `uname -r` prints it.
func EraOf(release string) (Era, error) {
	v, ok := parseVersion(release)
	if !ok {
		return Era{}, fmt.Errorf("%q is no kernel release like 5.10.0-21-amd64", release)
	}
	for i := len(eras) - 1; i >= 0; i-- {
		if !v.before(eras[i].from) {
			return eras[i], nil
		}
	}
	return Era{}, fmt.Errorf("Linux %s is older than 2.6.31, which brought the protocol that is specified here", release)
}

type version [3]int

func (v version) before(w version) bool {
	for i := range v {
		if v[i] != w[i] {
			return v[i] < w[i]
		}
	}
	return false
}

// parseVersion reads the numbers at the head of a release: 6.12, 5.15.0-91-generic,
// 2.6.32-754.el6.x86_64.
func parseVersion(release string) (v version, ok bool) {
	rest := release
	for i := range v {
		end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(rest)
		}
		n, err := strconv.Atoi(rest[:end])
		if err != nil {
			return v, false
		}
		v[i], rest = n, rest[end:]
		if i == 2 || !strings.HasPrefix(rest, ".") {
			// What comes behind the numbers must not be more of them.
			return v, i > 0 && (rest == "" || strings.ContainsRune("-+._~", rune(rest[0])))
		}
		rest = rest[1:]
	}
	return v, false
}
