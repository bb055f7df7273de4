// The spans of time that the chart can show, and the buckets they fall into.

export const spans = {
  minute: { seconds: 60, buckets: 30, words: "this minute" },
  hour: { seconds: 3600, buckets: 24, words: "this hour" },
  day: { seconds: 86400, buckets: 30, words: "today (UTC)" },
};

// bucket returns the start of the bucket that a time (in seconds) falls into.
// Buckets are aligned to UTC, as the API's are.
export function bucket(granularity, seconds) {
  const { seconds: width } = spans[granularity];
  return Math.floor(seconds / width) * width;
}

// range returns [from, to) in seconds: the current bucket is the last one.
export function range(granularity, now = Date.now() / 1000) {
  const { seconds, buckets } = spans[granularity];
  const to = bucket(granularity, now) + seconds;
  return [to - seconds * buckets, to];
}
