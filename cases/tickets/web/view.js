// Which part of a drawing is on the screen: moved by dragging, zoomed by wheel,
// pinch, buttons and keys. What follows is drawn once a frame.

const CLOSEST = 4; // px a unit
const STILL = 5; // px that a pointer moves before it drags

// A View shows the group of a drawing of a size in an <svg>.
export class View {
  #x = 0;
  #y = 0;
  #scale = 1;
  #fitted = true;
  #pointers = new Map();
  #frame = 0;
  dragged = false; // whether the last press became a drag, so that its click isn't meant

  constructor(svg, group) {
    this.svg = svg;
    this.group = group;
    this.size = { width: 1, height: 1 };
    new ResizeObserver(() => this.#resized()).observe(svg);
    svg.addEventListener("wheel", (e) => this.#wheel(e), { passive: false });
    svg.addEventListener("pointerdown", (e) => this.#press(e));
    svg.addEventListener("pointermove", (e) => this.#move(e));
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) svg.addEventListener(name, (e) => this.#lift(e));
  }

  get scale() {
    return this.#scale;
  }

  // show fits a drawing of that size into the view.
  show(size) {
    this.size = size;
    this.#fitted = true;
    this.#resized();
  }

  fit() {
    this.#fitted = true;
    this.#resized();
  }

  // zoom by a factor, around a point of the screen; around the middle without one.
  zoom(factor, at = { x: this.svg.clientWidth / 2, y: this.svg.clientHeight / 2 }) {
    const to = Math.min(CLOSEST, Math.max(this.#whole(), this.#scale * factor));
    this.#x = at.x - ((at.x - this.#x) * to) / this.#scale;
    this.#y = at.y - ((at.y - this.#y) * to) / this.#scale;
    this.#scale = to;
    this.#fitted = to <= this.#whole() * 1.001;
    this.#draw();
  }

  // closer shows the surroundings of a point of the drawing, at least that large.
  closer(x, y, scale) {
    this.#scale = Math.min(CLOSEST, Math.max(this.#scale, scale));
    this.#fitted = false;
    this.#x = this.svg.clientWidth / 2 - x * this.#scale;
    this.#y = this.svg.clientHeight / 2 - y * this.#scale;
    this.#draw();
  }

  // reveal moves a point of the drawing into the view, where it isn't.
  reveal(x, y) {
    const margin = 24;
    const into = (at, most) => Math.min(0, most - margin - at) + Math.max(0, margin - at);
    this.#x += into(x * this.#scale + this.#x, this.svg.clientWidth);
    this.#y += into(y * this.#scale + this.#y, this.svg.clientHeight);
    this.#draw();
  }

  // at is the point of the drawing that is under an event.
  at(event) {
    const { left, top } = this.svg.getBoundingClientRect();
    return { x: (event.clientX - left - this.#x) / this.#scale, y: (event.clientY - top - this.#y) / this.#scale };
  }

  #whole() {
    return Math.min(this.svg.clientWidth / this.size.width, this.svg.clientHeight / this.size.height);
  }

  #resized() {
    if (!this.svg.clientWidth) return; // it isn't shown
    if (this.#fitted) {
      this.#scale = this.#whole();
      this.#x = (this.svg.clientWidth - this.size.width * this.#scale) / 2;
      this.#y = (this.svg.clientHeight - this.size.height * this.#scale) / 2;
    }
    this.#draw();
  }

  #wheel(event) {
    if (event.deltaY > 0 && this.#fitted && !event.ctrlKey) return; // the page scrolls
    event.preventDefault();
    const { left, top } = this.svg.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), { x: event.clientX - left, y: event.clientY - top });
  }

  #press(event) {
    if (this.#pointers.size === 0) this.dragged = false;
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, from: { x: event.clientX, y: event.clientY } });
  }

  #move(event) {
    const pointer = this.#pointers.get(event.pointerId);
    if (!pointer) return;
    const others = [...this.#pointers].filter(([id]) => id !== event.pointerId).map(([, p]) => p);
    const far = Math.hypot(event.clientX - pointer.from.x, event.clientY - pointer.from.y) > STILL;
    if (!this.dragged && far) {
      this.dragged = true;
      for (const id of this.#pointers.keys()) this.svg.setPointerCapture(id);
    }
    if (this.dragged && others.length === 1) this.#pinch(pointer, event, others[0]);
    else if (this.dragged && others.length === 0) {
      this.#x += event.clientX - pointer.x;
      this.#y += event.clientY - pointer.y;
      this.#fitted = false;
      this.#draw();
    }
    pointer.x = event.clientX;
    pointer.y = event.clientY;
  }

  #pinch(before, event, other) {
    const apart = (p) => Math.hypot(p.x - other.x, p.y - other.y);
    const { left, top } = this.svg.getBoundingClientRect();
    const factor = apart({ x: event.clientX, y: event.clientY }) / Math.max(1, apart(before));
    this.zoom(factor, { x: (event.clientX + other.x) / 2 - left, y: (event.clientY + other.y) / 2 - top });
  }

  #lift(event) {
    this.#pointers.delete(event.pointerId);
  }

  #draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#keep();
      this.group.setAttribute("transform", `translate(${this.#x} ${this.#y}) scale(${this.#scale})`);
      this.svg.classList.toggle("close", this.#scale > 1.15);
      this.svg.classList.toggle("moved", !this.#fitted);
    });
  }

  // keep lets nobody lose the drawing beyond an edge.
  #keep() {
    const hold = (at, size, most) => Math.min(most / 2, Math.max(most / 2 - size * this.#scale, at));
    this.#x = hold(this.#x, this.size.width, this.svg.clientWidth);
    this.#y = hold(this.#y, this.size.height, this.svg.clientHeight);
  }
}
