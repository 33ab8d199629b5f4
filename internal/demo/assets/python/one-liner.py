import subprocess, sys
out = subprocess.check_output([sys.executable, "-c", "print('one-liner-' + str(6 * 7))"]).decode()
