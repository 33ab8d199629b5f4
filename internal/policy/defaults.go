package policy

import _ "embed"

// DefaultYAML is the zero-config policy as a commented file; parsed, it is Default.
//
//go:embed default.yaml
var DefaultYAML string

// Default returns the policy of a function that was given none. What a policy leaves out has these values too.
func Default() *Policy {
	return &Policy{
		Version:     1,
		Name:        "default",
		Exec:        Exec{Mode: Enforce, Children: ChildrenImage},
		Forbid:      Forbid{Mode: Enforce, Sets: []string{"miners", "offensive-tools"}},
		Tmp:         Tmp{Mode: Enforce, DenyExec: true, DenyLoad: true, Write: WriteAllow},
		Memory:      Enforce,
		Credentials: Credentials{Mode: Enforce, Children: CredentialsStrip, DenyEnviron: true},
		Reply:       Reply{Mode: Enforce, Action: "redact"},
		Net: Net{Mode: Enforce, Connect: "any", Tripwires: []string{"169.254.169.254"},
			RuntimeAPIChildren: true},
		Decoys:      true,
		Seal:        "auto",
		OnViolation: "deny",
		Fail:        "open",
		Announce:    true,
	}
}
