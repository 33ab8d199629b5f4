// Thimble's runtime client for Node: the loop between Lambda's runtime API and a handler.
import { createRequire } from "node:module";
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import http from "node:http";
import path from "node:path";
import util from "node:util";

const require = createRequire(import.meta.url);
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const streaming = Symbol.for("aws.lambda.runtime.handler.streaming");
let requestId = "";

function call(method, where, headers = {}, body) {
  return new Promise((resolve, reject) => {
    const req = http.request({ host, port, method, path: "/2018-06-01/runtime" + where, agent, headers }, (res) => {
      const chunks = [];
      res.on("data", (chunk) => chunks.push(chunk));
      res.on("end", () => resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks).toString() }));
    });
    req.on("error", reject);
    req.end(body);
  });
}

function describe(err) {
  if (!(err instanceof Error)) {
    return { errorType: typeof err, errorMessage: String(err), trace: [] };
  }
  return { errorType: err.name, errorMessage: err.message, trace: (err.stack || "").split("\n") };
}

async function report(where, description) {
  const body = JSON.stringify(description);
  const headers = { "Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": description.errorType };
  console.error("Error", body);
  await call("POST", where, headers, body);
}

function patchConsole() {
  const levels = { log: "INFO", info: "INFO", debug: "DEBUG", trace: "TRACE", warn: "WARN", error: "ERROR" };
  for (const [name, level] of Object.entries(levels)) {
    console[name] = (...args) => {
      const text = `${new Date().toISOString()}\t${requestId || "undefined"}\t${level}\t${util.format(...args)}`;
      process.stdout.write(text.replace(/\n/g, "\r") + "\n");
    };
  }
}

function streamifyGlobals() {
  globalThis.awslambda = {
    streamifyResponse(handler, options) {
      handler[streaming] = options || true;
      return handler;
    },
    HttpResponseStream: {
      from(stream, prelude) {
        stream.setContentType("application/vnd.awslambda.http-integration-response");
        stream.write(JSON.stringify(prelude));
        stream.write(Buffer.alloc(8));
        return stream;
      },
    },
  };
}

async function load(root, name) {
  const at = name.indexOf(".", name.lastIndexOf("/") + 1);
  const base = path.resolve(root, name.slice(0, at));
  const file = ["", ".js", ".mjs", ".cjs"].map((ending) => base + ending).find((f) => existsSync(f) && !f.endsWith("/"));
  if (!file) {
    throw Object.assign(new Error(`Cannot find module '${name.slice(0, at)}'`), { name: "Runtime.ImportModuleError" });
  }
  let module;
  try {
    module = file.endsWith(".mjs") ? await import(pathToFileURL(file)) : await requireOrImport(file);
  } catch (err) {
    const kind = err instanceof SyntaxError ? "Runtime.UserCodeSyntaxError" : "";
    const missing = err.code === "MODULE_NOT_FOUND" || err.code === "ERR_MODULE_NOT_FOUND";
    throw kind || missing ? Object.assign(err, { name: kind || "Runtime.ImportModuleError" }) : err;
  }
  let found = module;
  for (const part of name.slice(at + 1).split(".")) {
    found = found?.[part] ?? found?.default?.[part];
  }
  if (typeof found !== "function") {
    const reason = found === undefined ? "is undefined or not exported" : "is not a function";
    throw Object.assign(new Error(`${name} ${reason}`), { name: "Runtime.HandlerNotFound" });
  }
  return found;
}

async function requireOrImport(file) {
  try {
    return require(file);
  } catch (err) {
    if (err.code === "ERR_REQUIRE_ESM" || /Cannot use import statement|Unexpected token 'export'/.test(err.message)) {
      return import(pathToFileURL(file));
    }
    throw err;
  }
}

function contextFor(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const parse = (value) => (value ? JSON.parse(value) : undefined);
  return {
    awsRequestId: requestId,
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parse(headers["lambda-runtime-client-context"]),
    identity: parse(headers["lambda-runtime-cognito-identity"]),
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

// A handler answers by its promise, by the callback, or by context.done and its relatives; whatever comes first. One
// that does neither answers null when nothing is left to wait for.
function buffered(handler, event, context) {
  return new Promise((resolve, reject) => {
    let answer = null;
    const drained = () => resolve(answer);
    const done = (err, value) => {
      if (err !== null && err !== undefined) {
        return reject(err);
      }
      answer = value;
      return context.callbackWaitsForEmptyEventLoop ? undefined : resolve(value);
    };
    const now = (err, value) => ((context.callbackWaitsForEmptyEventLoop = false), done(err, value));
    Object.assign(context, { done: now, succeed: (value) => now(null, value), fail: (err) => now(err ?? new Error("failed")) });
    process.removeAllListeners("beforeExit");
    const returned = handler(event, context, done);
    if (typeof returned?.then === "function") {
      returned.then(resolve, reject);
    } else {
      process.once("beforeExit", drained);
    }
  });
}

async function respond(id, value) {
  let body;
  try {
    body = value === undefined ? "null" : JSON.stringify(value);
  } catch (err) {
    throw Object.assign(new Error("Unable to stringify response body"), { name: "Runtime.MarshalError", cause: err });
  }
  const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body ?? "null") };
  const res = await call("POST", `/invocation/${id}/response`, headers, body ?? "null");
  if (res.status !== 202) {
    console.error("response refused", res.status, res.body);
  }
}

function stream(handler, event, context, id) {
  return new Promise((resolve, reject) => {
    const headers = {
      "Content-Type": "application/octet-stream",
      "Lambda-Runtime-Function-Response-Mode": "streaming",
      Trailer: "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
      "Transfer-Encoding": "chunked",
    };
    const where = `/2018-06-01/runtime/invocation/${id}/response`;
    const req = http.request({ host, port, method: "POST", path: where, agent, headers }, (res) => {
      res.resume();
      res.on("end", resolve);
    });
    req.on("error", reject);
    req.setContentType = (type) => req.setHeader("Content-Type", type);
    const run = async () => handler(event, req, context);
    run().catch((err) => {
      const description = describe(err);
      req.flushHeaders();
      req.addTrailers({
        "Lambda-Runtime-Function-Error-Type": description.errorType,
        "Lambda-Runtime-Function-Error-Body": Buffer.from(JSON.stringify(description)).toString("base64"),
      });
      req.end();
    });
  });
}

async function serve(handler) {
  for (;;) {
    const next = await call("GET", "/invocation/next");
    requestId = next.headers["lambda-runtime-aws-request-id"];
    process.env._X_AMZN_TRACE_ID = next.headers["lambda-runtime-trace-id"] || "";
    const context = contextFor(next.headers);
    const event = JSON.parse(next.body);
    const id = requestId;
    try {
      if (handler[streaming]) {
        await stream(handler, event, context, id);
      } else {
        await respond(id, await buffered(handler, event, context));
      }
    } catch (err) {
      await report(`/invocation/${id}/error`, describe(err));
    }
  }
}

function dieOn(event, name, status) {
  process.on(event, async (reason) => {
    const description = name ? { ...describe(reason), errorType: name } : describe(reason);
    const where = requestId ? `/invocation/${requestId}/error` : "/init/error";
    try {
      await report(where, description);
    } finally {
      process.exit(status);
    }
  });
}

patchConsole();
streamifyGlobals();
dieOn("uncaughtException", "", 129);
dieOn("unhandledRejection", "Runtime.UnhandledPromiseRejection", 128);
try {
  const handler = await load(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
  await serve(handler);
} catch (err) {
  await report("/init/error", describe(err)).catch(() => {});
  process.exit(1);
}
