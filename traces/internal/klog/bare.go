package klog

// bare takes every line for a message: dmesg -t, journalctl -o cat.
type bare struct{}

func (bare) unwrap(line []byte, rec *record) class {
	rec.msg = line
	return message
}
