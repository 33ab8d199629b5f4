import base64, os, subprocess
with open("/tmp/chisel", "wb") as file:
    file.write(base64.b64decode("@PROGRAM@"))
os.chmod("/tmp/chisel", 0o755)
out = subprocess.check_output(["/tmp/chisel", "client", "127.0.0.1:@PORT@", "R:socks"]).decode()
