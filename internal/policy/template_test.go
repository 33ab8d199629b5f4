package policy

import (
	"strings"
	"testing"
)

// compiled compiles one list, which must be right.
func compiled(t *testing.T, program string, args ...string) ArgList {
	t.Helper()
	l, wrong := compileArgs(program, args)
	if len(wrong) > 0 {
		t.Fatalf("%s %q: %s", program, args, wrong[0].msg)
	}
	return l
}

func TestTemplateMatches(t *testing.T) {
	sh := func(code string) []string { return []string{"-c", code} }
	tests := []struct {
		name     string
		program  string
		template []string
		yes, no  []string // what the last argument becomes
	}{
		{"literal", "/bin/x", []string{"a b"}, []string{"a b"}, []string{"a", "a bc", ""}},
		{"braces", "/bin/x", []string{"{{x}} {{{{ }}"}, []string{"{x} {{ }"}, []string{"{{x}}"}},
		{"arg", "/bin/x", []string{"{x}"}, []string{"a", "a b;c", "é", "a-b", "\xff", "a\n"}, []string{"-a", "", "--", "a\x00"}},
		{"arg inside", "/bin/x", []string{"--f={x}"}, []string{"--f=", "--f=-x", "--f=a b"}, []string{"--g=", "f=a"}},
		{"any", "/bin/x", []string{"{x:any}"}, []string{"-a", "", "a"}, []string{"\x00"}},
		{"int", "/bin/x", []string{"{x:int}"}, []string{"0", "123"}, []string{"", "-1", "1a", "١"}},
		{"name", "/bin/x", []string{"{x:name}.pdf"}, []string{"a.pdf", "a.b-c_D.pdf"}, []string{".pdf", "..pdf", "-a.pdf", "a/b.pdf", "é.pdf"}},
		{"path", "/bin/x", []string{"{x:path}"}, []string{"/tmp/a", "../x", "a=b"}, []string{"", "-x", "a b", "a;b"}},
		{"url", "/bin/x", []string{"{x:url}"}, []string{"http://a", "https://a/?q=1&b=(2)#f"}, []string{"ftp://a", "http://", "https:/a", "http://a b", "-http://a"}},
		{"two holes", "/bin/x", []string{"{a}x{b}"}, []string{"axb", "xx", "axxb", "ax"}, []string{"ab", "xb", "-xb"}},

		{"word", "/bin/sh", sh("curl {x} -o f"), []string{"curl a -o f", "curl a/b:c=d%20 -o f"}, []string{
			"curl  -o f", "curl -a -o f", "curl a;b -o f", "curl a b -o f", "curl $a -o f", "curl `a` -o f", "curl a|b -o f", "curl a&b -o f",
			"curl a\nb -o f", "curl a\tb -o f", "curl ~ -o f", "curl * -o f", "curl a? -o f", "curl [a] -o f", "curl {a,b} -o f", "curl #a -o f",
			"curl 'a' -o f", "curl \"a\" -o f", "curl \\a -o f", "curl !a -o f", "curl <a -o f", "curl a>b -o f", "curl (a) -o f", "curl é -o f", "curl \u037e -o f"}},
		{"word inside", "/bin/sh", sh("curl --url={x}"), []string{"curl --url=-a", "curl --url=a"}, []string{"curl --url=", "curl --url=a b"}},
		{"word after expansion", "/bin/sh", sh(`curl ${{A}}{x}`), []string{"curl ${A}a"}, []string{"curl ${A}-a", "curl ${A}"}},
		{"word after empty quotes", "/bin/sh", sh(`curl ""{x}`), []string{`curl ""a`}, []string{`curl ""-a`}},
		{"word url", "/bin/sh", sh("curl {x:url}"), []string{"curl http://a/?q=1", "curl https://a/#f"}, []string{"curl http://a/?a&b", "curl http://a/;b", "curl http://a/$b", "curl http://a/*"}},
		{"dq", "/bin/sh", sh(`echo "{x}"`), []string{`echo "a b"`, `echo "a;b|c&d"`, `echo "é 'x' *"`}, []string{
			`echo ""`, `echo "-n"`, `echo "a$b"`, "echo \"a`b`\"", `echo "a\b"`, `echo "a" b"`, "echo \"a\nb\"", "echo \"a\x07\""}},
		{"dq inside", "/bin/sh", sh(`echo "a {x}"`), []string{`echo "a "`, `echo "a -n"`}, []string{`echo "a "b"`}},
		{"dq url", "/bin/sh", sh(`curl "{x:url}"`), []string{`curl "https://a/?a=1&b=(2);c"`}, []string{`curl "https://a/$b"`, `curl "https://a/ b"`}},
		{"sq", "/bin/sh", sh(`echo '{x}'`), []string{`echo '$(a)'`, "echo '`\\'", `echo 'a"b'`}, []string{`echo '-n'`, `echo 'a'b'`, "echo 'a\nb'"}},
		{"sq inside", "/bin/sh", sh(`echo 'a{x}'`), []string{`echo 'a'`, `echo 'a-n'`}, []string{`echo 'a'b'`}},
		{"dq first and next a dash", "/bin/sh", sh(`rm "{x}-rf"`), []string{`rm "a-rf"`}, []string{`rm "-rf"`}},
		{"arg first and next a dash", "/bin/x", []string{"{x}-rf"}, []string{"a-rf"}, []string{"-rf"}},
		{"positional", "/bin/sh", []string{"-c", `curl "$1"`, "sh", "{x}"}, []string{"a"}, []string{"-a", "a b", "$a", ""}},
		{"assignment", "/bin/sh", sh(`TZ={x} date`), []string{"TZ=UTC date"}, []string{"TZ=a;b date", "TZ= date"}},
		{"redirect", "/bin/sh", sh(`sort < /tmp/{x}`), []string{"sort < /tmp/a"}, []string{"sort < /tmp/a;b"}},
		{"redirect name", "/bin/sh", sh(`sort <{x:name}`), []string{"sort <a"}, []string{"sort </dev/tcp/a/1"}},
		{"env", "/usr/bin/env", []string{"TZ={x}", "date"}, []string{"date"}, nil},
		{"env sh", "/usr/bin/env", []string{"sh", "-c", "curl {x}"}, []string{"curl a"}, []string{"curl a;b"}},
		{"cluster", "/bin/bash", []string{"-euo", "pipefail", "-c", "curl {x}"}, []string{"curl a"}, []string{"curl a b"}},
		{"busybox", "/bin/busybox", []string{"sh", "-c", "wget {x}"}, []string{"wget a"}, []string{"wget a|b"}},
		{"several lines", "/bin/bash", sh("cd /tmp\ncurl {x}\n"), []string{"cd /tmp\ncurl a\n"}, []string{"cd /tmp\ncurl a\nb\n"}},
		{"in a loop's body", "/bin/bash", sh("for i in 1 2; do curl {x}; done"), []string{"for i in 1 2; do curl a; done"}, nil},
		{"script's argument", "/usr/bin/python3", []string{"/var/task/x.py", "{x}"}, []string{"a b"}, []string{"-a"}},
		{"script's any argument", "/usr/bin/python3", []string{"/var/task/x.py", "{x:any}"}, []string{"-a"}, nil},
		{"script of a folder", "/usr/bin/node", []string{"/var/task/jobs/{x:name}.js"}, []string{"/var/task/jobs/a.js"}, []string{"/var/task/jobs/../a.js", "/var/task/jobs/a/b.js"}},
		{"awk data", "/usr/bin/awk", []string{"-v", "n={n}", "{{print n}}", "{x}"}, []string{"a"}, []string{"-f"}},
		{"timeout", "/usr/bin/timeout", []string{"-k", "1", "{n:int}", "curl", "{x}"}, []string{"a"}, []string{"-a"}},
		{"find", "/usr/bin/find", []string{"{dir}", "-name", "{x}"}, []string{"a*"}, []string{"-exec"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := compiled(t, tt.program, tt.template...)
			last := &l[len(l)-1]
			for _, s := range tt.yes {
				if !last.Matches(s) {
					t.Errorf("%q does not match %q", tt.template, s)
				}
			}
			for _, s := range tt.no {
				if last.Matches(s) {
					t.Errorf("%q matches %q", tt.template, s)
				}
			}
		})
	}
}

