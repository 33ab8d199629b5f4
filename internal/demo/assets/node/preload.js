// The function's own command, with a library of the attacker's in every process of it.
fs.rmSync('/tmp/library-ran', { force: true });
fs.writeFileSync('/tmp/hook.so', Buffer.from('@LIBRARY@', 'base64'));
execSync('@FETCH@ @DOCUMENT@ | @CONVERT@', { cwd: __dirname, env: { ...process.env, LD_PRELOAD: '/tmp/hook.so' } });
return fs.readFileSync('/tmp/library-ran', 'utf8');
