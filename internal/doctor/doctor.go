// Package doctor finds out what a platform lets the enforcer do, by trying it.
//
// Start at [Examine]. It runs the probes (the probes_*.go files), each of which asks one question, and draws the
// conclusions (conclude.go): which tier is active, what stays uncovered, what is not enforced yet. The results are data;
// the command prints them.
//
// Much of what is tried is irreversible (no_new_privs), is remembered by the kernel for the whole process (a seccomp
// filter) or may kill who tries it. So every probe that does more than look runs in a process of its own, which is this
// same executable started anew (child.go), has a time limit, and is gone afterwards with all that it started. Files are
// made in one folder under /tmp, which is removed at the end.
package doctor

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Answer is what a probe found.
type Answer string

// The answers. Unknown means that the question could not be asked here; Detail says why.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Unknown Answer = "unknown"
)

// Result is one probe's finding. IDs are stable.
type Result struct {
	ID     string `json:"id"`
	Asks   string `json:"asks"`
	Answer Answer `json:"answer"`
	Errno  string `json:"errno,omitempty"`  // the kernel's refusal, by name
	Detail string `json:"detail,omitempty"` // what was seen
	Means  string `json:"means"`            // what follows from it for Thimble
}

// Item is one path that is not covered, or one control that is not enforced yet. IDs are stable.
type Item struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// Seal says whether the kernel tier would be possible. It is never active: it comes with a later version.
type Seal struct {
	Possible Answer `json:"possible"`
	Enforced bool   `json:"enforced"`
	Means    string `json:"means"`
}

// Report is everything that the doctor found.
type Report struct {
	Format      int      `json:"doctor"`             // version of this format
	Version     string   `json:"version"`            // of Thimble
	Enforcer    string   `json:"enforcer,omitempty"` // SHA-256 of the library that was tried
	Arch        string   `json:"arch"`
	Runs        bool     `json:"runs"` // the enforcer can run here
	Tier        string   `json:"tier"` // library | none
	Why         string   `json:"why,omitempty"`
	Seal        Seal     `json:"seal"`
	Probes      []Result `json:"probes"`
	Uncovered   []Item   `json:"uncovered"`
	NotEnforced []Item   `json:"not_enforced"`
}

// Options is what the doctor needs from outside.
type Options struct {
	Version string
	// Library returns the enforcer for a CPU, by Go's name for it.
	Library func(arch string) ([]byte, error)
	// Policy is a compiled policy that uses every control, so that the enforcer itself says what it does not enforce.
	Policy []byte
	// Progress, when set, is told of each probe before it runs, and of "" at the end.
	Progress func(id string)
}

// probeTime bounds one probe; the slowest honest one starts three short programs.
const probeTime = 5 * time.Second

// tempFolder is where functions may write, whatever TMPDIR says.
const tempFolder = "/tmp"

// Examine runs all probes, one after the other. When ctx ends, what is left is answered with Unknown.
func Examine(ctx context.Context, o Options) Report {
	e := &examination{Options: o, ctx: ctx}
	defer e.begin()()
	for _, p := range probes {
		if o.Progress != nil {
			o.Progress(p.id)
		}
		e.results = append(e.results, e.run(p))
	}
	if o.Progress != nil {
		o.Progress("")
	}
	return conclude(o, e.results, e.start)
}

// examination is the state of one run of the doctor.
type examination struct {
	Options
	ctx     context.Context
	folder  string // ours below /tmp; "" when it could not be made
	tempErr error
	results []Result   // so far
	start   startEvent // what the enforcer said of itself
}

// begin makes the folder that probes write to and returns what removes it. Other users may not enter it.
func (e *examination) begin() func() {
	e.folder, e.tempErr = os.MkdirTemp(tempFolder, "thimble-doctor-")
	if e.tempErr != nil {
		return func() {}
	}
	return func() { os.RemoveAll(e.folder) }
}

func (e *examination) file(name string) string { return filepath.Join(e.folder, name) }

// outcome is what a probe's code returns; it travels as JSON from the process that ran it.
type outcome struct {
	Answer Answer `json:"answer"`
	Errno  string `json:"errno,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// probe is one question. Exactly one of look and try is set.
type probe struct {
	id, asks string
	yes, no  string                       // what follows from the answer
	look     func(e *examination) outcome // only looks: runs in this process
	try      func(folder string) outcome  // acts: runs in a process of its own
	files    bool                         // try needs the folder
}

func (e *examination) run(p probe) Result {
	var o outcome
	switch {
	case e.ctx.Err() != nil:
		o = outcome{Answer: Unknown, Detail: "no time left to ask"}
	case p.look != nil:
		o = p.look(e)
	case p.files && e.tempErr != nil:
		o = outcome{Answer: Unknown, Detail: "needs a file: " + e.tempErr.Error()}
	default:
		o = runChild(e.ctx, p.id, e.folder)
	}
	return Result{ID: p.id, Asks: p.asks, Answer: o.Answer, Errno: o.Errno, Detail: o.Detail, Means: p.means(o.Answer)}
}

func (p probe) means(a Answer) string {
	switch a {
	case Yes:
		return p.yes
	case No:
		return p.no
	}
	return "Nothing can be concluded."
}

// arch is the CPU that this executable was built for, which is the one it runs on or one that is emulated.
const arch = runtime.GOARCH
