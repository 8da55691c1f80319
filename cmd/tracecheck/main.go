// Tracecheck tells what happened to the kernel threads in a kernel log, and
// whether the kernel's own rules allow it.
//
//	tracecheck [flags] [FILE...]
//
// Without a FILE, or with "-", it reads standard input.
package main

import "os"

func main() {
	os.Exit(run(os.Stdin, os.Stdout, os.Stderr, os.Args[1:]))
}
