package demo

import (
	"context"
	"errors"
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

const (
	warmPerRound  = 4
	measureBudget = 5 * time.Second // after which no further round begins: a busy machine must not make the demo a wait
)

// measure starts the function and converts documents, the two sides in turn so that a busy machine troubles both alike.
// Both times are the platform's: a cold start is from the runtime's start until it asks for work, an invocation from its
// event until the next is asked for.
func (r *run) measure(ctx context.Context) error {
	var cold, warm [2][]time.Duration
	begin, rounds := time.Now(), 0
	for round := range r.Rounds {
		if round > 2 && time.Since(begin) > measureBudget {
			break
		}
		rounds++
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
		Rounds:      rounds,
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
	instance, err := r.start(protected)
	if err != nil {
		return 0, nil, err
	}
	defer instance.Close()
	for i := range 1 + warmPerRound {
		answer, err := instance.Invoke(ctx, event)
		if err != nil {
			return 0, nil, err
		}
		if answer.Failure != "" {
			return 0, nil, errors.New(answer.Failure)
		}
		if i == 0 {
			cold = answer.Init
			continue
		}
		warm = append(warm, answer.Duration)
	}
	return cold, warm, nil
}

// median is the middle one, or the mean of the two in the middle.
func median(d []time.Duration) int64 {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return int64(d[(len(d)-1)/2]+d[len(d)/2]) / 2
}
