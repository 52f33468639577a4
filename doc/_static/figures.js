// On a phone a wide figure keeps a width to read it at, and scrolls in its own box.
const boxFigures = () => {
  const figures = [
    "img.sphx-glr-single-img",
    ".bd-article figure img",
    ".bd-article section > img",
  ].join(", ");
  document.querySelectorAll(figures).forEach((image) => {
    const box = document.createElement("div");
    box.className = "figure-box";
    image.replaceWith(box);
    box.append(image);
    const mark = () => {
      const width = Math.min(576, 0.7 * image.naturalWidth);
      box.style.setProperty("--figure-width", `${width}px`);
      box.classList.toggle("wide", image.naturalWidth > 650);
    };
    if (image.complete) mark();
    else image.addEventListener("load", mark);
  });
};

// On a phone the rows of a table of text with three or more columns become blocks.
const stackTables = () => {
  document.querySelectorAll(".bd-article table.table").forEach((table) => {
    const labels = [...table.querySelectorAll("thead th")].map((one) => one.innerText);
    const cells = [...table.querySelectorAll("tbody td")];
    const text = cells.filter((one) => one.innerText.length > 30);
    if (labels.length < 3 || table.matches(".long, .autosummary, .dataframe")) return;
    if (text.length < cells.length / 4) return;
    table.classList.add("stacked");
    cells.forEach((cell) => {
      cell.dataset.label = labels[cell.cellIndex];
    });
  });
};

document.addEventListener("DOMContentLoaded", () => {
  boxFigures();
  stackTables();
});
