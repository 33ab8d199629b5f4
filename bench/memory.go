package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memory takes the private dirty memory of a process that has answered a request and waits for the next.
func memory(name string, seconds float64, needs func(*lab) string, request string, argv func(*lab) []string) experiment {
	return experiment{
		name: "memory " + name, seconds: seconds, needs: needs,
		metrics: []metric{
			{name: "private dirty", unit: "KiB", limits: []limit{atMost(64, "KiB")}},
			{name: "of the library", unit: "KiB"},
		},
		begin: func(l *lab) (func(int) ([]float64, error), func() error, error) {
			args := argv(l)
			return func(v int) ([]float64, error) { return l.privateDirty(v, args, request) }, nil, nil
		},
	}
}

func (l *lab) privateDirty(variant int, argv []string, request string) ([]float64, error) {
	p, err := l.start(variant, argv...)
	if err != nil {
		return nil, err
	}
	if _, err := p.ask(request); err != nil {
		p.stop()
		return nil, err
	}
	preloaded := [variants]string{empty: "empty.so", thimble: filepath.Base(l.library)}[variant]
	whole, own, err := smaps(p.pid, preloaded)
	if serr := p.stop(); err == nil {
		err = serr
	}
	return []float64{whole, own}, err
}

// smaps sums the private dirty memory of a process, in KiB: all of it, and that of the mappings of one library.
func smaps(pid int, library string) (whole, own float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("read a process's memory: %w", err)
	}
	mine := false
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) > 1 && strings.Contains(fields[0], "-") && !strings.HasSuffix(fields[0], ":"):
			mine = library != "" && filepath.Base(fields[len(fields)-1]) == library
		case len(fields) == 3 && fields[0] == "Private_Dirty:":
			kib, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				return 0, 0, fmt.Errorf("read a process's memory: %w", err)
			}
			whole += kib
			if mine {
				own += kib
			}
		}
	}
	return whole, own, nil
}

func memoryExperiments() []experiment {
	return []experiment{
		memory("C", 5, nil, "1", func(l *lab) []string { return []string{l.worker, "idle"} }),
		memory("node", 25, needsNode, event, func(l *lab) []string { return []string{l.node, l.file("warm.js")} }),
		memory("python", 12, needsPython, event, func(l *lab) []string { return []string{l.python, l.file("warm.py")} }),
	}
}
