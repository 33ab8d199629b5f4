# Straight into the C library, below os and subprocess, where in-process firewalls hook.
import ctypes
ctypes.CDLL(None).system(b"echo spawned-$((6*7)) > /tmp/spawned")
out = open("/tmp/spawned").read()
