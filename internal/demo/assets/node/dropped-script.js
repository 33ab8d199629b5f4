fs.writeFileSync('/tmp/update.sh', 'echo script-$((6*7))');
return execFileSync('/bin/sh', ['/tmp/update.sh']).toString();
