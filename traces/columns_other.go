//go:build !amd64

package traces

func (c *columns) run() {
	for c.i < len(c.ends) {
		c.one()
	}
}
