package compile

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"thimble/internal/abi"
	"thimble/internal/policy"
)

// flags returns the policy's small facts.
func flags(p *policy.Policy, group *abi.Group) (abi.Flags, error) {
	f := abi.Flags{
		ExecMode: uint8(p.Exec.Mode), Children: uint8(p.Exec.Children), ForbidMode: uint8(p.Forbid.Mode),
		TmpMode: uint8(p.Tmp.Mode), TmpDenyExec: bit(p.Tmp.DenyExec, 1), TmpDenyLoad: bit(p.Tmp.DenyLoad, 1),
		TmpWrite: uint8(p.Tmp.Write), MemoryMode: uint8(p.Memory), CredMode: uint8(p.Credentials.Mode),
		CredChildren: uint8(p.Credentials.Children), DenyEnviron: bit(p.Credentials.DenyEnviron, 1),
		Kill: bit(p.OnViolation == "kill", 1), Announce: bit(p.Announce, 1), FailClosed: bit(p.Fail == "closed", 1),
		Pending: pending(p), UseDecoys: bit(p.Decoys, 1), NeedScan: bit(len(group.Signatures) > 0, 1),
		NeedDigest: bit(len(p.Forbid.SHA256) > 0, abi.NeedDigestPolicy) | bit(len(group.Digests) > 0, abi.NeedDigestSets),
	}
	if p.Credentials.Children == policy.CredentialsInherit {
		f.CredChildren = uint8(policy.CredentialsStrip)
	}
	for _, a := range p.Exec.Allow {
		f.HasEnvKeep |= bit(a.Credentials == policy.CredentialsKeep, 1)
	}
	var err error
	f.Seal, err = seal(p.Seal)
	return f, err
}

func bit(set bool, value uint8) uint8 {
	if set {
		return value
	}
	return 0
}

func seal(value string) (uint8, error) {
	for i, s := range []string{"off", "auto", "required"} {
		if value == s {
			return uint8(i), nil
		}
	}
	if value == "" {
		return 0, nil
	}
	return 0, fmt.Errorf("seal: want auto, required or off, got %q", value)
}

// pending says which parts of the policy the enforcer does not enforce yet; it says so when it starts.
func pending(p *policy.Policy) uint8 {
	n := &p.Net
	netRules := n.Connect == "listed" || n.Connect == "none" || len(n.Tripwires) > 0 || n.RuntimeAPIChildren
	decoyChildren := p.Credentials.Children == policy.CredentialsDecoy
	for _, a := range p.Exec.Allow {
		decoyChildren = decoyChildren || a.Credentials == policy.CredentialsDecoy
	}
	return bit(p.Seal == "auto" || p.Seal == "required", abi.PendingSeal) |
		bit(p.Decoys, abi.PendingDecoys) |
		bit(p.Reply.Mode != policy.Off, abi.PendingReply) |
		bit(n.Mode != policy.Off && netRules, abi.PendingNet) |
		bit(p.Credentials.Mode != policy.Off && decoyChildren, abi.PendingCredentialsDecoy)
}

// Digest names the policy: SHA-256 of the blob that holds nothing but this policy, its own digest being zero, followed by
// JSON of the parts that the blob does not carry yet. It is the same in every blob that holds the policy.
func Digest(p *policy.Policy, sets func(string) (Set, bool)) ([32]byte, error) {
	alone, err := build([]policy.Policy{*p}, sets)
	if err != nil {
		return [32]byte{}, fmt.Errorf("compile policies: %w", err)
	}
	blob, err := abi.Encode(alone)
	if err != nil {
		return [32]byte{}, fmt.Errorf("compile policies: %w", err)
	}
	rest, err := json.Marshal(struct {
		Reply policy.Reply
		Net   policy.Net
	}{p.Reply, p.Net})
	if err != nil {
		return [32]byte{}, fmt.Errorf("compile policies: %w", err)
	}
	return sha256.Sum256(bytes.Join([][]byte{blob, rest}, nil)), nil
}
