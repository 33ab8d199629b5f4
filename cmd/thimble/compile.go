package main

import (
	"os"

	"thimble/internal/compile"
	"thimble/internal/policy"
)

// compilePolicy turns a policy file or folder into a blob; an empty path stands for the default policy, and mode (enforce, audit),
// when it is not empty, replaces the mode of every control that is not off.
func compilePolicy(path, mode string) ([]byte, error) {
	policies := []policy.Policy{*policy.Default()}
	if path != "" {
		documents, err := policy.Load([]string{path}, os.Stdin)
		if err != nil {
			return nil, err
		}
		policies = policy.Policies(documents)
	}
	if mode != "" {
		m := map[string]policy.Mode{"enforce": policy.Enforce, "audit": policy.Audit}[mode]
		if m == policy.Off {
			return nil, usageError("--mode %q: enforce or audit", mode)
		}
		for i := range policies {
			overrideModes(&policies[i], m)
		}
	}
	return compile.Blob(policies, policy.Curated)
}

func overrideModes(p *policy.Policy, mode policy.Mode) {
	for _, m := range []*policy.Mode{
		&p.Exec.Mode, &p.Forbid.Mode, &p.Tmp.Mode, &p.Memory, &p.Credentials.Mode, &p.Reply.Mode, &p.Net.Mode,
	} {
		if *m != policy.Off {
			*m = mode
		}
	}
}

func compilePolicyText(name, text string) ([]byte, error) {
	documents, err := policy.Parse(name, []byte(text))
	if err != nil {
		return nil, err
	}
	return compile.Blob(policy.Policies(documents), policy.Curated)
}
