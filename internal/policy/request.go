package policy

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// The controls that a request can be about.
const (
	ControlExec    = "exec"
	ControlLoad    = "load"
	ControlOpen    = "open"
	ControlEnviron = "environ"
	ControlMemory  = "memory"
)

// Request is one attempt: what the caller asked for and what the kernel says about the file. ParseRequest fills in the
// defaults; a Request built by hand is judged as it stands.
type Request struct {
	Control     string
	Op          string // memory: ptrace, process_vm_readv, process_vm_writev, proc_mem
	Exe         string // canonical path of the file
	Path        string // as the caller named it, made absolute
	Argv0       string
	Args        []string // argv[1:]
	From        string   // canonical path of the calling process's executable
	Image       bool     // the file shipped with the function
	SHA256      *[32]byte
	Memfd       bool   // memory file or deleted file: it never shipped
	Setuid      bool   // set-id bits or file capabilities
	Interpreter bool   // run only as the #! interpreter of a script that is judged on its own
	Signature   string // curated set whose content signature the file's bytes match
	Write       bool
	Executable  bool   // the write would make something executable
	Function    string // selects the policy among many
}

// Verdict is the answer to a request.
type Verdict struct {
	Action          Action `json:"verdict"`
	Rule            string `json:"rule"`
	KeepCredentials bool   `json:"-"` // exec: the child inherits the function's AWS credentials
}

// Action is what happens to the attempt.
type Action string

// The actions; Audited attempts are allowed and reported.
const (
	Allowed Action = "allow"
	Audited Action = "audit"
	Denied  Action = "deny"
)

// jsonRequest is a request as `thimble policy decide` reads it.
type jsonRequest struct {
	Control     string   `json:"control"`
	Op          string   `json:"op"`
	Exe         string   `json:"exe"`
	Path        string   `json:"path"`
	Argv0       *string  `json:"argv0"`
	Args        []string `json:"args"`
	From        string   `json:"from"`
	Image       bool     `json:"image"`
	SHA256      string   `json:"sha256"`
	Memfd       bool     `json:"memfd"`
	Setuid      bool     `json:"setuid"`
	Interpreter bool     `json:"interpreter"`
	Signature   string   `json:"signature"`
	Write       bool     `json:"write"`
	Executable  bool     `json:"executable"`
	Function    string   `json:"function"`
}

var requestKeys = []string{
	"control", "op", "exe", "path", "argv0", "args", "from", "image", "sha256", "memfd", "setuid",
	"interpreter", "signature", "write", "executable", "function",
}

// ParseRequest reads one JSON request and fills in its defaults. Unknown keys, and bytes that no kernel would pass on,
// are errors.
func ParseRequest(line []byte) (Request, error) {
	if !utf8.Valid(line) {
		return Request{}, fmt.Errorf("read request: not valid UTF-8")
	}
	if err := checkKeys(line); err != nil {
		return Request{}, fmt.Errorf("read request: %w", err)
	}
	var j jsonRequest
	if err := json.Unmarshal(line, &j); err != nil {
		return Request{}, fmt.Errorf("read request: %w", err)
	}
	rq, err := j.request()
	if err != nil {
		return Request{}, fmt.Errorf("read request: %w", err)
	}
	return rq, nil
}

// checkKeys is stricter than encoding/json, which ignores a key's case.
func checkKeys(line []byte) error {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(line, &keys); err != nil {
		return err
	}
	var unknown []string
	for key := range keys {
		if !slices.Contains(requestKeys, key) {
			unknown = append(unknown, key)
		}
	}
	sort.Strings(unknown)
	if len(unknown) > 0 {
		return fmt.Errorf("unknown key %q (known: %s)", unknown[0], strings.Join(requestKeys, ", "))
	}
	return nil
}

func (j *jsonRequest) request() (Request, error) {
	rq := Request{
		Control: j.Control, Op: j.Op, Exe: j.Exe, Path: j.Path, Args: j.Args, From: j.From, Image: j.Image,
		Memfd: j.Memfd, Setuid: j.Setuid, Interpreter: j.Interpreter, Signature: j.Signature, Write: j.Write,
		Executable: j.Executable, Function: j.Function,
	}
	if rq.Path == "" {
		rq.Path = rq.Exe
	}
	if rq.Exe == "" {
		rq.Exe = rq.Path
	}
	if rq.Argv0 = baseName(rq.Path); j.Argv0 != nil {
		rq.Argv0 = *j.Argv0
	}
	var err error
	if rq.SHA256, err = parseDigest(j.SHA256); err != nil {
		return Request{}, err
	}
	return rq, rq.check()
}

func parseDigest(text string) (*[32]byte, error) {
	if text == "" {
		return nil, nil
	}
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != 32 {
		return nil, fmt.Errorf("key %q: want 64 hexadecimal digits, got %q", "sha256", text)
	}
	return (*[32]byte)(raw), nil
}

var memoryOps = []string{"ptrace", "process_vm_readv", "process_vm_writev", "proc_mem"}

// check refuses what cannot happen, so that a typing error does not read as a verdict.
func (rq *Request) check() error {
	switch rq.Control {
	case ControlExec, ControlLoad, ControlOpen, ControlEnviron:
	case ControlMemory:
		if !slices.Contains(memoryOps, rq.Op) {
			return fmt.Errorf("key %q: want one of %s, got %q", "op", strings.Join(memoryOps, ", "), rq.Op)
		}
	case "":
		return fmt.Errorf("key %q is missing", "control")
	default:
		return fmt.Errorf("key %q: want exec, load, open, environ or memory, got %q", "control", rq.Control)
	}
	for i, s := range append([]string{rq.Exe, rq.Path, rq.Argv0, rq.From}, rq.Args...) {
		if strings.IndexByte(s, 0) >= 0 {
			key := "args"
			if i < 4 {
				key = []string{"exe", "path", "argv0", "from"}[i]
			}
			return fmt.Errorf("key %q: %q holds a NUL, which no path or argument can", key, s)
		}
	}
	return nil
}

// MarshalLine returns the verdict as one line of JSON.
func (v Verdict) MarshalLine() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil // two strings always encode
	}
	return b.Bytes()
}
