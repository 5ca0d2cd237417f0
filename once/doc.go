/*
Package once makes functions idempotent: the work of a key is done once, however often a record with that
key is delivered.

Queues and streams deliver at least once, and a sender that repeats itself sends a second message with an ID of its own.
So the key is one that the business knows, such as the number of an order:

	store := once.DynamoDB(dynamodb.NewFromConfig(cfg), "idempotency")
	charge := once.Map(store, Order.Key, charge) // func(context.Context, Order) (Receipt, error)
	receipts := batch.TryMap(orders, charge)

[Map] is for functions that return a value, [Each] for those that only return an error. Both give the
function back with a store around it, so they fit into any stage that takes such a function, and around
or inside other functions of that shape.

# What happens to a key

	call                            store                         record
	the first                       claims the key, calls f,      goes on
	                                saves what it returns
	f fails or panics               frees the key                 fails with that error
	another has claimed the key     changes nothing               fails with [ErrInProgress]
	the key is done                 changes nothing               goes on with the saved result
	the store fails                 changes nothing, or nobody    fails with that error
	                                knows whether it did

A claim ends with the deadline of its record's context. So the key of a function that was killed, or is stuck, is free
again when its message is redelivered, since a queue's visibility timeout is longer than the function's. If the stuck
function returns after that, its result is not saved, it takes nobody's place, and the record fails with [ErrLate].
Without a deadline a claim ends when the key expires.

Streams retry at once. If a process crashes early, its claim may outlast several retries: let the retries of the event
source mapping go on for longer than the function's timeout, or keep that short.

The effect of a key happens once until the key expires, or its record is reported. It may happen again if the process
dies, or the store fails, after the effect and before the result is saved: nobody can tell then whether it happened. What
must not happen twice even so needs an effect that is idempotent by itself, such as a conditional write,
or a payment with an idempotency key of its own.

# Keys

A key names work, not a thing. Two functions that share a store, or a table and a prefix, need names ([WithName]) or keys
that differ: if "o-1" is charged, then shipping or refunding "o-1" counts as done as well, and is acknowledged. Where one
record goes through two functions without a name, a built-in store notices, and the record fails with [ErrShared]. With two
records, or two stores for one table, nobody can notice.

After batch.FlatMap a key must name the part and not the record, or only the first part is done.

A record without a key fails with [ErrKey].

# Bulk writes

There is no once for [batch.TryEachChunk]. It would cost two writes for each record to save one write for each chunk. Make the
bulk write idempotent instead: put each item under its key, so that writing it twice changes nothing.
*/
package once
