package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"thimble/internal/lambda"
)

// config describes the same small function for every variant, in the local Lambda.
func (l *lab) config(variant int, runtime, handler string) (lambda.Config, error) {
	cfg := lambda.Config{Name: "bench", Runtime: runtime, Handler: handler, Code: l.file("function"),
		Direct: true} // the shell before a managed runtime would have to be listed to start it
	switch variant {
	case empty:
		cfg.Preload = filepath.Join(l.folder, "empty.so")
	case thimble:
		blob, err := os.ReadFile(l.policy)
		if err != nil {
			return cfg, fmt.Errorf("read the policy: %w", err)
		}
		cfg.Preload, cfg.PolicyBlob = l.library, blob
	}
	return cfg, nil
}

// cold starts the function and returns it with what its first invocation said.
func (l *lab) cold(variant int, runtime, handler string) (*lambda.Function, *lambda.Result, error) {
	cfg, err := l.config(variant, runtime, handler)
	if err != nil {
		return nil, nil, err
	}
	fn, err := lambda.New(cfg)
	if err != nil {
		return nil, nil, err
	}
	res, err := invoke(fn)
	if err == nil {
		err = started(variant, res)
	}
	if err != nil {
		fn.Close()
		return nil, nil, err
	}
	return fn, res, nil
}

// started refuses a function whose enforcer is not in force.
func started(variant int, res *lambda.Result) error {
	for _, e := range res.Events {
		if bytes.Contains(e, []byte(`"started"`)) {
			if variant == thimble {
				return nil
			}
			return fmt.Errorf("an unprotected function wrote the event %s", e)
		}
	}
	if variant == thimble {
		return fmt.Errorf("no start event of the enforcer among %d events", len(res.Events))
	}
	return nil
}

func invoke(fn *lambda.Function) (*lambda.Result, error) {
	res, err := fn.Invoke(context.Background(), []byte(event))
	switch {
	case err != nil:
		return nil, err
	case res.Error != nil:
		return nil, fmt.Errorf("the function failed: %w", res.Error)
	case !bytes.Contains(res.Response, []byte(`"sum"`)):
		return nil, fmt.Errorf("the function answered %q", res.Response)
	}
	return res, nil
}

// coldFunction takes what Lambda calls the init: from the runtime's start until it asks for work.
func coldFunction(name string, seconds float64, needs func(*lab) string, runtime, handler string) experiment {
	return experiment{
		name: "lambda cold " + name, seconds: seconds, needs: needs,
		metrics: []metric{{name: "init", unit: "ms", limits: coldLimits()}},
		begin: func(l *lab) (func(int) ([]float64, error), func() error, error) {
			return func(v int) ([]float64, error) {
				fn, res, err := l.cold(v, runtime, handler)
				if err != nil {
					return nil, err
				}
				return []float64{ms(res.Timings.Init)}, fn.Close()
			}, nil, nil
		},
	}
}

// warmFunction takes what Lambda calls the duration: from handing out the event until the runtime asks for more.
func warmFunction(name string, needs func(*lab) string, runtime, handler string) experiment {
	return experiment{
		name: "lambda warm " + name, seconds: 18, needs: needs,
		metrics: []metric{{name: "duration", unit: "us", limits: []limit{percentOr(1, 20, "us")}}},
		begin: func(l *lab) (func(int) ([]float64, error), func() error, error) {
			f := &functions{lab: l, runtime: runtime, handler: handler, turn: turns{each: 1}}
			return f.invocations, f.close, nil
		},
	}
}

// functions is one function per variant, replaced as a crew is.
type functions struct {
	lab              *lab
	runtime, handler string
	members          [variants]*lambda.Function
	turn             turns
}

// invocations takes the median of a block of warm invocations.
func (f *functions) invocations(variant int) ([]float64, error) {
	if f.turn.over() {
		if err := f.renew(); err != nil {
			return nil, err
		}
	}
	took, err := block(blockSize, 1, func(int) (time.Duration, error) { return f.invoke(variant) })
	return []float64{took}, err
}

func (f *functions) invoke(variant int) (time.Duration, error) {
	res, err := invoke(f.members[variant])
	if err != nil {
		return 0, err
	}
	return res.Timings.Duration, nil
}

func (f *functions) renew() error {
	if err := f.close(); err != nil {
		return err
	}
	for v := range f.members {
		fn, _, err := f.lab.cold(v, f.runtime, f.handler)
		if err != nil {
			return err
		}
		f.members[v] = fn
	}
	_, err := block(settle, variants, f.invoke)
	return err
}

func (f *functions) close() error {
	var first error
	for v, fn := range f.members {
		if fn == nil {
			continue
		}
		if err := fn.Close(); first == nil {
			first = err
		}
		f.members[v] = nil
	}
	return first
}

func functionExperiments() []experiment {
	return []experiment{
		coldFunction("node", 30, needsNode, "nodejs", "index.handler"),
		coldFunction("python", 25, needsPython, "python3", "app.handler"),
		warmFunction("node", needsNode, "nodejs", "index.handler"),
		warmFunction("python", needsPython, "python3", "app.handler"),
	}
}
