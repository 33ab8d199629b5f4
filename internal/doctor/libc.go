package doctor

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// candidate is a program that most machines have and that ends at once when it is started so.
type candidate struct {
	path string
	args []string
}

// candidates, the most harmless first; functions' images are often stripped of all but a few. Patterns are expanded.
var candidates = []candidate{
	{"/bin/true", nil},
	{"/usr/bin/true", nil},
	{"/bin/sh", []string{"-c", ":"}},
	{"/usr/bin/env", []string{"--help"}},
	{"/bin/cat", []string{"/dev/null"}},
	{"/bin/ls", []string{"/"}},
	{"/var/lang/bin/node", []string{"--version"}},
	{"/var/lang/bin/python3*", []string{"--version"}},
	{"/usr/local/bin/node", []string{"--version"}},
	{"/usr/local/bin/python3", []string{"--version"}},
}

// dynamic is a program of the machine and the loader that it asks for.
type dynamic struct {
	candidate
	loader string
}

// findDynamic returns the first candidate that a dynamic loader starts.
func findDynamic() (dynamic, bool) {
	for _, c := range candidates {
		paths, _ := filepath.Glob(c.path) // the patterns are well-formed
		for _, path := range paths {
			if loader, err := loaderOf(path); err == nil {
				return dynamic{candidate{path, c.args}, loader}, true
			}
		}
	}
	return dynamic{}, false
}

// oldestGlibc is the first minor version of glibc 2 that the enforcer works under.
const oldestGlibc = 26

func lookLibc(e *examination) outcome {
	d, ok := findDynamic()
	if !ok {
		return outcome{Answer: Unknown, Detail: "no dynamic program was found"}
	}
	if strings.Contains(filepath.Base(d.loader), "musl") {
		return outcome{Answer: Yes, Detail: strings.TrimSpace("musl " + muslVersion(e.ctx, d.loader))}
	}
	path, version := findGlibc(d.loader)
	if path == "" {
		return outcome{Answer: Unknown, Detail: "no C library was found beside " + d.loader}
	}
	return judgeGlibc(version)
}

func judgeGlibc(version string) outcome {
	minor, ok := strings.CutPrefix(version, "2.")
	minor, _, _ = strings.Cut(minor, ".")
	n, err := strconv.Atoi(minor)
	switch {
	case !ok || err != nil:
		return outcome{Answer: Unknown, Detail: fmt.Sprintf("glibc of version %q", version)}
	case n < oldestGlibc:
		return outcome{Answer: No, Detail: "glibc " + version}
	}
	return outcome{Answer: Yes, Detail: "glibc " + version}
}

// findGlibc looks for libc.so.6 beside the loader and where distributions and Lambda's runtimes keep it.
func findGlibc(loader string) (path, version string) {
	folders := []string{filepath.Dir(loader)}
	if target, err := filepath.EvalSymlinks(loader); err == nil {
		folders = append([]string{filepath.Dir(target)}, folders...)
	}
	for _, folder := range append(folders, "/lib64", "/usr/lib64", "/lib", "/usr/lib") {
		path := filepath.Join(folder, "libc.so.6")
		if content, err := os.ReadFile(path); err == nil {
			return path, glibcVersion(content)
		}
	}
	return "", ""
}

// glibcVersion reads the banner that the C library prints when it is run as a program, without running it: not every
// distribution makes it executable.
func glibcVersion(content []byte) string {
	const before = "release version "
	_, rest, ok := bytes.Cut(content, []byte("GNU C Library"))
	if !ok {
		return ""
	}
	banner, _, _ := bytes.Cut(rest, []byte{0})
	_, version, _ := strings.Cut(string(banner), before)
	end := strings.IndexFunc(version, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end >= 0 {
		version = version[:end]
	}
	return strings.TrimRight(version, ".")
}

// muslVersion asks musl's loader, which names its version when it is run without a program.
func muslVersion(ctx context.Context, loader string) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, loader)
	inOwnGroup(cmd)
	talk, _ := cmd.CombinedOutput() // it always ends with an error
	endGroup(cmd)
	for line := range strings.Lines(string(talk)) {
		if version, ok := strings.CutPrefix(line, "Version "); ok {
			return strings.TrimSpace(version)
		}
	}
	return ""
}
