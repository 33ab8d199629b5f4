package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

var cpuModel = regexp.MustCompile(`(?m)^model name\s*:\s*(.*)$`)

// machine says where the figures were taken.
func (l *lab) machine() map[string]string {
	out := map[string]string{"cpus": strconv.Itoa(runtime.NumCPU()), "arch": runtime.GOARCH, "go": runtime.Version()}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := cpuModel.FindSubmatch(text); m != nil {
			out["cpu"] = string(m[1])
		}
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		out["kernel"] = strings.TrimSpace(string(text))
	}
	version(out, "node", l.node, "--version")
	version(out, "python", l.python, "--version")
	version(out, "java", l.java, "--version")
	return out
}

// version notes the first line of what a program says about itself.
func version(to map[string]string, name, path string, args ...string) {
	if path == "" {
		return
	}
	if text, err := exec.Command(path, args...).Output(); err == nil {
		to[name], _, _ = strings.Cut(string(text), "\n")
	}
}

// load returns the machine's load, over the last minute.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

func digest(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
