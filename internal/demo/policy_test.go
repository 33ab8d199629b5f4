package demo

import (
	"os"
	"testing"
)

// canonical is the host that the sample policy is written for.
var canonical = Host{Runtime: "node", Loader: "/lib64/ld-linux-x86-64.so.2", Fetch: "curl --silent -L", Fetcher: "/usr/bin/curl"}

func TestSamplePolicyIsTheDemos(t *testing.T) {
	const path = "../../examples/policies/goat.yaml"
	got, err := canonical.Policy()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("THIMBLE_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs from the demo's policy; run: THIMBLE_UPDATE=1 go test ./internal/demo -run Sample", path)
	}
}
