package main

import (
	"os"
	"syscall"
)

// widen makes the buffer of a pipe larger than the default of 64 KiB, so that its writer
// and this program wait less often for each other. If f is no pipe, or the user's limit
// forbids it, f stays as it is.
func widen(f *os.File) {
	const setPipeSize = 1031 // F_SETPIPE_SZ, include/uapi/linux/fcntl.h
	if raw, err := f.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { syscall.Syscall(syscall.SYS_FCNTL, fd, setPipeSize, 1<<20) })
	}
}
