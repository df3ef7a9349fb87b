// Keeps the page up to date: waits for a change, fetches the page again and takes over what is new.
"use strict";

const log = () => document.querySelector(".log");
const toEnd = () => log()?.scrollTo(0, log().scrollHeight);

function localise(page) {
  const today = new Date().toDateString();
  for (const time of page.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    const day = at.toDateString() === today ? {} : { day: "numeric", month: "short" };
    const hour = time.closest("nav") && day.day ? {} : { hour: "numeric", minute: "2-digit" };
    time.textContent = at.toLocaleString([], { ...day, ...hour });
    time.title = at.toLocaleString();
  }
}

// Only what changed is touched, so that focus stays and a screen reader hears new texts once.
function merge(old, fresh) {
  const known = new Map([...old.children].map((child) => [child.id, child]));
  [...fresh.children].forEach((child, place) => {
    let mine = known.get(child.id);
    known.delete(child.id);
    if (!mine) {
      mine = document.importNode(child, true);
      mine.classList.add("fresh");
    } else if (mine.querySelector(".mark")) {
      mine.className = child.className;
      mine.querySelector(".mark").replaceChildren(...document.importNode(child.querySelector(".mark"), true).childNodes);
    } else if (!mine.isEqualNode(child)) {
      const focused = mine.contains(document.activeElement);
      mine.replaceChildren(...document.importNode(child, true).childNodes);
      if (focused) mine.querySelector("a")?.focus();
    }
    if (old.children[place] !== mine) old.insertBefore(mine, old.children[place] ?? null);
  });
  for (const gone of known.values()) gone.remove();
}

async function refresh() {
  const phone = document.querySelector(".write [name=from]")?.value;
  const answer = await fetch(phone ? `./?with=${encodeURIComponent(phone)}` : location.href);
  if (!answer.ok) throw new Error(`the page answered ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  localise(fresh);
  const list = log();
  const atEnd = !list || list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  merge(document.getElementById("conversations"), fresh.getElementById("conversations"));
  if (phone) {
    merge(document.getElementById("texts"), fresh.getElementById("texts"));
    const notice = document.getElementById("notice");
    const news = fresh.getElementById("notice");
    if (notice.textContent.trim() !== news.textContent.trim()) notice.replaceChildren(...news.childNodes);
    if (document.querySelector("#texts li")) document.querySelector(".nothing")?.remove();
  } else {
    document.querySelector("main").replaceWith(document.importNode(fresh.querySelector("main"), true));
    document.title = fresh.title;
  }
  document.body.dataset.version = fresh.body.dataset.version;
  if (atEnd) toEnd();
}

async function follow() {
  for (;;) {
    try {
      const answer = await fetch(`emulator/changes?after=${document.body.dataset.version}`);
      const { version } = await answer.json();
      if (String(version) !== document.body.dataset.version) await refresh();
    } catch {
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
}

async function send(form, submitter) {
  const body = new URLSearchParams(new FormData(form, submitter));
  const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" });
  if (answer.type !== "opaqueredirect") throw new Error(`the text was answered with ${answer.status}`);
  if (form.matches(".write")) form.reset();
  toEnd();
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches(".quick, .write")) return;
  event.preventDefault();
  send(event.target, event.submitter).catch(() => {
    const told = document.createElement("p");
    told.textContent = "The text was not taken. Is the emulator still running?";
    document.getElementById("notice").replaceChildren(told);
  });
});

localise(document);
toEnd();
follow();
