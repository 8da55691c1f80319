//go:build !amd64 || noasm

package skim

func newlines64(ends []int32, text []byte) (n int, zero bool) { return indexNewlines(ends, text) }
