// One device: its client, which is Go compiled to WebAssembly, with its state in a
// database of the browser's. Each name is a device of its own.

let loaded;

function load() {
  loaded ??= (async () => {
    const go = new globalThis.Go();
    const { instance } = await WebAssembly.instantiateStreaming(fetch("/wasm/main.wasm"), go.importObject);
    go.run(instance);
    return globalThis.messenger;
  })();
  return loaded;
}

// hold lets one page alone have the device: two would use the same keys.
function hold(name) {
  return new Promise((resolve, reject) => {
    navigator.locks.request(`messaging ${name}`, { ifAvailable: true }, (lock) => {
      if (!lock) {
        reject(new Error("This device is open in another tab. Close it there, then load this page again."));
        return null;
      }
      resolve();
      return new Promise(() => {}); // until the tab is closed
    }).catch(reject);
  });
}

// open returns the client of a device; changed is called with the conversation in
// which something has changed, "" for what concerns all.
export async function open(name, changed) {
  await hold(name);
  const messenger = await load();
  return messenger.open(`messaging ${name}`, location.host, changed);
}
