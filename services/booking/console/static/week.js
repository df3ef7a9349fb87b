/* The week as a grid for a finger or a mouse: it fills in the forms that are on the page anyway, and sends nothing. */
(() => {
  "use strict";
  const grid = document.getElementById("grid"), form = document.getElementById("time-off");
  if (!grid || !form) return;
  const STEP = 30, TAP = 60, END = 1440;
  const clock = (at) => `${String(Math.floor(at / 60) % 24).padStart(2, "0")}:${String(at % 60).padStart(2, "0")}`;
  const spans = (text) => text.trim().split(/\s+/).filter(Boolean).map((one) => one.split("-").map(Number));
  const within = (list, at) => list.some(([from, until]) => from < at + STEP && at < until);
  const days = [...document.querySelectorAll("[data-day]")].map((item) => ({
    day: item.dataset.day, open: spans(item.dataset.open), off: spans(item.dataset.off), form: item.querySelector("a").href,
  }));
  const all = days.flatMap((day) => day.open);
  const first = Math.floor(Math.min(8 * 60, ...all.map(([from]) => from)) / 60) * 60;
  const last = Math.min(END, Math.ceil(Math.max(18 * 60, ...all.map(([, until]) => until)) / 60) * 60);
  const cells = [];
  const add = (parent, name, text = "") => {
    const made = document.createElement("div");
    made.className = name;
    made.textContent = text;
    parent.append(made);
    return made;
  };
  add(grid, "told-above", grid.dataset.told);
  const table = add(grid, "cells");
  const hours = add(table, "hours");
  add(hours, "head");
  for (let at = first; at < last; at += 60) add(hours, "hour", clock(at));
  for (const day of days) {
    const column = add(table, "column");
    add(column, "head", String(Number(day.day.slice(8))));
    for (let at = first; at < last; at += STEP) {
      const cell = add(column, "cell");
      cell.classList.toggle("open", within(day.open, at));
      cell.classList.toggle("off", within(day.off, at));
      cells.push({ cell, day, at });
    }
  }
  grid.hidden = false;
  const find = (target) => cells.find((one) => one.cell === target);
  let from = null, to = null;
  const mark = () => cells.forEach(({ cell, day, at }) => {
    const chosen = from && day === from.day && at >= Math.min(from.at, to.at) && at <= Math.max(from.at, to.at);
    cell.classList.toggle("chosen", Boolean(chosen));
  });
  const take = (day, starts, ends) => {
    if (!within(day.open, starts)) {
      const to = new URL(day.form);
      to.search = new URLSearchParams({ starts: clock(starts), ends: clock(ends) });
      location.assign(to);
      return;
    }
    const wanted = { from_day: day.day, from_time: clock(starts), until_day: day.day, until_time: clock(ends) };
    for (const [name, value] of Object.entries(wanted)) form.elements[name].value = value;
    form.elements.from_day.focus();
  };
  table.addEventListener("pointerdown", (event) => {
    from = to = event.button === 0 ? find(event.target) : null;
    mark();
  });
  table.addEventListener("pointermove", (event) => {
    const over = from && find(document.elementFromPoint(event.clientX, event.clientY));
    if (over && over.day === from.day && over !== to) {
      to = over;
      mark();
    }
  });
  const stop = () => { from = to = null; mark(); };
  addEventListener("pointercancel", stop);
  addEventListener("pointerup", () => {
    if (!from) return;
    const { day } = from, starts = Math.min(from.at, to.at);
    const ends = from === to ? Math.min(starts + TAP, END) : Math.max(from.at, to.at) + STEP;
    take(day, starts, ends);
  });
})();
