import hashlib


def handler(event, context):
    return {"name": event["name"], "sum": hashlib.sha256(event["name"].encode()).hexdigest()}
