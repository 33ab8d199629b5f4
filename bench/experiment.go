package main

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"time"
)

// metric is one figure that an experiment takes; its limits may be none.
type metric struct {
	name   string
	unit   string
	limits []limit
}

// experiment measures some metrics at once. Its values are taken variant by variant, in random order, again and again
// until its time is over.
type experiment struct {
	name    string
	seconds float64 // of a full run
	metrics []metric
	needs   func(*lab) string // what the machine lacks for it; optional
	// begin starts what stays alive over the iterations; take returns one value per metric, end may be nil.
	begin func(*lab) (take func(variant int) ([]float64, error), end func() error, err error)
}

// result is what an experiment measured: one series per metric.
type result struct {
	experiment *experiment
	series     []series
	took       time.Duration
	skipped    string // why nothing was measured
	err        error
}

const (
	warmUp     = 1 // iterations whose values are thrown away: cold caches
	quickShare = 0.13
	hangs      = 45 * time.Second
)

func selected(all []experiment, only *regexp.Regexp) []experiment {
	return slices.DeleteFunc(all, func(e experiment) bool { return !only.MatchString(e.name) })
}

// run does an experiment for about so long.
func (e *experiment) run(l *lab, budget time.Duration) result {
	r := result{experiment: e, series: make([]series, len(e.metrics))}
	if e.needs != nil {
		if r.skipped = e.needs(l); r.skipped != "" {
			return r
		}
	}
	watchdog := live.killAfter(budget + hangs)
	defer watchdog.Stop()
	take, end, err := e.begin(l)
	if err != nil {
		r.err = fmt.Errorf("%s: %w", e.name, err)
		return r
	}
	started := time.Now()
	for i := 0; r.err == nil && goOn(i, time.Since(started), budget); i++ {
		r.err = r.iterate(l, take, i >= warmUp)
	}
	if end != nil {
		if err := end(); r.err == nil && err != nil {
			r.err = fmt.Errorf("%s: %w", e.name, err)
		}
	}
	r.took = time.Since(started)
	return r
}

// goOn gives an experiment its time, and on a slow machine more of it, for as many iterations as a verdict needs.
func goOn(iterations int, spent, budget time.Duration) bool {
	return spent < budget || (iterations < warmUp+fewest && spent < 3*budget)
}

// iterate takes every variant's values once. Whoever comes first may find the machine in another state, so the order
// changes.
func (r *result) iterate(l *lab, take func(int) ([]float64, error), keep bool) error {
	taken := make([]sample, len(r.series))
	for _, v := range rand.Perm(variants) {
		values, err := take(v)
		if err != nil {
			return fmt.Errorf("%s, variant %s: %w", r.experiment.name, variantNames[v], err)
		}
		for m, value := range values {
			taken[m][v] = value
		}
	}
	l.stderr.drain()
	for m := range taken {
		if keep {
			r.series[m] = append(r.series[m], taken[m])
		}
	}
	return nil
}

var variantNames = [variants]string{"plain", "empty", "thimble"}
