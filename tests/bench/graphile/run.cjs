// Trivial jobs through graphile-worker: jobs per second, from the first claim to the last completion.
// node run.cjs CONNECTION_STRING JOBS LOCAL_QUEUE_SIZE (0: without a local queue)
const { run, makeWorkerUtils } = require("graphile-worker");

async function main([connectionString, count, size]) {
  const jobs = Number(count), local = Number(size), concurrency = 24;
  const utils = await makeWorkerUtils({ connectionString });
  await utils.migrate();
  await utils.withPgClient((client) =>
    client.query("SELECT graphile_worker.add_job('step', json_build_object('n', n)) FROM generate_series(1, $1) n", [jobs]));
  await utils.release();
  let done = 0;
  let finish;
  const finished = new Promise((resolve) => (finish = resolve));
  const worker = local
    ? { localQueue: { size: local }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }
    : {};
  const began = process.hrtime.bigint();
  const runner = await run({
    preset: { worker: { connectionString, concurrentJobs: concurrency, maxPoolSize: concurrency + 2, ...worker } },
    logger: new (require("@graphile/logger").Logger)(() => () => {}),
    taskList: { step: () => { if (++done === jobs) finish(); } },
  });
  await finished;
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  await runner.stop();
  console.log(JSON.stringify({ perSecond: jobs / seconds }));
}

main(process.argv.slice(2)).catch((error) => { console.error(error); process.exit(1); });
