// An HTTP server: answers every request with its running number, and keeps connections open.
'use strict';
const http = require('node:http');

let number = 0;
const server = http.createServer((request, response) => {
  response.setHeader('content-type', 'text/plain');
  response.end(`${++number}\n`);
});
server.keepAliveTimeout = 120_000;
server.listen(7000, '0.0.0.0', () => console.log('serving on 7000'));
