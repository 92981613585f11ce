// PostGraphile on one port: node run.cjs DATABASE_URL PORT
const http = require("node:http");
const { postgraphile } = require("postgraphile");

const [url, port] = process.argv.slice(2);
const middleware = postgraphile(url, "public", {
  disableDefaultMutations: true,
  disableQueryLog: true,
  ignoreRBAC: true,
  retryOnInitFail: false,
});
http.createServer(middleware).listen(Number(port), "127.0.0.1");
