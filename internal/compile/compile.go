// Package compile turns policies into the blob that the enforcer maps. It is pure: the same policies and sets give the
// same bytes.
//
// Start at [Blob]. The layout of the bytes is package abi's; what the verdicts mean is package policy's.
package compile

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"thimble/internal/abi"
	"thimble/internal/policy"
)

// Set is a curated set of forbidden executables.
type Set = policy.Set

// Blob compiles the policies into one blob. The function's name selects one of them at run time, so two must not claim
// the same name. sets finds the curated sets that the policies select.
func Blob(policies []policy.Policy, sets func(string) (Set, bool)) ([]byte, error) {
	if err := checkMatches(policies); err != nil {
		return nil, fmt.Errorf("compile policies: %w", err)
	}
	blob, err := build(policies, sets)
	if err != nil {
		return nil, fmt.Errorf("compile policies: %w", err)
	}
	for i := range policies {
		if blob.Policies[i].Digest, err = Digest(&policies[i], sets); err != nil {
			return nil, err
		}
	}
	return abi.Encode(blob)
}

// checkMatches refuses policies of which one could never be selected.
func checkMatches(policies []policy.Policy) error {
	owner := map[string]string{}
	for i := range policies {
		p := &policies[i]
		globs := slices.Clone(p.Match.Functions)
		if len(globs) == 0 {
			globs = []string{""} // stands for the default
		}
		slices.Sort(globs)
		for _, glob := range slices.Compact(globs) {
			other, taken := owner[glob]
			switch {
			case taken && glob == "":
				return fmt.Errorf("%s and %s are both without match, so either would be the default", other, title(p, i))
			case taken:
				return fmt.Errorf("%s and %s both match functions called %q", other, title(p, i), glob)
			}
			owner[glob] = title(p, i)
		}
	}
	return nil
}

func title(p *policy.Policy, i int) string {
	if p.Name == "" {
		return fmt.Sprintf("policy %d", i+1)
	}
	return fmt.Sprintf("policy %q", p.Name)
}

func build(policies []policy.Policy, sets func(string) (Set, bool)) (*abi.Blob, error) {
	c := &compiler{lookup: sets, groups: map[string]uint32{}}
	for i := range policies {
		p, err := c.policy(&policies[i])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", title(&policies[i], i), err)
		}
		c.blob.Policies = append(c.blob.Policies, p)
		c.blob.FailClosed = c.blob.FailClosed || p.FailClosed == 1
	}
	return &c.blob, nil
}

// compiler builds a blob; groups finds the group of a combination of sets that was seen before.
type compiler struct {
	blob   abi.Blob
	lookup func(string) (Set, bool)
	groups map[string]uint32
}

func (c *compiler) policy(p *policy.Policy) (abi.Policy, error) {
	group, err := c.group(p.Forbid.Sets)
	if err != nil {
		return abi.Policy{}, err
	}
	own, err := newNames([][]string{p.Forbid.Names}, func(_, i int) int { return i })
	if err != nil {
		return abi.Policy{}, fmt.Errorf("forbid.names: %w", err)
	}
	out := abi.Policy{Name: p.Name, Match: p.Match.Functions, Group: group, Names: own}
	for _, digest := range p.Forbid.SHA256 {
		out.SHA256 = append(out.SHA256, digest)
	}
	if out.Allow, err = allowEntries(p.Exec.Allow); err != nil {
		return abi.Policy{}, err
	}
	out.Flags, err = flags(p, &c.blob.Groups[group])
	return out, err
}

func allowEntries(entries []policy.Allow) ([]abi.Allow, error) {
	if len(entries) > math.MaxUint16 || len(entries) == 0 {
		return nil, tooMany("exec.allow entries", len(entries), math.MaxUint16)
	}
	out := make([]abi.Allow, 0, len(entries))
	for i := range entries {
		a, err := allowEntry(&entries[i])
		if err != nil {
			return nil, fmt.Errorf("exec.allow[%d]: %w", i, err)
		}
		out = append(out, a)
	}
	return out, nil
}

func tooMany(what string, n, limit int) error {
	if n <= limit {
		return nil
	}
	return fmt.Errorf("%d %s; at most %d fit", n, what, limit)
}

func allowEntry(a *policy.Allow) (abi.Allow, error) {
	out := abi.Allow{
		Path: a.Path, From: a.From, AnyFrom: a.From == nil, AnyArgs: a.Args == nil,
		HasSHA256: a.SHA256 != nil, Credentials: uint8(a.Credentials),
	}
	if a.SHA256 != nil {
		out.SHA256 = *a.SHA256
	}
	for _, path := range append([]string{a.Path}, a.From...) {
		if path == "" || strings.IndexByte(path, 0) >= 0 {
			return out, fmt.Errorf("path %q is empty or holds a NUL", path)
		}
	}
	for i, l := range a.Args {
		list, err := argList(l)
		if err != nil {
			return out, fmt.Errorf("args[%d]: %w", i, err)
		}
		out.Args = append(out.Args, list)
	}
	return out, nil
}

func argList(l policy.ArgList) (abi.ArgList, error) {
	out := abi.ArgList{Rest: abi.NoRest}
	for i, a := range l {
		if a.Rest && out.Rest != abi.NoRest {
			return out, fmt.Errorf("two elements stand for any number of arguments; one can")
		}
		if a.Rest {
			out.Rest = uint32(i)
		}
		if len(a.Atoms) > abi.MaxAtoms {
			return out, fmt.Errorf("the template is too long: %d steps from its first hole to its last; at most %d fit",
				len(a.Atoms), abi.MaxAtoms)
		}
		out.Args = append(out.Args, arg(a))
	}
	return out, nil
}

func arg(a policy.Arg) abi.Arg {
	out := abi.Arg{Prefix: a.Prefix, Suffix: a.Suffix}
	for _, atom := range a.Atoms {
		out.Atoms = append(out.Atoms, abi.Atom{Class: uint8(atom.Class), Byte: atom.Byte, Quant: uint8(atom.Quant)})
	}
	return out
}
