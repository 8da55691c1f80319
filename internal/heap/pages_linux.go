package heap

import (
	"runtime"
	"syscall"
	"unsafe"
)

// largePages asks for large pages for the first n bytes that the heap will grow by, as
// far as the system has some: most of what a short run does in the kernel else is to
// provide small ones, one after the other. The bytes are taken and given back, as Go
// maps them only when it needs them.
func largePages(n uintptr) {
	const (
		size         = 2 << 20
		madvHugePage = 14 // MADV_HUGEPAGE, include/uapi/asm-generic/mman-common.h
	)
	taken := make([]byte, n)
	at := (uintptr(unsafe.Pointer(&taken[0])) + size - 1) &^ (size - 1)
	syscall.Syscall(syscall.SYS_MADVISE, at, n-size, madvHugePage) // it is but advice
	taken = nil
	runtime.GC()
}
