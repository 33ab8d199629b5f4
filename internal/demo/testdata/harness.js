// The least that a runtime does: events on stdin, one a line; responses on descriptor 3.
const { handler } = require(process.env.LAMBDA_TASK_ROOT + '/index.js');
const answers = require('fs').createWriteStream(null, { fd: 3 });
require('readline').createInterface({ input: process.stdin }).on('line', async (line) => {
  answers.write(JSON.stringify(await handler(JSON.parse(line))) + '\n');
});
