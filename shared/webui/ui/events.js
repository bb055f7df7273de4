// Server-sent events over fetch. EventSource can neither send a header nor say
// why it failed; this does both, and reconnects with a growing, jittered delay.

const FIRST_DELAY = 500;
const LONGEST_DELAY = 15000;
// A stream that is silent for this long is taken for dead; servers send a
// comment at least every 15 s.
const SILENCE = 40000;

// follow opens a stream and keeps it open until the returned function is
// called. onEvent(name, data) gets parsed JSON; onState("open" | "waiting")
// tells of the connection. headers() is asked anew for each connection.
export function follow(path, { headers = () => ({}), onEvent, onState }) {
  let ended = false;
  let delay = FIRST_DELAY;
  let abort = new AbortController();
  let wake = () => {};

  const hurry = () => wake();
  addEventListener("online", hurry);

  (async () => {
    while (!ended) {
      abort = new AbortController();
      try {
        await read(path, headers(), abort, onEvent, () => {
          delay = FIRST_DELAY;
          onState("open");
        });
      } catch {
        // Every end is handled alike: wait, then connect again.
      }
      if (ended) return;
      onState("waiting");
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, delay * (0.75 + Math.random() / 2));
      });
      delay = Math.min(delay * 2, LONGEST_DELAY);
    }
  })();

  return () => {
    ended = true;
    removeEventListener("online", hurry);
    abort.abort();
    wake();
  };
}

async function read(path, headers, abort, onEvent, opened) {
  let alarm;
  const alive = () => {
    clearTimeout(alarm);
    alarm = setTimeout(() => abort.abort(), SILENCE);
  };
  try {
    alive();
    const response = await fetch(path, {
      headers: { ...headers, Accept: "text/event-stream" },
      signal: abort.signal,
      cache: "no-store",
    });
    if (!response.ok || !response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
      await response.body?.cancel();
      throw new Error(`no event stream: ${response.status}`);
    }
    opened();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      alive();
      const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) dispatch(block, onEvent);
    }
  } finally {
    clearTimeout(alarm);
  }
}

function dispatch(block, onEvent) {
  let name = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
  }
  if (data.length === 0) return; // a comment that keeps the line open
  onEvent(name, JSON.parse(data.join("\n")));
}
