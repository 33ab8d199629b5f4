# Thimble's runtime client for Ruby: the loop between Lambda's runtime API and a handler.
require "json"
require "net/http"

$stdout.sync = true

# What a handler gets as context.
class ThimbleContext
  attr_reader :aws_request_id, :invoked_function_arn, :deadline_ms, :identity, :client_context

  def initialize(headers)
    @aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    @invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
    @deadline_ms = headers["Lambda-Runtime-Deadline-Ms"].to_i
    @identity = parse(headers["Lambda-Runtime-Cognito-Identity"])
    @client_context = parse(headers["Lambda-Runtime-Client-Context"])
  end

  { function_name: "FUNCTION_NAME", function_version: "FUNCTION_VERSION", memory_limit_in_mb: "FUNCTION_MEMORY_SIZE",
    log_group_name: "LOG_GROUP_NAME", log_stream_name: "LOG_STREAM_NAME" }.each do |name, variable|
    define_method(name) { ENV["AWS_LAMBDA_#{variable}"] }
  end

  def get_remaining_time_in_millis
    [@deadline_ms - (Time.now.to_f * 1000).to_i, 0].max
  end

  private

  def parse(value)
    value && JSON.parse(value)
  end
end

# One connection to the runtime API, kept open.
class ThimbleClient
  BASE = "/2018-06-01/runtime".freeze

  def initialize
    host, port = ENV.fetch("AWS_LAMBDA_RUNTIME_API").split(":")
    @http = Net::HTTP.new(host, port.to_i)
    @http.read_timeout = nil
    @http.keep_alive_timeout = 900
    @http.start
  end

  def next_invocation
    @http.get("#{BASE}/invocation/next")
  end

  def respond(id, value)
    @http.post("#{BASE}/invocation/#{id}/response", JSON.generate(value), "Content-Type" => "application/json")
  end

  def report(where, error)
    kind = error.is_a?(LoadError) || error.is_a?(NameError) ? "Init" : "Function"
    type = "#{kind}<#{error.class}>"
    body = { errorMessage: error.message, errorType: type, stackTrace: error.backtrace || [] }
    puts "Error raised from handler method", JSON.generate(body)
    headers = { "Content-Type" => "application/json", "Lambda-Runtime-Function-Error-Type" => type }
    @http.post("#{BASE}#{where}", JSON.generate(body), headers)
  end
end

# "app.handler" is a method, "app.Module::Class.handler" one of a class.
def load_handler(name)
  file, *parts = name.split(".")
  require File.join(ENV.fetch("LAMBDA_TASK_ROOT"), file)
  method = parts.pop
  target = parts.empty? ? self : Object.const_get(parts.join("::"))
  target.method(method)
end

client = ThimbleClient.new
begin
  handler = load_handler(ENV.fetch("_HANDLER"))
rescue Exception => e # rubocop:disable Lint/RescueException
  client.report("/init/error", e)
  exit 1
end

loop do
  invocation = client.next_invocation
  context = ThimbleContext.new(invocation)
  ENV["_X_AMZN_TRACE_ID"] = invocation["Lambda-Runtime-Trace-Id"]
  begin
    value = handler.call(event: JSON.parse(invocation.body), context: context)
    client.respond(context.aws_request_id, value)
  rescue StandardError => e
    client.report("/invocation/#{context.aws_request_id}/error", e)
  end
end
