# make test   everything; installs what is missing first
# make quick  what to run after each change: vet, and the tests without TLC, a browser, and most random logs
# make spec   TLC on the models, as a table; without those that take long, or that only a test compares
# make spec-all   TLC on every model, as make test runs them
# make spec-distributed   the largest model by a TLC server and two workers
# make scale   how the states grow with threads, stoppers and parkers: ten minutes
# make matrix  the mutants and properties that docs/mutants.md has not got yet
# make generate   the state graphs, anew from the specification
# make fuzz   every fuzz target for two minutes, or FUZZTIME=10s
# make runs   random legal logs and traces, and impossible ones: docs/trust.md; the whole: LIVES=100000 CHANGES=10000
# make bench  speed and memory on large inputs, against grep, wc and awk: docs/performance.md
# make profile   cmd/tracecheck/default.pgo anew: by it the compiler knows which functions matter
# make tools  what the other targets need: Java, and TLC by Maven, once

GO = $(shell sh .ci/go-command)
STATICCHECK = $(shell sed -n 's/^staticcheck=//p' .ci/tools)

FUZZTIME = 2m
LIVES = 6000
CHANGES = 300

.PHONY: runs fuzz quick test spec spec-all spec-distributed scale matrix generate tools bench profile

test: tools
	@fmt=$$("$$($(GO) env GOROOT)/bin/gofmt" -l $$($(GO) list -f '{{.Dir}}' ./...)) && test -z "$$fmt" || { echo "not formatted by gofmt: $$fmt"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(GO) test -timeout 18m ./...
	$(GO) test -tags noasm ./traces/...

quick:
	$(GO) vet ./...
	$(GO) test -short ./...

spec: tools
	$(GO) run ./spec/models

spec-all: tools
	$(GO) run ./spec/models -all

spec-distributed: tools
	$(GO) run ./spec/distributed

fuzz: tools
	@for dir in $$($(GO) list -f '{{.Dir}}' ./...); do \
		for target in $$(cd $$dir && sed -n 's/^func \(Fuzz[A-Za-z0-9]*\)(.*/\1/p' *_test.go 2>/dev/null); do \
			echo "$$dir $$target"; (cd $$dir && $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x .) || exit 1; \
		done; \
	done

runs: tools
	$(GO) test ./checker -run TestLegal -runs $(LIVES) -v -timeout 3h
	$(GO) run ./internal/runs/run -n $(LIVES) -impossible $(CHANGES) -doc docs/trust.md

scale: tools
	$(GO) run ./spec/scale

matrix: tools
	$(GO) run ./spec/matrix

generate: tools
	$(GO) generate ./...

bench:
	$(GO) run ./internal/bigtrace/bench -write

profile:
	$(GO) test -pgo=off ./cmd/tracecheck -run '^$$' -bench Run -benchtime 40x -cpuprofile cmd/tracecheck/default.pgo -o /dev/null

tools:
	@sh .ci/tools
