// Every way in which Node starts a program: node spawn.js METHOD TARGET MARKER. Says "error CODE" or "status N".
'use strict';
const child = require('child_process');
const fs = require('fs');
const { promisify } = require('util');
const { Worker, isMainThread, workerData } = require('worker_threads');

const [method, target, marker] = isMainThread ? process.argv.slice(2) : workerData;
const command = `${target} ${marker}`;

const say = (text) => fs.writeSync(1, text + '\n');
const sayError = (e) => say(`error ${e.code ?? e.errno ?? e} ${e.syscall ?? ''}`);
const sayOutput = (out) => out && say(`read: ${String(out).trim()}`);

function saySync(r) {
  sayOutput(r.stdout);
  if (r.error) sayError(r.error);
  else say(`status ${r.status}`);
}

function sayAsync(c) {
  if (c.stdout) c.stdout.on('data', sayOutput);
  c.on('error', sayError);
  c.on('exit', (status) => say(`status ${status}`));
}

// exec's and execFile's callback.
function done(e, stdout) {
  sayOutput(stdout);
  if (e) say(`error ${e.code} ${e.syscall ?? ''}`);
  else say('status 0');
}

function trySync(f) {
  try {
    sayOutput(f());
    say('status 0');
  } catch (e) {
    sayOutput(e.stdout);
    say(`error ${e.code ?? ''} status ${e.status}`);
  }
}

const withoutWarning = (f) => {
  process.removeAllListeners('warning');
  process.on('warning', () => {});
  return f();
};

const methods = {
  exec: () => child.exec(command, done),
  'exec-promise': () => promisify(child.exec)(command).then((r) => sayOutput(r.stdout), (e) => say(`error ${e.code}`)),
  execFile: () => child.execFile(target, [marker], done),
  'execFile-shell': () => child.execFile(target, [marker], { shell: true }, done),
  spawn: () => sayAsync(child.spawn(target, [marker])),
  'spawn-inherit': () => sayAsync(child.spawn(target, [marker], { stdio: 'inherit' })),
  'spawn-shell': () => sayAsync(child.spawn(command, { shell: true })),
  'spawn-shell-path': () => sayAsync(child.spawn(command, { shell: '/bin/bash' })),
  'spawn-detached': () => sayAsync(child.spawn(target, [marker], { detached: true })),
  'spawn-argv0': () => sayAsync(child.spawn(target, [marker], { argv0: 'node' })),
  'spawn-env': () => sayAsync(child.spawn(target, [marker], { env: {} })),
  'fork-execPath': () => sayAsync(child.fork(marker, { execPath: target, execArgv: [], silent: true })),
  execSync: () => trySync(() => child.execSync(command, { stdio: 'pipe' })),
  execFileSync: () => trySync(() => child.execFileSync(target, [marker], { stdio: 'pipe' })),
  spawnSync: () => saySync(child.spawnSync(target, [marker])),
  'spawnSync-shell': () => saySync(child.spawnSync(command, { shell: true })),
  // What a compromised dependency uses to get past a patched child_process.
  'binding-spawn_sync': () => withoutWarning(() => {
    const r = process.binding('spawn_sync').spawn({
      file: target,
      args: [target, marker],
      envPairs: [],
      stdio: [{ type: 'pipe', readable: true, writable: false }, { type: 'inherit', fd: 1 }, { type: 'inherit', fd: 2 }],
    });
    say(r.error ? `error ${r.error}` : `status ${r.status}`);
  }),
  'binding-process_wrap': () => withoutWarning(() => {
    const { Process } = process.binding('process_wrap');
    const p = new Process();
    p.onexit = (status) => say(`status ${status}`);
    const error = p.spawn({ file: target, args: [target, marker], envPairs: [], stdio: [] });
    if (error) say(`error ${error}`);
  }),
  worker: () => {
    if (!isMainThread) return saySync(child.spawnSync(target, [marker]));
    new Worker(__filename, { workerData: [method, target, marker] });
  },
  'worker-async': () => {
    if (!isMainThread) return sayAsync(child.spawn(target, [marker]));
    new Worker(__filename, { workerData: [method, target, marker] });
  },
  cluster: () => {
    const cluster = require('cluster');
    cluster.setupPrimary({ exec: marker, execArgv: [], silent: true });
    process.execPath = target;
    const w = cluster.fork();
    w.on('error', sayError);
    w.on('exit', (status) => say(`status ${status}`));
  },
};

function drop() {
  if (!process.env.DROP_FROM || !isMainThread) return;
  fs.copyFileSync(process.env.DROP_FROM, target);
  fs.chmodSync(target, parseInt(process.env.DROP_MODE ?? '755', 8));
}

if (method === 'list') {
  Object.keys(methods).forEach((m) => say(m));
} else if (methods[method]) {
  drop();
  methods[method]();
} else {
  process.exitCode = 2;
}
