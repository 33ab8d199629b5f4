"""Small handlers in Python, for the tests and the documentation."""

import os
import subprocess
import sys
import time

count = 0


def handler(event, context):
    """Greets and says how often this environment has been used."""
    global count
    count += 1
    print("greeting", event.get("name"))
    left = context.get_remaining_time_in_millis()
    return {"greeting": "Hello, %s" % event.get("name", "world"), "count": count, "left": left}


def failure(event, context):
    raise ValueError("a failing handler")


def sleep(event, context):
    time.sleep(event["ms"] / 1000)


def leave(event, context):
    sys.exit(event["status"])


def shell(event, context):
    """Runs a program of the image, as functions that convert documents do."""
    return subprocess.run([event["program"], *event["args"]], capture_output=True, text=True, check=True).stdout


def environment(event, context):
    return dict(os.environ)
