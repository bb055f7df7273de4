// The seats of one event as this page knows them: the whole at first, then
// changes. A seat's number is its row's first and its place in the row.

export const FREE = 46; // "."
export const HELD = 104; // "h"
export const SOLD = 115; // "s"

export class Seats {
  constructor(layout) {
    this.sections = layout.sections;
    this.version = "";
    const rows = this.sections.flatMap((s) => s.rows || []);
    const size = rows.reduce((most, r) => Math.max(most, r.first + r.seats), 0);
    this.states = new Uint8Array(size).fill(SOLD); // until it is known better
    this.sectionOf = new Uint16Array(size);
    this.rowOf = new Uint16Array(size);
    this.free = new Array(this.sections.length).fill(0);
    this.sections.forEach((section, s) => section.rows?.forEach((row, r) => {
      this.sectionOf.fill(s, row.first, row.first + row.seats);
      this.rowOf.fill(r, row.first, row.first + row.seats);
    }));
    this.indexOf = new Map(this.sections.map((section, s) => [section.id, s]));
  }

  // fits reports whether a whole is of this hall.
  fits({ rows }) {
    return Object.keys(rows).every((id) => this.indexOf.has(id));
  }

  // whole takes in the state of every seat, and returns the numbers that changed
  // and the indices of the sections whose free seats did.
  whole({ version, rows, room = {} }) {
    const changed = [];
    const touched = new Set();
    for (const [id, states] of Object.entries(rows)) {
      const section = this.sections[this.indexOf.get(id)];
      states.forEach((letters, r) => {
        const { first } = section.rows[r];
        for (let i = 0; i < letters.length; i++) this.#set(first + i, letters.charCodeAt(i), changed, touched);
      });
    }
    this.#standing(room, touched);
    this.version = version;
    return { changed, touched };
  }

  // delta takes in what changed since the version before.
  delta({ version, free = [], held = [], sold = [], room = {} }) {
    const changed = [];
    const touched = new Set();
    for (const n of free) this.#set(n, FREE, changed, touched);
    for (const n of held) this.#set(n, HELD, changed, touched);
    for (const n of sold) this.#set(n, SOLD, changed, touched);
    this.#standing(room, touched);
    this.version = version;
    return { changed, touched };
  }

  #set(n, state, changed, touched) {
    const was = this.states[n];
    if (was === state) return;
    const s = this.sectionOf[n];
    if (was === FREE) this.free[s]--;
    if (state === FREE) this.free[s]++;
    if (was === FREE || state === FREE) touched.add(s);
    this.states[n] = state;
    changed.push(n);
  }

  #standing(room, touched) {
    for (const [id, free] of Object.entries(room)) {
      const s = this.indexOf.get(id);
      if (this.free[s] !== free) touched.add(s);
      this.free[s] = free;
    }
  }

  section(n) {
    return this.sections[this.sectionOf[n]];
  }

  row(n) {
    return this.section(n).rows[this.rowOf[n]];
  }

  // id is a seat's name in the API: "stalls/C/12".
  id(n) {
    const row = this.row(n);
    return `${this.section(n).id}/${row.name}/${n - row.first + 1}`;
  }

  // number is the inverse of id; -1 for a place without one.
  number(id) {
    const [section, name, place] = id.split("/");
    const row = this.sections[this.indexOf.get(section)]?.rows?.find((r) => r.name === name);
    return row ? row.first + Number(place) - 1 : -1;
  }
}

// capacity is how many people a section holds.
export const capacity = (section) => section.standing || section.rows.reduce((sum, row) => sum + row.seats, 0);
