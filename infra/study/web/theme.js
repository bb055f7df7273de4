// Light, dark, or as the system says; before the first paint, so no module.
(() => {
  const kept = localStorage.getItem("study.theme");
  if (kept) document.documentElement.dataset.theme = kept;
})();
