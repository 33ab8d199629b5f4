package policy

import (
	"fmt"
	"slices"
)

// Set is a curated set of executables that nobody may run, see package forbid.
type Set struct {
	Name       string
	Names      []string   // globs over base names
	SHA256     [][32]byte // digests of whole files
	Signatures [][]string // each matches a file in which all of its byte strings occur
}

// SetLookup finds a curated set by its name.
type SetLookup func(name string) (Set, bool)

// Select returns the policy for a function: the one that names it exactly, else the one with the longest matching glob,
// else the one without match. Among equals the first wins; without any it is nil.
func Select(policies []Policy, function string) *Policy {
	var best *Policy
	bestRank := -1
	for i := range policies {
		if rank := policies[i].Match.rank(function); rank > bestRank {
			best, bestRank = &policies[i], rank
		}
	}
	return best
}

// rank says how closely the match fits: -1 not at all, 0 as the default, more by the glob's length, most by name.
func (m Match) rank(function string) int {
	if len(m.Functions) == 0 {
		return 0
	}
	rank := -1
	for _, glob := range m.Functions {
		switch {
		case glob == function:
			return 1 << 30
		case matchGlob(glob, function):
			rank = max(rank, 1+len(glob))
		}
	}
	return rank
}

// finding is a rule that was violated, and the mode of its control; no rule, no violation.
type finding struct {
	mode Mode
	rule string
}

// settle gives the verdict: the first violation of an enforced control denies, else the first of an audited one is
// reported, else it is allowed by the rule given.
func settle(allow string, findings ...finding) Verdict {
	v := Verdict{Action: Allowed, Rule: allow}
	for _, f := range findings {
		switch {
		case f.rule == "":
		case f.mode == Enforce:
			return Verdict{Action: Denied, Rule: f.rule}
		case f.mode == Audit && v.Action == Allowed:
			v = Verdict{Action: Audited, Rule: f.rule}
		}
	}
	return v
}

// Decide gives the verdict on one request. It is the reference that the enforcer's C code is compared with.
func (p *Policy) Decide(rq Request, sets SetLookup) Verdict {
	rq.Image = rq.Image && !rq.Memfd // what lives in memory or is deleted never shipped
	switch rq.Control {
	case ControlExec:
		return p.decideExec(rq, sets)
	case ControlLoad:
		return p.decideLoad(rq, sets)
	case ControlOpen:
		return p.decideOpen(rq)
	case ControlEnviron:
		return p.decideEnviron()
	case ControlMemory:
		return p.decideMemory(rq)
	}
	return Verdict{Action: Denied, Rule: "none"}
}

func (p *Policy) decideExec(rq Request, sets SetLookup) Verdict {
	forbidden := p.forbiddenName(rq, sets)
	if forbidden == "" {
		forbidden = p.forbiddenContent(rq, sets)
	}
	rule, ok, entry := p.execRule(rq)
	exec := finding{p.Exec.Mode, rule}
	if ok {
		exec.rule = ""
	}
	if p.Exec.Mode == Off {
		rule = "exec.off"
	}
	v := settle(rule,
		finding{p.Forbid.Mode, forbidden},
		finding{p.Memory, when(rq.Memfd, "memory.memfd")},
		finding{p.Memory, when(rq.Setuid, "memory.setuid")},
		finding{p.Tmp.Mode, when(!rq.Image && p.Tmp.DenyExec && !p.allowedByContent(rq), "tmp.exec")},
		exec)
	v.KeepCredentials = v.Action != Denied && p.keepCredentials(entry)
	return v
}

func when(violated bool, rule string) string {
	if violated {
		return rule
	}
	return ""
}

// forbiddenName returns the rule that forbids the program by one of its names.
func (p *Policy) forbiddenName(rq Request, sets SetLookup) string {
	names := []string{baseName(rq.Exe), baseName(rq.Path), baseName(rq.Argv0)}
	if isMultiCall(baseName(rq.Exe)) {
		names = append(names, applet(rq.Argv0, rq.Args))
	}
	if i := matchNames(p.Forbid.Names, names); i >= 0 {
		return fmt.Sprintf("forbid.names[%d]", i)
	}
	for _, set := range p.selected(sets) {
		if matchNames(set.Names, names) >= 0 {
			return "forbid.sets." + set.Name
		}
	}
	return ""
}

// matchNames returns the index of the first glob that matches any of the names, or -1.
func matchNames(globs, names []string) int {
	for i, glob := range globs {
		for _, name := range names {
			if matchName(glob, name) {
				return i
			}
		}
	}
	return -1
}

// forbiddenContent returns the rule that forbids the file by its digest or by a content signature.
func (p *Policy) forbiddenContent(rq Request, sets SetLookup) string {
	if i := indexDigest(p.Forbid.SHA256, rq.SHA256); i >= 0 {
		return fmt.Sprintf("forbid.sha256[%d]", i)
	}
	for _, set := range p.selected(sets) {
		if indexDigest(set.SHA256, rq.SHA256) >= 0 {
			return "forbid.sets." + set.Name
		}
	}
	for _, set := range p.selected(sets) {
		if set.Name == rq.Signature {
			return "forbid.sets." + set.Name
		}
	}
	return ""
}

