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

-- What was sold, for good: a refunded sale stays, marked.
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
