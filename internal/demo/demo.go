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
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Function says what a platform is to start.
type Function struct {
	Dir       string // the package
	Handler   string
	Runtime   string // node or python
	Env       map[string]string
	Policy    string // YAML; empty runs the function unprotected
	Protected bool
}

// Platform starts functions.
type Platform interface {
	Start(ctx context.Context, f Function) (Instance, error)
}

// Instance is one running function.
type Instance interface {
	// Invoke sends one event to the warm function. An error means that the function failed, not that it answered badly.
	Invoke(ctx context.Context, event []byte) ([]byte, error)
	// Log is what the function and the enforcer have written so far.
	Log() []byte
	Close() error
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

func (r *run) function(protected bool) Function {
	f := Function{Dir: r.code, Handler: r.Host.Handler(), Runtime: r.Host.Runtime, Env: Credentials(), Protected: protected}
	if protected {
		f.Policy = r.policy
	}
	return f
}

// playSide runs good requests and attacks in turn on one warm function; one that an attack brought down is started anew.
func (r *run) playSide(ctx context.Context, protected bool) error {
	s := &session{run: r, protected: protected}
	defer s.stop()
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
	seen      int // bytes of the log that have been looked at
	starts    int
}

// invoke sends an event, starting the function when it is down.
func (s *session) invoke(ctx context.Context, event []byte) (body string, status int, err error) {
	if s.instance == nil {
		if s.instance, err = s.Platform.Start(ctx, s.function(s.protected)); err != nil {
			return "", 0, fmt.Errorf("start the function: %w", err)
		}
		s.seen = 0
		s.starts++
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	response, err := s.instance.Invoke(ctx, event)
	if err != nil {
		return "", 0, errFunction{err}
	}
	var page struct {
		StatusCode int    `json:"statusCode"`
		Body       string `json:"body"`
	}
	if err := json.Unmarshal(response, &page); err != nil {
		return "", 0, errFunction{fmt.Errorf("read response %.100q: %w", response, err)}
	}
	return page.Body, page.StatusCode, nil
}

// errFunction marks a failed invocation: a result, where everything else is a defect of the demo or its platform.
type errFunction struct{ error }

func (s *session) attack(ctx context.Context, o *Outcome) error {
	a := attackNamed(o.Name)
	event, err := s.arsenal.event(a)
	if err != nil {
		return err
	}
	s.arsenal.world.Forget()
	s.events() // those of the good request before
	body, status, err := s.invoke(ctx, event)
	var down errFunction
	if err != nil && !errors.As(err, &down) {
		return err
	}
	result := Result{Got: s.arsenal.succeeded(a, body), Status: status}
	if err != nil {
		result.Error = err.Error()
	}
	if s.protected {
		s.blame(a, &result)
		o.With = result
	} else {
		o.Without = result
	}
	s.keepAttack(a, event, body)
	if err != nil {
		s.stop()
	}
	return nil
}

func attackNamed(name string) Attack {
	for _, a := range Attacks {
		if a.Name == name {
			return a
		}
	}
	panic("no attack " + name)
}

func (s *session) stop() {
	if s.instance == nil {
		return
	}
	s.keepLog()
	s.instance.Close()
	s.instance = nil
}

// blame says who stopped the attack: the first refusal that the enforcer reported while it ran. Stripping credentials
// refuses nothing, so there the policy's rule is named.
func (s *session) blame(a Attack, result *Result) {
	for _, e := range s.events() {
		if e.Action == "denied" || e.Action == "killed" {
			result.StoppedBy, result.Rule, result.Event = e.Control, e.Rule, e.line
			return
		}
	}
	if !result.Got {
		result.StoppedBy, _, _ = strings.Cut(a.quietly, ".")
		result.Rule = a.quietly
	}
}

// Event is what the demo reads of an event line.
type Event struct {
	Format  json.RawMessage `json:"thimble"`
	Control string          `json:"control"`
	Action  string          `json:"action"`
	Rule    string          `json:"rule"`

	line string
}

// events returns the event lines that the log has gained since the last look.
func (s *session) events() []Event {
	if s.instance == nil {
		return nil
	}
	log := s.instance.Log()
	fresh := log[min(s.seen, len(log)):]
	s.seen = len(log)
	var events []Event
	for line := range strings.Lines(string(fresh)) {
		var e Event
		if at := strings.Index(line, `{"thimble"`); at >= 0 {
			line = strings.TrimSpace(line[at:])
			if json.Unmarshal([]byte(line), &e) == nil && e.Format != nil {
				e.line = line
				events = append(events, e)
			}
		}
	}
	return events
}
