/* The health check group by group in one page: nothing is sent before the end, and nothing is kept. */
(() => {
  "use strict";
  const form = document.getElementById("check");
  const alarm = document.getElementById("urgent-now");

  // Whoever comes back to a page of somebody before them finds it as it is now, and nothing that was ticked.
  addEventListener("pagehide", () => document.querySelector("main").replaceChildren());
  addEventListener("pageshow", ({ persisted }) => persisted && location.replace(form.dataset.here));

  const sections = () => [...form.querySelectorAll("section")];
  const role = () => form.querySelector("[value=guardian]:checked") !== null;
  form.addEventListener("change", ({ target }) => {
    for (const one of document.querySelectorAll("[data-reader]")) {
      one.hidden = (one.dataset.reader === "guardian") !== role() && form.querySelector("[value=guardian]") !== null;
    }
    if (!target.matches(".is-urgent")) return;
    alarm.hidden = form.querySelector(".is-urgent:checked") === null;
    const { top, bottom } = alarm.getBoundingClientRect();
    if (!alarm.hidden && (top < 0 || bottom > innerHeight)) alarm.scrollIntoView();
  });
  if (form.dataset.of === undefined) return;

  for (const kept of form.querySelectorAll("template")) kept.replaceWith(kept.content);
  const all = sections();
  document.getElementById("carried").remove();
  const [status, bar, go, back, summary, once] = ["part", "bar", "go", "back", "summary", "once"].map((id) =>
    document.getElementById(id));
  const name = document.title;
  let at = 0;

  const age = () => {
    const [year, month, day] = ["year", "month", "day"].map((part) => Number(form.elements[`dob.${part}`].value));
    const [thisYear, thisMonth, today] = form.dataset.today.split("-").map(Number);
    const born = new Date(Date.UTC(year, month - 1, day));
    if (year < 1000 || !day || born.getUTCMonth() !== month - 1) return NaN;
    const years = thisYear - year - (thisMonth < month || (thisMonth === month && today < day));
    return years < 0 ? NaN : years;
  };
  const sort = () => {
    const years = age();
    form.classList.toggle("known", !isNaN(years));
    for (const block of form.querySelectorAll(".asked")) {
      block.hidden = years < Number(block.dataset.low ?? 0) || years >= Number(block.dataset.high ?? Infinity);
    }
  };
  const ours = () => all.filter((one, number) => !number || one.querySelector(".asked:not([hidden])"));
  const isLast = () => ours().at(-1) === all[at];

  const show = (number) => {
    sort();
    at = all.indexOf(ours().findLast((one) => all.indexOf(one) <= number));
    for (const one of all) one.hidden = one !== all[at];
    form.elements.at.value = at + 1;
    bar.max = ours().length;
    bar.value = ours().indexOf(all[at]) + 1;
    status.textContent = status.dataset.said.replace("{number}", bar.value).replace("{all}", bar.max);
    const sends = isLast() || form.dataset.tried !== undefined;
    go.value = sends ? "send" : "next";
    go.textContent = go.dataset[go.value];
    back.hidden = at === 0;
    once.hidden = at !== 0;
  };
  const enter = (number) => {
    show(number);
    summary.replaceChildren();
    const title = all[at].querySelector("h2");
    document.title = `${status.textContent}: ${title.textContent} - ${name}`;
    status.scrollIntoView();
    title.focus({ preventScroll: true });
  };

  const isOpen = (asked) => {
    const typed = [...asked.querySelectorAll("input:not([type=radio], [type=checkbox]), select, textarea")];
    if (asked.dataset.whole !== undefined) return isNaN(age());
    const ticked = asked.querySelector("input:checked:not([value=given])");
    return !ticked && !typed.some((one) => one.value.trim());
  };
  const clean = () => {
    for (const one of all[at].querySelectorAll(".problem")) one.remove();
    for (const one of all[at].querySelectorAll(".wrong")) one.classList.remove("wrong");
    for (const one of all[at].querySelectorAll("[aria-describedby]")) one.removeAttribute("aria-describedby");
  };
  const mark = (asked) => {
    const field = asked.querySelector("[id]");
    const told = document.createElement("p");
    told.className = "problem";
    told.id = `${field.id}-problem`;
    told.textContent = asked.dataset.missing;
    if (asked.matches("fieldset")) asked.querySelector("legend").after(told);
    else asked.before(told);
    (asked.matches("fieldset") ? asked : field).setAttribute("aria-describedby", told.id);
    asked.closest(".asked").classList.add("wrong");
    const link = document.createElement("a");
    link.href = `#${field.id}`;
    link.textContent = (asked.querySelector("legend") ?? asked).textContent.trim().replace(/\?.*/s, "?");
    const line = document.createElement("li");
    line.append(link);
    return line;
  };
  const tell = (wrong) => {
    const told = document.getElementById("told").content.firstElementChild.cloneNode(true);
    const { once: single, more } = summary.dataset;
    told.querySelector("h2").textContent = wrong.length === 1 ? single : more.replace("{count}", wrong.length);
    told.querySelector("ul").replaceChildren(...wrong.map(mark));
    summary.replaceChildren(told);
    told.focus();
  };
  summary.addEventListener("click", (event) => {
    const field = event.target.closest("a") && document.getElementById(event.target.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    field.scrollIntoView({ block: "center" });
    field.focus({ preventScroll: true });
  });

  form.addEventListener("input", ({ target }) => target.name.startsWith("dob.") && sort());
  form.addEventListener("submit", (event) => {
    if (event.submitter?.name === "talk") return;
    if (event.submitter === back) {
      event.preventDefault();
      history.back();
      return;
    }
    clean();
    const wrong = [...all[at].querySelectorAll("[data-missing]")].filter((one) => one.checkVisibility() && isOpen(one));
    if (!wrong.length && go.value === "send") return;
    event.preventDefault();
    if (wrong.length) {
      tell(wrong);
      return;
    }
    const next = all.indexOf(ours()[ours().indexOf(all[at]) + 1]);
    history.pushState({ at: next }, "");
    enter(next);
  });
  addEventListener("popstate", ({ state }) => state && enter(state.at));

  // Another language keeps what was answered: the page is asked for by the form and not by the link.
  for (const link of document.querySelectorAll(".languages a")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const stay = document.createElement("input");
      Object.assign(stay, { type: "hidden", name: "go", value: "stay" });
      form.append(stay);
      form.action = link.href;
      form.submit();
    });
  }

  // So that the browser's own way back leads through the groups from wherever the page began.
  show(Number(form.dataset.at) - 1);
  const start = at;
  history.replaceState({ at: 0 }, "");
  for (const one of ours().map((section) => all.indexOf(section))) {
    if (one > 0 && one <= start) history.pushState({ at: one }, "");
  }
})();
