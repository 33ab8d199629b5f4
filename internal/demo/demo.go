// Package demo attacks a vulnerable function, first without Thimble and then with it, and measures what Thimble costs.
//
// The function (assets/function) converts documents and has two flaws: an address pasted into a shell command, and an
// evaluated template. Attacks is the table of what attackers do with them; every attack must work on the unprotected
// function, or the demo would show nothing, and must fail on the protected one. Good requests run before, between and after
// the attacks and must work on both. Start at [Run]; the function runs on a [Platform], which cmd/thimble makes from the
// local Lambda.
package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Function says what a platform is to start.
type Function struct {
	Dir     string // the package
	Handler string
	Runtime string // node or python
	Env     map[string]string
	Policy  string // YAML; empty runs the function unprotected
}

// Platform starts functions.
type Platform interface {
	Start(f Function) (Instance, error)
}

// Instance is one function, which starts cold with its first event and again when it went down.
type Instance interface {
	// Invoke sends an event. An error means that no invocation took place: the platform's fault, not the function's.
	Invoke(ctx context.Context, event []byte) (*Answer, error)
	Close() error
}

// Answer is what came of one invocation.
type Answer struct {
	Response []byte
	Failure  string            // how the function failed, empty when it answered
	Events   []json.RawMessage // the enforcer's event lines
	Log      []string
	Init     time.Duration // of a cold start
	Duration time.Duration
}

// Config is what can be asked of the demo.
type Config struct {
	Host     Host
	Platform Platform
	Keep     string           // directory for events and logs; empty keeps nothing
	Rounds   int              // of the measurement; 0 leaves it out
	Progress func(msg string) // told what happens
}

// run carries the state of one demo.
type run struct {
	Config
	arsenal *arsenal
	code    string // the function's package
	policy  string
	report  *Report
}

// Run plays the demo. The report is complete unless there is an error.
func Run(ctx context.Context, c Config) (*Report, error) {
	dir, err := os.MkdirTemp("", "thimble-demo-")
	if err != nil {
		return nil, fmt.Errorf("make the demo's directory: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the demo's directory: %w", err)
	}
	r, err := newRun(c, dir)
	if err != nil {
		return nil, err
	}
	defer r.arsenal.world.Close()
	return r.report, r.play(ctx)
}

func newRun(c Config, dir string) (*run, error) {
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	r := &run{Config: c, code: filepath.Join(dir, "task"), report: &Report{Runtime: c.Host.Runtime, Fetch: c.Host.Fetch}}
	if err := c.Host.Build(r.code); err != nil {
		return nil, err
	}
	var err error
	if r.policy, err = c.Host.Policy(); err != nil {
		return nil, err
	}
	r.report.Policy = r.policy
	r.arsenal, err = newArsenal(c.Host)
	return r, err
}

func (r *run) play(ctx context.Context) error {
	for _, a := range Attacks {
		if a.fits(r.Host) {
			r.report.Attacks = append(r.report.Attacks, Outcome{Name: a.Name, Wants: a.Wants, Loot: a.Loot})
		}
	}
	for _, protected := range []bool{false, true} {
		r.Progress("attacking the function " + side(protected) + " Thimble")
		if err := r.playSide(ctx, protected); err != nil {
			return fmt.Errorf("play the demo %s Thimble: %w", side(protected), err)
		}
	}
	if r.Rounds > 0 {
		r.Progress("measuring")
		return r.measure(ctx)
	}
	return nil
}

func side(protected bool) string {
	if protected {
		return "with"
	}
	return "without"
}

func (r *run) start(protected bool) (Instance, error) {
	f := Function{Dir: r.code, Handler: r.Host.Handler(), Runtime: r.Host.Runtime, Env: Credentials()}
	if protected {
		f.Policy = r.policy
	}
	instance, err := r.Platform.Start(f)
	if err != nil {
		return nil, fmt.Errorf("start the function: %w", err)
	}
	return instance, nil
}

// playSide runs good requests and attacks in turn on one warm function.
func (r *run) playSide(ctx context.Context, protected bool) error {
	instance, err := r.start(protected)
	if err != nil {
		return err
	}
	defer instance.Close()
	s := &session{run: r, protected: protected, instance: instance}
	if err := s.goodRequests(ctx, "before"); err != nil {
		return err
	}
	for i := range r.report.Attacks {
		outcome := &r.report.Attacks[i]
		if err := s.attack(ctx, outcome); err != nil {
			return fmt.Errorf("attack %q: %w", outcome.Name, err)
		}
		if err := s.goodRequest(ctx, i, "after "+outcome.Name); err != nil {
			return err
		}
	}
	return s.goodRequests(ctx, "after")
}

// session is one side of the demo.
type session struct {
	*run
	protected bool
	instance  Instance
}

// page is what the function answers to an HTTP request.
type page struct {
	StatusCode int    `json:"statusCode"`
	Body       string `json:"body"`
}

// invoke sends an event and reads the page that comes back; a function that failed answers with an empty one.
func (s *session) invoke(ctx context.Context, event []byte) (page, *Answer, error) {
	answer, err := s.instance.Invoke(ctx, event)
	if err != nil {
		return page{}, nil, err
	}
	var p page
	if answer.Failure == "" {
		if err := json.Unmarshal(answer.Response, &p); err != nil {
			return page{}, nil, fmt.Errorf("read response %.100q: %w", answer.Response, err)
		}
	}
	return p, answer, nil
}

func (s *session) attack(ctx context.Context, o *Outcome) error {
	a := attackNamed(o.Name)
	event, err := s.arsenal.event(a)
	if err != nil {
		return err
	}
	s.arsenal.world.Forget()
	p, answer, err := s.invoke(ctx, event)
	if err != nil {
		return err
	}
	result := Result{Got: s.arsenal.succeeded(a, p.Body), Status: p.StatusCode, Failure: answer.Failure}
	if s.protected {
		blame(a, answer.Events, &result)
		o.With = result
	} else {
		o.Without = result
	}
	return s.keepAttack(a, event, p, answer)
}

func attackNamed(name string) Attack {
	for _, a := range Attacks {
		if a.Name == name {
			return a
		}
	}
	panic("no attack " + name)
}

// blame says who stopped the attack: the first refusal that the enforcer reported while it ran. Stripping credentials
// refuses nothing, so there the policy's rule is named.
func blame(a Attack, events []json.RawMessage, result *Result) {
	for _, line := range events {
		var e struct {
			Control string `json:"control"`
			Action  string `json:"action"`
			Rule    string `json:"rule"`
		}
		if json.Unmarshal(line, &e) == nil && (e.Action == "denied" || e.Action == "killed") {
			result.StoppedBy, result.Rule, result.Event = e.Control, e.Rule, line
			return
		}
	}
	if !result.Got {
		result.StoppedBy, _, _ = strings.Cut(a.quietly, ".")
		result.Rule = a.quietly
	}
}
