package main

import (
	"fmt"
	"math"
)

// limit is one line of the contract: excess is how far a metric is beyond it, and must not be above 0.
type limit struct {
	text   string
	excess statistic
}

func atMost(value float64, unit string) limit {
	return limit{fmt.Sprintf("added ≤ %g %s", value, unit), func(s series) float64 {
		return medianAdded(thimble)(s) - value
	}}
}

func timesEmpty(times float64) limit {
	return limit{fmt.Sprintf("added ≤ %gx empty", times), func(s series) float64 {
		return medianAdded(thimble)(s) - times*medianAdded(empty)(s)
	}}
}

func percent(share float64) limit {
	return limit{fmt.Sprintf("added ≤ %g %%", share), func(s series) float64 {
		return medianAdded(thimble)(s) - share/100*medianOf(plain)(s)
	}}
}

// percentOr is met when either of its two halves is.
func percentOr(share, value float64, unit string) limit {
	return limit{fmt.Sprintf("added ≤ %g %% or %g %s", share, value, unit), func(s series) float64 {
		return medianAdded(thimble)(s) - math.Max(share/100*medianOf(plain)(s), value)
	}}
}

func fasterThanPlain() limit {
	return limit{"faster than plain", medianAdded(thimble)}
}
