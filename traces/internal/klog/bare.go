package klog

// bare takes every line for a message: what dmesg -t and journalctl -o cat print.
type bare struct{}

func (bare) unwrap(line []byte, rec *record) class {
	rec.msg = line
	return message
}
