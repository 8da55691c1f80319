# make test   everything; installs what is missing first
# make spec   TLC on every model, as a table
# make spec-distributed   the largest model by a TLC server and two workers
# make scale   how the states grow with threads, stoppers and parkers: ten minutes
# make matrix  the mutants and properties that docs/mutants.md has not got yet
# make generate   the state graphs, anew from the specification
# make tools  what the other targets need: Java, and TLC by Maven, once

GO = $(shell sh .ci/go-command)

.PHONY: test spec spec-distributed scale matrix generate tools

test: tools
	@fmt=$$("$$($(GO) env GOROOT)/bin/gofmt" -l $$($(GO) list -f '{{.Dir}}' ./...)) && test -z "$$fmt" || { echo "not formatted by gofmt: $$fmt"; exit 1; }
	$(GO) vet ./...
	$(GO) test ./...

spec: tools
	$(GO) run ./spec/models

spec-distributed: tools
	$(GO) run ./spec/distributed

scale: tools
	$(GO) run ./spec/scale

matrix: tools
	$(GO) run ./spec/matrix

generate: tools
	$(GO) generate ./...

tools:
	@sh .ci/tools