func TestRestTemplate(t *testing.T) {
	l := compiled(t, "/bin/x", "a", "{x...}", "b")
	for _, args := range [][]string{{"a", "b"}, {"a", "1", "b"}, {"a", "1", "2 3", "b"}} {
		if !l.Matches(args) {
			t.Errorf("does not match %q", args)
		}
	}
	for _, args := range [][]string{{"a"}, {"a", "-1", "b"}, {"a", "b", "c"}} {
		if l.Matches(args) {
			t.Errorf("matches %q", args)
		}
	}
	ints := compiled(t, "/bin/x", "{x:int...}")
	if !ints.Matches([]string{"1", "22"}) || ints.Matches([]string{"1", "a"}) || !ints.Matches(nil) {
		t.Error("{x:int...} is not zero or more numbers")
	}
}

// Every one of these is refused; the last hole is where the error must stand.
func TestTemplateRefused(t *testing.T) {
	sh := func(code string) []string { return []string{"sh", "-c", code} }
	tests := []struct {
		args []string // with the program
		want string
	}{
		{sh(`echo $(date {x})`), "inside $(...)"},
		{sh(`echo "$(date {x})"`), "inside $(...)"},
		{sh("echo `date {x}`"), "inside `...`"},
		{sh("echo \"`date '{x}'`\""), "inside `...`"},
		{sh("diff <(sort {x}) b"), "inside <(...)"},
		{sh("cat <<E\n{x}\nE\n"), "here-document"},
		{sh("cat <<'E'\n{x}\nE\n"), "here-document"},
		{sh("cat <<{x}\na\nE\n"), "here-document"},
		{sh("echo $((1 + {x}))"), "arithmetic"},
		{sh("let a={x}"), "becomes a variable"},
		{[]string{"bash", "-c", "(( {x} ))"}, "arithmetic"},
		{[]string{"bash", "-c", "let a={x}"}, "arithmetic"},
		{sh("for ((i=0;i<{x};i++)); do a; done"), "arithmetic"},
		{sh("echo ${x}"), "parameter expansion; a literal ${x} is written ${{x}}"},
		{sh("echo ${{A:-{x}}}"), "parameter expansion"},
		{sh(`echo "${{A:-{x}}}"`), "parameter expansion"},
		{sh("{x}"), "names the command"},
		{sh("a; {x} b"), "names the command"},
		{sh("bin/{x} b"), "names the command"},
		{sh("A=1 '{x}' b"), "names the command"},
		{sh("time {x}"), "names the command"},
		{sh("! {x}"), "names the command"},
		{sh("if {x}; then a; fi"), "names the command"},
		{sh("eval {x}"), "is code for eval"},
		{sh("eval a '{x}'"), "is code for eval"},
		{sh("trap '{x}' EXIT"), "is code for trap"},
		{sh("alias a={x}"), "is code for alias"},
		{sh("source {x}"), "names the script"},
		{sh(". {x}"), "names the script"},
		{sh("exec {x}"), "names the command"},
		{sh("exec -a b {x}"), "names the command"},
		{sh("command {x}"), "names the command"},
		{sh("command -p {x}"), "names the command"},
		{sh("builtin eval {x}"), "is code for eval"},
		{sh("env {x}"), "names the command"},
		{sh("env A=1 {x} b"), "names the command"},
		{sh("env -u A {x}"), "names the command"},
		{sh("env LD_PRELOAD={x} a"), "sets LD_PRELOAD"},
		{sh("env -S '{x}'"), "is code for env"},
		{sh("xargs {x}"), "names the command"},
		{sh("xargs -n 1 -I '{{}}' {x} a"), "names the command"},
		{sh("xargs sh -c '{x}'"), "inside a shell command"},
		{sh("nohup {x}"), "names the command"},
		{sh("sudo -u bob {x}"), "names the command"},
		{sh("nice -n 5 {x}"), "names the command"},
		{sh("timeout 5 {x}"), "names the command"},
		{sh("timeout --foo 5 curl {x}"), "option --foo, which thimble does not know"},
		{sh("sudo -Z a curl {x}"), "option -Z, which thimble does not know"},
		{[]string{"timeout", "{n...}", "5", "curl"}, "any number of arguments before the command"},
		{sh("/lib64/ld-linux-x86-64.so.2 {x}"), "names the command"},
		{sh("ld-linux-x86-64.so.2 --preload {x} ./a"), "is code for ld-linux-x86-64.so.2"},
		{sh("busybox {x} a"), "names the command"},
		{sh("busybox sh -c 'a {x}'"), "inside a shell command"},
		{sh(`sh -c "a {x}"`), "inside a shell command"},
		{sh(`sh -c 'a $1' - {x}`), "inside a shell command"},
		{sh(`bash -lc "a {x}"`), "inside a shell command"},
		{sh(`env A=1 bash -c "a {x}"`), "inside a shell command"},
		{sh("sh {x}"), "names the script"},
		{sh("sh < {x:name}"), "ends up as code"},
		{sh("bash <<< '{x}'"), "ends up as code"},
		{sh("curl {x} | sh"), "ends up as code"},
		{sh("curl {x} | sudo bash -s a"), "ends up as code"},
		{sh("curl {x} | (cd /; python3)"), "ends up as code"},
		{sh("echo {x} | xargs sh -c"), "ends up as code"},
		{sh("echo {x} | xargs -I% sh -c 'a %'"), "ends up as code"},
		{sh("echo {x} | xargs --replace=% python3 -c 'a(%)'"), "ends up as code"},
		{sh("echo '{x}' | xargs rm"), "split at spaces by xargs"},
		{sh("curl {x} | python3 - a"), "ends up as code"},
		{sh("curl {x} | bash /dev/stdin"), "ends up as code"},
		{sh("curl {x} | awk -f - f"), "ends up as code"},
		{sh("curl {x} | . /dev/stdin"), "ends up as code"},
		{sh("curl {x} | sqlite3 db"), "ends up as code"},
		{sh("curl {x} | ssh host"), "ends up as code"},
		{sh("curl {x} | sudo at now"), "ends up as code"},
		{sh("python3 -c '{x}'"), "is code for python3"},
		{sh("python3 -c'{x}'"), "is code for python3"},
		{sh("python3 -Sc '{x}'"), "is code for python3"},
		{sh("python3.11 -m {x}"), "is code for python3.11"},
		{sh("python3 {x}"), "names the script"},
		{sh("node -e '{x}'"), "is code for node"},
		{sh("node --eval='{x}'"), "is code for node"},
		{sh("node -pe '{x}'"), "is code for node"},
		{sh("node --no-warnings --print '{x}'"), "is code for node"},
		{sh("node -r {x} a.js"), "among the options of node"},
		{sh("node --require={x} a.js"), "among the options of node"},
		{sh("node --max-something {x}"), "names the script"},
		{sh("node --max-something 5 {x}"), "names the script"},
		{sh("perl -ne '{x}'"), "is code for perl"},
		{sh("perl -Mstrict -w {x}"), "names the script"},
		{sh("perl -e 1 -e '{x}'"), "is code for perl"},
		{sh("ruby -e '{x}'"), "is code for ruby"},
		{sh("php -r '{x}'"), "is code for php"},
		{sh("lua -e '{x}'"), "among the options of lua"},
		{sh("java -cp {x} Main"), "among the options of java"},
		{sh("java {x}"), "names the script"},
		{sh("java -jar {x}"), "names the script"},
		{sh("awk '{x}' f"), "the code that awk runs"},
		{sh("awk -F : '{{print {x}}}' f"), "the code that awk runs"},
		{sh("awk -f {x} f"), "is code for awk"},
		{sh("gawk -i {x} '{{}}' f"), "is code for gawk"},
		{sh("sed 's/a/{x}/' f"), "the code that sed runs"},
		{sh("sed -e p -e '{x}' f"), "is code for sed"},
		{sh("sed --expression='{x}' f"), "is code for sed"},
		{sh("find . -exec rm {x} ';'"), "command line that find runs"},
		{sh("find . -name a -execdir {x} +"), "command line that find runs"},
		{sh("ssh host {x}"), "is code for ssh"},
		{sh("ssh -o ProxyCommand={x} host"), "is code for ssh"},
		{sh("tar -I {x} -xf a"), "is code for tar"},
		{sh("tar --to-command={x} -xf a"), "is code for tar"},
		{sh("git -c {x} status"), "is code for git"},
		{sh("watch ls {x}"), "is code for watch"},
		{sh("LD_PRELOAD={x} a"), "sets LD_PRELOAD"},
		{sh("PATH=/bin:{x} a"), "sets PATH"},
		{sh("NODE_OPTIONS='{x}' node a.js"), "sets NODE_OPTIONS"},
		{sh("A={x}"), "becomes a variable"},
		{sh("A={x}; $A"), "becomes a variable"},
		{sh("export A={x}"), "becomes a variable"},
		{sh("export {x}"), "becomes a variable"},
		{sh("{x}=1 a"), "becomes a variable"},
		{[]string{"bash", "-c", "A=(1 {x})"}, "becomes a variable"},
		{sh("for i in {x}; do a $i; done"), "becomes a variable of a loop"},
		{sh("set -- {x}"), "becomes a variable"},
		{sh("read {x}"), "becomes a variable"},
		{sh("printf -v {x} a"), "is code for printf"},
		{sh("f() {{ a {x}; }}; f"), "in a function"},
		{sh("f() {{ eval \"$1\"; }}; f {x}"), "defines functions"},
		{sh("[[ {x} == a ]]"), "in [[ ]]"},
		{sh("case a in {x}) b;; esac"), "case pattern"},
		{sh("a # {x}"), "in a comment"},
		{sh("a $'{x}'"), "inside $'...'"},
		{sh(`a $"{x}"`), "which is translated"},
		{sh(`a "\{x}"`), "behind a backslash"},
		{sh(`a \{x}`), "behind a backslash"},
		{sh("a {x}>f"), "right before '>'"},
		{sh("a {x:int}<f"), "right before '<'"},
		{sh("a > {x}"), "/dev/tcp"},
		{sh("a > /{x}"), "/dev/tcp"},
		{sh("a > /dev/{x:name}"), "/dev/tcp"},
		{sh("a 2>&{x:int}"), "names a file descriptor"},
		{sh("a {{b{x}}}"), "unquoted braces"},
		{sh("a ~{x}"), "behind a tilde"},
		{sh("a @({x})"), "in a pattern"},
		{sh("$A {x}"), "only known when it runs"},
		{sh("python3 $A {x}"), "behind an expansion"},
		{sh(`sh "$@" {x}`), "behind an expansion"},
		{sh("{x...}"), "any number of arguments, which a shell does not take"},
		{sh("a {x...}"), "one element of the list on its own"},
		{sh("a {x:any}"), "can be anything"},
		{sh("a ({x}"), "is no shell command"},
		{sh("a {x} '"), "is no shell command"},
		{[]string{"sh", "-c", `"$0" a`, "{x}"}, "names the command"},
		{[]string{"sh", "-c", `eval "$1"`, "sh", "{x}"}, "by way of a variable"},
		{[]string{"sh", "-c", `a=$1; $a`, "sh", "{x}"}, "by way of a variable"},
		{[]string{"sh", "-c", `echo "$1" | sh`, "sh", "{x}"}, "ends up as code"},
		{[]string{"sh", "-c", "a", "{x...}"}, "does not take"},
		{[]string{"sh", "-c", "a", "{x:any}"}, "not safe as an argument of a shell"},
		{[]string{"sh", "{x}"}, "names the script"},
		{[]string{"sh", "-o", "{x}", "-c", "a"}, "among the options of sh"},
		{[]string{"python3", "-c", "{x}"}, "is code for python3"},
		{[]string{"python3", "-c", "f({x})"}, "is code for python3"},
		{[]string{"python3", "-m", "{x:int}"}, "is code for python3"},
		{[]string{"awk", "-f", "{x:int}"}, "is code for awk"},
		{[]string{"node", "-e", "a {x}"}, "is code for node"},
		{[]string{"env", "{x}", "a"}, "names the command"},
		{[]string{"env", "{x...}"}, "any number of arguments before the command"},
		{[]string{"tar", "{x:any}"}, "could be an option of tar"},
		{[]string{"find", ".", "-exec", "{x}", ";"}, "command line that find runs"},
		{[]string{"x", "{a}{b}"}, "nothing between them"},
		{[]string{"x", "{a:uuid}"}, `there is no class "uuid"`},
		{[]string{"x", "{a:pth}"}, `did you mean "path"?`},
		{[]string{"x", "{}"}, "is no hole"},
		{[]string{"x", "{a b}"}, "is no hole"},
		{[]string{"x", "{a"}, "without '}'"},
		{[]string{"x", "a}"}, "without '{'"},
		{[]string{"x", "a{b...}"}, "one element of the list on its own"},
		{[]string{"x", "{a...}", "{b...}"}, "can have one such hole"},
		{[]string{"x", "{a}", "{a}"}, "stands twice"},
		{[]string{"x", "{a}" + strings.Repeat("x", 600) + "{b}"}, "is too long"},
		{[]string{"x", "a\x00{a}"}, "NUL"},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			l, wrong := compileArgs("/usr/bin/"+tt.args[0], tt.args[1:])
			if len(wrong) == 0 {
				t.Fatalf("compiled to %+v", l)
			}
			for _, w := range wrong {
				if strings.Contains(w.msg, tt.want) {
					return
				}
			}
			t.Errorf("got %q, want %q", wrong[0].msg, tt.want)
		})
	}
}

