import base64, ctypes, os
if os.path.exists("/tmp/library-ran"):
    os.unlink("/tmp/library-ran")
open("/tmp/addon.so", "wb").write(base64.b64decode("@LIBRARY@"))
ctypes.CDLL("/tmp/addon.so")
out = open("/tmp/library-ran").read()
