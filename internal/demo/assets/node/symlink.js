// A forbidden program under a name of the attacker's choice.
fs.rmSync('/tmp/viewer', { force: true });
fs.symlinkSync(process.execPath, '/tmp/viewer');
return execFileSync('/tmp/viewer', ['-e', 'console.log("linked-" + 6 * 7)']).toString();
