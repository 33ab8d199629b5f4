import subprocess
open("/tmp/update.sh", "w").write("echo script-$((6*7))")
out = subprocess.check_output(["/bin/sh", "/tmp/update.sh"]).decode()
