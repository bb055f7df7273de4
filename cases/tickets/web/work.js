// Runs in a worker: looks for a number so that the SHA-256 of "TOKEN:NUMBER"
// begins with so many zero bits. What doesn't change from try to try, all whole
// blocks of the token, is hashed once.

const K = new Uint32Array(64);
const START = new Uint32Array(8);
{
  // FIPS 180-4: the first bits of the fractions of square and cube roots of primes.
  const fraction = (x) => Math.floor((x - Math.floor(x)) * 2 ** 32);
  for (let n = 2, found = 0; found < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n && prime; d++) prime = n % d !== 0;
    if (!prime) continue;
    if (found < 8) START[found] = fraction(Math.sqrt(n));
    K[found++] = fraction(Math.cbrt(n));
  }
}

const schedule = new Int32Array(64);

// compress adds one block of bytes to a state.
function compress(state, bytes, from) {
  const w = schedule;
  for (let i = 0; i < 16; i++) {
    const at = from + 4 * i;
    w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15];
    const y = w[i - 2];
    w[i] = w[i - 16] + w[i - 7] + (((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)) +
      (((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const one = (h + (((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
    const two = ((((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

function zeros(state) {
  let n = 0;
  for (const word of state) {
    n += Math.clz32(word);
    if (word !== 0) break;
  }
  return n;
}

const TELL = 1 << 15; // tries from word to word

onmessage = ({ data: { token, bits } }) => {
  const prefix = new TextEncoder().encode(`${token}:`);
  const whole = prefix.length - (prefix.length % 64);
  const begun = START.slice();
  for (let at = 0; at < whole; at += 64) compress(begun, prefix, at);
  const state = new Uint32Array(8);
  const tail = new Uint8Array(128);
  for (let tries = 0; ; tries++) {
    const solution = String(tries);
    tail.fill(0);
    tail.set(prefix.subarray(whole));
    let length = prefix.length - whole;
    for (let i = 0; i < solution.length; i++) tail[length++] = solution.charCodeAt(i);
    tail[length] = 0x80;
    const end = length < 56 ? 64 : 128;
    new DataView(tail.buffer).setUint32(end - 4, 8 * (whole + length));
    state.set(begun);
    for (let at = 0; at < end; at += 64) compress(state, tail, at);
    if (zeros(state) >= bits) {
      postMessage({ solution, tries });
      return;
    }
    if (tries % TELL === 0) postMessage({ tries });
  }
};
