package lambda

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// variables are what a function's environment is made from, as far as it does not change between cold starts.
type variables struct {
	cfg *Config
	arn string
	// credentials are made up: well-formed, and random, so that a leak can be told from an example in a document.
	credentials [][2]string
}

func newVariables(cfg *Config) variables {
	region := defaultRegion
	for _, kv := range cfg.Env {
		if value, ok := strings.CutPrefix(kv, "AWS_REGION="); ok {
			region = value
		}
	}
	return variables{
		cfg: cfg,
		arn: fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", region, testAccount, cfg.Name),
		credentials: [][2]string{
			{"AWS_ACCESS_KEY_ID", "ASIA" + rand.Text()[:16]},
			{"AWS_SECRET_ACCESS_KEY", base64.StdEncoding.EncodeToString(randomBytes(30))},
			{"AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2VjE" + base64.StdEncoding.EncodeToString(randomBytes(240))},
			{"AWS_REGION", region},
			{"AWS_DEFAULT_REGION", region},
		},
	}
}

// places are the function's folders as its processes see them.
type places struct {
	task, opt, runtime, client, preload, policy, path string
}

// sandboxPlaces are Lambda's own.
var sandboxPlaces = places{
	task: taskDir, opt: "/opt", runtime: runtimeDir, client: clientDir, preload: layerLibrary, policy: layerPolicy,
	path: "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
}

// list builds the environment of one cold start; later entries replace earlier ones.
func (v variables) list(lang *language, at places, address string, enforced bool) []string {
	set := newOrderedSet()
	for _, kv := range v.platform(lang, at, address) {
		set.put(kv[0], kv[1])
	}
	for _, kv := range v.credentials {
		set.put(kv[0], kv[1])
	}
	for _, kv := range lang.variables(at) {
		set.put(kv[0], kv[1])
	}
	for _, kv := range v.cfg.Env {
		name, value, _ := strings.Cut(kv, "=")
		set.put(name, value)
	}
	set.put("AWS_LAMBDA_RUNTIME_API", address)
	if enforced {
		v.enforce(set, lang, at)
	}
	return set.list()
}

// enforce puts the enforcer before whatever else is preloaded. A managed runtime's start script is no part of the function:
// it passes the enforcer on to the interpreter, as a layer's exec wrapper does on Lambda.
func (v variables) enforce(set *orderedSet, lang *language, at places) {
	if v.cfg.Preload != "" && lang.managed() && !v.cfg.Direct {
		set.put("_THIMBLE_PRELOAD", at.preload)
	} else if v.cfg.Preload != "" {
		value := at.preload
		if others := set.values["LD_PRELOAD"]; others != "" {
			value += ":" + others
		}
		set.put("LD_PRELOAD", value)
	}
	if v.cfg.PolicyBlob != nil {
		set.put("THIMBLE_POLICY", at.policy)
	}
}

// platform are the variables that every runtime has.
func (v variables) platform(lang *language, at places, address string) [][2]string {
	libraries := []string{"/lib64", "/usr/lib64", at.runtime, at.runtime + "/lib", at.task, at.task + "/lib", at.opt + "/lib"}
	if lang.managed() {
		libraries = append([]string{"/var/lang/lib"}, libraries...)
	}
	return [][2]string{
		{"PATH", at.path},
		{"LD_LIBRARY_PATH", strings.Join(libraries, ":")},
		{"LANG", "en_US.UTF-8"},
		{"TZ", ":UTC"},
		{"_HANDLER", v.cfg.Handler},
		{"LAMBDA_TASK_ROOT", at.task},
		{"LAMBDA_RUNTIME_DIR", at.runtime},
		{"AWS_LAMBDA_FUNCTION_NAME", v.cfg.Name},
		{"AWS_LAMBDA_FUNCTION_VERSION", latest},
		{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", strconv.Itoa(v.cfg.Memory)},
		{"AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/" + v.cfg.Name},
		{"AWS_LAMBDA_LOG_STREAM_NAME", logStream(time.Now())},
		{"AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"},
		{"AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"},
		{"AWS_XRAY_DAEMON_ADDRESS", "169.254.79.129:2000"},
		{"_AWS_XRAY_DAEMON_ADDRESS", "169.254.79.129"},
		{"_AWS_XRAY_DAEMON_PORT", "2000"},
	}
}

// logStream names the stream of one cold start.
func logStream(now time.Time) string {
	return fmt.Sprintf("%s/[%s]%x", now.UTC().Format("2006/01/02"), latest, randomBytes(16))
}

// plainPlaces are where things are without a sandbox.
func (f *Function) plainPlaces(path string) places {
	l := f.layout
	opt := l.opt
	if opt == "" {
		opt = filepath.Join(l.base, "opt")
	}
	return places{
		task: l.task, opt: opt, runtime: l.runtime, client: f.lang.client.source,
		preload: l.preload, policy: l.policy, path: path + ":" + opt + "/bin",
	}
}

// orderedSet keeps variables in the order in which they were first put.
type orderedSet struct {
	names  []string
	values map[string]string
}

func newOrderedSet() *orderedSet { return &orderedSet{values: map[string]string{}} }

func (s *orderedSet) put(name, value string) {
	if _, ok := s.values[name]; !ok {
		s.names = append(s.names, name)
	}
	s.values[name] = value
}

func (s *orderedSet) list() []string {
	out := make([]string, len(s.names))
	for i, name := range s.names {
		out[i] = name + "=" + s.values[name]
	}
	return out
}
