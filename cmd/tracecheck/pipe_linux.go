package main

import (
	"os"
	"syscall"
)

// widen lets a pipe hold more than the 64 KiB that it has by itself, so that its
// writer and this program wait less often for each other. Where it cannot be, for
// no pipe or by a limit of the user's, nothing is lost.
func widen(f *os.File) {
	const setPipeSize = 1031 // F_SETPIPE_SZ, include/uapi/linux/fcntl.h
	if raw, err := f.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { syscall.Syscall(syscall.SYS_FCNTL, fd, setPipeSize, 1<<20) })
	}
}
