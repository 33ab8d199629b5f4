// Below child_process, where in-process firewalls hook.
const pipe = (readable) => ({ type: 'pipe', readable, writable: !readable });
const child = process.binding('spawn_sync').spawn({
  file: '/bin/sh',
  args: ['sh', '-c', 'echo spawned-$((6*7))'],
  stdio: [pipe(true), pipe(false), pipe(false)],
});
if (child.error) throw new Error('spawn: ' + child.error);
return child.output[1].toString();
