package policy

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// policyKeys is the policy language: every key, what it means, and where its value goes. The parser, the messages about
// unknown keys and the JSON Schema are all made from it.
func policyKeys(p *Policy) object {
	return object{
		{"version", "The version of the policy language.", versionNumber{&p.Version}},
		{"name", "What reports and events call this policy.", text{&p.Name, checkName}},
		{"match", "The functions that this policy is for. Without it, it is the default policy.", object{
			{"functions", "Globs (* and ?) over the function's name, AWS_LAMBDA_FUNCTION_NAME.",
				texts{&p.Match.Functions, checkFunctionGlob, "remove match to make this the default policy"}},
		}},
		{"exec", "Which programs the function may start.", execKeys(&p.Exec)},
		{"forbid", "Executables that nobody may run, wherever they come from.", forbidKeys(&p.Forbid)},
		{"tmp", "/tmp and every other place that did not ship with the function.", tmpKeys(&p.Tmp)},
		{"memory", "Other processes' memory: process_vm_*, ptrace, /proc/<pid>/mem; memfd execution; setuid programs.",
			object{{"mode", modeDoc, mode(&p.Memory)}}},
		{"credentials", "The function's own AWS credentials.", credentialKeys(&p.Credentials)},
		{"reply", "A decoy or one of the function's own credentials on its way out in the response. Not enforced yet.",
			object{
				{"mode", modeDoc, mode(&p.Reply.Mode)},
				{"action", "redact: overwritten, same length; error: the invocation fails.",
					words(&p.Reply.Action, "redact", "error")},
			}},
		{"net", "Connections that the function opens. Not enforced yet.", netKeys(&p.Net)},
		{"decoys", "Whether decoys planted with `thimble decoy` are watched. Not enforced yet.", boolean{&p.Decoys}},
		{"seal", "The kernel's filter where the platform allows one: auto, required (refuse to start without) or off. Not enforced yet.",
			words(&p.Seal, "auto", "required", "off")},
		{"on_violation", "deny: the call fails; kill: the function's process ends, and the platform starts a clean one.",
			words(&p.OnViolation, "deny", "kill")},
		{"fail", "What happens when this policy cannot be read: open, the function runs unprotected and says so; closed, it does not run.",
			words(&p.Fail, "open", "closed")},
		{"announce", "Whether a cold start writes one `started` event.", boolean{&p.Announce}},
	}
}

const modeDoc = "enforce: refuse and report; audit: allow and report; off: not evaluated."

func execKeys(e *Exec) object {
	return object{
		{"mode", modeDoc, mode(&e.Mode)},
		{"children", "none: the function starts no program; listed: only those in allow; image: anything that shipped with the function.",
			oneOf[Children]{&e.Children, []choice[Children]{
				{"none", ChildrenNone}, {"listed", ChildrenListed}, {"image", ChildrenImage}}}},
		{"allow", "The programs that may run, tried in order.", allowList{&e.Allow}},
	}
}

func allowKeys(a *Allow, args *[]*yaml.Node) object {
	return object{
		{"path", "Absolute path of the program, compared after symbolic links are resolved.", text{&a.Path, checkPath}},
		{"sha256", "The program's SHA-256. With it the program may run from anywhere, even from /tmp.", digest{&a.SHA256}},
		{"from", "The programs that may start it. Without it, any.",
			texts{&a.From, checkPath, "nobody could start it; leave it out for any caller"}},
		{"args", "Accepted arguments, argv[1:]; any one of the lists may match, without it any arguments do. Elements are literal text with holes: {x}, {x:int}, {x:name}, {x:path}, {x:url}, {x:any}, {x...}; {{ and }} are literal braces.",
			argLists{args}},
		{"credentials", "What this child sees of the function's AWS credentials instead of what credentials.children says.",
			childCredentials(&a.Credentials)},
	}
}

func forbidKeys(f *Forbid) object {
	return object{
		{"mode", modeDoc, mode(&f.Mode)},
		{"sets", "Curated sets.", texts{to: &f.Sets, check: checkSet}},
		{"names", "Globs (* and ?) over the file's name or argv[0]'s, whatever the case.", texts{to: &f.Names, check: checkForbiddenName}},
		{"sha256", "SHA-256 of forbidden files.", digests{&f.SHA256}},
	}
}

