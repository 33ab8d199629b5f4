// Package lambda is a local AWS Lambda: it runs a function as the service does, so that what works here works there
// and what is refused there is refused here.
//
//	fn, err := lambda.New(lambda.Config{Runtime: "python3", Handler: "app.handler", Code: "examples/functions/python"})
//	defer fn.Close()
//	res, err := fn.Invoke(ctx, []byte(`{"name":"x"}`))
//
// Invoke's error means that no invocation took place (a wrong event, no sandbox on this machine, a cancelled
// context). What the function itself did wrong, timeouts and crashes included, is in Result.Error, worded as Lambda
// words it.
//
// One Function is one execution environment: the first Invoke is a cold start, later ones are warm, and after a crash
// or a timeout the next one is cold again. Invocations of one Function queue up; for concurrency make several.
//
// The parts: api.go serves the runtime API (2018-06-01), environment.go starts a runtime against it, in the sandbox of
// package sandbox, runtimes.go finds interpreters on the machine, clients.go the runtime clients (small ones of our own
// for Node, Python and Ruby; AWS's by Config.Client), code.go and unzip.go lay out /var/task and /opt, variables.go the
// environment, and log.go separates the function's log from the enforcer's event lines.
//
// Known differences from the service: memory is announced but not limited, an environment is not frozen between
// invocations, a failed init is reported at once instead of being tried a second time, and extensions are not started.
package lambda

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// Lambda's own limits and defaults.
const (
	MaxPayload        = 6<<20 + 100 // bytes of an event or a buffered response
	MaxStream         = 200 << 20   // bytes of a streamed response
	maxUnzipped       = 250 << 20   // code and layers together
	maxLayers         = 5
	defaultTimeout    = 3 * time.Second
	defaultInit       = 10 * time.Second
	defaultMemory     = 128
	maxTimeout        = 15 * time.Minute
	defaultName       = "function"
	defaultRegion     = "us-east-1"
	testAccount       = "123456789012"
	exitGrace         = 2 * time.Second // for a runtime that reported a failed init, to end by itself
	layerLibrary      = "/opt/thimble/libthimble.so"
	layerPolicy       = "/opt/thimble/policy"
	networkHost       = "host"
	networkPrivate    = "none"
	clientBuiltin     = "builtin"
	clientAWS         = "aws"
	latest            = "$LATEST"
	runtimeDir        = "/var/runtime"
	clientDir         = runtimeDir + "/client"
	taskDir           = "/var/task"
	interpreterFolder = "/var/lang/bin"
)

// Config describes a function. Runtime and Code are required, and Handler unless the runtime is "provided".
type Config struct {
	Name    string // default "function"
	Runtime string // "nodejs", "nodejs20.x", "python3", "python3.12", "ruby", "java17", "provided.al2023"…
	Handler string
	Code    string   // folder or ZIP that becomes /var/task
	Layers  []string // ZIPs or folders that become /opt, in order; the last wins
	Env     []string // "NAME=value"; may replace Lambda's own variables, test credentials included

	Timeout     time.Duration // default 3 s
	InitTimeout time.Duration // default 10 s
	Memory      int           // MB, default 128; announced only

	// Client picks the runtime client: "builtin" (the default for Node, Python and Ruby), "aws" (AWS's, found beside
	// the code, in THIMBLE_CLIENTS or in .cache/clients), or the path of a folder that holds AWS's client.
	Client string
	// Direct starts the interpreter without the shell script that Lambda's managed runtimes start with.
	// AWS_LAMBDA_EXEC_WRAPPER is then not honoured.
	Direct bool

	NoSandbox bool   // run on the plain machine, with its user and file system
	UserNS    bool   // sandbox by a user namespace even as root
	Network   string // "host" (default) or "none"
	TmpSize   int64  // bytes of /tmp, default 512 MiB

	// Preload is the enforcer's library on the host, shown at /opt/thimble/libthimble.so and put into LD_PRELOAD;
	// PolicyBlob is its compiled policy, shown at /opt/thimble/policy.
	Preload    string
	PolicyBlob []byte

	// Log receives the function's log lines as they come, event lines excluded. Optional.
	Log io.Writer
}

// Function is a function ready to be invoked.
type Function struct {
	cfg    Config
	lang   *language
	layout *layout
	vars   variables

	mu     sync.Mutex // one invocation at a time
	env    *environment
	closed bool
}

// ErrClosed is returned by Invoke after Close.
var ErrClosed = errors.New("the function is closed")

// New checks the configuration, finds the runtime on this machine and unpacks the code. Nothing is started yet.
func New(cfg Config) (*Function, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	lang, err := findLanguage(cfg.Runtime)
	if err != nil {
		return nil, err
	}
	lay, err := newLayout(&cfg)
	if err != nil {
		return nil, err
	}
	fn := &Function{cfg: cfg, lang: lang, layout: lay, vars: newVariables(&cfg)}
	if err := fn.prepare(); err != nil {
		lay.remove()
		return nil, err
	}
	return fn, nil
}

// prepare does what needs the unpacked code: it looks for the handler and the client.
func (f *Function) prepare() error {
	if err := f.lang.checkHandler(f.cfg.Handler, f.layout); err != nil {
		return err
	}
	if err := f.lang.chooseClient(f.cfg.Client, f.layout); err != nil {
		return err
	}
	if f.cfg.NoSandbox {
		return f.writeRuntime()
	}
	return nil
}

// complete fills in defaults and refuses what cannot be.
func (c *Config) complete() error {
	setDefault(&c.Name, defaultName)
	setDefault(&c.Network, networkHost)
	setDefault(&c.Timeout, defaultTimeout)
	setDefault(&c.InitTimeout, defaultInit)
	setDefault(&c.Memory, defaultMemory)
	switch {
	case c.Runtime == "":
		return fmt.Errorf("no runtime given: one of %s", strings.Join(knownRuntimes(), ", "))
	case c.Code == "":
		return fmt.Errorf("no code given: a folder or a ZIP with the function")
	case c.Network != networkHost && c.Network != networkPrivate:
		return fmt.Errorf("unknown network %q: host or none", c.Network)
	case c.NoSandbox && c.Network == networkPrivate:
		return fmt.Errorf("network none needs the sandbox")
	case c.Timeout < 0 || c.Timeout > maxTimeout:
		return fmt.Errorf("timeout %s: Lambda allows up to %s", c.Timeout, maxTimeout)
	case len(c.Layers) > maxLayers:
		return fmt.Errorf("%d layers: Lambda allows %d", len(c.Layers), maxLayers)
	}
	for _, kv := range c.Env {
		if name, _, ok := strings.Cut(kv, "="); !ok || name == "" {
			return fmt.Errorf("variable %q: want NAME=value", kv)
		}
	}
	if c.Preload != "" {
		if _, err := os.Stat(c.Preload); err != nil {
			return fmt.Errorf("find the enforcer: %w", err)
		}
	}
	return nil
}

func setDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

// Close ends the function's environment and removes what was unpacked.
func (f *Function) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	f.discard()
	return f.layout.remove()
}

// discard ends the environment, so that the next invocation starts cold.
func (f *Function) discard() {
	if f.env != nil {
		f.env.stop()
		f.env = nil
	}
}
