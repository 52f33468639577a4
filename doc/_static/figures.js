// On a phone a wide figure keeps a width to read it at, and scrolls in its own box.
document.addEventListener("DOMContentLoaded", () => {
  const figures = "img.sphx-glr-single-img, .bd-article figure img";
  document.querySelectorAll(figures).forEach((image) => {
    const box = document.createElement("div");
    box.className = "figure-box";
    image.replaceWith(box);
    box.append(image);
    const mark = () => box.classList.toggle("wide", image.naturalWidth > 600);
    if (image.complete) mark();
    else image.addEventListener("load", mark);
  });
});
