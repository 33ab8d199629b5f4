# A warm function without a runtime client: one event a line in, one response a line out.
import hashlib
import json
import sys


def handler(event):
    return {"name": event["name"], "sum": hashlib.sha256(event["name"].encode()).hexdigest()}


for line in sys.stdin:
    print(json.dumps(handler(json.loads(line))), flush=True)
