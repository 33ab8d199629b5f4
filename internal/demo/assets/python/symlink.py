# A forbidden program under a name of the attacker's choice.
import os, subprocess, sys
if os.path.lexists("/tmp/viewer"):
    os.unlink("/tmp/viewer")
os.symlink(os.path.realpath(sys.executable), "/tmp/viewer")
out = subprocess.check_output(["/tmp/viewer", "-c", "print('linked-' + str(6 * 7))"]).decode()
