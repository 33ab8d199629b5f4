// A document converter with two flaws, written for `thimble demo`. Do not deploy it.
//
// The first is that of OWASP's ServerlessGoat: the document's address is pasted into a shell command. The second is the
// code-injection flaw that many template features have: a visitor's template is evaluated.
'use strict';

const { execFileSync, execSync } = require('child_process');
const fs = require('fs');

const page = (body) => ({ statusCode: 200, headers: { 'Content-Type': 'text/plain' }, body });

function convert(address) {
  return execSync(`@FETCH@ ${address} | @CONVERT@`, { cwd: __dirname }).toString();
}

exports.handler = async (event) => {
  const query = event.queryStringParameters || {};
  try {
    if (query.about) return page(execFileSync('./bin/about', { cwd: __dirname }).toString());
    const text = convert(query.document_url);
    fs.writeFileSync('/tmp/last.txt', text);
    if (query.template) return page(String(eval('`' + query.template + '`')));
    return page(text);
  } catch (err) {
    return { statusCode: 500, body: String(err.message) };
  }
};
