"""Thimble's runtime client for Python: the loop between Lambda's runtime API and a handler."""

import http.client
import importlib
import json
import logging
import os
import sys
import time
import traceback

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
BASE = "/2018-06-01/runtime"
MAX_LOG_FRAMES = 50


class Context:
    """What a handler gets as its second argument."""

    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers.get("Lambda-Runtime-Invoked-Function-Arn")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.client_context = parse(headers.get("Lambda-Runtime-Client-Context"))
        self.identity = parse(headers.get("Lambda-Runtime-Cognito-Identity"))
        self._deadline = int(headers.get("Lambda-Runtime-Deadline-Ms", 0))

    def get_remaining_time_in_millis(self):
        return max(self._deadline - int(time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))


def parse(value):
    return json.loads(value) if value else None


class RuntimeError_(Exception):
    """An error of the client's own, with Lambda's name for it."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


class LogFormatter(logging.Formatter):
    """Lambda's format: level, time, request ID and message, separated by tabs."""

    request_id = ""

    def format(self, record):
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        head = "[%s]\t%s.%03dZ\t%s\t" % (record.levelname, stamp, record.msecs, LogFormatter.request_id)
        return head + super().format(record)


def setup_logging():
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LogFormatter())
    logging.getLogger().addHandler(handler)


def setup_path():
    """sys.path as Lambda has it: the code, then the layers, then what the interpreter brings."""
    version = "python%d.%d" % sys.version_info[:2]
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    sys.path[1:1] = ["/opt/python/lib/%s/site-packages" % version, "/opt/python"]


def load(name):
    module_name, _, function_name = name.rpartition(".")
    if not module_name:
        raise RuntimeError_("Runtime.MalformedHandlerName", "Bad handler '%s': not enough values to unpack" % name)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as err:
        raise RuntimeError_("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module_name, err)) from err
    except SyntaxError as err:
        message = "Syntax error in module '%s': %s" % (module_name, err)
        raise RuntimeError_("Runtime.UserCodeSyntaxError", message) from err
    try:
        return getattr(module, function_name)
    except AttributeError:
        message = "Handler '%s' missing on module '%s'" % (function_name, module_name)
        raise RuntimeError_("Runtime.HandlerNotFound", message) from None


def describe(err, request_id=""):
    kind = getattr(err, "kind", type(err).__name__)
    frames = [] if isinstance(err, RuntimeError_) else traceback.format_list(traceback.extract_tb(err.__traceback__)[1:])
    return {"errorMessage": str(err), "errorType": kind, "requestId": request_id, "stackTrace": frames}


class Client:
    """One connection to the runtime API, kept open."""

    def __init__(self):
        self.connection = http.client.HTTPConnection(API)

    def call(self, method, where, body=None, headers=None):
        self.connection.request(method, BASE + where, body=body, headers=headers or {})
        response = self.connection.getresponse()
        return response, response.read()

    def report(self, where, description):
        headers = {"Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": description["errorType"]}
        print("[ERROR] %s: %s" % (description["errorType"], description["errorMessage"]))
        for frame in description["stackTrace"][:MAX_LOG_FRAMES]:
            sys.stdout.write(frame)
        sys.stdout.flush()
        self.call("POST", where, json.dumps(description).encode(), headers)


def encode(value):
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except (TypeError, ValueError) as err:
        message = "Unable to marshal response: %s" % err
        raise RuntimeError_("Runtime.MarshalError", message) from err


def serve(client, handler):
    while True:
        response, body = client.call("GET", "/invocation/next")
        context = Context(response.headers)
        LogFormatter.request_id = context.aws_request_id
        os.environ["_X_AMZN_TRACE_ID"] = response.headers.get("Lambda-Runtime-Trace-Id", "")
        where = "/invocation/" + context.aws_request_id
        try:
            answer = encode(handler(json.loads(body), context))
        except Exception as err:
            client.report(where + "/error", describe(err, context.aws_request_id))
            continue
        sys.stdout.flush()
        response, body = client.call("POST", where + "/response", answer, {"Content-Type": "application/json"})
        if response.status != 202:
            print("response refused: %d %s" % (response.status, body.decode(errors="replace")), flush=True)


def main():
    setup_logging()
    setup_path()
    client = Client()
    try:
        handler = load(os.environ["_HANDLER"])
    except Exception as err:
        client.report("/init/error", describe(err))
        sys.exit(1)
    serve(client, handler)


if __name__ == "__main__":
    main()
