package main

import (
	"context"
	"time"

	"thimble/internal/demo"
	"thimble/internal/lambda"
)

// demoPlatform runs the demo's functions in the local Lambda.
type demoPlatform struct {
	// protect compiles a policy and gives the paths and bytes that the local Lambda needs to enforce it.
	protect func(policy string) (library string, blob []byte, err error)
}

// demoTimeout is generous: a machine may be busy, and an attack that hangs must not count as stopped.
const demoTimeout = 10 * time.Second

func (p demoPlatform) Start(f demo.Function) (demo.Instance, error) {
	cfg := lambda.Config{
		Name: "goat", Runtime: lambdaRuntimes[f.Runtime], Handler: f.Handler, Code: f.Dir, Timeout: demoTimeout,
		// On Lambda the enforcer comes with the exec wrapper, after the managed runtime's bootstrap script: that script
		// must not be taken for the function.
		Direct: true,
	}
	for name, value := range f.Env {
		cfg.Env = append(cfg.Env, name+"="+value)
	}
	if f.Policy != "" {
		var err error
		if cfg.Preload, cfg.PolicyBlob, err = p.protect(f.Policy); err != nil {
			return nil, err
		}
	}
	fn, err := lambda.New(cfg)
	if err != nil {
		return nil, err
	}
	return demoInstance{fn}, nil
}

// lambdaRuntimes are the demo's runtimes in Lambda's words.
var lambdaRuntimes = map[string]string{"node": "nodejs", "python": "python3"}

type demoInstance struct{ fn *lambda.Function }

func (i demoInstance) Invoke(ctx context.Context, event []byte) (*demo.Answer, error) {
	result, err := i.fn.Invoke(ctx, event)
	if err != nil {
		return nil, err
	}
	answer := &demo.Answer{
		Response: result.Response, Events: result.Events, Log: result.Log,
		Init: result.Timings.Init, Duration: result.Timings.Duration,
	}
	if result.Error != nil {
		answer.Failure = result.Error.Error()
	}
	return answer, nil
}

func (i demoInstance) Close() error { return i.fn.Close() }
