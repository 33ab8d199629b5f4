import base64, os, subprocess
fd = os.memfd_create("cache", 0)
os.write(fd, base64.b64decode("@PROGRAM@"))
out = subprocess.check_output([f"/proc/{os.getpid()}/fd/{fd}"]).decode()
