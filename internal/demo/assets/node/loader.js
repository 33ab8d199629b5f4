// The dynamic loader ships with the function and runs whatever it is given.
fs.copyFileSync('@ECHO@', '/tmp/reader');
return execFileSync('@LOADER@', ['/tmp/reader', 'loaded-' + 6 * 7]).toString();
