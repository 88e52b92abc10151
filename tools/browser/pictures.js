// Gives the pictures that say nothing where they are not shown: with no words, too little
// room for them, or in a colour that is too near the ground (WCAG 1.4.3).
(contrast) => {
  const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [red, green, blue] = channels(colour).map((value) => value / 255)
      .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const canvas = () => {
    const probe = document.createElement("div");
    probe.style.backgroundColor = "Canvas";
    document.documentElement.append(probe);
    const colour = getComputedStyle(probe).backgroundColor;
    probe.remove();
    return colour;
  };
  const ground = (element) => {
    if (element === null) return canvas();
    const colour = getComputedStyle(element).backgroundColor;
    return channels(colour)[3] === 0 ? ground(element.parentElement) : colour;
  };
  const ratio = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const fits = (picture) => {
    const ruler = document.createElement("div");
    const {font, direction, wordBreak, overflowWrap} = getComputedStyle(picture);
    Object.assign(ruler.style, {font, direction, wordBreak, overflowWrap});
    // Chromium draws a torn picture of 16 px before the words.
    Object.assign(ruler.style, {position: "absolute", visibility: "hidden", textIndent: "16px"});
    // Less than a pixel is rounding.
    const {width, height} = picture.getBoundingClientRect();
    ruler.style.width = `${width + 1}px`;
    ruler.textContent = picture.alt;
    document.body.append(ruler);
    const fitting = ruler.scrollWidth <= width + 1 && ruler.scrollHeight <= height + 1;
    ruler.remove();
    return fitting;
  };
  const fault = (picture) => {
    if (picture.naturalWidth > 0) return "is shown";
    if (!picture.hasAttribute("alt")) return "has no alt text";
    if (picture.alt === "") return null;
    const {clientWidth: width, clientHeight: height} = picture;
    if (!fits(picture)) return `has no room for its alt text in ${width} x ${height} px`;
    const found = ratio(getComputedStyle(picture).color, ground(picture));
    if (found < contrast) return `has its alt text at a contrast of ${found.toFixed(1)}`;
    return null;
  };
  return Array.from(document.images, (picture) => [picture, fault(picture)])
    .filter(([, why]) => why !== null)
    .map(([picture, why]) => `${picture.getAttribute("src")} ${why}`);
}
