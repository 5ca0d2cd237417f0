/*
Package once makes functions idempotent. It calls a function once per key, however often a record with that key
is delivered.

Queues and streams deliver every record at least once, and a sender that retries sends a second message with
another ID. So the key is not the record's ID. It is a key from the data, such as the number of an order:

	keys := once.DynamoDB(dynamodb.NewFromConfig(cfg), "idempotency")
	receipts := batch.TryMap(orders, once.Map(keys, Order.Key, charge)) // func(context.Context, Order) (Receipt, error)

[Map] wraps functions that return a value. [Each] wraps functions that only return an error. The wrapped
function has the same signature, so it fits into [batch.TryMap] and similar stages, and into other wrappers. The
results of functions are kept in a [Store]: [DynamoDB] in production, [Memory] in tests.

# What a call does

The first call with a key claims the key, runs the function and saves the result. From then on the key is done.
While the claim lasts, all other calls with that key fail.

	the call                                  the store                the record
	is the first: the function succeeds       saves the result         goes on with the result
	is the first: it fails or panics          frees the key            fails with that error
	finds the key claimed by another call     does not change          fails with ErrInProgress
	finds the key done                        does not change          goes on with the saved result
	finds the key done for another payload    does not change          fails with ErrPayload
	cannot reach the store                    may have changed         fails with the store's error

[Each] saves no result: if the key is done, it only returns nil. Payloads are compared only with [WithPayload].

A claim ends at the deadline of its record's context. The queue's visibility timeout is at least the
function's timeout, so the key of a stuck or killed function is free again by the time its message is
redelivered. If the stuck function returns after all, its result is not saved and no other claim is affected.
Its record fails with [ErrLate]. Without a deadline, a claim ends when the key expires.

If the store fails when a key is claimed or freed or a result is saved, the claim may stay until then. A message that
is redelivered earlier fails with [ErrInProgress]. A batching window counts against the visibility timeout: with one,
set the timeout to at least the window plus the function's timeout.

A stream may retry before that. If a process crashes early, its claim may outlast several retries. Configure the
event source mapping to keep retrying for longer than the function's timeout, or keep the timeout short.

# What is guaranteed

Until the key expires, the effect of a key happens once, or its record is reported.

The effect can happen twice in two cases: if the process dies or the store fails after the effect and before
the result is saved, and if the function finishes after its claim has ended ([ErrLate]). The record is then
redelivered, and the work is done again. If even that is unacceptable, the effect itself must be idempotent: a
conditional write, or a payment with its own idempotency key.

# Choosing keys

A key names work, not a thing. Suppose two functions use the same store and the same keys. If order "o-1" has
been charged, shipping "o-1" counts as done too, and its record is acknowledged. Give each function a name
([WithName]), or make their keys differ. The same applies to two stores with the same table and prefix.

If one record passes through two such functions without names, the built-in stores detect it, and the record
fails with [ErrShared]. They cannot detect it

  - if two records are involved, or two stores with one table;
  - if one call of [Map] or [Each] in your code wraps both functions, in a loop or a helper, and they are one
    method of two values, or come from one function literal, as those of a wrapper for retries do;
  - if more than 10,000 other parts of records are between the two functions, for example because a stage
    between them splits records and holds the parts.

After [batch.FlatMap], a key must name the part and not the record. Otherwise only the first part is processed.

A record without a key fails with [ErrKey].

# Bulk writes

There is no once for [batch.TryEachChunk]. It would cost two writes per record to save one write per chunk. Make
the bulk write idempotent instead: put each item under its key, so that writing it twice changes nothing.
*/
package once
