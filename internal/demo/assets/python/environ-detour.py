import os
out = open(f"/proc/{os.getpid()}/task/{os.getpid()}/../../environ").read()
