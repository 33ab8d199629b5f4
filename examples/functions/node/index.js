// Small handlers in Node, for the tests and the documentation.
const { execFileSync } = require("node:child_process");

let count = 0;

// handler greets and says how often this environment has been used.
exports.handler = async (event) => {
  count += 1;
  console.log("greeting", event.name);
  return { greeting: `Hello, ${event.name ?? "world"}`, count, trace: process.env._X_AMZN_TRACE_ID };
};

// callback answers in the older way.
exports.callback = (event, context, callback) => {
  setTimeout(() => callback(null, { id: context.awsRequestId, left: context.getRemainingTimeInMillis() }), 5);
};

exports.failure = async () => {
  throw new TypeError("a failing handler");
};

exports.sleep = (event) => new Promise((resolve) => setTimeout(resolve, event.ms));

exports.exit = async (event) => process.exit(event.status);

// shell runs a program of the image, as functions that convert documents do.
exports.shell = async (event) => execFileSync(event.program, event.args, { encoding: "utf8" });

exports.environment = async () => process.env;

// large answers with as many bytes as asked for.
exports.large = async (event) => "x".repeat(event.bytes);

// streaming answers in pieces, and fails half-way when told so.
exports.streaming = awslambda.streamifyResponse(async (event, stream) => {
  stream.setContentType("text/plain");
  stream.write("one ");
  await new Promise((resolve) => setTimeout(resolve, 10));
  if (event.fail) {
    throw new RangeError("a stream that broke");
  }
  stream.write("two ");
  stream.end("three");
});
