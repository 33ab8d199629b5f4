//go:build cgo

package puretest

import (
	"testing"

	"thimble/internal/policy"
)

// callbackPolicy lists a link with a digest, and forbids by content.
func callbackPolicy() policy.Policy {
	return policy.Policy{
		Exec: policy.Exec{Mode: policy.Enforce, Children: policy.ChildrenListed, Allow: []policy.Allow{
			{Path: "/bin/sh", From: []string{"/opt/node"}},
			{Path: "/tmp/tool", SHA256: &[32]byte{1}, Args: []policy.ArgList{{{Prefix: "-x"}}}},
		}},
		Tmp: policy.Tmp{Mode: policy.Enforce, DenyExec: true},
	}
}

func TestCallbacksTellAndAreAskedOnlyWhenNeeded(t *testing.T) {
	plain, forbids := callbackPolicy(), callbackPolicy()
	forbids.Forbid = policy.Forbid{Mode: policy.Enforce, Sets: []string{"miners"}, SHA256: [][32]byte{{9}}}
	exec := func(path string, args ...string) policy.Request {
		return policy.Request{Control: "exec", Exe: path, Path: path, Argv0: path, Args: args, Image: true}
	}
	fromNode := exec("/bin/sh")
	fromNode.From = "/opt/node"
	tool := exec("/tmp/tool", "-x")
	tool.Image, tool.SHA256 = false, &[32]byte{1}
	cases := []struct {
		name         string
		p            policy.Policy
		rq           policy.Request
		link         string
		rule         string
		digest, scan int
		same         int
	}{
		{"equal paths need no stat", plain, fromNode, "", "exec.allow[0]", 0, 0, 0},
		{"the file is what a link points to, the caller is not", plain, exec("/usr/bin/dash"), "/bin/sh", "exec.allow[0].from", 0, 0, 3},
		{"no entry, no digest", plain, exec("/bin/ls"), "", "exec.children", 0, 0, 2},
		{"other arguments, no digest", plain, exec("/tmp/tool", "-y"), "", "exec.allow[1].args", 0, 0, 1},
		{"digest once", plain, tool, "", "exec.allow[1]", 1, 0, 1},
		{"digest and scan for what is forbidden", forbids, tool, "", "exec.allow[1]", 1, 1, 1},
	}
	sets := lookupIn(map[string]policy.Set{"miners": {Name: "miners", Signatures: [][]string{{"stratum+tcp"}}}})
	for _, c := range cases {
		blob, _ := mustCompile(t, []policy.Policy{c.p}, sets)
		f := facts{link: c.link, ask: true}
		if v := blob.decide(blob.Select(""), c.rq, 0, &f, 1); v.Rule != c.rule {
			t.Errorf("%s: got rule %s, want %s", c.name, v.Rule, c.rule)
		}
		if f.askedDigest != c.digest || f.askedScan != c.scan || f.asked != c.same {
			t.Errorf("%s: asked for %d digests, %d scans, %d stats, want %d, %d, %d", c.name, f.askedDigest, f.askedScan,
				f.asked, c.digest, c.scan, c.same)
		}
	}
}

func TestRuleTextOfAnUnknownSet(t *testing.T) {
	blob, _ := mustCompile(t, []policy.Policy{callbackPolicy()}, lookupIn(nil))
	if got := blob.SetRule(65535); got != "forbid.sets." {
		t.Errorf("a set that is not there: got %q", got)
	}
}
