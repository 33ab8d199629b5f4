package abi

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrNotCanonical is returned for a blob that the enforcer would accept but that Encode would not have written.
var ErrNotCanonical = errors.New("the blob is valid but was not written by this version of the compiler")

// maxDecoded bounds what a small, contrived blob, whose records share their parts, may unfold to.
const maxDecoded = 1 << 21

// Decode reads a blob. What it returns encodes to the same bytes again.
func Decode(blob []byte) (*Blob, error) {
	if err := Check(blob); err != nil {
		return nil, fmt.Errorf("read policy blob: %w", err)
	}
	d := decoder{blob: blob, left: maxDecoded}
	b := d.all()
	if d.left < 0 {
		return nil, fmt.Errorf("read policy blob: %w", ErrNotCanonical)
	}
	again, err := Encode(b)
	if err != nil || !bytes.Equal(again, blob) {
		return nil, fmt.Errorf("read policy blob: %w", ErrNotCanonical)
	}
	return b, nil
}

// decoder reads a checked blob.
type decoder struct {
	blob []byte
	left int // elements that may still be read
}

// list reads a range of records and turns each into its printable form.
func list[W, T any](d *decoder, r wireRef, read func(W) T) []T {
	if d.left -= int(r.N); d.left < 0 || r.N == 0 {
		return nil
	}
	out := make([]T, 0, r.N)
	for i := range r.N {
		out = append(out, read(element[W](d.blob, r, i)))
	}
	return out
}

func same[T any](v T) T { return v }

func (d *decoder) all() *Blob {
	var h wireHeader
	unmarshal(d.blob, &h)
	return &Blob{
		FailClosed: h.FailClosed == 1,
		Sets:       d.strs(h.Sets),
		Groups:     list(d, h.Groups, d.group),
		Policies:   list(d, h.Policies, d.policy),
	}
}

func (d *decoder) str(r wireRef) string {
	if r.N == 0 {
		return ""
	}
	d.left -= int(r.N) / 16
	return string(d.blob[r.Off : r.Off+r.N])
}

func (d *decoder) strs(r wireRef) []string { return list(d, r, d.str) }

func (d *decoder) names(w wireNames) Names {
	read := func(n wireName) Name {
		return Name{Text: d.str(wireRef{Off: n.Off, N: uint32(n.Len)}), Rank: n.Rank}
	}
	return Names{First: w.First, Literals: list(d, w.Literals, read), Globs: list(d, w.Globs, read)}
}

func (d *decoder) group(w wireGroup) Group {
	return Group{
		Sets:     list(d, w.Sets, same[uint16]),
		Names:    d.names(w.Names),
		Digests:  list(d, w.Digests, func(w wireDigest) Digest { return Digest{SHA256: w.SHA256, Rank: w.Rank} }),
		Patterns: d.strs(w.Patterns),
		Signatures: list(d, w.Signatures, func(w wireSignature) Signature {
			return Signature{Patterns: list(d, w.Patterns, same[uint16]), Rank: w.Rank}
		}),
		Grams: list(d, w.Grams, func(w wireGram) Gram {
			return Gram{Gram: w.Gram, Pattern: w.Pattern, Offset: w.Offset}
		}),
		Filter: list(d, w.Filter, same[uint64]),
		Stride: w.Stride, MaxPattern: w.MaxPattern,
	}
}

func (d *decoder) policy(w wirePolicy) Policy {
	return Policy{
		Flags: Flags{
			ExecMode: w.ExecMode, Children: w.Children, ForbidMode: w.ForbidMode, TmpMode: w.TmpMode,
			TmpDenyExec: w.TmpDenyExec, TmpDenyLoad: w.TmpDenyLoad, TmpWrite: w.TmpWrite, MemoryMode: w.MemoryMode,
			CredMode: w.CredMode, CredChildren: w.CredChildren, DenyEnviron: w.DenyEnviron, Kill: w.Kill,
			Announce: w.Announce, FailClosed: w.FailClosed, Pending: w.Pending, NeedDigest: w.NeedDigest,
			NeedScan: w.NeedScan, HasEnvKeep: w.HasEnvKeep, Seal: w.Seal, UseDecoys: w.UseDecoys,
		},
		Digest: w.Digest,
		Name:   d.str(w.Name), Match: d.strs(w.Match), Names: d.names(w.Names), Group: w.Group,
		Allow:  list(d, w.Allow, d.allow),
		SHA256: list(d, w.SHA256, func(h [32]byte) Hex { return h }),
	}
}

func (d *decoder) allow(w wireAllow) Allow {
	return Allow{
		Path: d.str(w.Path), From: d.strs(w.From), Args: list(d, w.Args, d.argList), SHA256: w.SHA256,
		HasSHA256: w.HasSHA256 == 1, AnyFrom: w.AnyFrom == 1, AnyArgs: w.AnyArgs == 1, Credentials: w.Credentials,
	}
}

func (d *decoder) argList(w wireArgList) ArgList {
	return ArgList{Rest: w.Rest, Args: list(d, w.Args, func(w wireArg) Arg {
		return Arg{
			Prefix: d.str(w.Prefix), Suffix: d.str(w.Suffix),
			Atoms: list(d, w.Atoms, func(w wireAtom) Atom {
				return Atom{Class: w.Class, Byte: w.Byte, Quant: w.Quant}
			}),
		}
	})}
}