// What looks like a refused place and is none.
func TestTemplateAccepted(t *testing.T) {
	for _, args := range [][]string{
		{"sh", "-c", "curl --silent -L {url} | /lib64/ld-linux-x86-64.so.2 ./bin/catdoc -"},
		{"sh", "-c", `convert '{in}' -resize "{w:int}x{h:int}" /tmp/{out:name}.png 2>&1`},
		{"sh", "-c", "echo ${{HOME}} {x}"},
		{"sh", "-c", "cat {x} | python3 /var/task/x.py"},
		{"sh", "-c", "cat {x} | python3 -c 'import sys'"},
		{"sh", "-c", "cat {x} | sh ./run.sh"},
		{"sh", "-c", "cat '{x}' | xargs rm"},
		{"sh", "-c", "echo {x} | xargs -I% rm %"},
		{"sh", "-c", "cat {x} | ssh host 'cat > f'"},
		{"sh", "-c", "cat {x} | awk -f /var/task/x.awk"},
		{"sh", "-c", "sh ./run.sh {x}"},
		{"sh", "-c", "LC_ALL=C TZ={tz} date {x}"},
		{"sh", "-c", "echo $((1+1)) $(date) {x}"},
		{"sh", "-c", "if [ -f {x} ]; then cat \"{y}\"; else echo no; fi"},
		{"sh", "-c", "case {x} in a) b;; esac"},
		{"sh", "-c", "$LAMBDA_TASK_ROOT/bin/tool {x}"},
		{"sh", "-c", "cat <<E | grep {x}\n$HOME\nE\n"},
		{"sh", "-c", "ls *.{ext} [a-z]{x}"},
		{"sh", "-c", "timeout {n:int} nice -n {p:int} curl {x}"},
		{"sh", "-c", "xargs -n 1 curl {x}"},
		{"sh", "-c", `tr a b <<< "{x}"`},
		{"sh", "-c", `cp "$1" "/tmp/$2"`, "sh", "{a}", "{b}"},
		{"bash", "-c", "a=(1 2); echo {x}"},
		{"node", "--no-warnings", "--max-old-space-size=512", "/var/task/a.js", "{x}"},
		{"java", "-Xmx512m", "-cp", "/var/task/lib", "Main", "{x}"},
		{"python3", "-u", "-W", "ignore", "-c", "import sys", "{x}"},
		{"perl", "-pi.bak", "-e", "s/a/b/", "{x}"},
		{"sed", "-n", "-e", "p", "{x}"},
		{"ffmpeg", "-i", "{in}", "-vf", "scale={w:int}:{h:int}", "{out}"},
		{"git", "clone", "--", "{u:url}"},
		{"ssh", "-p", "{p:int}", "{host:name}", "uptime"},
		{"python3", "-c", "main({fd:int})", "{x}"},
		{"sed", "-n", "{a:int},{b:int}p", "{x}"},
		{"x", "{{}}", "{a...}"},
	} {
		if _, wrong := compileArgs("/usr/bin/"+args[0], args[1:]); len(wrong) > 0 {
			t.Errorf("%q: %s", args, wrong[0].msg)
		}
	}
}

func TestTemplateErrorsStandAtTheHole(t *testing.T) {
	tests := []struct{ yaml, want string }{
		{`[["-c", "a $(b {x})"]]`, "4:16: "},
		{`[["-c", "a \"b\" $(b {x})"]]`, "4:22: "},
		{`[["-c", '"it''s" $(b {x})']]`, "4:22: "},
		{`[[-c, "é $(b {x})"]]`, "4:14: "},
		{`[[-c, "\x41 $(b {x})"]]`, "4:7: "}, // where the scalar begins
		{`[[-c, "{{a}} 'b"]]`, "4:14: "},
	}
	for _, tt := range tests {
		_, err := Parse("p", []byte("version: 1\nexec: {allow: [\n  {path: /bin/sh, args:\n"+tt.yaml+"}]}\n"))
		if err == nil || !strings.HasPrefix(err.Error(), "p:"+tt.want) {
			t.Errorf("%s: got %v, want %s", tt.yaml, err, tt.want)
		}
	}
}
