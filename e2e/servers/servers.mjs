// Starts the SQS, Kinesis and DynamoDB servers on free ports of 127.0.0.1, and prints their
// addresses as one line of JSON. It exits when its standard input ends, so it cannot outlive
// the test that started it.
import { createRequire } from "node:module";
import { buildApp } from "fauxqs";

const require = createRequire(import.meta.url);
const kinesalite = require("kinesalite");
const dynalite = require("dynalite");

const sqs = buildApp({ logger: false, host: "127.0.0.1" });
const sqsURL = await sqs.listen({ host: "127.0.0.1", port: 0 });

async function listening(server) {
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return `http://127.0.0.1:${server.address().port}`;
}

const kinesisURL = await listening(kinesalite({ createStreamMs: 0, shardLimit: 100 }));
const dynamoDBURL = await listening(dynalite({ createTableMs: 0 }));

console.log(JSON.stringify({ sqs: sqsURL, kinesis: kinesisURL, dynamoDB: dynamoDBURL }));

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
