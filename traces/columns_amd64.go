package traces

func (c *columns) run() { usual(c) }

// usual does what one does, for all lines.
//
//go:noescape
func usual(c *columns)
