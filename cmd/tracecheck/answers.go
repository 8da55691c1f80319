package main

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/internal/recipe"
	"github.com/kthread-tla/tracecheck/report"
	"github.com/kthread-tla/tracecheck/spec/graph"
)

// answer answers what is asked without a log: --help, --version, --schema,
// --record-recipe, and --explain of a rule. asked is false if none of these was asked for.
func (c *command) answer(fs *pflag.FlagSet) (status int, asked bool) {
	switch {
	case c.help:
		return c.say(usage + fs.FlagUsages() + inputFormats() + statuses), true
	case c.version:
		return c.say("tracecheck " + version() + "\n"), true
	case c.schema:
		return c.say(report.Schema), true
	case fs.Changed("record-recipe"):
		return c.writeRecipe(), true
	case c.explain == "rules":
		var list strings.Builder
		for _, r := range checker.Rules {
			fmt.Fprintf(&list, "%s  %-7s  %s\n", r.ID, r.Level, r.Title)
		}
		return c.say(list.String()), true
	case isRule(c.explain):
		r := checker.RuleByID(strings.ToUpper(c.explain))
		if r == nil {
			return c.fail("no rule %s: there are %s to %s", c.explain, checker.Rules[0].ID, checker.Rules[len(checker.Rules)-1].ID), true
		}
		return c.say(r.Explain()), true
	}
	return 0, false
}

func (c *command) writeRecipe() int {
	if c.kernel != "auto" {
		if _, err := graph.EraOf(c.kernel); err != nil {
			return c.fail("--kernel %s: %v", c.kernel, err)
		}
	}
	commands, err := recipe.Write(c.recipe, c.kernel)
	if err != nil {
		return c.fail("--record-recipe %s: %v", c.recipe, err)
	}
	return c.say(commands)
}

func isRule(s string) bool {
	n, ok := strings.CutPrefix(strings.ToUpper(s), "KT")
	return ok && n != "" && strings.Trim(n, "0123456789") == ""
}

// version returns the version that the build recorded.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
