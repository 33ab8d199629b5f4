# The least that a runtime does: events on stdin, one a line; responses on descriptor 3.
import json, os, sys
sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
import app
answers = os.fdopen(3, "w")
for line in sys.stdin:
    answers.write(json.dumps(app.handler(json.loads(line), None)) + "\n")
    answers.flush()
