package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

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
			fns, err := l.functions(runtime, handler)
			take := func(v int) ([]float64, error) {
				res, err := invoke(fns[v])
				if err != nil {
					return nil, err
				}
				return []float64{us(res.Timings.Duration)}, nil
			}
			return take, func() error { return closeFunctions(fns) }, err
		},
	}
}

// functions starts one function per variant and lets its compilers do their work.
func (l *lab) functions(runtime, handler string) (fns [variants]*lambda.Function, err error) {
	for v := range fns {
		if fns[v], _, err = l.cold(v, runtime, handler); err != nil {
			closeFunctions(fns)
			return fns, err
		}
	}
	for range settle {
		for v := range fns {
			if _, err = invoke(fns[v]); err != nil {
				closeFunctions(fns)
				return fns, err
			}
		}
	}
	return fns, nil
}

func closeFunctions(fns [variants]*lambda.Function) error {
	var first error
	for _, fn := range fns {
		if fn == nil {
			continue
		}
		if err := fn.Close(); first == nil {
			first = err
		}
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
