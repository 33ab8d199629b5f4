# Every way in which Perl starts a program: spawn.pl METHOD TARGET MARKER. Says "error N" or "status N".
use strict;
use warnings;
no warnings 'exec';
use File::Copy ();
use IPC::Open2 ();
use IPC::Open3 ();
use POSIX ();

$| = 1;
my ($method, $target, $marker) = @ARGV;
my $command = $method eq 'list' ? '' : "$target $marker";
my $execve = (POSIX::uname())[4] eq 'x86_64' ? 59 : 221;

sub status { print $? == -1 ? 'error ' . ($! + 0) . "\n" : 'status ' . ($? >> 8) . "\n" }
sub fails  { print 'error ' . ($! + 0) . "\n" }

sub from {
    my ($mode, @command) = @_;
    open(my $handle, $mode, @command) or return fails();
    print "read: $_" while <$handle>;
    close $handle;
    status();
}

sub drain {
    my ($pid, $out) = @_;
    return fails() unless $pid;
    print "read: $_" while <$out>;
    waitpid $pid, 0;
    status();
}

sub forked {
    my ($run) = @_;
    my $pid = fork;
    if ($pid == 0) { $run->(); POSIX::_exit(100 + $!) }
    waitpid $pid, 0;
    status();
}

my %methods = (
    'system-list'    => sub { system $target, $marker; status() },
    'system-command' => sub { system $command; status() },
    'system-shell'   => sub { system "true && $command"; status() },
    'system-object'  => sub { system {$target} 'harmless', $marker; status() },
    'exec-list'      => sub { exec $target, $marker; fails() },
    'exec-command'   => sub { exec $command; fails() },
    'exec-shell'     => sub { exec "true && $command"; fails() },
    'backticks'      => sub { my $out = `$command`; print 'read: ', $out // '', "\n"; status() },
    'qx-shell'       => sub { my $out = qx(true; $command); print 'read: ', $out // '', "\n"; status() },
    'open-list'      => sub { from('-|', $target, $marker) },
    'open-command'   => sub { from('-|', $command) },
    'open-two'       => sub { open(my $h, "$command |") or return fails(); print 'read: ', <$h>; close $h; status() },
    'open-write'     => sub { open my $h, '|-', $target, $marker or return fails(); close $h; status() },
    'fork-exec'      => sub { forked(sub { exec $target, $marker }) },
    'open2'          => sub { my ($out, $in); drain(scalar eval { IPC::Open2::open2($out, $in, $target, $marker) }, $out) },
    'open3'          => sub { my ($out, $in); drain(scalar eval { IPC::Open3::open3($in, $out, undef, $target, $marker) }, $out) },
    'empty-env'      => sub { local %ENV = (); system $target, $marker; status() },
    'syscall'        => sub {
        my $argv = pack 'ppx![J]J', $target, $marker, 0;
        my $envp = pack 'J', 0;
        syscall $execve, $target, $argv, $envp;
        fails();
    },
);

if ($method eq 'list') {
    print "$_\n" for sort keys %methods;
    exit;
}
if ($ENV{DROP_FROM}) {
    File::Copy::copy($ENV{DROP_FROM}, $target);
    chmod oct($ENV{DROP_MODE} // '755'), $target;
}
$methods{$method}->();
