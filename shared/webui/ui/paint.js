// For what is drawn on a canvas, which knows nothing of stylesheets.

import { h } from "./dom.js";

// token is a design token's text as the stylesheet has it.
export const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// colour is a token's colour now, light or dark: a canvas can't resolve
// light-dark(…).
export function colour(name) {
  const probe = h("i");
  probe.style.color = token(name);
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}
