"use strict";
// One participant's way through the study. Order and sides are drawn here; progress is kept in this browser after every answer.
const study = JSON.parse(document.getElementById("data").textContent);
const element = (id) => document.getElementById(id);
const items = new Map(study.items.map((item) => [item.id, item]));
const place = "motionwarp-study-" + study.study;
let state = null;
let shownAt = 0;

function randomBelow(limit) {
  // no modulo bias: values beyond the last whole multiple are drawn again
  const most = Math.floor(0x100000000 / limit) * limit;
  const value = new Uint32Array(1);
  do crypto.getRandomValues(value); while (value[0] >= most);
  return value[0] % limit;
}

function shuffled(list) {
  const result = list.slice();
  for (let last = result.length - 1; last > 0; last--) {
    const other = randomBelow(last + 1);
    [result[last], result[other]] = [result[other], result[last]];
  }
  return result;
}

function fresh() {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return {
    format: study.format,
    study: study.study,
    participant: Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""),
    started: new Date().toISOString(),
    order: shuffled([...items.keys()]).map((id) => ({ id, left: randomBelow(2) ? "x" : "y" })),
    answers: [],
  };
}

function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(place));
    const whole = found && found.study === study.study && found.order.length === items.size && found.order.every((each) => items.has(each.id));
    return whole ? found : null;
  } catch {
    return null;
  }
}

function keep() {
  try {
    localStorage.setItem(place, JSON.stringify(state));
  } catch {
    element("note").textContent = "This browser keeps no progress: please finish before closing the page.";
  }
}

function show() {
  const done = state.answers.length;
  const finished = done === state.order.length;
  element("start").hidden = true;
  element("task").hidden = finished;
  element("end").hidden = !finished;
  element("place").textContent = finished ? done + " of " + done : done + 1 + " of " + state.order.length;
  element("bar").value = done / state.order.length;
  element("back").hidden = done === 0;
  if (finished) return;
  const { id, left } = state.order[done];
  const item = items.get(id);
  element("left-picture").src = item[left];
  element("right-picture").src = item[left === "x" ? "y" : "x"];
  shownAt = performance.now();
}

function answer(side) {
  if (!state || state.answers.length === state.order.length) return;
  const { id, left } = state.order[state.answers.length];
  const right = left === "x" ? "y" : "x";
  state.answers.push({ id, left, chosen: side === "left" ? left : right, milliseconds: Math.round(performance.now() - shownAt) });
  if (state.answers.length === state.order.length) state.finished = new Date().toISOString();
  keep();
  show();
}

function back() {
  if (!state || state.answers.length === 0) return;
  state.answers.pop();
  delete state.finished;
  keep();
  show();
}

function save() {
  const { order, ...result } = state;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(result, null, 2)], { type: "application/json" }));
  link.download = "study-" + study.study + "-" + state.participant + ".json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

element("left").addEventListener("click", () => answer("left"));
element("right").addEventListener("click", () => answer("right"));
element("back").addEventListener("click", back);
element("save").addEventListener("click", save);
element("begin").addEventListener("click", () => {
  state = kept() || fresh();
  keep();
  show();
});
document.addEventListener("keydown", (event) => {
  // a key held down must not run through the study
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || element("task").hidden) return;
  if (event.key === "ArrowLeft") answer("left");
  else if (event.key === "ArrowRight") answer("right");
  else if (event.key === "Backspace") back();
  else return;
  event.preventDefault();
});
const before = kept();
if (before && before.answers.length) {
  element("begin").textContent = before.answers.length === before.order.length ? "Show the end" : "Go on";
}
