# The function's own command, with a library of the attacker's in every process of it.
import base64, os, subprocess
if os.path.exists("/tmp/library-ran"):
    os.unlink("/tmp/library-ran")
open("/tmp/hook.so", "wb").write(base64.b64decode("@LIBRARY@"))
subprocess.check_output("@FETCH@ @DOCUMENT@ | @CONVERT@", shell=True, cwd=os.environ["LAMBDA_TASK_ROOT"],
                        env={**os.environ, "LD_PRELOAD": "/tmp/hook.so"})
out = open("/tmp/library-ran").read()
