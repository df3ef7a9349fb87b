/* In a frame: tells the practice's own site how high the page is and how far the client has come, and nothing else. */
(() => {
  "use strict";
  if (parent === self) return;
  const root = document.documentElement;
  const { sites, stage } = document.currentScript.dataset;
  const hosts = [location.origin, ...sites.split(" ")];
  // From where health may show in it, neither the height nor anything else is told.
  const follows = stage === "choosing" || stage === "held";
  let host = "";

  const tell = (said) => { if (host) parent.postMessage({ stillpoint: said }, host); };
  const measure = () => tell({ height: follows ? root.offsetHeight : 0 });

  root.classList.toggle("follows", follows);
  // The page around the frame has landmarks of its own.
  for (const part of document.querySelectorAll("body > :is(header, footer)")) part.setAttribute("role", "none");
  document.querySelector("main").setAttribute("aria-label", document.title);
  for (const link of document.links) {
    if (/^http/.test(link.protocol) && link.origin !== location.origin) {
      link.target = "_blank";
      link.rel = "noopener noreferrer";
    }
  }
  addEventListener("message", ({ source, origin, data }) => {
    if (source !== parent || !hosts.includes(origin) || data?.stillpoint !== "hello") return;
    host = origin;
    tell({ stage: stage === "private" ? "" : stage });
    measure();
    if (follows) new ResizeObserver(measure).observe(root);
    if (data.focus) {
      const title = document.querySelector("h1");
      const enter = () => title.focus();
      title.tabIndex = -1;
      enter();
      // The frame itself may get the focus a moment later, and lose its place by that.
      addEventListener("focus", enter);
      setTimeout(() => removeEventListener("focus", enter), 1000);
    }
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.target.matches("select, [type=date]")) tell({ close: true });
  });
})();
