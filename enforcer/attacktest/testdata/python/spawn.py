"""Every way in which Python starts a program: spawn.py METHOD TARGET MARKER. Says "error N" or "status N"."""
import asyncio
import ctypes
import errno
import importlib.util
import multiprocessing
import os
import pty
import shutil
import subprocess
import sys

METHODS = {}


def method(f):
    METHODS[f.__name__.strip("_").replace("_", "-")] = f
    return f


def say(text):
    os.write(1, (text + "\n").encode())


def status(n):
    say(f"status {n}")


def argv():
    return [TARGET, MARKER]


def command():
    return f"{TARGET} {MARKER}"


def output(data):
    say(f"read: {data.strip().decode() if isinstance(data, bytes) else data.strip()}")


# subprocess: vfork by default, fork with preexec_fn, posix_spawn with close_fds=False

@method
def subprocess_run():
    status(subprocess.run(argv()).returncode)


@method
def subprocess_call():
    status(subprocess.call(argv()))


@method
def subprocess_check_output():
    output(subprocess.check_output(argv()))


@method
def subprocess_getstatusoutput():
    say(repr(subprocess.getstatusoutput(command())))


@method
def subprocess_Popen():
    p = subprocess.Popen(argv(), stdout=subprocess.PIPE)
    output(p.communicate()[0])
    status(p.returncode)


@method
def subprocess_shell():
    status(subprocess.run(command(), shell=True).returncode)


@method
def subprocess_preexec():
    status(subprocess.run(argv(), preexec_fn=os.getpid).returncode)


@method
def subprocess_posix_spawn():
    status(subprocess.run(argv(), close_fds=False).returncode)


@method
def subprocess_executable():
    status(subprocess.run(["harmless", MARKER], executable=TARGET).returncode)


@method
def subprocess_empty_env():
    status(subprocess.run(argv(), env={}).returncode)


@method
def subprocess_session():
    status(subprocess.run(argv(), start_new_session=True, cwd="/").returncode)


