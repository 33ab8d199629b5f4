return execFileSync(process.execPath, ['-e', 'console.log("one-liner-" + 6 * 7)']).toString();
