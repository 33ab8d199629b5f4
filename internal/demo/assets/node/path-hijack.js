// The function asks for its downloader by name: put another one first.
fs.mkdirSync('/tmp/bin', { recursive: true });
fs.writeFileSync('/tmp/bin/@FETCHER@', Buffer.from('@PROGRAM@', 'base64'), { mode: 0o755 });
const env = { ...process.env, PATH: '/tmp/bin:' + process.env.PATH };
return execSync('@FETCH@ @DOCUMENT@ | @CONVERT@', { cwd: __dirname, env }).toString();