@method
def fork_exec_internal():
    import _posixsubprocess
    error_r, error_w = os.pipe()
    pid = _posixsubprocess.fork_exec(
        [os.fsencode(a) for a in argv()], [os.fsencode(TARGET)], True, (error_w,), None, None,
        -1, -1, -1, -1, -1, -1, error_r, error_w, True, False, 0, None, None, None, -1, None, True)
    os.close(error_w)
    say(f"read: {os.read(error_r, 100)!r}")
    status(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


@method
def asyncio_exec():
    async def main():
        p = await asyncio.create_subprocess_exec(*argv())
        status(await p.wait())
    asyncio.run(main())


@method
def asyncio_shell():
    async def main():
        p = await asyncio.create_subprocess_shell(command())
        status(await p.wait())
    asyncio.run(main())


# os

@method
def os_system():
    status(os.waitstatus_to_exitcode(os.system(command())))


@method
def os_popen():
    f = os.popen(command())
    output(f.read())
    say(f"close {f.close()}")


def replacing(name, call):
    METHODS[name] = call


replacing("os-execv", lambda: os.execv(TARGET, argv()))
replacing("os-execve", lambda: os.execve(TARGET, argv(), os.environ))
replacing("os-execve-empty", lambda: os.execve(TARGET, argv(), {}))
replacing("os-execve-fd", lambda: os.execve(os.open(TARGET, os.O_RDONLY), argv(), os.environ))
replacing("os-execvp", lambda: os.execvp(TARGET, argv()))
replacing("os-execvpe", lambda: os.execvpe(TARGET, argv(), os.environ))
replacing("os-execl", lambda: os.execl(TARGET, *argv()))
replacing("os-execle", lambda: os.execle(TARGET, *argv(), os.environ))
replacing("os-execlp", lambda: os.execlp(TARGET, *argv()))
replacing("os-execlpe", lambda: os.execlpe(TARGET, *argv(), os.environ))
replacing("os-spawnv", lambda: status(os.spawnv(os.P_WAIT, TARGET, argv())))
replacing("os-spawnve", lambda: status(os.spawnve(os.P_WAIT, TARGET, argv(), os.environ)))
replacing("os-spawnvp", lambda: status(os.spawnvp(os.P_WAIT, TARGET, argv())))
replacing("os-spawnvpe", lambda: status(os.spawnvpe(os.P_WAIT, TARGET, argv(), os.environ)))
replacing("os-spawnl", lambda: status(os.spawnl(os.P_WAIT, TARGET, *argv())))
replacing("os-spawnle", lambda: status(os.spawnle(os.P_WAIT, TARGET, *argv(), os.environ)))
replacing("os-spawnlp", lambda: status(os.spawnlp(os.P_WAIT, TARGET, *argv())))
replacing("os-spawnlpe", lambda: status(os.spawnlpe(os.P_WAIT, TARGET, *argv(), os.environ)))


def wait(pid):
    status(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


@method
def os_posix_spawn():
    wait(os.posix_spawn(TARGET, argv(), os.environ))


@method
def os_posix_spawnp():
    wait(os.posix_spawnp(TARGET, argv(), os.environ))


@method
def os_fork_exec():
    pid = os.fork()
    if pid == 0:
        try:
            os.execv(TARGET, argv())
        except OSError as e:
            os._exit(100 + e.errno)
    wait(pid)


@method
def pty_spawn():
    status(os.waitstatus_to_exitcode(pty.spawn(argv())))


# multiprocessing starts an interpreter of its own: the attacker points it elsewhere. Without DROP_FROM (the benign
# twin) it is used as it is meant.

def greet():
    say("a worker ran")


def by_multiprocessing(kind):
    if "DROP_FROM" in os.environ:
        os.environ["MARKER"] = MARKER
        sys.stderr = open(os.devnull, "w")
        multiprocessing.set_executable(TARGET)
    context = multiprocessing.get_context(kind)
    p = context.Process(target=greet)
    p.start()
    p.join()
    status(p.exitcode)


@method
def multiprocessing_spawn():
    by_multiprocessing("spawn")


@method
def multiprocessing_forkserver():
    try:
        by_multiprocessing("forkserver")
    except OSError:  # which one depends on when the server was found dead
        say("no server")


def execv_or_say():
    try:
        os.execv(TARGET, argv())
    except OSError as e:
        say(f"error {e.errno}")


@method
def multiprocessing_fork():
    context = multiprocessing.get_context("fork")
    p = context.Process(target=execv_or_say)
    p.start()
    p.join()
    status(p.exitcode)


# ctypes and cffi: straight into libc, past everything in Python

def libc():
    return ctypes.CDLL(LIBC, use_errno=True)


def vector(*strings):
    return (ctypes.c_char_p * (len(strings) + 1))(*[os.fsencode(s) for s in strings], None)


def fails():
    say(f"error {errno.errorcode.get(ctypes.get_errno())}")


@method
def ctypes_system():
    status(os.waitstatus_to_exitcode(libc().system(command().encode())))


@method
def ctypes_popen():
    c = libc()
    c.popen.restype = ctypes.c_void_p
    c.pclose.argtypes = [ctypes.c_void_p]
    status(os.waitstatus_to_exitcode(c.pclose(c.popen(command().encode(), b"w"))))


@method
def ctypes_execve():
    libc().execve(TARGET.encode(), vector(*argv()), vector())
    fails()


@method
def ctypes_execl():
    libc().execl(TARGET.encode(), TARGET.encode(), MARKER.encode(), None)
    fails()


@method
def ctypes_self_execv():
    ctypes.CDLL(None, use_errno=True).execv(TARGET.encode(), vector(*argv()))
    fails()


@method
def ctypes_posix_spawn():
    pid = ctypes.c_int()
    error = libc().posix_spawn(ctypes.byref(pid), TARGET.encode(), None, None, vector(*argv()), vector())
    if error:
        say(f"error {errno.errorcode.get(error)}")
    else:
        wait(pid.value)


@method
def ctypes_syscall():
    libc().syscall(EXECVE, TARGET.encode(), vector(*argv()), vector())
    fails()


@method
def cffi_execve():
    import cffi
    ffi = cffi.FFI()
    ffi.cdef("int execve(const char *path, char *const argv[], char *const envp[]);")
    keep = [ffi.new("char[]", a.encode()) for a in argv()]
    ffi.dlopen(None).execve(TARGET.encode(), ffi.new("char *[]", keep + [ffi.NULL]), ffi.new("char *[]", [ffi.NULL]))
    say(f"error {errno.errorcode.get(ffi.errno)}")


def drop():
    source = os.environ.get("DROP_FROM")
    if source:
        shutil.copyfile(source, TARGET)
        os.chmod(TARGET, int(os.environ.get("DROP_MODE", "755"), 8))


LIBC = "libc.so.6"
EXECVE = {"x86_64": 59, "aarch64": 221}[os.uname().machine]

# A multiprocessing child imports this file under another name: it must not start over.
if __name__ == "__main__":
    if sys.argv[1] == "list":
        if not importlib.util.find_spec("cffi"):
            del METHODS["cffi-execve"]
        print("\n".join(METHODS))
        sys.exit()
    TARGET, MARKER = sys.argv[2:4]
    drop()
    try:
        METHODS[sys.argv[1]]()
    except subprocess.CalledProcessError as e:
        status(e.returncode)
    except OSError as e:
        say(f"error {errno.errorcode.get(e.errno)} {e.filename}")
