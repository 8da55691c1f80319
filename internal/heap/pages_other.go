//go:build !linux

package heap

func largePages(uintptr) {}
