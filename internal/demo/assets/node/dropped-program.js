fs.writeFileSync('/tmp/update', Buffer.from('@PROGRAM@', 'base64'), { mode: 0o755 });
return execFileSync('/tmp/update').toString();
