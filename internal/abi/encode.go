package abi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

var le = binary.LittleEndian

const (
	checksumOffset = 16
)

// The tables, in the order in which they stand in the blob; strings come last.
type tableID int

const (
	policies tableID = iota
	groups
	refs
	allows
	argLists
	args
	atoms
	names
	sha256s
	digests
	signatures
	grams
	indexes
	filters
	text
	numTables
)

// Element sizes; those of the structs are checked by the header's static asserts.
var elemSize = [numTables]uint32{
	policies: size(wirePolicy{}), groups: size(wireGroup{}), refs: size(wireRef{}), allows: size(wireAllow{}),
	argLists: size(wireArgList{}), args: size(wireArg{}), atoms: size(wireAtom{}), names: size(wireName{}),
	sha256s: 32, digests: size(wireDigest{}), signatures: size(wireSignature{}), grams: size(wireGram{}),
	indexes: 2, filters: 8, text: 1,
}

var headerSize = size(wireHeader{})

func size(v any) uint32 { return uint32(binary.Size(v)) }

// encoder fills the tables. Equal runs of records are stored once. Offsets depend on the sizes of all tables, so that
// the work is done twice: once to learn the sizes, once with the bases that follow from them.
type encoder struct {
	base [numTables]uint32
	data [numTables][]byte
	seen [numTables]map[string]uint32
	err  error
}

// Encode returns the blob's bytes. Equal blobs have equal bytes.
func Encode(b *Blob) ([]byte, error) {
	var bases [numTables]uint32
	for {
		e := newEncoder(bases)
		header := e.blob(b)
		next, total := e.layout()
		if e.err != nil {
			return nil, fmt.Errorf("encode policy blob: %w", e.err)
		}
		if next == bases {
			return e.assemble(header, total), nil
		}
		bases = next
	}
}

func newEncoder(bases [numTables]uint32) *encoder {
	e := &encoder{base: bases}
	for t := range e.seen {
		e.seen[t] = map[string]uint32{}
	}
	return e
}

// layout places the tables one after the other.
func (e *encoder) layout() (bases [numTables]uint32, total uint32) {
	at := uint64(headerSize)
	for t := range e.data {
		bases[t] = uint32(at)
		at += (uint64(len(e.data[t])) + align - 1) / align * align
		if at > MaxSize {
			e.fail("the blob would be larger than %d bytes", MaxSize)
			return bases, 0
		}
	}
	return bases, uint32(at)
}

func (e *encoder) assemble(h wireHeader, total uint32) []byte {
	h.Size = total
	blob := marshal(h)
	for t := range e.data {
		blob = append(blob, make([]byte, int(e.base[t])-len(blob))...)
		blob = append(blob, e.data[t]...)
	}
	blob = append(blob, make([]byte, int(total)-len(blob))...)
	le.PutUint64(blob[checksumOffset:], Checksum(blob))
	return blob
}

func marshal(v any) []byte {
	switch v := v.(type) { // the most frequent ones, without reflection
	case wireAtom:
		return []byte{v.Class, v.Byte, v.Quant, v.Pad}
	case uint64:
		return le.AppendUint64(nil, v)
	}
	out, err := binary.Append(nil, le, v)
	if err != nil {
		panic("abi: marshal: " + err.Error()) // every wire type has a fixed size
	}
	return out
}

func (e *encoder) fail(format string, a ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, a...)
	}
}

// put stores a run of records in a table, once, and returns the reference to it.
func (e *encoder) put(t tableID, n int, run []byte) wireRef {
	if n == 0 {
		return wireRef{}
	}
	off, ok := e.seen[t][string(run)]
	if !ok {
		off = uint32(len(e.data[t]))
		e.data[t] = append(e.data[t], run...)
		e.seen[t][string(run)] = off
	}
	return wireRef{Off: e.base[t] + off, N: uint32(n)}
}

func (e *encoder) str(s string) wireRef {
	return e.put(text, len(s), append([]byte(s), 0))
}

func (e *encoder) strs(list []string) wireRef {
	return putAll(e, refs, list, func(s string) any {
		if s == "" {
			e.fail("an empty string stands in a list")
		}
		return e.str(s)
	})
}

// putAll stores the list's elements, turned into wire records, as one run.
func putAll[T any](e *encoder, t tableID, list []T, wire func(T) any) wireRef {
	var run []byte
	for _, x := range list {
		run = append(run, marshal(wire(x))...)
	}
	return e.put(t, len(list), run)
}

func (e *encoder) blob(b *Blob) wireHeader {
	h := wireHeader{Magic: [4]uint8([]byte(Magic)), Version: Version, FailClosed: flag(b.FailClosed)}
	if len(b.Sets) > MaxSets {
		e.fail("%d curated sets; at most %d fit", len(b.Sets), MaxSets)
	}
	if len(b.Policies) > math.MaxUint16 {
		e.fail("%d policies; at most %d fit", len(b.Policies), math.MaxUint16)
	}
	h.Sets = e.strs(b.Sets)
	h.Groups = putAll(e, groups, b.Groups, func(g Group) any { return e.group(&g) })
	h.Policies = putAll(e, policies, b.Policies, func(p Policy) any { return e.policy(&p) })
	e.tables(&h)
	return h
}

