-- The stream job of the URL shortener: clicks in, increments out, each click
-- counted exactly once. Statements end with a line that is only a semicolon.
-- What stands in double braces is filled in by sql.go.

-- The click log. Event time is the redirect's time. The source keeps a
-- watermark per partition and passes the lowest on, so one partition that is
-- read ahead can't make the others' clicks late. Ticks (no code) are written
-- into every partition by the analytics process and move the watermark on when
-- nobody clicks. There is no idle timeout on purpose: a way through the job that
-- counts as idle no longer holds back the windows behind it, so after a pause of
-- the whole log they could close before clicks that were judged on time here.
-- The price is that a partition that can't be written holds back all counts
-- until it can.
CREATE TABLE clicks (
  `id`       STRING,
  `code`     STRING,
  `time`     TIMESTAMP_LTZ(3),
  `referrer` STRING,
  `country`  STRING,
  `device`   STRING,
  `browser`  STRING,
  `bot`      BOOLEAN,
  `visitor`  STRING,
  `read`     AS PROCTIME(),
  WATERMARK FOR `time` AS `time` - INTERVAL '{{.OutOfOrder}}' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = '{{.ClicksTopic}}',
  'properties.bootstrap.servers' = '{{.Brokers}}',
  'properties.group.id' = '{{.Group}}',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.ignore-parse-errors' = 'true'
)
;

-- The increments. Records become visible to read-committed consumers when the
-- checkpoint that covers them has completed. Kafka gives up a transaction that
-- has waited for its commit for longer than the timeout, since Flink or Kafka was
-- away, and its increments are lost. So the timeout is just below the longest that
-- the broker allows, transaction.max.timeout.ms: an hour here, 15 minutes by default.
CREATE TABLE increments (
  `code`      STRING,
  `minute`    TIMESTAMP_LTZ(3),
  `dimension` STRING,
  `value`     STRING,
  `clicks`    BIGINT,
  `bots`      BIGINT,
  `visitors`  BIGINT,
  `late`      BIGINT
) WITH (
  'connector' = 'kafka',
  'topic' = '{{.IncrementsTopic}}',
  'properties.bootstrap.servers' = '{{.Brokers}}',
  'properties.transaction.timeout.ms' = '3300000',
  'key.format' = 'raw',
  'key.fields' = 'code',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = '{{.TransactionPrefix}}'
)
;

-- Each click once. A spool is replayed by another process, maybe hours later,
-- so the producer's own deduplication can't see it; the state can, for its TTL.
CREATE TEMPORARY VIEW once AS
SELECT `id`, `code`, `time`, `referrer`, `country`, `device`, `browser`, `bot`, `visitor`, `read` FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY `id` ORDER BY `read` ASC) AS nth
  FROM clicks WHERE `code` <> '' AND `id` <> '' AND `time` IS NOT NULL
) WHERE nth = 1
;

-- The first click of each visitor on each link. Visitors are hashed with a
-- salt of the day, so this is "of that day" without saying so.
CREATE TEMPORARY VIEW firsts AS
SELECT `code`, `time`, `referrer`, `country`, `device`, `browser`, `read` FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY `code`, `visitor` ORDER BY `read` ASC) AS nth
  FROM once WHERE NOT `bot`
) WHERE nth = 1
;

-- On time, or late: has the click's one-second window fired already? It is
-- asked once, here, after both deduplications, and not again in each branch:
-- CURRENT_WATERMARK is not deterministic, so the planner keeps it in one place
-- and the two branches below can't disagree. The window's own watermark comes
-- from here, so it is never ahead of what was asked: a click that was judged
-- on time can't be dropped as late further down.
CREATE TEMPORARY VIEW judged AS
SELECT `code`, `time`, `read`, `referrer`, `country`, `device`, `browser`,
  CASE WHEN `bot` THEN 0 ELSE 1 END AS `click`, CASE WHEN `bot` THEN 1 ELSE 0 END AS `bot`, 0 AS `visitor`,
  COALESCE(CAST(FLOOR(CAST(`time` AS TIMESTAMP(3)) TO SECOND) AS TIMESTAMP_LTZ(3)) + INTERVAL '0.999' SECOND <= CURRENT_WATERMARK(`time`), FALSE) AS late
FROM once WHERE `visitor` IS NOT NULL
UNION ALL
SELECT `code`, `time`, `read`, `referrer`, `country`, `device`, `browser`, 0, 0, 1,
  COALESCE(CAST(FLOOR(CAST(`time` AS TIMESTAMP(3)) TO SECOND) AS TIMESTAMP_LTZ(3)) + INTERVAL '0.999' SECOND <= CURRENT_WATERMARK(`time`), FALSE) AS late
FROM firsts
;

-- Each click counts in five rows: the total and one for each dimension.
CREATE TEMPORARY VIEW parts AS
SELECT `code`, CAST(FLOOR(CAST(`time` AS TIMESTAMP(3)) TO MINUTE) AS TIMESTAMP_LTZ(3)) AS `minute`, `dimension`, `value`, `time`, `read`, `click`, `bot`, `visitor`, late
FROM judged CROSS JOIN UNNEST(MAP[
  CAST('total' AS STRING), CAST('' AS STRING),
  'referrer', `referrer`, 'country', `country`, 'device', `device`, 'browser', `browser`
]) AS part (`dimension`, `value`)
;

-- Event-time windows of one second count what is on time, so that a click is
-- on the page within seconds; a minute is the sum of its seconds. What is late
-- is counted as it comes, in processing-time windows, into the minute where it
-- belongs.
--
-- These are group windows and not the newer window table functions for a
-- reason: those keep their watermark in the checkpoint, while the source
-- starts anew without one. After a restore they would drop clicks that were
-- judged on time here by a watermark that is still behind. Group windows start
-- without one too.
INSERT INTO increments
SELECT `code`, `minute`, `dimension`, `value`, SUM(`click`), SUM(`bot`), SUM(`visitor`), CAST(0 AS BIGINT)
FROM parts WHERE NOT late
GROUP BY TUMBLE(`time`, INTERVAL '1' SECOND), `code`, `minute`, `dimension`, `value`
UNION ALL
SELECT `code`, `minute`, `dimension`, `value`, SUM(`click`), SUM(`bot`), SUM(`visitor`), SUM(`click` + `bot`)
FROM parts WHERE late
GROUP BY TUMBLE(`read`, INTERVAL '1' SECOND), `code`, `minute`, `dimension`, `value`
;
