package main

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestQuantile(t *testing.T) {
	tests := map[string]struct {
		values []float64
		q      float64
		want   float64
	}{
		"one":           {[]float64{7}, 0.9, 7},
		"odd":           {[]float64{9, 1, 5}, 0.5, 5},
		"even":          {[]float64{4, 1, 3, 2}, 0.5, 2.5},
		"highest":       {[]float64{4, 1, 3, 2}, 1, 4},
		"lowest":        {[]float64{4, 1, 3, 2}, 0, 1},
		"interpolated":  {[]float64{0, 10}, 0.9, 9},
		"with outliers": {[]float64{1, 1, 1, 1e9}, 0.5, 1},
	}
	for name, tt := range tests {
		if got := quantile(tt.values, tt.q); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
	if got := quantile(nil, 0.5); !math.IsNaN(got) {
		t.Errorf("of nothing: got %v, want NaN", got)
	}
}

// drifting makes iterations on a machine that gets slower and noisier all the time: thimble adds 3, empty 1, both with a
// little noise of their own.
func drifting(n int) series {
	dice := rand.New(rand.NewPCG(1, 2))
	out := make(series, n)
	for i := range out {
		base := 100 + float64(i) + 50*dice.Float64()
		out[i] = sample{base, base + 1 + 0.2*dice.Float64(), base + 3 + 0.2*dice.Float64()}
	}
	return out
}

func TestPairedDifferences(t *testing.T) {
	s := drifting(200)
	for variant, want := range map[int]float64{empty: 1.1, thimble: 3.1} {
		if got := medianAdded(variant)(s); math.Abs(got-want) > 0.05 {
			t.Errorf("variant %d: got %v added, want about %v", variant, got, want)
		}
	}
	in := bootstrap(s, medianAdded(thimble))
	if in.Low > 3.1 || in.High < 3.1 || in.High-in.Low > 0.1 {
		t.Errorf("interval: got %v, want a narrow one around 3.1", in)
	}
	if again := bootstrap(s, medianAdded(thimble)); again != in {
		t.Errorf("interval of the same samples: got %v, then %v", in, again)
	}
}

func TestBootstrapIsAsWideAsTheNoise(t *testing.T) {
	dice := rand.New(rand.NewPCG(3, 4))
	noise := make(series, 400)
	for i := range noise {
		noise[i] = sample{0, 0, dice.NormFloat64()}
	}
	// the standard error of a median of n normal values is 1.2533/sqrt(n)
	want := 2 * 1.96 * 1.2533 / math.Sqrt(400)
	in := bootstrap(noise, medianAdded(thimble))
	if got := in.High - in.Low; got < want*0.6 || got > want*1.6 {
		t.Errorf("width: got %v, want about %v", got, want)
	}
}

func TestJudge(t *testing.T) {
	s := drifting(200) // plain about 225, added 3.1, empty 1.1
	tests := map[string]struct {
		series series
		limit  limit
		want   string
	}{
		"well below":         {s, atMost(4, "us"), pass},
		"well above":         {s, atMost(2, "us"), fail},
		"on the limit":       {s, atMost(medianAdded(thimble)(s), "us"), inconclusive},
		"share met":          {s, percent(5), pass},
		"share missed":       {s, percent(1), fail},
		"either: the share":  {s, percentOr(5, 1, "us"), pass},
		"either: the value":  {s, percentOr(1, 4, "us"), pass},
		"either: neither":    {s, percentOr(1, 2, "us"), fail},
		"thrice empty":       {s, timesEmpty(3), pass},
		"twice empty":        {s, timesEmpty(2), fail},
		"not faster":         {s, fasterThanPlain(), fail},
		"too few to believe": {s[:fewest-1], atMost(1000, "us"), tooFew},
	}
	for name, tt := range tests {
		if got, in := judge(tt.series, tt.limit.excess); got != tt.want {
			t.Errorf("%s: got %s (excess %v), want %s", name, got, in, tt.want)
		}
	}
}
