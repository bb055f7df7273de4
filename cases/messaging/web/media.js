// Attachments: a thumbnail is made here, before anything is encrypted, and shown from
// what was decrypted here.

import { h } from "./ui/dom.js";
import { show } from "./dialog.js";

let client;
const shown = new Map(); // blob -> promise of an address

export const use = (of) => { client = of; };

const address = (pointer) => {
  if (!shown.has(pointer.blob)) {
    shown.set(pointer.blob, client.fetch(pointer).then((bytes) => URL.createObjectURL(new Blob([bytes], { type: pointer.type }))));
    shown.get(pointer.blob).catch(() => shown.delete(pointer.blob)); // it is tried again
  }
  return shown.get(pointer.blob);
};

const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} KB` : `${(bytes / 1e6).toFixed(1)} MB`);

// attachment is a picture's thumbnail, or a file's name; a click gets all of it.
export function attachment(pointer) {
  const label = h("span", {}, `${pointer.name} · ${size(pointer.size)}`);
  const button = h("button", { type: "button", class: "attachment", onclick: () => open(pointer, label) }, label);
  if (pointer.thumbnail) {
    const img = h("img", { alt: pointer.name, width: Math.min(pointer.width, 220), height: Math.round((Math.min(pointer.width, 220) * pointer.height) / pointer.width) });
    button.prepend(img);
    address(pointer.thumbnail).then((url) => { img.src = url; }, () => { label.textContent = `${pointer.name}: the thumbnail can't be had just now`; });
  }
  return button;
}

async function open(pointer, label) {
  try {
    const url = await address(pointer);
    show(pointer.name, pointer.type.startsWith("image/") && h("img", { src: url, alt: pointer.name, class: "full" }),
      h("p", {}, h("a", { href: url, download: pointer.name, class: "button" }, "Save")));
  } catch (error) {
    label.textContent = `${pointer.name}: ${error.message}`;
  }
}

const edge = 240; // pixels of a thumbnail's longer side

// prepare reads a file and makes its thumbnail, if it is a picture.
export async function prepare(file) {
  const out = { data: new Uint8Array(await file.arrayBuffer()), name: file.name.replaceAll(/[/\\]/g, "_"), type: file.type || "application/octet-stream", width: 0, height: 0 };
  if (!file.type.startsWith("image/")) return out;
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return out; // a picture that the browser can't read is a file
  }
  const scale = Math.min(1, edge / Math.max(bitmap.width, bitmap.height));
  const canvas = h("canvas", { width: Math.max(1, Math.round(bitmap.width * scale)), height: Math.max(1, Math.round(bitmap.height * scale)) });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const small = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.7));
  return { ...out, width: bitmap.width, height: bitmap.height, thumbnail: new Uint8Array(await small.arrayBuffer()) };
}
