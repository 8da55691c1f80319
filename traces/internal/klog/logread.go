package klog

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// logread reads OpenWrt's log:
//
//	Sat Sep  1 19:30:19 2019 kern.warn kernel: [   30.363151] func t1
//	Sat Sep  1 19:30:19 2019 [1567366219.123] kern.warn kernel: …    logread -t
type logread struct{}

func (logread) unwrap(line []byte, rec *record) class {
	if line[0] < 'A' || line[0] > 'Z' {
		return foreign
	}
	var word [5][]byte
	rest := line
	for i := range word {
		word[i], rest = cutWord(rest)
	}
	if len(word[0]) != 3 || len(word[1]) != 3 || !isDay(word[2]) || !isClock(word[3]) || len(word[4]) != 4 || !scan.AllDigits(word[4]) {
		return foreign
	}
	if len(rest) > 0 && rest[0] == '[' {
		_, rest = cutWord(rest)
	}
	level, rest := cutWord(rest)
	if !isFacilityLevel(level) {
		return foreign
	}
	rec.msg = rest
	tag, _ := cutWord(rest)
	if !kernelFacility(level) || string(tag) != "kernel:" {
		return otherProgram(rest, rec)
	}
	return kernelText(bytes.TrimPrefix(rest[len("kernel:"):], []byte(" ")), rec)
}
