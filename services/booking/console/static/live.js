/* Keeps the day as it is: hears that it changed and takes the page's content in anew, but never from under a hand. */
(() => {
  "use strict";
  const RENEW = "/booking/console/renew?to=";
  const main = document.getElementById("main");
  let live = document.getElementById("live");
  let is_due = false, is_asking = false;

  // Outside of what is renewed, so that it is there before anything is told in it.
  const told = document.createElement("p");
  told.className = "live soft";
  told.setAttribute("role", "status");
  main.before(told);

  const is_busy = () => main.querySelector("details[open]") || document.activeElement?.closest("#main form");

  const take = (fresh) => {
    const at = document.activeElement?.closest("#main a")?.getAttribute("href");
    const [x, y] = [scrollX, scrollY];
    main.replaceChildren(...fresh.getElementById("main").childNodes);
    document.title = fresh.title;
    live = document.getElementById("live");
    [...main.querySelectorAll("a")].find((one) => one.getAttribute("href") === at)?.focus({ preventScroll: true });
    scrollTo(x, y);
  };

  // By way of a new pass: a session that was ended elsewhere leads to the page that asks who is there.
  const renew = async () => {
    if (is_asking) return;
    if (is_busy()) {
      told.textContent = live.dataset.waits;
      return;
    }
    is_asking = true;
    const answer = await fetch(RENEW + encodeURIComponent(location.pathname + location.search)).catch(() => null);
    const text = await answer?.text().catch(() => null);
    is_asking = false;
    if (!answer?.ok || text === null) return; // the next word from there tries again
    const fresh = new DOMParser().parseFromString(text, "text/html");
    if (!fresh.getElementById("live")) {
      location.assign(answer.url);
      return;
    }
    if (is_busy()) return;
    const words = live.dataset.told;
    const has_changed = is_due;
    is_due = false;
    take(fresh);
    if (has_changed) told.textContent = `${words} ${new Date().toLocaleTimeString(document.documentElement.lang, { timeStyle: "short", hourCycle: "h23" })}`;
  };

  const when_free = () => setTimeout(() => is_due && renew(), 0);
  main.addEventListener("focusout", when_free);
  main.addEventListener("toggle", when_free, true);

  const follow = () => {
    const events = new EventSource(live.dataset.events);
    events.addEventListener("changed", () => {
      is_due = true;
      renew();
    });
    events.addEventListener("open", when_free);
    events.addEventListener("error", async () => {
      if (events.readyState !== EventSource.CLOSED) return;
      await renew();
      setTimeout(follow, 30000);
    });
  };
  follow();
  addEventListener("pageshow", (shown) => shown.persisted && location.reload());
})();
