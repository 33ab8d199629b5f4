# Every way in which Ruby starts a program: spawn.rb METHOD TARGET MARKER. Says "error NAME" or "status N".
require 'fileutils'
require 'fiddle'
require 'open3'
require 'pty'

$stdout.sync = true
METHOD, TARGET, MARKER = ARGV
COMMAND = "#{TARGET} #{MARKER}"
EXECVE = RUBY_PLATFORM.start_with?('x86_64') ? 59 : 221

def status(s = $?)
  puts "status #{s.exitstatus}"
end

def wait(pid)
  status(Process.wait2(pid)[1])
end

def read(text)
  puts "read: #{text.to_s.strip}"
end

# A C vector of strings that ends in NULL, for Fiddle and syscall.
def vector(*strings)
  (strings.map { |s| [s].pack('p').unpack1('J') } + [0]).pack('J*')
end

def libc(name, *types)
  Fiddle::Function.new(Fiddle.dlopen('libc.so.6')[name], types, Fiddle::TYPE_INT)
end

def errno(number)
  puts "error #{SystemCallError.new(nil, number).class}"
end

METHODS = {
  'spawn' => -> { wait spawn(TARGET, MARKER) },
  'spawn-command' => -> { wait spawn(COMMAND) },
  'spawn-argv0' => -> { wait spawn([TARGET, 'harmless'], MARKER) },
  'spawn-unsetenv' => -> { wait spawn(TARGET, MARKER, unsetenv_others: true) },
  'Process.spawn-options' => -> { wait Process.spawn(TARGET, MARKER, pgroup: true, chdir: '/', in: '/dev/null') },
  'system' => -> { read system(TARGET, MARKER).inspect; status },
  'system-exception' => -> { system(TARGET, MARKER, exception: true) },
  'system-shell' => -> { read system("true && #{COMMAND}").inspect; status },
  'backticks' => -> { read `#{COMMAND}`; status },
  'backticks-shell' => -> { read `#{COMMAND}; true`; status },
  'exec' => -> { exec(TARGET, MARKER) },
  'exec-shell' => -> { exec("true && #{COMMAND}") },
  'fork-exec' => -> { wait(fork { exec(TARGET, MARKER) rescue exit!(100 + $!.errno) }) },
  'IO.popen-array' => -> { read IO.popen([TARGET, MARKER], &:read); status },
  'IO.popen-command' => -> { read IO.popen(COMMAND, &:read); status },
  'open-pipe' => -> { read open("|#{COMMAND}", &:read); status },
  'Open3.capture3' => -> { out, _, s = Open3.capture3(TARGET, MARKER); read out; status s },
  'Open3.popen2e' => -> { Open3.popen2e(TARGET, MARKER) { |_, out, t| read out.read; status t.value } },
  'PTY.spawn' => -> { wait PTY.spawn(TARGET, MARKER)[2] },
  'thread' => -> { Thread.new { wait spawn(TARGET, MARKER) }.join },
  # The arguments go as numbers: strings with NUL bytes are refused.
  'syscall' => -> { syscall(EXECVE, *[TARGET, vector(TARGET, MARKER), vector].map { |s| Fiddle::Pointer[s].to_i }) },
  'Fiddle-system' => -> { puts "status #{libc('system', Fiddle::TYPE_VOIDP).call(COMMAND) >> 8}" },
  'Fiddle-execve' => lambda {
    libc('execve', *[Fiddle::TYPE_VOIDP] * 3).call(TARGET, vector(TARGET, MARKER), vector)
    errno Fiddle.last_error
  }
}.freeze

if METHOD == 'list'
  puts METHODS.keys
  exit
end
if ENV['DROP_FROM']
  FileUtils.cp(ENV['DROP_FROM'], TARGET)
  File.chmod(ENV.fetch('DROP_MODE', '755').to_i(8), TARGET)
end
Thread.report_on_exception = false
begin
  $VERBOSE = nil
  METHODS.fetch(METHOD).call
rescue SystemCallError => e
  puts "error #{e.class}"
end
