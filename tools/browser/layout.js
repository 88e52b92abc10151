// Gives what of a mail does not fit into the window or into its own box, and too small text.
(smallest) => {
  const faults = [];
  const wide = document.documentElement.clientWidth;
  const place = (element) => [element.localName, ...element.classList].join(".");
  const style = (element) => getComputedStyle(element);
  // A box of its own that can be moved sideways may hold what is wider.
  const scrolls = (element) => element !== document.body
    && ["auto", "scroll"].includes(style(element).overflowX);
  const movable = (element) => element !== null
    && (scrolls(element) || movable(element.parentElement));
  const box = (element) => style(element).display.startsWith("inline")
    || style(element).display === "contents" ? box(element.parentElement) : element;
  // Word by word: spaces may hang over the edge.
  const lines = (text) => Array.from(text.data.matchAll(/\S+/g), (word) => {
    const range = document.createRange();
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    return Array.from(range.getClientRects());
  }).flat();
  // Less than a pixel is rounding.
  const beyond = (inner, left, right) =>
    inner.width > 0 && Math.round(Math.max(left - inner.left, inner.right - right));

  const scrollable = document.scrollingElement.scrollWidth;
  if (scrollable > wide) faults.push(`the page is ${scrollable} px wide`);

  // What holds a thing that sticks out does so too; the innermost one is to blame.
  const outside = (element) => beyond(element.getBoundingClientRect(), 0, wide);
  for (const element of document.querySelectorAll("body *")) {
    const by = outside(element);
    const inner = Array.from(element.children).some((child) => outside(child) > 0);
    if (by > 0 && !inner && !movable(element))
      faults.push(`${place(element)} sticks out by ${by} px`);
  }

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const words = texts.currentNode.data.trim();
    const parent = texts.currentNode.parentElement;
    if (!words || !parent.checkVisibility({visibilityProperty: true})) continue;
    const said = `"${words.slice(0, 30)}" in ${place(parent)}`;
    const size = parseFloat(style(parent).fontSize);
    if (size < smallest) faults.push(`${said} is ${size} px high`);
    const around = box(parent).getBoundingClientRect();
    const by = Math.max(...lines(texts.currentNode).map((line) =>
      beyond(line, around.left, around.right)));
    if (by > 0 && !movable(parent)) faults.push(`${said} sticks out of its box by ${by} px`);
  }
  return faults;
}
