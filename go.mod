module github.com/kthread-tla/tracecheck

go 1.25
