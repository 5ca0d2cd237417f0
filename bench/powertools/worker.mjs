// Measures a handler of Powertools for AWS Lambda: `node worker.mjs source mode payload`.
// Each line of standard input is a number. The program handles that many invocations
// and prints their cost. `node worker.mjs source mode payload once` prints the response
// to one invocation.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import {
  BatchProcessor,
  BatchProcessorSync,
  EventType,
  processPartialResponse,
  processPartialResponseSync,
} from '@aws-lambda-powertools/batch';

const [source, mode, file, once] = process.argv.slice(2);

const accept = (order) => {
  if (order.total < 0) {
    throw new Error(`order ${order.id}: refused`);
  }
};

const orderIn = (image) => ({
  id: image.id.S,
  customer: image.customer.S,
  total: Number(image.total.N),
  lines: image.lines.L.map(({ M }) => ({ sku: M.sku.S, quantity: Number(M.quantity.N) })),
});

const sources = {
  sqs: {
    type: EventType.SQS,
    handle: (record) => accept(JSON.parse(record.body)),
  },
  kinesis: {
    type: EventType.KinesisDataStreams,
    handle: (record) => accept(JSON.parse(Buffer.from(record.kinesis.data, 'base64').toString('utf8'))),
  },
  dynamodb: {
    type: EventType.DynamoDBStreams,
    handle: (record) => accept(orderIn(record.dynamodb.NewImage)),
  },
};

const { type, handle } = sources[source];
const context = {};

const modes = {
  sync: () => {
    const processor = new BatchProcessorSync(type);
    return (payload) =>
      Buffer.from(
        JSON.stringify(
          processPartialResponseSync(JSON.parse(payload.toString('utf8')), handle, processor, { context }),
        ),
      );
  },
  async: () => {
    const processor = new BatchProcessor(type);
    const handleAsync = async (record) => handle(record);
    return async (payload) =>
      Buffer.from(
        JSON.stringify(
          await processPartialResponse(JSON.parse(payload.toString('utf8')), handleAsync, processor, { context }),
        ),
      );
  },
};

const invoke = modes[mode]();
const payload = readFileSync(file);

const invokeSync = (times) => {
  for (let i = 0; i < times; i++) {
    invoke(payload);
  }
};

const invokeAsync = async (times) => {
  for (let i = 0; i < times; i++) {
    await invoke(payload);
  }
};

const measure = async (times) => {
  const cpu = process.cpuUsage();
  const began = process.hrtime.bigint();
  if (mode === 'sync') {
    invokeSync(times);
  } else {
    await invokeAsync(times);
  }
  const wall = process.hrtime.bigint() - began;
  const { user, system } = process.cpuUsage(cpu);
  return { wall: Number(wall), cpu: (user + system) * 1000 };
};

if (once) {
  process.stdout.write(await invoke(payload));
} else {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await measure(Number(line)))}\n`);
  }
}
