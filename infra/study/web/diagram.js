// Draws diagrams for the page that this frame stands in. No module: the page
// calls these two.

// check returns what is wrong with a diagram's text, or "".
window.check = async (text) => {
  try {
    await mermaid.parse(text);
    return "";
  } catch (failed) {
    return failed.message || String(failed);
  }
};

// draw returns a diagram as SVG text.
window.draw = async (id, text, colours, dark) => {
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    theme: "base",
    themeVariables: { darkMode: dark, fontFamily: "Geist, sans-serif", fontSize: "15px", ...colours },
    flowchart: { curve: "basis", padding: 12, useMaxWidth: true },
  });
  await document.fonts.load("400 15px Geist");
  const { svg } = await mermaid.render(id, text);
  return svg;
};
