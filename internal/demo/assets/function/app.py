"""A document converter with two flaws, written for `thimble demo`. Do not deploy it.

The first is that of OWASP's ServerlessGoat: the document's address is pasted into a shell command. The second is the
code-injection flaw that many template features have: a visitor's template is evaluated.
"""

import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


def page(body):
    return {"statusCode": 200, "headers": {"Content-Type": "text/plain"}, "body": body}


def output(command, **options):
    return subprocess.check_output(command, cwd=HERE, **options).decode(errors="replace")


def convert(address):
    return output(f"@FETCH@ {address} | @CONVERT@", shell=True)


def handler(event, context):
    query = event.get("queryStringParameters") or {}
    try:
        if query.get("about"):
            return page(output(["./bin/about"]))
        text = convert(query["document_url"])
        with open("/tmp/last.txt", "w") as last:
            last.write(text)
        if query.get("template"):
            return page(str(eval("f'''" + query["template"] + "'''")))
        return page(text)
    except Exception as err:
        return {"statusCode": 500, "body": str(err)}
