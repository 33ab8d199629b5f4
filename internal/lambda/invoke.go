package lambda

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"thimble/internal/lambda/sandbox"
)

// Request is an event with what the caller of a function can say about it.
type Request struct {
	Payload         []byte // JSON
	ClientContext   string // JSON, base64-decoded already
	CognitoIdentity string // JSON
	TraceID         string // made up when empty
}

// Result is what came of one invocation.
type Result struct {
	RequestID   string
	Response    []byte         // what the function returned, streamed or not
	ContentType string         // as the runtime sent it
	Streamed    bool           // the function streamed its response
	Error       *FunctionError // nil when the invocation succeeded
	Cold        bool           // this invocation started the environment
	Log         []string       // lines of the function's stdout and stderr since the invocation before
	Events      []Event        // the enforcer's event lines
	Timings     Timings
}

// Timings say where the time went.
type Timings struct {
	Sandbox  time.Duration // building the sandbox; not part of what Lambda measures
	Init     time.Duration // from the runtime's start until it asked for work; zero when warm
	Duration time.Duration // from handing out the event until the runtime asked for more
}

// Billed is what Lambda charges: whole milliseconds, with the init (managed runtimes too, since August 2025).
func (t Timings) Billed() time.Duration {
	ms := math.Ceil(float64(t.Init+t.Duration) / float64(time.Millisecond))
	return time.Duration(ms) * time.Millisecond
}

// Invoke hands the function one event and waits for what comes of it.
func (f *Function) Invoke(ctx context.Context, event []byte) (*Result, error) {
	return f.Do(ctx, Request{Payload: event})
}

// Do is Invoke for callers that have more to say than the event.
func (f *Function) Do(ctx context.Context, req Request) (*Result, error) {
	if err := checkEvent(req.Payload); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, ErrClosed
	}
	inv := newPending(req)
	res := &Result{RequestID: inv.id}
	if f.env == nil {
		if err := f.coldStart(ctx, inv.id, res); err != nil || res.Error != nil {
			f.discard()
			return orNothing(res, err)
		}
	}
	keep, err := f.env.run(ctx, inv, f.cfg.Timeout, res)
	if !keep {
		f.discard()
	}
	return orNothing(res, err)
}

func orNothing(res *Result, err error) (*Result, error) {
	if err != nil {
		return nil, err
	}
	return res, nil
}

func checkEvent(payload []byte) error {
	if len(payload) > MaxPayload {
		return fmt.Errorf("the event has %d bytes: Lambda accepts %d", len(payload), MaxPayload)
	}
	var v json.RawMessage
	if err := json.Unmarshal(payload, &v); err != nil {
		return fmt.Errorf("the event is no JSON: %w", err)
	}
	return nil
}

func newPending(req Request) *pending {
	if req.TraceID == "" {
		req.TraceID = newTraceID()
	}
	return &pending{Request: req, id: newRequestID(), done: make(chan struct{})}
}

// coldStart starts the environment and waits until it asks for work. What the function did wrong goes into res.
func (f *Function) coldStart(ctx context.Context, id string, res *Result) error {
	res.Cold = true
	begin := time.Now()
	env, err := f.startEnvironment()
	if failure := entrypointError(id, err); failure != nil {
		res.Error = failure
		return nil
	}
	if err != nil {
		return err
	}
	f.env = env
	res.Timings.Sandbox = env.started.Sub(begin)
	limit := time.NewTimer(f.cfg.InitTimeout)
	defer limit.Stop()
	select {
	case <-env.api.idle:
	case res.Error = <-env.api.initErr:
		env.awaitEnd(exitGrace)
	case <-env.ended:
		res.Error = env.exitError(id)
	case <-limit.C:
		res.Error = timedOut(id, f.cfg.InitTimeout)
	case <-ctx.Done():
		return fmt.Errorf("wait for the runtime: %w", ctx.Err())
	}
	res.Timings.Init = time.Since(env.started)
	if res.Error != nil {
		env.stop()
		env.collect(res)
	}
	return nil
}

// run hands out one invocation and reports whether the environment is fit for another.
func (e *environment) run(ctx context.Context, inv *pending, timeout time.Duration, res *Result) (keep bool, err error) {
	begin := time.Now()
	inv.deadline = begin.Add(timeout)
	e.api.queue <- inv
	limit := time.NewTimer(timeout)
	defer limit.Stop()
	done := (<-chan struct{})(inv.done)
	for waiting := true; waiting; {
		select {
		case <-done:
			res.take(inv.outcome)
			done = nil
			continue // the invocation lasts until the runtime asks for more
		case <-e.api.idle:
			if done != nil {
				select {
				case <-done: // both were there
					res.take(inv.outcome)
				default: // a second request for work before ours was handed out
					continue
				}
			}
			keep = true
		case <-e.ended:
			e.exited(inv, res)
		case <-limit.C:
			res.Error = timedOut(inv.id, timeout)
		case <-ctx.Done():
			return false, fmt.Errorf("wait for the function: %w", ctx.Err())
		}
		waiting = false
	}
	res.Timings.Duration = time.Since(begin)
	if !keep {
		e.stop()
	}
	e.collect(res)
	return keep, nil
}

// exited looks at a runtime that is gone. A response that it had sent stands.
func (e *environment) exited(inv *pending, res *Result) {
	select {
	case <-inv.done:
		res.take(inv.outcome)
	default:
		res.Error = e.exitError(inv.id)
	}
}

func (r *Result) take(out outcome) {
	r.Response, r.ContentType, r.Streamed, r.Error = out.body, out.contentType, out.streamed, out.err
}

// entrypointError tells a program that cannot be executed, the function's fault, from a sandbox that cannot be built.
func entrypointError(id string, err error) *FunctionError {
	if e, ok := err.(*sandbox.ExecError); ok {
		return aboutRequest("Runtime.InvalidEntrypoint", id, "fork/exec %s: %s", e.Path, e.Reason)
	}
	return nil
}

// newRequestID makes a version 4 UUID.
func newRequestID() string {
	b := randomBytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func newTraceID() string {
	b := randomBytes(20)
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", time.Now().Unix(), b[:12], b[12:])
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails (crypto/rand)
	return b
}