func indexDigest(list [][32]byte, digest *[32]byte) int {
	for i := range list {
		if digest != nil && list[i] == *digest {
			return i
		}
	}
	return -1
}

func (p *Policy) selected(sets SetLookup) []Set {
	var selected []Set
	for _, name := range p.Forbid.Sets {
		if set, ok := sets(name); ok {
			selected = append(selected, set)
		}
	}
	return selected
}

// execRule returns the rule of the exec control, whether it allows, and the allow entry that matched, if any.
func (p *Policy) execRule(rq Request) (rule string, ok bool, entry *Allow) {
	nearMiss := ""
	for i := range p.Exec.Allow {
		entry := &p.Exec.Allow[i]
		if !entry.denotes(rq) {
			continue
		}
		missing := p.missing(entry, rq)
		if missing == "" {
			return fmt.Sprintf("exec.allow[%d]", i), true, entry
		}
		if nearMiss == "" {
			nearMiss = fmt.Sprintf("exec.allow[%d].%s", i, missing)
		}
	}
	switch {
	case rq.Interpreter && rq.Image:
		return "exec.interpreter", true, nil
	case p.Exec.Children == ChildrenImage && !rq.Image && !p.Tmp.DenyExec:
		return "tmp.exec", true, nil
	case p.Exec.Children == ChildrenImage:
		return "exec.image", rq.Image, nil
	case nearMiss != "":
		return nearMiss, false, nil
	}
	return "exec.children", false, nil
}

// denotes reports whether the entry is about the requested file. A multi-call program is many programs: an entry for one
// of its applets is about it only when it is started by that applet's name, an entry for the program itself only when
// it is started by its own.
func (a *Allow) denotes(rq Request) bool {
	if a.Path != rq.Exe && a.Path != rq.Path {
		return false
	}
	if !isMultiCall(baseName(rq.Exe)) {
		return true
	}
	byOwnName := isMultiCall(calledAs(rq.Argv0))
	if isMultiCall(baseName(a.Path)) {
		return byOwnName
	}
	return !byOwnName && baseName(a.Path) == applet(rq.Argv0, rq.Args)
}

// missing returns what keeps an entry about the right file from matching: from, args or sha256; "" when it matches.
// The digest comes last because it is dear to compute.
func (p *Policy) missing(a *Allow, rq Request) string {
	switch {
	case a.From != nil && !slices.Contains(a.From, rq.From):
		return "from"
	case a.Args != nil && !matchesOne(a.Args, rq.Args):
		return "args"
	case a.SHA256 == nil && !rq.Image && p.Tmp.DenyExec:
		return "sha256"
	case a.SHA256 != nil && (rq.SHA256 == nil || *a.SHA256 != *rq.SHA256):
		return "sha256"
	}
	return ""
}

func matchesOne(lists []ArgList, args []string) bool {
	for _, l := range lists {
		if l.Matches(args) {
			return true
		}
	}
	return false
}

// allowedByContent reports whether some entry with a digest matches.
func (p *Policy) allowedByContent(rq Request) bool {
	for i := range p.Exec.Allow {
		entry := &p.Exec.Allow[i]
		if entry.SHA256 != nil && entry.denotes(rq) && p.missing(entry, rq) == "" {
			return true
		}
	}
	return false
}

func (p *Policy) keepCredentials(entry *Allow) bool {
	children := p.Credentials.Children
	if entry != nil && entry.Credentials != CredentialsInherit {
		children = entry.Credentials
	}
	return p.Credentials.Mode != Enforce || children == CredentialsKeep
}

func (p *Policy) decideLoad(rq Request, sets SetLookup) Verdict {
	listed := false
	for _, a := range p.Exec.Allow {
		if a.SHA256 != nil && rq.SHA256 != nil && *a.SHA256 == *rq.SHA256 && (a.Path == rq.Exe || a.Path == rq.Path) {
			listed = true
		}
	}
	return settle(p.placeRule(rq, "tmp.load"),
		finding{p.Forbid.Mode, p.forbiddenContent(rq, sets)},
		finding{p.Memory, when(rq.Memfd, "memory.memfd")},
		finding{p.Tmp.Mode, when(!rq.Image && p.Tmp.DenyLoad && !listed, "tmp.load")})
}

func (p *Policy) decideOpen(rq Request) Verdict {
	refused := p.Tmp.Write == WriteDeny || (p.Tmp.Write == WriteNoExecutables && rq.Executable)
	return settle(p.placeRule(rq, "tmp.write"),
		finding{p.Tmp.Mode, when(!rq.Image && rq.Write && refused, "tmp.write")})
}

// placeRule names why something that no rule refuses is allowed.
func (p *Policy) placeRule(rq Request, rule string) string {
	switch {
	case rq.Image:
		return "image"
	case p.Tmp.Mode == Off:
		return "tmp.off"
	}
	return rule
}

func (p *Policy) decideEnviron() Verdict {
	const rule = "credentials.environ"
	if p.Credentials.Mode == Off {
		return settle("credentials.off")
	}
	return settle(rule, finding{p.Credentials.Mode, when(p.Credentials.DenyEnviron, rule)})
}

func (p *Policy) decideMemory(rq Request) Verdict {
	return settle("memory.off", finding{p.Memory, "memory." + rq.Op})
}
