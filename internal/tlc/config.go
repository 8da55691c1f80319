package tlc

import (
	"slices"
	"strings"
)

// Section is the words of a .cfg below the keywords named: the invariants below
// INVARIANT and INVARIANTS, say. Comments are left out.
func Section(cfg string, keywords ...string) []string {
	var words []string
	eachLine(cfg, func(keyword, line string) {
		line, _, _ = strings.Cut(line, `\*`)
		for _, w := range strings.Fields(line) {
			if slices.Contains(keywords, keyword) && w != keyword {
				words = append(words, w)
			}
		}
	})
	return words
}

// Without is a .cfg without what stands below the keywords named.
func Without(cfg string, keywords ...string) string {
	var b strings.Builder
	eachLine(cfg, func(keyword, line string) {
		if !slices.Contains(keywords, keyword) {
			b.WriteString(line)
		}
	})
	return b.String()
}

// eachLine calls f with each line of a .cfg and the keyword that it begins with
// or stands below.
func eachLine(cfg string, f func(keyword, line string)) {
	keyword := ""
	for line := range strings.Lines(cfg) {
		if w := strings.Fields(line); len(w) > 0 && isKeyword(w[0]) {
			keyword = w[0]
		}
		f(keyword, line)
	}
}

// isKeyword: a .cfg's keywords are in capitals, and no name of ours is.
func isKeyword(w string) bool {
	return len(w) > 3 && strings.ToUpper(w) == w && strings.ToLower(w) != w
}