func tmpKeys(t *Tmp) object {
	return object{
		{"mode", modeDoc, mode(&t.Mode)},
		{"exec", "Running a program from there; exec.allow entries with a sha256 still run.", deny(&t.DenyExec)},
		{"load", "Loading a shared library from there; exec.allow entries with a sha256 still load.", deny(&t.DenyLoad)},
		{"write", "allow; no-executables: files must not become executable; deny: no writing at all.",
			oneOf[Write]{&t.Write, []choice[Write]{
				{"allow", WriteAllow}, {"no-executables", WriteNoExecutables}, {"deny", WriteDeny}}}},
	}
}

func childCredentials(to *ChildCredentials) oneOf[ChildCredentials] {
	return oneOf[ChildCredentials]{to, []choice[ChildCredentials]{
		{"strip", CredentialsStrip}, {"decoy", CredentialsDecoy}, {"keep", CredentialsKeep}}}
}

func credentialKeys(c *Credentials) object {
	return object{
		{"mode", modeDoc, mode(&c.Mode)},
		{"children", "strip: children do not inherit AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; decoy: they see decoys instead (not enforced yet: stripped); keep: they inherit them.",
			childCredentials(&c.Children)},
		{"environ", "Reading /proc/*/environ.", deny(&c.DenyEnviron)},
	}
}

func netKeys(n *Net) object {
	return object{
		{"mode", modeDoc, mode(&n.Mode)},
		{"connect", "any; listed: only what allow lists; none.", words(&n.Connect, "any", "listed", "none")},
		{"allow", "Addresses, networks (CIDR) or host globs, each with an optional :port.", texts{to: &n.Allow, check: checkAddress}},
		{"tripwires", "Addresses that nothing legitimate connects to.", texts{to: &n.Tripwires, check: checkAddress}},
		{"runtime_api_children", "Whether children may talk to the runtime API.", deny(&n.RuntimeAPIChildren)},
	}
}

// allowList is exec.allow.
type allowList struct{ to *[]Allow }

func (l allowList) read(r *reader, path string, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "%s: want a list of entries, each with a path, got %s", path, describe(n))
		return
	}
	*l.to = nil
	for i, c := range n.Content {
		item := fmt.Sprintf("%s[%d]", path, i)
		r.at[item] = position{c.Line, c.Column}
		*l.to = append(*l.to, readAllow(r, item, c))
	}
}

func readAllow(r *reader, path string, n *yaml.Node) (a Allow) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		r.fail(n, "%s: want a mapping, got %s; write \"path: %s\"", path, describe(n), shorten(n.Value))
		return a
	}
	var args []*yaml.Node
	allowKeys(&a, &args).read(r, path, n)
	if n.Kind == yaml.MappingNode && r.at[path+".path"] == (position{}) {
		r.fail(n, "%s has no path: say which program it allows", path)
	}
	if a.Path == "" {
		return a // the arguments' meaning depends on the program
	}
	a.Path = cleanPath(a.Path)
	for i := range a.From {
		a.From[i] = cleanPath(a.From[i])
	}
	for i, list := range args {
		a.Args = append(a.Args, r.readArgs(fmt.Sprintf("%s.args[%d]", path, i), a.Path, list))
	}
	return a
}

// argLists is the args of an allow entry: its lists are kept until the entry's path is known, on which they depend.
type argLists struct{ to *[]*yaml.Node }

func (l argLists) read(r *reader, path string, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "%s: want a list of lists of strings, got %s", path, describe(n))
		return
	}
	if len(n.Content) == 0 {
		r.fail(n, "%s is empty: leave it out for any arguments, or write [[]] for none", path)
	}
	for i, c := range n.Content {
		if c.Kind != yaml.SequenceNode {
			r.fail(c, "%s[%d]: want a list of strings, one for each argument, got %s; did you mean %s: [[...]]?",
				path, i, describe(c), "args")
			return
		}
	}
	*l.to = n.Content
}

func (r *reader) readArgs(path, program string, n *yaml.Node) ArgList {
	sources := make([]string, 0, len(n.Content))
	for i, c := range n.Content {
		s, ok := readText(r, fmt.Sprintf("%s[%d]", path, i), c, nil)
		if !ok {
			return nil
		}
		sources = append(sources, s)
	}
	compiled, wrong := compileArgs(program, sources)
	for _, w := range wrong {
		r.failAt(r.inside(n.Content[w.arg], w.off), "%s[%d]: %s", path, w.arg, w.msg)
	}
	return compiled
}
