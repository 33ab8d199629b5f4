package abi

import "encoding/binary"

// Check returns nil for exactly those bytes that the enforcer's tb_blob_check accepts, else a [Problem].
func Check(blob []byte) error {
	var c checker
	if p := c.open(blob); p != ProblemNone {
		return p
	}
	if p := c.tables(); p != ProblemNone {
		return p
	}
	return nil
}

// checker walks the tables. After it has accepted a blob, no reference leads out of its table.
type checker struct {
	blob []byte
	h    wireHeader
	tab  [numTables]wireRef
}

func (c *checker) open(blob []byte) Problem {
	if len(blob) < int(headerSize) || len(blob) > MaxSize || len(blob)%align != 0 {
		return ProblemSize
	}
	c.blob = blob
	unmarshal(blob, &c.h)
	switch {
	case string(c.h.Magic[:]) != Magic:
		return ProblemMagic
	case c.h.Version != Version:
		return ProblemVersion
	case c.h.Size != uint32(len(blob)):
		return ProblemSize
	case c.h.Checksum != Checksum(blob):
		return ProblemChecksum
	case c.h.FailClosed > 1:
		return ProblemValue
	}
	return ProblemNone
}

func unmarshal(b []byte, v any) {
	if _, err := binary.Decode(b, le, v); err != nil {
		panic("abi: unmarshal: " + err.Error()) // callers have checked the length
	}
}

func (c *checker) tables() Problem {
	c.tab[policies], c.tab[groups] = c.h.Policies, c.h.Groups
	for t, ref := range c.h.recordTables() {
		c.tab[t] = *ref
	}
	for t := policies; t < text; t++ {
		if !c.placed(c.tab[t], elemSize[t]) {
			return ProblemRange
		}
	}
	if !c.in(c.h.Sets, refs) || c.h.Sets.N > MaxSets {
		return ProblemRange
	}
	for _, step := range []func() Problem{
		func() Problem { return each(c, refs, c.checkRef) },
		func() Problem { return each(c, names, c.checkName) },
		func() Problem { return each(c, atoms, c.checkAtom) },
		func() Problem { return each(c, args, c.checkArg) },
		func() Problem { return each(c, argLists, c.checkArgList) },
		func() Problem { return each(c, allows, c.checkAllow) },
		func() Problem { return each(c, signatures, c.checkSignature) },
		func() Problem { return each(c, groups, c.checkGroup) },
		func() Problem { return each(c, policies, c.checkPolicy) },
	} {
		if p := step(); p != ProblemNone {
			return p
		}
	}
	return ProblemNone
}

func each[T any](c *checker, t tableID, check func(T) Problem) Problem {
	for i := range c.tab[t].N {
		if p := check(element[T](c.blob, c.tab[t], i)); p != ProblemNone {
			return p
		}
	}
	return ProblemNone
}

// element reads the i-th record of a table or of a range of it.
func element[T any](blob []byte, run wireRef, i uint32) (v T) {
	unmarshal(blob[run.Off+i*size(v):], &v)
	return v
}

// placed reports whether a table lies behind the header, aligned, inside the blob.
func (c *checker) placed(r wireRef, elem uint32) bool {
	total := uint32(len(c.blob))
	return r.N == 0 || (r.Off%align == 0 && r.Off >= headerSize && r.Off <= total && r.N <= (total-r.Off)/elem)
}

// in reports whether a reference is a range of the table.
func (c *checker) in(r wireRef, t tableID) bool {
	if r.N == 0 {
		return true
	}
	at, elem := r.Off-c.tab[t].Off, elemSize[t]
	return r.Off >= c.tab[t].Off && at%elem == 0 && r.N <= c.tab[t].N && at/elem <= c.tab[t].N-r.N
}

// str reports whether a string lies inside the blob and is followed by a NUL.
func (c *checker) str(off, n uint32) bool {
	total := uint32(len(c.blob))
	return n == 0 || (off < total && n < total-off && c.blob[off+n] == 0)
}

func (c *checker) checkRef(r wireRef) Problem {
	return failIf(r.N == 0 || !c.str(r.Off, r.N), ProblemString)
}

