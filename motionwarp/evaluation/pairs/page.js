"use strict";
// Sorting and sizing of the pairs; the page is complete without it.
const list = document.getElementById("pairs");
const by = document.getElementById("by");
const direction = document.getElementById("direction");
const size = document.getElementById("size");

function sorted() {
  const pairs = Array.from(list.children);
  const sign = direction.value === "best" ? 1 : -1;
  const column = Number(by.value);
  const better = Number(by.selectedOptions[0].dataset.better);
  const value = (pair) => {
    const cell = pair.dataset.values.split(" ")[column];
    return cell === "" || cell === "nan" ? null : Number(cell) * better;
  };
  pairs.sort((a, b) => {
    const one = value(a), other = value(b);
    if (one === null || other === null) return (one === null) - (other === null);
    return sign * (other - one);
  });
  list.append(...pairs);
}

if (list && by) {
  by.addEventListener("change", sorted);
  direction.addEventListener("change", sorted);
  size.addEventListener("input", () => document.documentElement.style.setProperty("--thumb", size.value + "px"));
  document.getElementById("controls").hidden = false;
}
