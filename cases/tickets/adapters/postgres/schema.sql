-- The tables of the ticket sale, each with the query that it serves.

-- Seats, with who holds them and until when: a seat is free when that is over.
--   UPDATE seats SET … WHERE event = $1 AND seat = ANY($2) AND until <= now()
-- The rows are there from the day the event is opened, so that there is
-- something to lock. A sold seat is held for ever. Where Redis holds the seats
-- nothing of this table is used.
CREATE TABLE IF NOT EXISTS seats (
	event   text        NOT NULL,
	seat    text        NOT NULL,
	hold    text        NOT NULL DEFAULT '',
	account text        NOT NULL DEFAULT '',
	token   bigint      NOT NULL DEFAULT 0,
	until   timestamptz NOT NULL DEFAULT '-infinity',
	PRIMARY KEY (event, seat)
) WITH (fillfactor = 70); -- room to update a row within its page, without touching the index

CREATE INDEX IF NOT EXISTS seats_by_hold ON seats (hold) WHERE hold <> '';
--   SELECT count(*) FROM seats WHERE event = $1 AND account = $2 AND hold <> '' …
CREATE INDEX IF NOT EXISTS seats_by_account ON seats (event, account) WHERE hold <> '';

-- What was sold, for good: a refunded sale stays, marked, and so does that of a
-- seat which an order had until its event moved to another hall.
--   INSERT INTO sales …                    one row a seat
--   SELECT … FROM sales WHERE event = $1   the audit, and the seat map
CREATE TABLE IF NOT EXISTS sales (
	event       text        NOT NULL,
	seat        text        NOT NULL,
	order_id    text        NOT NULL,
	account     text        NOT NULL,
	token       bigint      NOT NULL,
	sold_at     timestamptz NOT NULL DEFAULT now(),
	refunded_at timestamptz
);

-- This is what makes a double sale impossible, whatever anybody believes.
CREATE UNIQUE INDEX IF NOT EXISTS one_sale ON sales (event, seat) WHERE refunded_at IS NULL;
CREATE INDEX IF NOT EXISTS sales_by_order ON sales (order_id);
CREATE INDEX IF NOT EXISTS sales_by_seat ON sales (event, seat, token);

-- Fencing tokens: of two holds of a seat the later has the higher.
CREATE SEQUENCE IF NOT EXISTS tokens;

-- Events, each as one document: they are read whole, and few.
--   SELECT body FROM events WHERE event = $1
CREATE TABLE IF NOT EXISTS events (
	event  text        PRIMARY KEY,
	starts timestamptz NOT NULL,
	body   jsonb       NOT NULL
);

-- Vouchers, with how often each was used.
--   UPDATE vouchers SET used = used + 1 WHERE … AND used < uses   in the order's transaction
CREATE TABLE IF NOT EXISTS vouchers (
	event   text        NOT NULL,
	code    text        NOT NULL,
	percent int         NOT NULL,
	uses    int         NOT NULL,
	used    int         NOT NULL DEFAULT 0,
	ends    timestamptz NOT NULL,
	PRIMARY KEY (event, code)
);

-- Orders, and where each stands in its saga.
--   UPDATE orders … WHERE id IN (SELECT … WHERE due <= now() AND leased <= now()
--     ORDER BY due FOR UPDATE SKIP LOCKED)                  the workers' next ones
--   UPDATE orders … WHERE id = $1 AND version = $2 AND lease = $3          a move
CREATE TABLE IF NOT EXISTS orders (
	id       text        PRIMARY KEY,
	event    text        NOT NULL,
	account  text        NOT NULL,
	hold     text        NOT NULL, -- the grant: whose seats
	held_for interval    NOT NULL,
	token    bigint      NOT NULL,
	until    timestamptz NOT NULL,
	voucher  text        NOT NULL,
	total    bigint      NOT NULL,
	currency text        NOT NULL,
	source   text        NOT NULL,
	payment  text        NOT NULL,
	state    text        NOT NULL,
	reason   text        NOT NULL,
	version  bigint      NOT NULL,
	placed   timestamptz NOT NULL,

	due     timestamptz NOT NULL DEFAULT now(),       -- when a worker has to look at it
	lease   bigint      NOT NULL DEFAULT 0,           -- of the worker that has it, or had it last
	leased  timestamptz NOT NULL DEFAULT '-infinity', -- until when
	tries   int         NOT NULL DEFAULT 0,           -- of this step, in vain
	trouble text        NOT NULL DEFAULT '',          -- why, for people
	woken   bigint      NOT NULL DEFAULT 0            -- by how many notices
) WITH (fillfactor = 70);

CREATE UNIQUE INDEX IF NOT EXISTS one_order ON orders (event, hold);
CREATE INDEX IF NOT EXISTS orders_due ON orders (due) WHERE due < 'infinity';
CREATE INDEX IF NOT EXISTS orders_of_account ON orders (account, placed);
CREATE INDEX IF NOT EXISTS orders_of_event ON orders (event, placed);
CREATE SEQUENCE IF NOT EXISTS leases;

