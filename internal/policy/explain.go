package policy

import (
	"fmt"
	"io"
	"strings"
)

// Explain says in plain words what a policy allows and refuses, what happens then, and what of it is not enforced yet.
func Explain(w io.Writer, d Document) error {
	e := &explainer{p: d.Policy}
	e.head(d)
	e.exec()
	e.forbid()
	e.tmp()
	e.processes()
	e.credentials()
	e.violation()
	e.later()
	for _, n := range d.Notes {
		e.section("Note")
		e.item("line %d: %s", n.Line, n.Message)
	}
	_, err := io.WriteString(w, e.b.String())
	if err != nil {
		return fmt.Errorf("write explanation: %w", err)
	}
	return nil
}

type explainer struct {
	b strings.Builder
	p *Policy
}

func (e *explainer) section(format string, a ...any) {
	if e.b.Len() > 0 {
		e.b.WriteString("\n")
	}
	fmt.Fprintf(&e.b, format+"\n", a...)
}

func (e *explainer) item(format string, a ...any)   { fmt.Fprintf(&e.b, "  - "+format+"\n", a...) }
func (e *explainer) detail(format string, a ...any) { fmt.Fprintf(&e.b, "      "+format+"\n", a...) }

// title says whether what follows is enforced.
func (e *explainer) title(what string, m Mode) {
	switch m {
	case Off:
		e.section("%s: off, nothing is checked", what)
	case Audit:
		e.section("%s: audit, reported but allowed", what)
	default:
		e.section("%s", what)
	}
}

func (e *explainer) head(d Document) {
	name := e.p.Name
	if name == "" {
		name = "(no name)"
	}
	who := "every function that no other policy names"
	if len(e.p.Match.Functions) > 0 {
		who = "functions called " + list(e.p.Match.Functions, "or")
	}
	e.section("Policy %s (%s:%d) is for %s.", name, d.File, d.Line, who)
}

func (e *explainer) exec() {
	x := e.p.Exec
	e.title("Programs that may run", x.Mode)
	if x.Mode == Off {
		return
	}
	for i := range x.Allow {
		e.allow(&x.Allow[i])
	}
	switch {
	case x.Children == ChildrenNone || x.Children == ChildrenListed && len(x.Allow) == 0:
		e.item("none: the function never starts a program")
	case x.Children == ChildrenListed:
		e.item("nothing else")
	case len(x.Allow) > 0:
		e.item("everything else that shipped with the function, and nothing that appeared later")
		e.detail("so that the entries above only add: programs known by content, and what each sees of the credentials")
	default:
		e.item("everything that shipped with the function, and nothing that appeared later")
	}
}

func (e *explainer) allow(a *Allow) {
	e.item("%s%s", a.Path, e.fromWhere(a))
	if len(a.From) > 0 {
		e.detail("only when started by %s", list(a.From, "or"))
	}
	for _, l := range a.Args {
		e.detail("with %s", describeArgs(l))
	}
	switch a.Credentials {
	case CredentialsKeep:
		e.detail("it inherits the function's AWS credentials")
	case CredentialsStrip:
		e.detail("it does not inherit the function's AWS credentials")
	case CredentialsDecoy:
		e.detail("it does not inherit the function's AWS credentials (decoys in their place come later)")
	}
}

func (e *explainer) fromWhere(a *Allow) string {
	args := ""
	if a.Args == nil {
		args = ", with any arguments"
	}
	if a.SHA256 != nil {
		return fmt.Sprintf(", wherever it comes from, if its SHA-256 is %x...%s", a.SHA256[:6], args)
	}
	if !e.p.Tmp.DenyExec {
		return args
	}
	return ", as shipped" + args
}

// describeArgs shows the templates and, behind them, what their holes take.
func describeArgs(l ArgList) string {
	if len(l) == 0 {
		return "no arguments"
	}
	var shown, holes []string
	for _, a := range l {
		shown = append(shown, quoteArg(a.Source))
		holes = append(holes, a.holeClasses()...)
	}
	s := strings.Join(shown, " ")
	if len(holes) > 0 {
		s += "\n        where " + strings.Join(holes, "\n        and   ")
	}
	return s
}

func quoteArg(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\n\"'") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// holeClasses pairs the holes of a template with the classes of its atoms: each hole begins with one that is no byte.
func (a Arg) holeClasses() (out []string) {
	t, _ := splitTemplate(0, a.Source)
	var classes []Class
	for i, atom := range a.Atoms {
		if atom.Class != ClassByte && (i == 0 || a.Atoms[i-1].Class == ClassByte) {
			classes = append(classes, atom.Class)
		}
	}
	for i, h := range t.holes() {
		if i < len(classes) {
			out = append(out, fmt.Sprintf("{%s} is %s%s", h.name, count(h), classWords[classes[i]]))
		}
	}
	return out
}

