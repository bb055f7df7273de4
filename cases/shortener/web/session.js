// The API key of this browser: made on the first visit, kept in local storage,
// and made anew when the server no longer knows it (after `kit reset`).

import { call, Problem } from "./ui/http.js";

const STORED = "shortener.key";

let key = localStorage.getItem(STORED) || "";
let making = null; // one request for a key at a time, whoever asks
let onRenewed = () => {};

// whenRenewed sets what is called when an old key had to be replaced.
export function whenRenewed(callback) {
  onRenewed = callback;
}

async function make() {
  const lost = key !== "";
  const { body } = await call("POST", "/api/keys");
  key = body.key;
  localStorage.setItem(STORED, key);
  if (lost) onRenewed();
}

function ensure(unless) {
  if (key && key !== unless) return Promise.resolve();
  making ??= make().finally(() => {
    making = null;
  });
  return making;
}

export const authorization = () => (key ? { Authorization: `Bearer ${key}` } : {});

// api is call() in the name of this browser's key.
export async function api(method, path, options = {}) {
  await ensure();
  const used = key;
  try {
    return await call(method, path, { ...options, headers: authorization() });
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    await ensure(used);
    return call(method, path, { ...options, headers: authorization() });
  }
}