// tables notes in the header where the tables of records are.
func (e *encoder) tables(h *wireHeader) {
	for t, ref := range h.recordTables() {
		if n := uint32(len(e.data[t])) / elemSize[t]; n > 0 {
			*ref = wireRef{Off: e.base[t], N: n}
		}
	}
}

// recordTables are the tables that only the references of records lead into.
func (h *wireHeader) recordTables() map[tableID]*wireRef {
	return map[tableID]*wireRef{
		refs: &h.Refs, allows: &h.Allows, argLists: &h.ArgLists, args: &h.Args, atoms: &h.Atoms, names: &h.Names,
		sha256s: &h.SHA256, digests: &h.Digests, signatures: &h.Signatures, grams: &h.Grams, indexes: &h.Indexes,
		filters: &h.Filters,
	}
}

func flag(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

func (e *encoder) names(n Names) wireNames {
	return wireNames{First: n.First, Literals: e.nameRun(n.Literals), Globs: e.nameRun(n.Globs)}
}

func (e *encoder) nameRun(list []Name) wireRef {
	return putAll(e, names, list, func(n Name) any {
		if n.Text == "" || len(n.Text) > math.MaxUint16 {
			e.fail("a forbidden name has %d bytes; want 1 to %d", len(n.Text), math.MaxUint16)
		}
		return wireName{Off: e.str(n.Text).Off, Len: uint16(len(n.Text)), Rank: n.Rank}
	})
}

var errStride = errors.New("a group with patterns needs a stride, a filter and the longest pattern's length")

func (e *encoder) group(g *Group) wireGroup {
	if len(g.Patterns) > MaxPatterns {
		e.fail("%d content patterns; at most %d fit", len(g.Patterns), MaxPatterns)
	}
	w := wireGroup{
		Sets:     putAll(e, indexes, g.Sets, func(i uint16) any { return i }),
		Names:    e.names(g.Names),
		Digests:  putAll(e, digests, g.Digests, func(d Digest) any { return wireDigest{SHA256: d.SHA256, Rank: d.Rank} }),
		Patterns: e.strs(g.Patterns),
		Signatures: putAll(e, signatures, g.Signatures, func(s Signature) any {
			return wireSignature{Patterns: putAll(e, indexes, s.Patterns, func(i uint16) any { return i }), Rank: s.Rank}
		}),
		Grams: putAll(e, grams, g.Grams, func(g Gram) any {
			return wireGram{Gram: g.Gram, Pattern: g.Pattern, Offset: g.Offset}
		}),
		Filter: putAll(e, filters, g.Filter, func(w uint64) any { return w }),
		Stride: g.Stride, MaxPattern: g.MaxPattern,
	}
	if !w.scannable() {
		e.fail("%w", errStride)
	}
	return w
}

func (e *encoder) policy(p *Policy) wirePolicy {
	f := &p.Flags
	return wirePolicy{
		ExecMode: f.ExecMode, Children: f.Children, ForbidMode: f.ForbidMode, TmpMode: f.TmpMode,
		TmpDenyExec: f.TmpDenyExec, TmpDenyLoad: f.TmpDenyLoad, TmpWrite: f.TmpWrite, MemoryMode: f.MemoryMode,
		CredMode: f.CredMode, CredChildren: f.CredChildren, DenyEnviron: f.DenyEnviron, Kill: f.Kill,
		Announce: f.Announce, FailClosed: f.FailClosed, Pending: f.Pending, NeedDigest: f.NeedDigest,
		NeedScan: f.NeedScan, HasEnvKeep: f.HasEnvKeep, Seal: f.Seal, UseDecoys: f.UseDecoys,
		Digest: p.Digest,
		Name:   e.str(p.Name), Match: e.strs(p.Match), Names: e.names(p.Names), Group: p.Group,
		Allow:  putAll(e, allows, p.Allow, func(a Allow) any { return e.allow(&a) }),
		SHA256: putAll(e, sha256s, p.SHA256, func(h Hex) any { return [32]byte(h) }),
	}
}

func (e *encoder) allow(a *Allow) wireAllow {
	if a.Path == "" {
		e.fail("an allow entry has no path")
	}
	return wireAllow{
		Path: e.str(a.Path), From: e.strs(a.From), SHA256: a.SHA256,
		Args:      putAll(e, argLists, a.Args, func(l ArgList) any { return e.argList(&l) }),
		HasSHA256: flag(a.HasSHA256), AnyFrom: flag(a.AnyFrom), AnyArgs: flag(a.AnyArgs), Credentials: a.Credentials,
	}
}

func (e *encoder) argList(l *ArgList) wireArgList {
	return wireArgList{Rest: l.Rest, Args: putAll(e, args, l.Args, func(a Arg) any {
		if len(a.Atoms) > MaxAtoms {
			e.fail("a template has %d atoms; at most %d fit", len(a.Atoms), MaxAtoms)
		}
		return wireArg{
			Prefix: e.str(a.Prefix), Suffix: e.str(a.Suffix),
			Atoms: putAll(e, atoms, a.Atoms, func(a Atom) any {
				return wireAtom{Class: a.Class, Byte: a.Byte, Quant: a.Quant}
			}),
		}
	})}
}
