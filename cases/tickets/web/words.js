// Seats, money and times as people read them, and the server's clock.

import { api } from "./session.js";

const monies = new Map();

// money writes an amount of cents: "€65", "€64.50".
export function money(cents, currency) {
  if (!monies.has(currency)) {
    monies.set(currency, new Intl.NumberFormat("en-IE", { style: "currency", currency, trailingZeroDisplay: "stripIfInteger" }));
  }
  return monies.get(currency).format(cents / 100);
}

// span writes a time in ms as a clock does: "1:05", "2:03:00".
export function span(ms) {
  const all = Math.max(0, Math.ceil(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (n) => String(n).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

// roughly says a time as a person would: "a few seconds", "about 4 minutes".
export function roughly(seconds) {
  if (seconds < 10) return "a few seconds";
  if (seconds < 90) return `about ${Math.ceil(seconds / 10) * 10} seconds`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} minutes`;
  return `about ${Math.round(seconds / 3600)} hours`;
}

const evening = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" });
export const when = (date) => evening.format(date);

let ahead = 0; // ms by which the server's clock is ahead of this one

// setClock takes over the server's time; now is that time, in ms.
export const setClock = (text) => {
  ahead = Date.parse(text) - Date.now();
};
export const now = () => Date.now() + ahead;

const layouts = new Map(); // by event and hall, promises

// layout is where an event's seats are. Since it may move, the hall that it is in
// is a part of the address, for the sake of caches; "" for whatever it is.
export function layout(event, venue = "") {
  const address = `/api/events/${encodeURIComponent(event)}/map${venue && `?venue=${encodeURIComponent(venue)}`}`;
  if (!layouts.has(address)) {
    const asked = api("GET", address, { timeout: 20000 }).then(({ body }) => body);
    asked.catch(() => layouts.delete(address));
    layouts.set(address, asked);
  }
  return layouts.get(address);
}

// seatName says where a seat is: "Stalls, row C, seat 12".
export function seatName(sections, id) {
  const [section, row, place] = id.split("/");
  const found = sections.find((s) => s.id === section);
  const name = found?.name || section;
  return found?.standing ? `${name}, place ${place}` : `${name}, row ${row}, seat ${place}`;
}
