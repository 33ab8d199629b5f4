// The shortest useful Node program: one line out, then the end.
console.log('ready');
