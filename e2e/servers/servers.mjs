// Starts the SQS and Kinesis servers on free ports of 127.0.0.1, prints both
// addresses as one line of JSON, and ends when its standard input does, so that
// it cannot outlive the test that started it.
import { createRequire } from "node:module";
import { buildApp } from "fauxqs";

const kinesalite = createRequire(import.meta.url)("kinesalite");

const sqs = buildApp({ logger: false, host: "127.0.0.1" });
const sqsURL = await sqs.listen({ host: "127.0.0.1", port: 0 });

const kinesis = kinesalite({ createStreamMs: 0, shardLimit: 100 });
await new Promise((listening) => kinesis.listen(0, "127.0.0.1", listening));
const kinesisURL = `http://127.0.0.1:${kinesis.address().port}`;

console.log(JSON.stringify({ sqs: sqsURL, kinesis: kinesisURL }));

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
