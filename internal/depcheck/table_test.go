package depcheck

// rule says what the non-test files of one package may import besides the standard library: packages of this module
// (paths below it) and other modules (path prefixes). A rule that is hard to write down is a sign that the package
// should be two.
type rule struct {
	own   []string
	other []string
}

// awsSDK may be imported by internal/aws alone, tests included.
const awsSDK = "github.com/aws/aws-sdk-go-v2"

var (
	yaml  = "go.yaml.in/yaml"
	shell = "mvdan.cc/sh/v3"
	sys   = "golang.org/x/sys/unix"
)

// allowed is the whole dependency graph. Inner packages first.
var allowed = map[string]rule{
	// The byte formats: imported by everything that writes or reads them, importing nothing. The generator takes the
	// byte classes of template holes from the language.
	"internal/abi":     {},
	"internal/abi/gen": {own: []string{"internal/abi", "internal/policy"}},

	// The policy language and its compiler are pure.
	"internal/forbid":  {},
	"internal/policy":  {own: []string{"internal/abi", "internal/forbid"}, other: []string{yaml, shell}},
	"internal/compile": {own: []string{"internal/abi", "internal/policy", "internal/forbid"}},

	// What is injected.
	"enforcer":                    {},
	"enforcer/puretest":           {own: []string{"enforcer/puretest/stamp", "internal/abi", "internal/policy", "internal/compile", "internal/forbid"}},
	"enforcer/puretest/stamp":     {},
	"enforcer/puretest/stamp/gen": {own: []string{"enforcer/puretest/stamp"}},
	"enforcer/attacktest":         {},

	// What acts on the world, each behind a package of its own.
	"internal/lambda":         {own: []string{"internal/abi", "internal/lambda/"}, other: []string{sys}},
	"internal/lambda/sandbox": {other: []string{sys, "golang.org/x/net/bpf"}},
	"internal/doctor":         {other: []string{sys}},
	"internal/demo":           {own: []string{"enforcer", "internal/abi", "internal/compile", "internal/forbid", "internal/lambda", "internal/policy"}},
	"internal/layer":          {own: []string{"enforcer", "internal/abi"}},
	"internal/attach":         {own: []string{"internal/abi"}},
	"internal/aws":            {own: []string{"internal/attach"}, other: []string{awsSDK, "github.com/aws/smithy-go"}},
	"internal/scan":           {own: []string{"internal/policy", "internal/forbid"}},
	"internal/decoy":          {},

	// The fleet: domain types inside, storage and web around them.
	"internal/fleet": {},
	"internal/store": {own: []string{"internal/fleet"}, other: []string{"modernc.org/sqlite", "github.com/jackc/pgx/v5"}},
	"internal/web":   {own: []string{"internal/abi", "internal/fleet"}},

	"internal/depcheck": {},
	"bench":             {own: []string{"enforcer", "internal/"}, other: []string{sys}},

	// The command composes: it may import every package of ours, and nothing imports it.
	"cmd/thimble": {
		own:   []string{"enforcer", "internal/"},
		other: []string{"github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/term", sys, "github.com/aws/aws-lambda-go"},
	},
}
