// Lists that are drawn again and again, under the hands of who uses them by keyboard.

// arrange gives an element these children in this order, and leaves alone what stands
// right: a child that is taken out and put back loses the focus. Where the one with
// the focus was replaced, that which is instead of it gets it.
export function arrange(parent, children, instead) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const stay = new Set(children);
  for (const old of [...parent.children]) if (!stay.has(old)) old.remove();
  children.forEach((child, i) => {
    if (parent.children[i] !== child) parent.insertBefore(child, parent.children[i] || null);
  });
  if (focused && document.activeElement !== focused) (focused.isConnected ? focused : instead(focused))?.focus({ preventScroll: true });
}
