// Talking to a case's API: JSON in and out, errors as RFC 9457 problems.

// A Problem is an answer that said no. Its message is the sentence for a
// person; type, field and rule are for the program, and body is all that it says.
export class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body.detail || body.title || `The server answered ${status}.`);
    this.status = status;
    this.type = body.type || "";
    this.field = body.field || "";
    this.rule = body.rule || "";
    this.body = body;
    this.retryAfter = retryAfter;
  }
}

// Unreachable is no answer at all: no network, or nobody at the other end.
export class Unreachable extends Error {
  constructor(cause) {
    super("The server can't be reached. This page goes on trying; what you typed is kept.");
    this.cause = cause;
  }
}

// call sends one request and returns {body, headers}. Body is the parsed JSON, or
// null for an empty answer. It gives up after timeout milliseconds.
export async function call(method, path, { json, headers = {}, timeout = 10000 } = {}) {
  let response;
  let text;
  try {
    response = await fetch(path, {
      method,
      headers: json === undefined ? headers : { ...headers, "Content-Type": "application/json" },
      body: json === undefined ? undefined : JSON.stringify(json),
      signal: AbortSignal.timeout(timeout),
      cache: "no-store",
    });
    text = await response.text();
  } catch (cause) {
    throw new Unreachable(cause);
  }
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    // Not JSON: an edge's own error page, for one. The status says it all.
  }
  if (!response.ok) {
    const wait = Number(response.headers.get("Retry-After")) || 0;
    if (response.status === 502 || response.status === 504) throw new Unreachable(response.statusText);
    throw new Problem(response.status, body || {}, wait);
  }
  return { body, headers: response.headers };
}
