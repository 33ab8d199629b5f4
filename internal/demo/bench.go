package demo

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Overhead compares the two sides; medians of interleaved rounds.
type Overhead struct {
	Rounds      int   `json:"rounds"`
	ColdWithout int64 `json:"cold_start_without_ns"`
	ColdWith    int64 `json:"cold_start_with_ns"`
	WarmWithout int64 `json:"warm_without_ns"`
	WarmWith    int64 `json:"warm_with_ns"`
}

const warmPerRound = 4

// measure starts the function and converts documents, the two sides in turn so that a busy machine troubles both alike.
// A cold start is the time until the first answer; the request asks for the template's evaluation of a document, as the
// function's real work does.
func (r *run) measure(ctx context.Context) error {
	var cold, warm [2][]time.Duration
	for round := range r.Rounds {
		for i := range 2 {
			at := (round + i) % 2 // who goes first alternates, too
			c, w, err := r.measureOnce(ctx, at == 1)
			if err != nil {
				return fmt.Errorf("measure %s Thimble: %w", side(at == 1), err)
			}
			cold[at] = append(cold[at], c)
			warm[at] = append(warm[at], w...)
		}
	}
	r.report.Overhead = &Overhead{
		Rounds:      r.Rounds,
		ColdWithout: median(cold[0]), ColdWith: median(cold[1]),
		WarmWithout: median(warm[0]), WarmWith: median(warm[1]),
	}
	return nil
}

func (r *run) measureOnce(ctx context.Context, protected bool) (cold time.Duration, warm []time.Duration, err error) {
	event, err := requestEvent(map[string]string{"document_url": r.arsenal.document()})
	if err != nil {
		return 0, nil, err
	}
	begin := time.Now()
	instance, err := r.Platform.Start(ctx, r.function(protected))
	if err != nil {
		return 0, nil, fmt.Errorf("start the function: %w", err)
	}
	defer instance.Close()
	if _, err := instance.Invoke(ctx, event); err != nil {
		return 0, nil, err
	}
	cold = time.Since(begin)
	for range warmPerRound {
		begin := time.Now()
		if _, err := instance.Invoke(ctx, event); err != nil {
			return 0, nil, err
		}
		warm = append(warm, time.Since(begin))
	}
	return cold, warm, nil
}

func median(d []time.Duration) int64 {
	slices.Sort(d)
	if len(d) == 0 {
		return 0
	}
	return int64(d[len(d)/2])
}
