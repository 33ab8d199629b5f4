# Small handlers in Ruby, for the tests and the documentation.

$count = 0

# handler greets and says how often this environment has been used.
def handler(event:, context:)
  $count += 1
  puts "greeting #{event['name']}"
  { greeting: "Hello, #{event['name'] || 'world'}", count: $count, id: context.aws_request_id }
end

def failure(event:, context:)
  raise ArgumentError, "a failing handler"
end
