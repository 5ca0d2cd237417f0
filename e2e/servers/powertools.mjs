// Runs a function that Powertools for AWS Lambda (TypeScript) makes idempotent. Each line of standard input starts a call,
// or ends the wait of one. Each line of standard output is the outcome of a call, or says that one waits.
//
//   {"call":1,"order":{"ID":"o-1","Total":12},"remaining":1000}   starts call 1
//   … "fails":true                                                makes it fail
//   … "held":true                                                 makes it print {"call":1,"started":true} and wait
//   … "validates":true                                            makes Powertools compare totals
//   {"end":1}                                                     ends the wait of call 1
import { createInterface } from "node:readline";
import { IdempotencyConfig, makeIdempotent } from "@aws-lambda-powertools/idempotency";
import { DynamoDBPersistenceLayer } from "@aws-lambda-powertools/idempotency/dynamodb";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

const [endpoint, tableName] = process.argv.slice(2);
const client = new DynamoDBClient({ endpoint, region: "eu-west-1", credentials: { accessKeyId: "x", secretAccessKey: "x" } });
const held = new Map();

const say = (what) => console.log(JSON.stringify(what));

async function handle({ call, order, remaining, fails, held: isHeld, validates }) {
  const config = new IdempotencyConfig({
    eventKeyJmesPath: "ID",
    ...(validates ? { payloadValidationJmesPath: "Total" } : {}),
  });
  config.registerLambdaContext({ getRemainingTimeInMillis: () => remaining });
  let called = false;
  const charge = makeIdempotent(
    async (order) => {
      called = true;
      if (isHeld) {
        const ended = new Promise((end) => held.set(call, end));
        say({ call, started: true });
        await ended;
      }
      if (fails) throw new Error("declined");
      return { Order: order.ID, Paid: order.Total, By: "TypeScript" };
    },
    { persistenceStore: new DynamoDBPersistenceLayer({ tableName, awsSdkV3Client: client }), config },
  );
  try {
    say({ call, result: await charge(order), called });
  } catch (error) {
    say({ call, error: error.name, message: error.message, called });
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if (request.end) held.get(request.end)();
  else handle(request);
}
process.exit(0);
