// Package policy is the policy language: its types, the YAML parser and validator, templates, and the reference verdicts
// that the enforcer's C code is held to.
//
// Start at [Policy]; Parse reads one from YAML, package compile turns it into the blob that the enforcer maps.
package policy

// Mode says what a control does with a violation.
type Mode uint8

// The modes, in the order of the blob's encoding.
const (
	Off     Mode = iota // the control is not evaluated
	Audit               // allow and report
	Enforce             // refuse and report
)

// Children says which programs a function may start.
type Children uint8

// ChildrenImage is the default: anything that shipped with the function.
const (
	ChildrenImage Children = iota
	ChildrenListed
	ChildrenNone
)

// Write says what may be written to places that did not ship with the function.
type Write uint8

// The values of tmp.write.
const (
	WriteAllow Write = iota
	WriteNoExecutables
	WriteDeny
)

// ChildCredentials says what a child sees of the function's AWS credentials.
type ChildCredentials uint8

// The values of credentials.children; CredentialsInherit is an allow entry's "as the policy says".
const (
	CredentialsInherit ChildCredentials = iota
	CredentialsStrip
	CredentialsDecoy
	CredentialsKeep
)

// Policy is one policy document. The zero value is not useful; Default returns the zero-config policy.
type Policy struct {
	Version int
	Name    string
	Match   Match

	Exec        Exec
	Forbid      Forbid
	Tmp         Tmp
	Memory      Mode
	Credentials Credentials
	Reply       Reply
	Net         Net

	Decoys      bool
	Seal        string // auto | required | off
	OnViolation string // deny | kill
	Fail        string // open | closed
	Announce    bool   // write a started event at cold start; default true
}

// Match selects the functions that a policy is for; without Functions it is the default policy.
type Match struct {
	Functions []string // globs over AWS_LAMBDA_FUNCTION_NAME
}

// Exec is the control over programs that the function starts.
type Exec struct {
	Mode     Mode
	Children Children
	Allow    []Allow
}

// Allow is one entry of exec.allow.
type Allow struct {
	Path        string    // absolute, lexically clean
	SHA256      *[32]byte // nil: any content, but it must have shipped with the function
	From        []string  // nil: any caller
	Args        []ArgList // nil: any arguments
	Credentials ChildCredentials
}

// ArgList is one accepted form of argv[1:], element by element. At most one element has Rest set.
type ArgList []Arg

// Arg is the compiled template of one argument. A string matches when it starts with Prefix, ends with Suffix (the two not
// overlapping), and Atoms match what is between them exactly.
type Arg struct {
	Source string // as written in the policy
	Prefix string
	Atoms  []Atom
	Suffix string
	Rest   bool // zero or more whole arguments, each matching this template
}

// Quant is how often an atom stands.
type Quant uint8

// The quantifiers.
const (
	One  Quant = iota // exactly once
	Opt               // once or not at all
	Star              // any number of times
)

// Atom matches one byte, a literal one or one out of a class, One, Opt or Star times.
type Atom struct {
	Class Class // ClassByte: exactly Byte
	Byte  byte
	Quant Quant
}

// Class names a set of bytes; package abi's generated tables hold the sets for both languages.
type Class uint8

// ClassByte is the class of a literal byte; the others are numbered by the template compiler.
const ClassByte Class = 0

// Forbid is the control over executables that nobody may run.
type Forbid struct {
	Mode   Mode
	Sets   []string // curated sets, see package forbid
	Names  []string // globs over base names
	SHA256 [][32]byte
}

// Tmp is the control over places that did not ship with the function.
type Tmp struct {
	Mode     Mode
	DenyExec bool
	DenyLoad bool
	Write    Write
}

// Credentials is the control over the function's own AWS credentials.
type Credentials struct {
	Mode        Mode
	Children    ChildCredentials
	DenyEnviron bool
}

// Reply is the control over responses; parsed and kept, not enforced yet.
type Reply struct {
	Mode   Mode
	Action string // redact | error
}

// Net is the control over connections; parsed and kept, not enforced yet.
type Net struct {
	Mode               Mode
	Connect            string // any | listed | none
	Allow              []string
	Tripwires          []string
	RuntimeAPIChildren bool // true: denied
}
