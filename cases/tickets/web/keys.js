// The map by keyboard. One seat can be reached by Tab, and the arrows go on from
// there: along the line, and to the nearest of the line before or behind.

import { PITCH } from "./plan.js";

const LEAST = 10; // px of a seat that somebody sees the focus at
const FAR = 5; // lines of Page Up and Page Down

// walk lets the keys move over a map.
export function walk(map) {
  let lines = [];
  let place = new Map(); // by number: its line and where it stands there
  let here = null; // what Tab reaches

  function go(n, focus = true) {
    const el = map.element(n);
    if (!el) return;
    map.element(here)?.setAttribute("tabindex", "-1");
    el.setAttribute("tabindex", "0");
    here = n;
    if (!focus) return;
    const { x, y } = map.spot(n);
    if (map.plan.kind === "seats" && map.view.scale * PITCH < LEAST) map.view.closer(x, y, (LEAST * 1.4) / PITCH);
    else map.view.reveal(x, y);
    el.focus({ preventScroll: true });
  }

  function nearest(line, from) {
    const { x, y } = map.spot(from);
    const away = (n) => Math.round(Math.hypot(map.spot(n).x - x, map.spot(n).y - y)); // of two alike the left one
    return line.reduce((best, n) => (away(n) < away(best) ? n : best));
  }

  const across = (steps) => {
    const { line } = place.get(here);
    const to = lines[Math.min(lines.length - 1, Math.max(0, line + steps))];
    go(nearest(to, here));
  };
  const along = (steps) => {
    const { line, at } = place.get(here);
    const to = lines[line][at + steps];
    if (to !== undefined) go(to);
  };
  const moves = {
    ArrowLeft: () => along(-1),
    ArrowRight: () => along(1),
    ArrowUp: () => across(-1),
    ArrowDown: () => across(1),
    PageUp: () => across(-FAR),
    PageDown: () => across(FAR),
    Home: () => go(lines[place.get(here).line][0]),
    End: () => go(lines[place.get(here).line].at(-1)),
    Enter: () => map.choose(here),
    " ": () => map.choose(here),
    "+": () => map.view.zoom(1.4),
    "=": () => map.view.zoom(1.4),
    "-": () => map.view.zoom(1 / 1.4),
    0: () => map.view.fit(),
    Escape: () => map.single !== null && map.on.whole(),
  };

  map.svg.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !moves[event.key] || !place.has(here)) return;
    event.preventDefault();
    moves[event.key]();
  });
  // On the svg itself it would make that reachable by Tab.
  map.svg.parentNode.addEventListener("focusin", (event) => map.on.point(event.target.getAttribute("aria-label") || ""));

  return {
    go,
    first: () => here !== null && go(here),
    // reset takes the lines of another plan.
    reset(of) {
      lines = of.filter((line) => line.length > 0);
      place = new Map(lines.flatMap((line, l) => line.map((n, at) => [n, { line: l, at }])));
      here = null;
      if (lines.length) go(lines[0][Math.floor(lines[0].length / 2)], false);
    },
  };
}
