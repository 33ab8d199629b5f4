package lambda

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// apiState is where the runtime stands, as the service sees it.
type apiState int

const (
	stateInit       apiState = iota // started, has not asked for work yet
	stateReady                      // waits in /next
	stateRunning                    // has an invocation, owes a response
	stateResponding                 // is sending the response
	stateResponded                  // has sent it, has not asked for more
)

func (s apiState) String() string {
	return [...]string{"Started", "Ready", "Running", "InvocationResponse", "ResponseSent"}[s]
}

// pending is one invocation on its way through the runtime.
type pending struct {
	Request
	id       string
	deadline time.Time

	done    chan struct{} // closed when outcome is set
	outcome outcome
}

// outcome is what the runtime answered.
type outcome struct {
	body        []byte
	contentType string
	streamed    bool
	err         *FunctionError
}

// runtimeAPI serves the runtime API of one environment. Each environment has its own, so that what is left of an
// earlier one cannot talk to it.
type runtimeAPI struct {
	server *http.Server
	arn    string

	queue   chan *pending
	idle    chan struct{}       // one token whenever the runtime asks for work
	initErr chan *FunctionError // what the runtime reported about its own start

	mu        sync.Mutex
	state     apiState
	current   *pending
	supersede func() // ends the request for work that waits
}

func newRuntimeAPI(arn string) *runtimeAPI {
	a := &runtimeAPI{
		arn:     arn,
		queue:   make(chan *pending, 1),
		idle:    make(chan struct{}, 1),
		initErr: make(chan *FunctionError, 1),

		supersede: func() {},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/ping", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "pong") })
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", a.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", a.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", a.invocationError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", a.initError)
	a.server = &http.Server{Handler: mux}
	return a
}

// serve returns when close is called.
func (a *runtimeAPI) serve(l net.Listener) { a.server.Serve(l) }

func (a *runtimeAPI) close() { a.server.Close() }

// next hands out an invocation, or waits for one. A runtime that still owes a response may not ask.
func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	if a.state == stateRunning || a.state == stateResponding {
		a.forbid(w, stateReady)
		a.mu.Unlock()
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	a.supersede() // a client that asks again has given its earlier request up
	a.state, a.supersede = stateReady, cancel
	a.mu.Unlock()
	select {
	case a.idle <- struct{}{}:
	default:
	}
	select {
	case inv := <-a.queue:
		a.deliver(ctx, w, inv)
	case <-ctx.Done():
	}
}

// deliver hands an invocation out, unless nobody waits for it here any more.
func (a *runtimeAPI) deliver(ctx context.Context, w http.ResponseWriter, inv *pending) {
	a.mu.Lock()
	if ctx.Err() != nil {
		a.mu.Unlock()
		a.queue <- inv
		return
	}
	a.state, a.current = stateRunning, inv
	a.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", a.arn)
	h.Set("Lambda-Runtime-Trace-Id", inv.TraceID)
	if inv.ClientContext != "" {
		h.Set("Lambda-Runtime-Client-Context", inv.ClientContext)
	}
	if inv.CognitoIdentity != "" {
		h.Set("Lambda-Runtime-Cognito-Identity", inv.CognitoIdentity)
	}
	w.Write(inv.Payload)
}

// claim finds the invocation that a response belongs to. Order matters: an unknown ID is the caller's mistake (400), a
// known one at the wrong time a breach of the protocol (403).
func (a *runtimeAPI) claim(w http.ResponseWriter, r *http.Request) *pending {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current == nil || a.current.id != r.PathValue("id") {
		apiError(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return nil
	}
	if a.state != stateRunning {
		a.forbid(w, stateResponding)
		return nil
	}
	a.state = stateResponding
	return a.current
}

// settle records the outcome and then answers: a runtime that has its answer may ask for more at once.
func (a *runtimeAPI) settle(inv *pending, out outcome) {
	a.mu.Lock()
	a.state = stateResponded
	a.mu.Unlock()
	inv.outcome = out
	close(inv.done)
}

func (a *runtimeAPI) response(w http.ResponseWriter, r *http.Request) {
	inv := a.claim(w, r)
	if inv == nil {
		return
	}
	out := outcome{contentType: r.Header.Get("Content-Type")}
	limit := int64(MaxPayload)
	switch mode := r.Header.Get("Lambda-Runtime-Function-Response-Mode"); mode {
	case "":
	case "streaming":
		out.streamed, limit = true, MaxStream
	default:
		out.err = &FunctionError{Type: "Runtime.InvalidResponseModeHeader", Message: "unknown response mode " + mode}
		a.settle(inv, out)
		apiError(w, http.StatusBadRequest, "InvalidFunctionResponseMode", "Invalid function response mode")
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case err != nil:
		out.err = &FunctionError{Type: "Runtime.TruncatedResponse", Message: "the response ended before its end: " + err.Error()}
		a.settle(inv, out)
		apiError(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
	case int64(len(body)) > limit:
		io.Copy(io.Discard, io.LimitReader(r.Body, 64<<20)) // a client that still writes would miss the answer
		out.err = tooLarge(limit)
		a.settle(inv, out)
		apiError(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			"Exceeded maximum allowed payload size ("+strconv.FormatInt(limit, 10)+" bytes).")
	default:
		out.body, out.err = body, trailerError(r.Trailer)
		a.settle(inv, out)
		accepted(w)
	}
}

func (a *runtimeAPI) invocationError(w http.ResponseWriter, r *http.Request) {
	inv := a.claim(w, r)
	if inv == nil {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxPayload))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		body = nil
	}
	a.settle(inv, outcome{err: reportedError(r.Header, body)})
	accepted(w)
}

func (a *runtimeAPI) initError(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	wrong := a.state != stateInit
	if wrong {
		a.forbid(w, stateInit)
	}
	a.mu.Unlock()
	if wrong {
		return
	}
	body, _ := io.ReadAll(io.LimitReader(r.Body, MaxPayload))
	select {
	case a.initErr <- reportedError(r.Header, body):
		accepted(w)
	default:
		apiError(w, http.StatusForbidden, "InvalidStateTransition", "the init error was reported already")
	}
}

// forbid answers a request out of turn; the caller holds mu.
func (a *runtimeAPI) forbid(w http.ResponseWriter, to apiState) {
	apiError(w, http.StatusForbidden, "InvalidStateTransition",
		"Transition from "+a.state.String()+" to "+to.String()+" is not allowed.")
}
