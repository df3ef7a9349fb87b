/* Counts the minutes of a held time down, and brings the page of a visit up to date when something becomes of it. */
(() => {
  "use strict";
  const clock = document.querySelector("[data-left]");
  const voice = document.querySelector("[data-voice]");

  if (clock) {
    const { left, one, many, none } = clock.dataset;
    const end = Date.now() + left * 1000;
    let shown = -1;
    const count = () => {
      const minutes = Math.max(0, Math.floor((end - Date.now()) / 60000));
      const over = Date.now() >= end;
      const told = over ? none : minutes < 2 ? one : many.replace("{count}", minutes);
      const now = over ? 0 : Math.max(1, minutes);
      if (now !== shown) {
        clock.textContent = told;
        // Said aloud twice and at the end; a clock that talks every minute is no company.
        if (shown !== -1 && (now === 5 || now < 2)) voice.textContent = told;
        shown = now;
      }
      if (over) clearInterval(timer);
    };
    const timer = setInterval(count, 1000);
    count();
  }

  const main = document.querySelector("main");
  const { events, version } = main.querySelector("[data-events]")?.dataset ?? {};
  if (!events) return;
  const source = new EventSource(events);
  let seen = version;
  source.addEventListener("appointment", async ({ lastEventId }) => {
    if (lastEventId === seen) return;
    seen = lastEventId;
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const news = fresh.querySelector("main");
    document.title = fresh.title;
    // What is said aloud stays where it is: a live region that comes with its words is not heard.
    main.querySelector("[data-content]").replaceWith(news.querySelector("[data-content]"));
    document.querySelector("header .steps")?.replaceWith(...fresh.querySelectorAll("header .steps"));
    voice.textContent = main.querySelector("h1").textContent;
    if (!news.querySelector("[data-events]")) source.close();
  });
})();
