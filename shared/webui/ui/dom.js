// Small ways to make and fill elements. Text is always set as text, so nothing
// that a person or a server sent can become markup.

// h makes an element: h("a", {href, class: "x", onclick}, "text", child).
export function h(name, attributes = {}, ...children) {
  const el = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) el.addEventListener(key.slice(2), value);
    else if (key in el && typeof value !== "string") el[key] = value;
    else el.setAttribute(key, value === true ? "" : value);
  }
  el.append(...children.filter((c) => c !== null && c !== undefined && c !== false));
  return el;
}

// svg makes an SVG element.
export function svg(name, attributes = {}, ...children) {
  const el = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) el.setAttribute(key, value);
  el.append(...children);
  return el;
}

export const byId = (id) => document.getElementById(id);

// say puts text into an element, and leaves it alone when it already says so:
// a live region then announces only what changed.
export function say(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

// complain shows a sentence at a field and marks it invalid; "" takes it back.
export function complain(input, text) {
  const at = byId(input.getAttribute("aria-describedby").split(" ").at(-1));
  say(at, text);
  if (text) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}
