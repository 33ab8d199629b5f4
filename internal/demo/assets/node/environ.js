return fs.readFileSync('/proc/self/environ', 'utf8');
