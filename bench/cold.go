package main

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// ms turns a duration into a metric's value.
func ms(d time.Duration) float64 { return float64(d) / 1e6 }
func us(d time.Duration) float64 { return float64(d) / 1e3 }

func coldLimits() []limit { return []limit{atMost(0.3, "ms"), timesEmpty(3)} }

// coldStart times a program from its spawn to its first line of output and to its exit.
func coldStart(name string, seconds float64, limits func() []limit, needs func(*lab) string,
	argv func(*lab) []string) experiment {
	e := experiment{name: "cold " + name, seconds: seconds, needs: needs, metrics: []metric{
		{name: "to exit", unit: "ms"}, {name: "to first line", unit: "ms"}, {name: "CPU time", unit: "ms"},
	}}
	if limits != nil {
		e.metrics[0].limits, e.metrics[1].limits = limits(), limits()
	}
	e.begin = func(l *lab) (func(int) ([]float64, error), func() error, error) {
		args := argv(l)
		return func(v int) ([]float64, error) { return l.coldStart(v, args) }, nil, nil
	}
	return e
}

// coldTrue times /bin/true, which prints nothing.
func coldTrue() experiment {
	e := coldStart("true", 15, nil, nil, func(l *lab) []string { return []string{l.allowed} })
	inner := e.begin
	e.metrics = []metric{{name: "to exit", unit: "ms"}, {name: "CPU time", unit: "ms"}}
	e.begin = func(l *lab) (func(int) ([]float64, error), func() error, error) {
		take, end, err := inner(l)
		return func(v int) ([]float64, error) {
			values, err := take(v)
			if err != nil {
				return nil, err
			}
			return []float64{values[0], values[2]}, nil
		}, end, err
	}
	return e
}

func (l *lab) coldStart(variant int, argv []string) ([]float64, error) {
	begin := time.Now()
	p, err := l.start(variant, argv...)
	if err != nil {
		return nil, err
	}
	_, err = p.line()
	line := time.Since(begin)
	status, usage, werr := p.wait()
	exit := time.Since(begin)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if werr != nil {
		return nil, werr
	}
	if status != 0 {
		return nil, fmt.Errorf("%q ended with status %#x", argv[0], int(status))
	}
	cpu := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	return []float64{ms(exit), ms(line), ms(cpu)}, nil
}

func needsNode(l *lab) string { return lacks(l.node, "node") }

func needsPython(l *lab) string { return lacks(l.python, "python3") }

func needsJava(l *lab) string {
	if l.java == "" {
		return lacks(l.java, "java")
	}
	return lacks(l.javac, "javac")
}

func lacks(path, name string) string {
	if path == "" {
		return "this machine has no " + name
	}
	return ""
}

func coldExperiments() []experiment {
	java := coldStart("java", 15, nil, needsJava, func(l *lab) []string {
		return []string{l.java, "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", l.folder, "Cold"}
	})
	return []experiment{
		coldTrue(),
		coldStart("node", 50, coldLimits, needsNode, func(l *lab) []string { return []string{l.node, l.file("cold.js")} }),
		coldStart("python", 40, coldLimits, needsPython, func(l *lab) []string { return []string{l.python, l.file("cold.py")} }),
		java,
	}
}
