const { createHash } = require('crypto');

exports.handler = async (event) => ({ name: event.name, sum: createHash('sha256').update(event.name).digest('hex') });
