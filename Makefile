# make test   everything; installs what is missing first
# make spec   TLC on every model, as a table
# make spec-distributed   the largest model by a TLC server and two workers
# make generate   the state graphs, anew from the specification
# make bench  speed and memory on large inputs, against grep, wc and awk: docs/performance.md
# make tools  what the other targets need: Java, and TLC by Maven, once

GO = $(shell sh .ci/go-command)

.PHONY: test spec spec-distributed generate bench tools

test: tools
	@fmt=$$("$$($(GO) env GOROOT)/bin/gofmt" -l $$($(GO) list -f '{{.Dir}}' ./...)) && test -z "$$fmt" || { echo "not formatted by gofmt: $$fmt"; exit 1; }
	$(GO) vet ./...
	$(GO) test ./...

spec: tools
	$(GO) run ./spec/models

spec-distributed: tools
	$(GO) run ./spec/distributed

generate: tools
	$(GO) generate ./...

bench:
	$(GO) run ./internal/bigtrace/bench -write

tools:
	@sh .ci/tools
