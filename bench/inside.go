package main

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// crew is one process per variant that answers requests. It is replaced by a new one again and again, because where a
// process happens to lie in memory makes it faster or slower than its twin.
type crew struct {
	lab     *lab
	argv    []string
	members [variants]*process
	turn    turns
}

// turns counts iterations, of which each takes every variant once, and says when it is time for new processes.
type turns struct{ each, taken int }

// over counts one variant's turn. It is true before the first, and after every `each` iterations.
func (t *turns) over() bool {
	t.taken++
	return (t.taken-1)%(t.each*variants) == 0
}

// renew ends the processes and starts new ones.
func (c *crew) renew() error {
	if err := c.retire(); err != nil {
		return err
	}
	for v := range c.members {
		p, err := c.lab.start(v, c.argv...)
		if err != nil {
			return err
		}
		c.members[v] = p
	}
	return nil
}

// retire ends the processes.
func (c *crew) retire() error {
	var first error
	for v, p := range c.members {
		if p == nil {
			continue
		}
		if err := p.stop(); err != nil && first == nil {
			first = err
		}
		c.members[v] = nil
	}
	return first
}

// work asks a member for n operations: its two means in nanoseconds, and the error code of the last one.
func (c *crew) work(variant, n int) (first, second float64, code int, err error) {
	answer, err := c.members[variant].ask(strconv.Itoa(n))
	if err != nil {
		return 0, 0, 0, err
	}
	if _, err := fmt.Sscan(string(answer), &first, &second, &code); err != nil {
		return 0, 0, 0, fmt.Errorf("read the answer %q: %w", answer, err)
	}
	return first, second, code, nil
}

const burst = 80 // spawns after which a process is replaced: of every refusal an event line is to be written

// spawns times posix_spawn, from a C program that does little else.
func spawns(name string, seconds float64, call, whole []limit, target func(*lab) string, refused [variants]bool) experiment {
	return experiment{
		name: name, seconds: seconds,
		metrics: []metric{
			{name: "posix_spawn", unit: "us", limits: call},
			{name: "spawn and wait", unit: "us", limits: whole},
		},
		begin: func(l *lab) (func(int) ([]float64, error), func() error, error) {
			c := &crew{lab: l, argv: []string{l.worker, "spawn", target(l)}, turn: turns{each: burst}}
			return func(v int) ([]float64, error) { return c.spawn(v, refused[v]) }, c.retire, nil
		},
	}
}

func (c *crew) spawn(variant int, refused bool) ([]float64, error) {
	if c.turn.over() {
		if err := c.renew(); err != nil {
			return nil, err
		}
	}
	call, whole, code, err := c.work(variant, 1)
	if err == nil && (code != 0) != refused {
		err = fmt.Errorf("posix_spawn: errno %d, and that it is refused was to be %v", code, refused)
	}
	return []float64{call / 1e3, whole / 1e3}, err
}

// allowedExec times posix_spawn of a program that the policy lists.
func allowedExec() experiment {
	return spawns("exec allowed", 20, []limit{percent(5)}, nil,
		func(l *lab) string { return l.allowed }, [variants]bool{})
}

// deniedExec times posix_spawn of a program that the policy refuses, against the same spawn where nothing refuses it.
func deniedExec() experiment {
	return spawns("exec denied", 15, []limit{fasterThanPlain()}, []limit{fasterThanPlain()},
		func(l *lab) string { return l.denied }, [variants]bool{thimble: true})
}

// batched times many calls in a row in a process that has made some before, in nanoseconds of one over the divisor.
func batched(name, unit string, divisor, seconds float64, n int, limits []limit, argv func(*lab) []string) experiment {
	return experiment{
		name: name, seconds: seconds,
		metrics: []metric{{name: "call", unit: unit, limits: limits}},
		begin: func(l *lab) (func(int) ([]float64, error), func() error, error) {
			c := &crew{lab: l, argv: argv(l), turn: turns{each: 1}}
			return func(v int) ([]float64, error) {
				each, err := c.batch(v, n)
				return []float64{each / divisor}, err
			}, c.retire, nil
		},
	}
}

func (c *crew) batch(variant, n int) (each float64, err error) {
	if c.turn.over() {
		if err := c.renew(); err != nil {
			return 0, err
		}
	}
	for _, n := range []int{1 + n/10, n} {
		var code int
		if each, _, code, err = c.work(variant, n); err != nil {
			return 0, err
		}
		if code != 0 {
			return 0, fmt.Errorf("the call failed")
		}
	}
	return each, nil
}

func insideExperiments() []experiment {
	const pairs, loads = 2000, 20
	limits := []limit{atMost(300, "ns")}
	return []experiment{
		allowedExec(), deniedExec(),
		batched("open to read", "ns", 1, 8, pairs, limits, func(l *lab) []string { return []string{l.worker, "open", l.file("cold.py"), "r"} }),
		batched("open to write", "ns", 1, 8, pairs, limits, func(l *lab) []string { return []string{l.worker, "open", l.scratch, "w"} }),
		batched("dlopen", "us", 1e3, 8, loads, nil, func(l *lab) []string { return []string{l.worker, "load", l.small} }),
	}
}

// warm times the round trip of a request, over pipes and without any runtime client, to a process that has answered others.
func warm(name string, needs func(*lab) string, argv func(*lab) []string) experiment {
	return experiment{
		name: "pipe warm " + name, seconds: 12, needs: needs,
		metrics: []metric{{name: "round trip", unit: "us", limits: []limit{percentOr(1, 20, "us")}}},
		begin: func(l *lab) (func(int) ([]float64, error), func() error, error) {
			c := &crew{lab: l, argv: argv(l), turn: turns{each: 1}}
			return c.trips, c.retire, nil
		},
	}
}

const (
	event     = `{"name":"thimble"}`
	settle    = 60 // requests until the runtimes' compilers have done most of their work
	blockSize = 30
)

// trips takes the median of a block of round trips.
func (c *crew) trips(variant int) ([]float64, error) {
	if c.turn.over() {
		if err := c.renew(); err != nil {
			return nil, err
		}
		if _, err := block(settle, variants, c.trip); err != nil {
			return nil, err
		}
	}
	took, err := block(blockSize, 1, func(int) (time.Duration, error) { return c.trip(variant) })
	return []float64{took}, err
}

// block does something n times with each of so many variants in turn and returns the median time in microseconds.
func block(n, each int, do func(variant int) (time.Duration, error)) (float64, error) {
	var all []float64
	for i := range n * each {
		took, err := do(i % each)
		if err != nil {
			return 0, err
		}
		all = append(all, us(took))
	}
	return median(all), nil
}

func (c *crew) trip(variant int) (time.Duration, error) {
	begin := time.Now()
	answer, err := c.members[variant].ask(event)
	took := time.Since(begin)
	if err == nil && !bytes.Contains(answer, []byte(`"sum"`)) {
		err = fmt.Errorf("the handler answered %q", answer)
	}
	return took, err
}

func warmExperiments() []experiment {
	return []experiment{
		warm("node", needsNode, func(l *lab) []string { return []string{l.node, l.file("warm.js")} }),
		warm("python", needsPython, func(l *lab) []string { return []string{l.python, l.file("warm.py")} }),
	}
}