-- The seats of orders, read with them, and summed up for the limit of an account.
CREATE TABLE IF NOT EXISTS order_lines (
	order_id  text    NOT NULL REFERENCES orders,
	seat      text    NOT NULL,
	n         int     NOT NULL, -- their order
	tier      text    NOT NULL,
	price     bigint  NOT NULL,
	back      boolean NOT NULL DEFAULT false,
	refunded  boolean NOT NULL DEFAULT false,
	PRIMARY KEY (order_id, seat)
);

-- What was answered to requests that name themselves, for a day.
--   INSERT … ON CONFLICT DO NOTHING, in the transaction of what the request does
CREATE TABLE IF NOT EXISTS keys (
	account text        NOT NULL,
	key     text        NOT NULL,
	hash    bytea       NOT NULL,
	answer  bytea       NOT NULL,
	at      timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (account, key)
);
CREATE INDEX IF NOT EXISTS keys_by_age ON keys (at);

-- Tickets. Of one seat one ticket is worth something.
--   UPDATE tickets SET checked_in = now() … WHERE serial = $1 AND checked_in IS NULL AND revoked IS NULL
CREATE TABLE IF NOT EXISTS tickets (
	serial     text        PRIMARY KEY,
	event      text        NOT NULL,
	seat       text        NOT NULL,
	order_id   text        NOT NULL REFERENCES orders,
	account    text        NOT NULL,
	issued     timestamptz NOT NULL DEFAULT now(),
	revoked    timestamptz,
	checked_in timestamptz,
	door       text        NOT NULL DEFAULT '',
	scan       text        NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX IF NOT EXISTS one_ticket ON tickets (event, seat) WHERE revoked IS NULL;
CREATE INDEX IF NOT EXISTS tickets_of_order ON tickets (order_id);

-- What happened to orders, written with what happened, and the log that the
-- audit reads. Of one order's events a later one has the higher id, since each
-- waits for the order's row.
--   SELECT … WHERE sent IS NULL ORDER BY id   the relay, one at a time
CREATE TABLE IF NOT EXISTS outbox (
	id       bigserial   PRIMARY KEY,
	order_id text        NOT NULL,
	at       timestamptz NOT NULL DEFAULT now(),
	body     jsonb       NOT NULL,
	sent     timestamptz
);
CREATE INDEX IF NOT EXISTS outbox_unsent ON outbox (id) WHERE sent IS NULL;

-- What the payment provider has told: every notice by its id, so that none
-- counts twice, and of each order's payment the latest version.
CREATE TABLE IF NOT EXISTS notices (
	id text        PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS notices_by_age ON notices (at);
CREATE TABLE IF NOT EXISTS payments (
	order_id text   NOT NULL,
	payment  text   NOT NULL,
	version  bigint NOT NULL,
	body     jsonb  NOT NULL,
	PRIMARY KEY (order_id, payment)
);

-- What fans were told: once about each change of an order.
--   SELECT … WHERE account = $1 ORDER BY at DESC
CREATE TABLE IF NOT EXISTS messages (
	order_id text        NOT NULL,
	version  bigint      NOT NULL,
	account  text        NOT NULL,
	subject  text        NOT NULL,
	body     text        NOT NULL,
	at       timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (order_id, version)
);
CREATE INDEX IF NOT EXISTS messages_of_account ON messages (account, at);

-- Events that are moved to another hall.
--   SELECT … WHERE ended IS NULL                     what the workers carry out
--   SELECT … WHERE event = $1 ORDER BY n DESC LIMIT 1
CREATE TABLE IF NOT EXISTS moves (
	n      bigserial   PRIMARY KEY,
	id     text        NOT NULL UNIQUE,
	event  text        NOT NULL,
	"from" text        NOT NULL,
	"to"   text        NOT NULL,
	prices jsonb       NOT NULL,
	asked  timestamptz NOT NULL DEFAULT now(),
	ended  timestamptz,
	seated   int       NOT NULL DEFAULT 0, -- orders
	refunded int       NOT NULL DEFAULT 0,
	reason   text      NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX IF NOT EXISTS one_move ON moves (event) WHERE ended IS NULL;
CREATE INDEX IF NOT EXISTS moves_of_event ON moves (event, n);

-- Who wants seats of an event that is sold out, in order.
--   INSERT INTO waitlist …
--   SELECT count(*) FROM waitlist WHERE event = $1 AND number <= $2
--   SELECT seats, its place FROM waitlist WHERE event = $1 AND account = $2
--   DELETE FROM waitlist WHERE event = $1 AND account = $2
CREATE TABLE IF NOT EXISTS waitlist (
	event   text   NOT NULL,
	account text   NOT NULL,
	seats   int    NOT NULL,
	number  bigint GENERATED ALWAYS AS IDENTITY,
	PRIMARY KEY (event, account)
);
CREATE UNIQUE INDEX IF NOT EXISTS waitlist_in_order ON waitlist (event, number);