func count(h *hole) string {
	if h.rest {
		return "zero or more arguments, each "
	}
	return ""
}

var classWords = map[Class]string{
	ClassWord:      "text without spaces or anything that a shell acts upon",
	ClassWordFirst: "one word without spaces, a leading '-' or anything that a shell acts upon",
	ClassDQ:        "text in which nothing expands or ends the double quotes",
	ClassDQFirst:   "text without a leading '-' in which nothing expands or ends the double quotes",
	ClassSQ:        "text without a single quote or newline",
	ClassSQFirst:   "text without a leading '-', a single quote or newline",
	ClassArg:       "any text",
	ClassArgFirst:  "any text without a leading '-'",
	ClassInt:       "a number, digits only",
	ClassNameFirst: "a name of letters, digits and . _ - that begins with neither '-' nor '.'",
	ClassPathFirst: "a path of letters, digits and . _ / + , : @ = % - without a leading '-'",
	ClassURL:       "an http:// or https:// address without spaces or anything that a shell acts upon",
	ClassURLDQ:     "an http:// or https:// address in which nothing expands or ends the double quotes",
	ClassURLSQ:     "an http:// or https:// address without spaces or single quotes",
	ClassAny:       "anything at all, options included",
}

func (e *explainer) forbid() {
	f := e.p.Forbid
	e.title("Programs that nobody may run, even if they shipped", f.Mode)
	if f.Mode == Off {
		return
	}
	for _, name := range f.Sets {
		set, _ := Curated(name)
		e.item("the curated set %s: %d names, %d digests, %d content signatures", name, len(set.Names), len(set.SHA256), len(set.Signatures))
	}
	if len(f.Names) > 0 {
		e.item("any that is called %s", list(f.Names, "or"))
	}
	if n := len(f.SHA256); n > 0 {
		e.item("%d known by SHA-256", n)
	}
	if len(f.Sets)+len(f.Names)+len(f.SHA256) == 0 {
		e.item("none")
	}
}

func (e *explainer) tmp() {
	t := e.p.Tmp
	e.title("/tmp, and all that did not ship with the function", t.Mode)
	if t.Mode == Off {
		return
	}
	e.item("%s", either(t.DenyExec, "no program runs from there, except entries above with a SHA-256", "programs run from there"))
	e.item("%s", either(t.DenyLoad, "no library is loaded from there, except entries above with a SHA-256", "libraries are loaded from there"))
	e.item("%s", map[Write]string{
		WriteAllow: "files may be written", WriteNoExecutables: "files may be written, but not become executable",
		WriteDeny: "nothing may be written"}[t.Write])
}

func either(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

func (e *explainer) processes() {
	e.title("Memory and processes", e.p.Memory)
	if e.p.Memory == Off {
		return
	}
	e.item("no reading or writing of other processes' memory (process_vm_*, ptrace, /proc/<pid>/mem)")
	e.item("no program that exists in memory only, and none that changes its user (setuid)")
}

func (e *explainer) credentials() {
	c := e.p.Credentials
	e.title("The function's AWS credentials", c.Mode)
	if c.Mode == Off {
		return
	}
	if c.Children == CredentialsKeep {
		e.item("children inherit them")
	} else {
		e.item("children do not inherit them, unless an entry above says so")
	}
	e.item("%s", either(c.DenyEnviron, "/proc/*/environ cannot be read", "/proc/*/environ can be read"))
}

func (e *explainer) violation() {
	e.section("On a violation")
	if e.p.OnViolation == "kill" {
		e.item("the function's process ends, and the platform starts a clean one; an event says why")
	} else {
		e.item("the call fails with an error, the function goes on; an event says why")
	}
	e.item("%s", either(e.p.Fail == "closed", "when this policy cannot be read, the function does not run",
		"when this policy cannot be read, the function runs unprotected and says so"))
	e.item("%s", either(e.p.Announce, "each cold start writes one `started` event", "a cold start writes no event"))
}

// later lists what the policy asks for and no enforcer does yet.
func (e *explainer) later() {
	p := e.p
	e.section("Not enforced yet (checked and kept for later)")
	e.item("seal: %s, the kernel's own filter", p.Seal)
	if p.Decoys {
		e.item("decoys")
	}
	if p.Reply.Mode != Off {
		e.item("reply: credentials and decoys in a response (%s)", p.Reply.Action)
	}
	if p.Net.Mode != Off {
		e.item("net: connections (%s), tripwires, the runtime API", p.Net.Connect)
	}
	if p.Credentials.Mode != Off && p.Credentials.Children == CredentialsDecoy {
		e.item("credentials.children: decoy, which strips them for now")
	}
}
