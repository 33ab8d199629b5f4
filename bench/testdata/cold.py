# The shortest useful Python program: one line out, then the end.
print("ready", flush=True)
