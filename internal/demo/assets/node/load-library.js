fs.rmSync('/tmp/library-ran', { force: true });
fs.writeFileSync('/tmp/addon.node', Buffer.from('@LIBRARY@', 'base64'));
try {
  process.dlopen({ exports: {} }, '/tmp/addon.node');
} catch (err) {
  // Its initialiser has run by the time that Node finds no module in it.
}
return fs.readFileSync('/tmp/library-ran', 'utf8');
