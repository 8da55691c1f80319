package traces

import "testing"

// Without AVX2 newlines are found too.
func TestNewlinesSSE2(t *testing.T) {
	has := avx2
	defer func() { avx2 = has }()
	avx2 = false
	TestNewlines(t)
}
