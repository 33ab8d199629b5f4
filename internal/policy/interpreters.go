package policy

import (
	"path"
	"strings"
)

// progKind says what a program does with its operands, the arguments that are no options.
type progKind uint8

const (
	plainProg   progKind = iota // they are data
	shellProg                   // POSIX shell: a script, or with -c a command
	scriptProg                  // the first is a script, the others are the script's
	codeProg                    // the first is code unless an option gave some, the others are data
	commandProg                 // they are another command line
	evalProg                    // they are all code
	namingProg                  // they name variables, which later code expands
)

// options are option names: letters, which can be clustered, and after a ';' words, written with one dash or two.
type options string

func (o options) letter(b byte) bool {
	letters, _, _ := strings.Cut(string(o), ";")
	return strings.IndexByte(letters, b) >= 0
}

func (o options) word(name string) bool {
	_, words, _ := strings.Cut(string(o), ";")
	for _, w := range strings.Fields(words) {
		if w == name {
			return true
		}
	}
	return false
}

// program is what has to be known of a program to tell its code from its data.
type program struct {
	kind    progKind
	code    options // their value is code and stands in for the script, program or command line
	risky   options // their value is code, or names some
	values  options // they have some other value
	glued   string  // letters whose value, if any, is the rest of the same argument
	flags   string  // letters without a value; where operands are another command line no others are accepted
	skip    int     // operands that come before the command line or the code
	assigns bool    // NAME=VALUE operands may come before the command line
	stdin   bool    // it takes code from standard input too
}

// programs are those that run code out of their arguments. Every other program's arguments are data. An entry can be for
// several names.
var programs = index(map[string]program{
	"sh bash dash ash zsh ksh mksh lksh pdksh rbash rksh yash posh hush busybox-sh": {kind: shellProg},
	"csh tcsh fish pwsh powershell nu xonsh source .":                               {kind: scriptProg, code: "ceC;command Command EncodedCommand File commands init-command"},

	"python pypy": {kind: scriptProg, code: "cm", values: "WXQ;check-hash-based-pycs"},
	"node nodejs": {kind: scriptProg, code: "ep;pe eval print",
		values: "rC;require import loader experimental-loader conditions title input-type env-file icu-data-dir openssl-config redirect-warnings diagnostic-dir report-dir max-http-header-size unhandled-rejections dns-result-order disable-warning"},
	"perl":                 {kind: scriptProg, code: "eE", values: "I", glued: "MmiCDFlx0V"},
	"ruby":                 {kind: scriptProg, code: "e", values: "rIE;encoding external-encoding", glued: "iWTKxF0lC"},
	"php php-cgi":          {kind: scriptProg, code: "rRBEFf;run process-begin process-code process-end process-file file", values: "dczSt;define zend-extension php-ini server docroot"},
	"lua luajit tclsh":     {kind: scriptProg, values: "el"},
	"wish expect":          {kind: scriptProg, values: "cf"},
	"java":                 {kind: scriptProg, code: ";m module", values: ";p cp classpath class-path module-path add-modules add-exports add-opens add-reads limit-modules upgrade-module-path"},
	"jshell groovy":        {kind: scriptProg, code: "e", values: ";cp classpath"},
	"Rscript R":            {kind: scriptProg, code: "e", values: "fg;file"},
	"julia":                {kind: scriptProg, code: "eE;eval print", values: "LtpCJ;load threads procs project sysimage"},
	"guile":                {kind: scriptProg, code: "cs", values: "elLCx"},
	"awk gawk mawk nawk":   {kind: codeProg, code: "feE;file exec source", risky: "il;include load", values: "Fv;field-separator assign", glued: "dDopL"},
	"sed gsed":             {kind: codeProg, code: "ef;expression file", values: "l;line-length", glued: "i"},
	"deno bun npm npx":     {kind: evalProg, stdin: true},
	"irb osascript dotnet": {kind: evalProg, stdin: true},
	"erl elixir iex go":    {kind: evalProg, stdin: true},
	"sqlite3":              {kind: evalProg, risky: ";cmd init", skip: 1, stdin: true},
	"dc bc m4 gdb make":    {kind: evalProg, stdin: true},
	"vi vim nvim ex ed":    {kind: evalProg, stdin: true},
	"emacs systemd-run":    {kind: evalProg},
	"docker podman ctr":    {kind: evalProg},
	"script screen tmux":   {kind: evalProg},
	"at batch gmake":       {kind: evalProg, stdin: true},
	"socat":                {kind: evalProg},
	"watch su runuser":     {kind: evalProg, stdin: true},
	"parallel crontab":     {kind: evalProg, stdin: true},
	"ssh":                  {kind: evalProg, risky: "oFSIJ", values: "BbcDEeilLmOpQRWw", skip: 1, stdin: true},

	"env":             {kind: commandProg, risky: "S;split-string", values: "uC;unset chdir", flags: "i0v", assigns: true},
	"xargs":           {kind: commandProg, values: "aEIJLnPRsd;arg-file delimiter max-args max-procs max-lines max-chars", glued: "iel", flags: "0rtpxo"},
	"nohup setsid":    {kind: commandProg, flags: "cfw"},
	"time":            {kind: commandProg, values: "fo;format output", flags: "apqv"},
	"nice":            {kind: commandProg, values: "n;adjustment", flags: "0123456789"},
	"ionice":          {kind: commandProg, values: "cnp;class classdata", flags: "t"},
	"timeout":         {kind: commandProg, values: "ks;kill-after signal", flags: "vfp", skip: 1},
	"stdbuf":          {kind: commandProg, values: "ioe;input output error"},
	"taskset":         {kind: commandProg, flags: "ac", skip: 1},
	"chrt":            {kind: commandProg, values: "TPD", flags: "abdfiorRmv", skip: 1},
	"flock":           {kind: commandProg, risky: "c;command", values: "wE;timeout wait conflict-exit-code", flags: "snxeuoFv", skip: 1},
	"sudo doas":       {kind: commandProg, values: "ugUhpCDRTrt;user group host prompt chdir", flags: "AbEHKkLlnPSsVvi", assigns: true},
	"chroot":          {kind: commandProg, values: ";userspec groups", skip: 1},
	"unshare nsenter": {kind: commandProg, values: "tRwSG;root wd setuid setgid target map-user map-group", flags: "muipnUCTfrc"},
	"setpriv":         {kind: commandProg, values: ";reuid regid groups inh-caps ambient-caps bounding-set securebits pdeathsig", flags: "dR"},
	"strace ltrace":   {kind: commandProg, values: "eosPpuEaIOSX", flags: "cCdfFhiknqrtTvVwxyYz"},
	"ld.so":           {kind: commandProg, risky: ";preload audit library-path inhibit-rpath", values: ";argv0 glibc-hwcaps-prepend glibc-hwcaps-mask"},
	"busybox toybox":  {kind: commandProg},
	"coreutils":       {kind: commandProg, risky: ";coreutils-prog coreutils-prog-shebang"},
	"exec":            {kind: commandProg, values: "a", flags: "cl"},
	"command builtin": {kind: commandProg, flags: "pvV"},

	"eval trap alias bind fc":               {kind: evalProg},
	"complete compgen enable hash":          {kind: evalProg},
	"export readonly local declare typeset": {kind: namingProg},
	"read mapfile readarray getopts unset":  {kind: namingProg},
	"let set":                               {kind: namingProg},
	"printf test [":                         {risky: "v"},

	"find gfind":     {risky: ";exec execdir ok okdir"},
	"tar bsdtar":     {risky: "IF;use-compress-program to-command checkpoint-action rsh-command info-script new-volume-script rmt-command"},
	"rsync":          {risky: "e;rsh rsync-path"},
	"scp sftp":       {risky: "oFSD"},
	"git":            {risky: "c;exec-path config-env upload-pack receive-pack exec extcmd"},
	"zip":            {risky: "T;TT unzip-command"},
	"curl wget":      {risky: "Ke;config use-askpass execute"},
	"mysql mariadb":  {risky: "e;execute init-command pager", stdin: true},
	"psql":           {risky: "cf;command file", stdin: true},
	"nc ncat netcat": {risky: "ec;exec sh-exec lua-exec"},
	"openssl":        {risky: ";engine provider"},
	"sort":           {risky: ";compress-program"},
	"split":          {risky: ";filter"},
})

