package doctor

// probes is every question, in the order of the report. An id is part of the format: it is never given another meaning.
var probes = []probe{
	{
		id: "kernel", asks: "Which kernel is it?", look: lookKernel,
		yes: "The enforcer needs no more than Linux 3.19; what it uses beyond that is asked for below.",
		no:  "The enforcer runs on Linux alone.",
	},
	{
		id: "cpu", asks: "Is there an enforcer for this CPU?", look: lookCPU,
		yes: "The enforcer is built for it.",
		no:  "The enforcer cannot run: it exists for amd64 and arm64.",
	},
	{
		id: "libc", asks: "Is the C library one that the enforcer works under (glibc 2.26 or later, or musl)?", look: lookLibc,
		yes: "The enforcer can hook the functions that start programs.",
		no:  "The enforcer is not made for this C library; it may start and cover nothing.",
	},
	{
		id: "uid", asks: "Do functions run without root here?", look: lookUID,
		yes: "What shipped with the function and the age of files cannot be forged from inside it.",
		no:  "Root inside the function can remount, set the clock and so forge what \"shipped with it\" means. Run it as another user.",
	},
	{
		id: "no_new_privs", asks: "May a process set no_new_privs?", try: tryNoNewPrivs,
		yes: "An unprivileged process may prepare for a seccomp filter.",
		no:  "An unprivileged process cannot prepare for a seccomp filter.",
	},
	{
		id: "seccomp", asks: "May a process install a seccomp filter?", try: trySeccomp,
		yes: "The kernel tier (seal) would be possible.",
		no:  "The kernel tier (seal) is not possible: system calls that native code issues itself cannot be refused.",
	},
	{
		id: "pr_set_name", asks: "May a process set its name?", try: trySetName,
		yes: "A program that runs by descriptor gets its own name back.",
		no:  "A program that runs by descriptor shows the descriptor's number as its process name; nothing else changes.",
	},
	{
		id: "pr_set_pdeathsig", asks: "May a process ask to be ended with its parent?", try: tryDeathSignal,
		yes: "Nothing: the enforcer does not need it.",
		no:  "Nothing: the enforcer does not need it.",
	},
	{
		id: "ptrace", asks: "May a process be traced (PTRACE_TRACEME)?", try: tryPtrace,
		yes: "An attacker may use it too: the enforcer refuses ptrace through libc, not a system call that native code issues itself.",
		no:  "The platform refuses this way into another process by itself.",
	},
	{
		id: "process_vm_readv", asks: "May a process read the memory of its child?", try: tryReadMemory,
		yes: "An attacker may read (and write) the function's other processes: the enforcer refuses it through libc, not a " +
			"system call that native code issues itself.",
		no: "The platform refuses this way into another process by itself.",
	},
	{
		id: "landlock", asks: "Is Landlock there?", try: tryLandlock,
		yes: "A later tier could restrict files through the kernel; the enforcer does not use it.",
		no:  "Files cannot be restricted through the kernel; the enforcer does not rely on it.",
	},
	{
		id: "user_namespaces", asks: "May a process make a user namespace?", try: tryUserNamespace,
		yes: "An attacker may become root of a namespace of their own, which opens more of the kernel to them.",
		no:  "The platform closes this part of the kernel by itself.",
	},
	{
		id: "memfd", asks: "May a process make a file in memory (memfd_create)?", try: tryMemfd,
		yes: "A program may be hidden there; see memfd_exec.",
		no:  "No program can be hidden in memory files.",
	},
	{
		id: "memfd_exec", asks: "Does a program in a memory file run?", try: tryMemfdExec,
		yes: "Attackers run programs that way; the enforcer refuses it (memory).",
		no:  "The platform refuses it by itself.",
	},
	{
		id: "io_uring", asks: "Is io_uring there?", try: tryIOUring,
		yes: "Files opened through a ring are not seen by the enforcer; programs cannot be started through one.",
		no:  "No files are opened behind the enforcer's back that way.",
	},
	{
		id: "tmp_writable", asks: "Is /tmp writable?", look: lookTempWritable,
		yes: "Attackers can leave files there; tmp and exec refuse to run or load them.",
		no:  "Nothing can be dropped in /tmp. Probes that need a file could not be asked.",
	},
	{
		id: "exec_tmp", asks: "Does a program in /tmp run?", try: tryExecTemp, files: true,
		yes: "Dropped programs would run; the enforcer refuses them (exec, tmp).",
		no:  "The platform refuses it by itself.",
	},
	{
		id: "root_read_only", asks: "Is the root file system read-only?", look: lookReadOnly("/"),
		yes: "What shipped with the function is known by its mount: the strongest form of children: image.",
		no: "What shipped with the function is told by its age (unchanged since before the function started), which no " +
			"unprivileged process can forge.",
	},
	{
		id: "task_read_only", asks: "Is /var/task, the function's code, read-only?", look: lookReadOnly("/var/task"),
		yes: "The function cannot be changed from inside.",
		no:  "Files there count as shipped only while they are older than the function's start.",
	},
	{
		id: "opt_read_only", asks: "Is /opt, where layers are, read-only?", look: lookReadOnly("/opt"),
		yes: "The enforcer and its policy cannot be changed there from inside.",
		no:  "Whoever may write there can replace the enforcer and its policy: keep it from the function's user.",
	},
	{
		id: "dev_shm", asks: "Is /dev/shm there and writable?", look: lookShm,
		yes: "One more place where files can be dropped; it is treated like /tmp.",
		no:  "One place less where files can be dropped.",
	},
	{
		id: "fallocate", asks: "May a process allocate file space (fallocate)?", try: tryFallocate, files: true,
		yes: "Nothing: the enforcer does not need it.",
		no:  "Nothing: the enforcer does not need it.",
	},
	{
		id: "proc", asks: "Is /proc mounted?", look: lookProc,
		yes: "Programs are judged by their canonical paths.",
		no:  "Canonical paths are unknown: entries of exec.allow match by the path that the caller gives or not at all.",
	},
	{
		id: "proc_self_exe", asks: "Is /proc/self/exe readable?", look: lookProcSelfExe,
		yes: "Who starts a program is known (from).",
		no:  "Who starts a program may be unknown: entries with from may not match.",
	},
	{
		id: "openat2", asks: "Is openat2 there?", try: tryOpenat2,
		yes: "A program on a read-only mount runs under its own path.",
		no:  "Every program runs by its descriptor; its path in /proc/self/exe is the same.",
	},
	{
		id: "execveat_empty_path", asks: "Can a program run by its descriptor alone (execveat with AT_EMPTY_PATH)?",
		try: tryExecveat,
		yes: "What was judged is what runs, wherever the file is.",
		no:  "A program runs through /proc/self/fd instead, which needs /proc.",
	},
	{
		id: "lease_tmp", asks: "Are there file leases on /tmp?", try: tryLease, files: true,
		yes: "While a file's digest is taken nobody else can write to it.",
		no:  "A file that is allowed by digest alone could be written to between the check and its start.",
	},
	{
		id: "text_private", asks: "Can mapped program text be made writable and executable again?", try: tryText,
		yes: "The entries of the C library can be patched.",
		no:  "Entries of the C library cannot be patched; the enforcer names what it could not hook.",
	},
	{
		id: "ld_preload", asks: "Does the dynamic loader load the enforcer, and does it start?", look: (*examination).preload,
		yes: "The library tier is active in every dynamic program.",
		no:  "The enforcer cannot run here.",
	},
}
