package graph

import (
	"fmt"
	"slices"
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
	graph string // the era's name whose graph of KThreadAPI is its
	from  version

	// Brings says what its first release changed for a caller; a kernel with an
	// older number may have it too, see DoubtsOf. Empty for the oldest.
	Brings string
}

// The dates of the changes, see spec/Eras.tla: struct kthread for each thread
// (2.6.31), parking (3.7), the struct off the stack (4.10), kthread->result
// (5.17), one exit path for all again (7.0).
var eras = []Era{
	{"2.6.32", "2.6.31", "3.6", "2.6.32", version{2, 6, 31}, ""},
	{"3.18", "3.7", "4.9", "3.18", version{3, 7, 0}, "kthread_park(), and a kthread_stop() that unparks (3.7)"},
	{"5.4", "4.10", "5.16", "5.4", version{4, 10, 0}, "a kthread_stop() that waits also for a thread that has gone (4.10)"},
	{"6.1", "5.17", "6.x", "6.1", version{5, 17, 0}, "kthread->result, by which a thread that oopsed leaves 0 for kthread_stop() (5.17)"},
	{"7.0", "7.0", "", "5.4", version{7, 0, 0}, "the exit path by which kthread_stop() of a thread that oopsed returns the signal and not 0 (7.0)"},
}

// Eras are all eras, oldest first.
func Eras() []Era { return eras }

// Kernels are the kernels that there is a graph of the module for, oldest first.
func (m Module) Kernels() (kernels []string) {
	for _, e := range eras {
		if k := m.Kernel(e); !slices.Contains(kernels, k) {
			kernels = append(kernels, k)
		}
	}
	return kernels
}

// Kernel is the one of Kernels whose graph is the era's.
func (m Module) Kernel(e Era) string {
	if m.shared {
		return e.graph
	}
	return e.Name
}

// Covered names the releases of all eras: "2.6.31 to 7.x".
func Covered() string {
	return fmt.Sprintf("%s to %d.x", eras[0].From, eras[len(eras)-1].from[0])
}

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
	//lint:ignore ST1005 Linux is a name
	return Era{}, fmt.Errorf("Linux %s is older than 2.6.31, which brought the protocol that is specified here", release)
}

// A Doubt is an era whose rules a kernel may have though its number is of the
// era before.
type Doubt struct {
	Era Era
	Why string // who may have taken Era.Brings into that kernel, or is known to have
}

// DoubtsOf says whose rules a kernel may have besides those of EraOf, by its
// release as `uname -r` prints it. Nothing where the release is plain mainline,
// or none.
//
// The numbers of a distribution's kernel are those of the mainline release that
// it started from, and changes are taken into it from later ones. Which, only
// its source tells, so every suffix of a distribution is a doubt; a release of
// 5.17 to 6.x is one without it, because the exit path of 7.0 (28aaa9c39945) is
// marked for the stable kernels.
func DoubtsOf(release string) []Doubt {
	era, err := EraOf(release)
	if err != nil {
		return nil
	}
	next := Era{}
	for i := range eras[:len(eras)-1] {
		if eras[i].Name == era.Name {
			next = eras[i+1]
		}
	}
	switch {
	case next.Name == "":
		return nil
	case red9Has517(release):
		return []Doubt{{next, "modules for Red Hat's 5.14.0 build from -210.el9 on only with the exit functions of 5.17"}}
	case next.Name == "7.0":
		return []Doubt{{next, "the change is marked for stable kernels"}}
	case ofDistribution(release):
		return []Doubt{{next, "a distribution's kernel has changes of later releases"}}
	}
	return nil
}

// red9Has517 says whether a release is one of Red Hat's 5.14.0 of which it is
// known that complete_and_exit() has gone there: that is the series of 5.17 that
// brings kthread->result. Seen in the wild: 5.14.0-210.el9
// (github.com/lwfinger/rtl8188gu/issues/13), 5.14.0-427.13.1.el9_4
// (github.com/lwfinger/rtl8852au/issues/101).
func red9Has517(release string) bool {
	rest, ok := strings.CutPrefix(release, "5.14.0-")
	build, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(build)
	return ok && err == nil && n >= 210 && strings.Contains(rest, ".el9")
}

// ofDistribution says whether a release has a suffix that mainline's build does
// not make: not -rc3, +, -dirty, or -00012-g0123abc of a tree between releases.
func ofDistribution(release string) bool {
	rest := strings.TrimLeft(release, "0123456789.")
	for _, word := range strings.FieldsFunc(rest, func(r rune) bool { return r == '-' || r == '+' }) {
		tag := strings.TrimLeft(word, "0123456789")
		switch {
		case tag == "" && (strings.Contains(rest, "-g") || strings.Contains(rest, "-next-")), tag == "dirty", tag == "next":
		case strings.HasPrefix(word, "rc") && strings.Trim(word[2:], "0123456789") == "":
		case strings.HasPrefix(word, "g") && len(word) > 7 && strings.Trim(word[1:], "0123456789abcdef") == "":
		default:
			return true
		}
	}
	return false
}

// Older says whether a release is of an older mainline than another: 5.4.73 is not
// older than 5.4, nor 5.4 than 5.4.73.
func Older(a, b string) bool {
	v, ok1 := parseVersion(a)
	w, ok2 := parseVersion(b)
	n := 2
	if v[0] == 2 || w[0] == 2 {
		n = 3
	}
	return ok1 && ok2 && slices.Compare(v[:n], w[:n]) < 0
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
