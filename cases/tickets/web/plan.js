// Where everything is on the map. Venues say which seats are side by side, not
// where they are, so this places them: the stage on top, sections in bands behind
// each other, rows bent around the stage. What is too big for that, a stadium, is
// shown by section first, in rings.

import { capacity } from "./seats.js";

export const PITCH = 12; // from seat to seat
const AISLE = 22;
const BEHIND = 70; // from band to band, with room for names
const STAGE = 70;
const LARGEST = 6000; // seats that are drawn at once
const SIDES = /-(left|centre|center|right)$/;
const NUMBERED = /-(\d+)$/;

// plan places the sections. Its kind is "seats" or "sections"; its lines are
// what the arrow keys walk along: numbers of seats, or indices of sections, from
// the left, and lines from the stage outwards. Its letters are of that size.
export function plan(sections) {
  const seats = sections.reduce((sum, s) => sum + (s.standing ? 0 : capacity(s)), 0);
  return seats > LARGEST ? rings(sections) : bands(sections);
}

// groups puts neighbouring sections together whose ids differ by the ending alone.
function groups(sections, ending) {
  const found = [];
  sections.forEach((section, index) => {
    const base = section.id.replace(ending, "");
    if (found.at(-1)?.base !== base) found.push({ base, of: [] });
    found.at(-1).of.push({ section, index });
  });
  return found;
}

const wide = (section) => (section.standing ? 320 : Math.max(...section.rows.map((r) => r.seats)) * PITCH);
const deep = (section) => (section.standing ? 90 : section.rows.length * PITCH);

function bands(sections) {
  const all = groups(sections, SIDES).map(({ of }) => ({
    of,
    width: of.reduce((sum, { section }) => sum + wide(section), 0) + AISLE * (of.length - 1),
    depth: Math.max(...of.map(({ section }) => deep(section))),
  }));
  const widest = Math.max(...all.map((b) => b.width));
  const width = widest + 60;
  const middle = width / 2;
  const bend = 0.22 / widest; // the ends of the widest row come forward by 0.055 of it
  const bent = (x) => bend * (x - middle) ** 2;
  const drawn = { kind: "seats", width, letters: Math.max(13, width / 58), stage: { x: middle, y: 16, width: Math.min(widest * 0.45, 360), depth: 40 }, blocks: [], lines: [] };
  let y = STAGE + bent(0) * 0.6;
  for (const band of all) {
    y += BEHIND;
    const lines = Array.from({ length: Math.max(...band.of.map(({ section }) => section.rows?.length || 0)) }, () => []);
    let left = middle - band.width / 2;
    for (const { section, index } of band.of) {
      const centre = left + wide(section) / 2;
      const block = { index, section, name: { x: centre, y: y - 13 - Math.max(bent(left), bent(left + wide(section))) }, seats: [], rows: [] };
      if (section.standing) block.area = { x: left, y, width: wide(section), height: deep(section) };
      section.rows?.forEach((row, r) => {
        const start = centre - ((row.seats - 1) * PITCH) / 2;
        for (let i = 0; i < row.seats; i++) {
          const x = start + i * PITCH;
          block.seats.push({ n: row.first + i, x, y: y + r * PITCH - bent(x) });
          lines[r].push(row.first + i);
        }
        const label = start - PITCH;
        block.rows.push({ name: row.name, x: label, y: y + r * PITCH - bent(label) });
      });
      drawn.blocks.push(block);
      left += wide(section) + AISLE;
    }
    drawn.lines.push(...lines);
    y += band.depth;
  }
  drawn.height = y + 20;
  return drawn;
}

function rings(sections) {
  const found = groups(sections, NUMBERED);
  const round = found.filter(({ of }) => of.length >= 8);
  const inner = found.filter(({ of }) => of.length < 8).flatMap(({ of }) => of);
  const RING = 92;
  const size = { x: 250 + RING * round.length, y: 190 + RING * round.length };
  const middle = { x: size.x + 20, y: size.y + 20 };
  const drawn = { kind: "sections", width: 2 * middle.x, height: 2 * middle.y, letters: 16, blocks: [], lines: [], stage: { x: middle.x, y: middle.y - 130, width: 200, depth: 36 } };
  inner.forEach(({ section, index }, i) => {
    const height = 170 / inner.length;
    const area = { x: middle.x - 170, y: middle.y - 80 + i * height, width: 340, height: height - 6 };
    drawn.blocks.push({ index, section, area, name: { x: middle.x, y: area.y + area.height / 2 } });
    drawn.lines.push([index]);
  });
  round.forEach(({ of }, ring) => {
    const near = { x: 240 + RING * ring, y: 180 + RING * ring };
    const step = (2 * Math.PI) / of.length;
    of.forEach(({ section, index }, i) => {
      const from = -Math.PI / 2 + i * step + 0.006;
      drawn.blocks.push({ index, section, path: sector(middle, near, RING - 8, from, from + step - 0.012), name: at(middle, near, (RING - 8) / 2, from + step / 2 - 0.006) });
    });
    drawn.lines.push(of.map(({ index }) => index));
  });
  return drawn;
}

const at = (middle, near, out, angle) => ({ x: middle.x + (near.x + out) * Math.cos(angle), y: middle.y + (near.y + out) * Math.sin(angle) });

// sector is the path of a piece of an elliptic ring.
function sector(middle, near, depth, from, to) {
  const say = ({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const far = { x: near.x + depth, y: near.y + depth };
  return `M${say(at(middle, near, 0, from))}A${near.x} ${near.y} 0 0 1 ${say(at(middle, near, 0, to))}` +
    `L${say(at(middle, near, depth, to))}A${far.x} ${far.y} 0 0 0 ${say(at(middle, near, depth, from))}Z`;
}
