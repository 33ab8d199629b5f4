package main

import (
	"math"
	"math/rand/v2"
	"slices"
)

// The variants, in the order of a sample.
const (
	plain   = iota // unprotected
	empty          // an empty library preloaded
	thimble        // libthimble preloaded, with a policy
	variants
)

// sample holds one value per variant, all of one iteration: they saw the same moment of the machine.
type sample [variants]float64

// series is a metric's samples, one per iteration.
type series []sample

// column returns one variant's values.
func (s series) column(variant int) []float64 {
	out := make([]float64, len(s))
	for i := range s {
		out[i] = s[i][variant]
	}
	return out
}

// added returns what a variant cost over plain, iteration by iteration.
func (s series) added(variant int) []float64 {
	out := make([]float64, len(s))
	for i := range s {
		out[i] = s[i][variant] - s[i][plain]
	}
	return out
}

// quantile returns the q-quantile of the values, interpolated between neighbours; NaN of none. It sorts them.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	at := q * float64(len(values)-1)
	low := int(at)
	if low+1 == len(values) {
		return values[low]
	}
	return values[low] + (at-float64(low))*(values[low+1]-values[low])
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// statistic is a figure that follows from a series.
type statistic func(series) float64

func medianOf(variant int) statistic {
	return func(s series) float64 { return median(s.column(variant)) }
}

// medianAdded is the median of the paired differences to plain, not the difference of the medians: what troubles one
// iteration troubles all its variants and cancels out.
func medianAdded(variant int) statistic {
	return func(s series) float64 { return median(s.added(variant)) }
}

// interval is a 95 % confidence interval.
type interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

const (
	resamples = 1000
	tail      = 0.025
	seed      = 20 // figures depend on what was measured, not on the dice
)

// bootstrap returns the 95 % percentile interval of a statistic: iterations are drawn again with replacement, so that the
// values of one iteration stay together.
func bootstrap(s series, stat statistic) interval {
	if len(s) == 0 {
		return interval{math.NaN(), math.NaN()}
	}
	dice := rand.New(rand.NewPCG(seed, uint64(len(s))))
	figures := make([]float64, resamples)
	drawn := make(series, len(s))
	for i := range figures {
		for j := range drawn {
			drawn[j] = s[dice.IntN(len(s))]
		}
		figures[i] = stat(drawn)
	}
	return interval{quantile(figures, tail), quantile(figures, 1-tail)}
}

// The verdicts on a limit.
const (
	pass         = "pass"
	fail         = "fail"
	inconclusive = "inconclusive" // the interval holds the limit: measure longer, or on a quieter machine
	tooFew       = "too few"
)

const fewest = 8 // samples below which no verdict is given

// judge says whether a statistic that a limit wants to be at most 0 is, with 95 % confidence.
func judge(s series, excess statistic) (string, interval) {
	if len(s) < fewest {
		return tooFew, interval{}
	}
	in := bootstrap(s, excess)
	switch {
	case in.High <= 0:
		return pass, in
	case in.Low > 0:
		return fail, in
	}
	return inconclusive, in
}
