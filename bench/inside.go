package main

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// crew is one process per variant that answers requests; they stay alive over the iterations.
type crew struct {
	lab     *lab
	argv    []string
	members [variants]*process
	asked   int
}

func newCrew(l *lab, argv ...string) (*crew, error) {
	c := &crew{lab: l, argv: argv}
	return c, c.hire()
}

func (c *crew) hire() error {
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

// allowedExec times posix_spawn of a program that the policy lists.
func allowedExec() experiment {
	return experiment{
		name: "exec allowed", seconds: 20,
		metrics: []metric{
			{name: "posix_spawn", unit: "us", limits: []limit{percent(5)}},
			{name: "spawn and wait", unit: "us"},
		},
		begin: func(l *lab) (func(int) ([]float64, error), func() error, error) {
			c, err := newCrew(l, l.worker, "spawn", l.allowed)
			if err != nil {
				return nil, nil, err
			}
			return func(v int) ([]float64, error) {
				call, whole, code, err := c.work(v, 1)
				if err == nil && code != 0 {
					err = fmt.Errorf("posix_spawn of the listed program: errno %d", code)
				}
				return []float64{call / 1e3, whole / 1e3}, err
			}, c.retire, nil
		},
	}
}

const burst = 80 // refusals after which a process is replaced: of every one an event line is to be written

// deniedExec times posix_spawn of a program that the policy refuses, against the same spawn where nothing refuses it.
func deniedExec() experiment {
	return experiment{
		name: "exec denied", seconds: 15,
		metrics: []metric{
			{name: "posix_spawn", unit: "us", limits: []limit{fasterThanPlain()}},
			{name: "spawn and wait", unit: "us", limits: []limit{fasterThanPlain()}},
		},
		begin: func(l *lab) (func(int) ([]float64, error), func() error, error) {
			c, err := newCrew(l, l.worker, "spawn", l.denied)
			if err != nil {
				return nil, nil, err
			}
			return c.deniedOnce, c.retire, nil
		},
	}
}

func (c *crew) deniedOnce(variant int) ([]float64, error) {
	if c.asked++; c.asked%(burst*variants) == 0 {
		if err := c.retire(); err != nil {
			return nil, err
		}
		if err := c.hire(); err != nil {
			return nil, err
		}
	}
	call, whole, code, err := c.work(variant, 1)
	if err == nil && (code != 0) != (variant == thimble) {
		err = fmt.Errorf("posix_spawn of the refused program: errno %d", code)
	}
	return []float64{call / 1e3, whole / 1e3}, err
}

// batched times many calls in a row in a process, in nanoseconds of one.
func batched(name, unit string, divisor float64, seconds float64, n int, limits []limit, argv func(*lab) []string) experiment {
	return experiment{
		name: name, seconds: seconds,
		metrics: []metric{{name: "call", unit: unit, limits: limits}},
		begin: func(l *lab) (func(int) ([]float64, error), func() error, error) {
			c, err := newCrew(l, argv(l)...)
			if err != nil {
				return nil, nil, err
			}
			return func(v int) ([]float64, error) {
				each, _, code, err := c.work(v, n)
				if err == nil && code != 0 {
					err = fmt.Errorf("the call failed")
				}
				return []float64{each / divisor}, err
			}, c.retire, nil
		},
	}
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

const (
	event  = `{"name":"thimble"}`
	settle = 200 // requests until the runtimes' compilers have done their work
)

// warm times the round trip of a request, over pipes and without any runtime client, to a process that has answered others.
func warm(name string, needs func(*lab) string, argv func(*lab) []string) experiment {
	return experiment{
		name: "pipe warm " + name, seconds: 10, needs: needs,
		metrics: []metric{{name: "round trip", unit: "us", limits: []limit{percentOr(1, 20, "us")}}},
		begin: func(l *lab) (func(int) ([]float64, error), func() error, error) {
			c, err := newCrew(l, argv(l)...)
			if err != nil {
				return nil, nil, err
			}
			for range settle {
				for v := range c.members {
					if _, err := c.trip(v); err != nil {
						return nil, nil, err
					}
				}
			}
			return c.trip, c.retire, nil
		},
	}
}

func (c *crew) trip(variant int) ([]float64, error) {
	begin := time.Now()
	answer, err := c.members[variant].ask(event)
	took := time.Since(begin)
	if err == nil && !bytes.Contains(answer, []byte(`"sum"`)) {
		err = fmt.Errorf("the handler answered %q", answer)
	}
	return []float64{us(took)}, err
}

func warmExperiments() []experiment {
	return []experiment{
		warm("node", needsNode, func(l *lab) []string { return []string{l.node, l.file("warm.js")} }),
		warm("python", needsPython, func(l *lab) []string { return []string{l.python, l.file("warm.py")} }),
	}
}
