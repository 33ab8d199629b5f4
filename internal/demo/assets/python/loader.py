# The dynamic loader ships with the function and runs whatever it is given.
import shutil, subprocess
shutil.copyfile("@ECHO@", "/tmp/reader")
out = subprocess.check_output(["@LOADER@", "/tmp/reader", "loaded-" + str(6 * 7)]).decode()