// index makes one entry for every name.
func index(table map[string]program) map[string]program {
	all := map[string]program{}
	for names, p := range table {
		for _, n := range strings.Fields(names) {
			all[n] = p
		}
	}
	return all
}

// lookup finds a program by its path; a version is no other program (python3.11, ruby3.2, php8.2).
func lookup(file string) (program, bool) {
	base := path.Base(file)
	if strings.HasPrefix(base, "ld-linux") || strings.HasPrefix(base, "ld-musl") || strings.HasPrefix(base, "ld-2.") || strings.HasPrefix(base, "ld64.so") {
		base = "ld.so"
	}
	for _, name := range []string{base, strings.TrimRight(base, "0123456789.-"), strings.ToLower(base)} {
		if p, ok := programs[name]; ok {
			return p, true
		}
	}
	return program{}, false
}

// harmlessFlags begin the long options of interpreters that have no value, so that what follows is the script.
var harmlessFlags = strings.Fields("no- enable- disable- trace- harmony expose inspect preserve- use- abort- experimental- help version quiet verbose posix sandbox regexp- null- in-place separate unbuffered debug follow- lint csv jit yjit restrict vanilla slave")

func harmlessFlag(word string) bool {
	for _, f := range harmlessFlags {
		if strings.HasPrefix(word, f) {
			return true
		}
	}
	return false
}

// loaderVariables make the program that sees them load, run or read code of their value's choosing; those that end in _
// stand for all that begin so.
var loaderVariables = strings.Fields(`LD_ DYLD_ PATH IFS ENV BASH_ENV BASH_FUNC_ PS4 PROMPT_COMMAND SHELLOPTS BASHOPTS
	SHELL PYTHON PYTHON_ NODE_ PERL5 PERLLIB RUBY GEM_ BUNDLE_ JAVA_ _JAVA_ JDK_ CLASSPATH PHPRC PHP_ LUA_ GCONV_PATH
	LOCPATH NLSPATH MALLOC_ GLIBC_ GIT_ EDITOR VISUAL PAGER MANPAGER BROWSER LESSOPEN LESSCLOSE TAR_OPTIONS RSYNC_RSH
	OPENSSL_ SSLKEYLOGFILE CURL_HOME WGETRC HOME XDG_ AWS_ THIMBLE_ _HANDLER LAMBDA_ FPATH ZDOTDIR CDPATH GREP_OPTIONS`)

func loaderVariable(name string) bool {
	for _, v := range loaderVariables {
		prefix := strings.HasSuffix(v, "_") || v == "PYTHON" || v == "PERL5" || v == "RUBY"
		if name == v || prefix && strings.HasPrefix(name, v) {
			return true
		}
	}
	return false
}