func failIf(bad bool, p Problem) Problem {
	if bad {
		return p
	}
	return ProblemNone
}

func (c *checker) checkName(n wireName) Problem {
	return failIf(n.Len == 0 || !c.str(n.Off, uint32(n.Len)), ProblemString)
}

func (c *checker) checkAtom(a wireAtom) Problem {
	return failIf(a.Class >= NumClasses || a.Quant >= NumQuants, ProblemValue)
}

func (c *checker) checkArg(a wireArg) Problem {
	switch {
	case !c.str(a.Prefix.Off, a.Prefix.N) || !c.str(a.Suffix.Off, a.Suffix.N):
		return ProblemString
	case !c.in(a.Atoms, atoms):
		return ProblemRange
	}
	return failIf(a.Atoms.N > MaxAtoms, ProblemValue)
}

func (c *checker) checkArgList(l wireArgList) Problem {
	if !c.in(l.Args, args) {
		return ProblemRange
	}
	return failIf(l.Rest != NoRest && l.Rest >= l.Args.N, ProblemValue)
}

func (c *checker) checkAllow(a wireAllow) Problem {
	switch {
	case a.Path.N == 0 || !c.str(a.Path.Off, a.Path.N):
		return ProblemString
	case !c.in(a.From, refs) || !c.in(a.Args, argLists):
		return ProblemRange
	}
	return failIf(a.HasSHA256 > 1 || a.AnyFrom > 1 || a.AnyArgs > 1 || a.Credentials > 3, ProblemValue)
}

func (c *checker) checkSignature(s wireSignature) Problem {
	return failIf(!c.in(s.Patterns, indexes), ProblemRange)
}

func (c *checker) checkGroup(g wireGroup) Problem {
	if !c.in(g.Sets, indexes) || !c.inNames(g.Names) || !c.in(g.Digests, digests) || !c.in(g.Patterns, refs) ||
		!c.in(g.Signatures, signatures) || !c.in(g.Grams, grams) || !c.in(g.Filter, filters) {
		return ProblemRange
	}
	return failIf(!g.scannable(), ProblemValue)
}

// scannable reports whether the content scan has what it needs.
func (g *wireGroup) scannable() bool {
	if g.Patterns.N == 0 {
		return true
	}
	return g.Patterns.N <= MaxPatterns && g.Stride >= 1 && g.Stride <= MaxStride &&
		g.MaxPattern >= MinPattern && g.MaxPattern <= MaxPattern && g.Filter.N == 1<<(FilterBits-6)
}

func (c *checker) inNames(n wireNames) bool {
	return c.in(n.Literals, names) && c.in(n.Globs, names)
}

func (c *checker) checkPolicy(p wirePolicy) Problem {
	switch {
	case !p.meaningful():
		return ProblemValue
	case !c.str(p.Name.Off, p.Name.N):
		return ProblemString
	case !c.in(p.Match, refs) || !c.in(p.Allow, allows) || !c.inNames(p.Names) || !c.in(p.SHA256, sha256s):
		return ProblemRange
	}
	return failIf(p.Group >= c.tab[groups].N, ProblemRange)
}

// meaningful reports whether every small field has a value that stands for something.
func (p *wirePolicy) meaningful() bool {
	for _, f := range []struct{ value, max uint8 }{
		{p.ExecMode, 2}, {p.Children, 2}, {p.ForbidMode, 2}, {p.TmpMode, 2}, {p.TmpDenyExec, 1}, {p.TmpDenyLoad, 1},
		{p.TmpWrite, 2}, {p.MemoryMode, 2}, {p.CredMode, 2}, {p.CredChildren, 3}, {p.DenyEnviron, 1}, {p.Kill, 1},
		{p.Announce, 1}, {p.FailClosed, 1}, {p.Pending, 31}, {p.NeedDigest, 3}, {p.NeedScan, 1}, {p.HasEnvKeep, 1},
		{p.Seal, 2}, {p.UseDecoys, 1},
	} {
		if f.value > f.max {
			return false
		}
	}
	return true
}
