// On a phone a wide figure keeps its size and scrolls in a box of its own.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("img.sphx-glr-single-img").forEach((image) => {
    const box = document.createElement("div");
    box.className = "figure-box";
    image.replaceWith(box);
    box.append(image);
  });
});
