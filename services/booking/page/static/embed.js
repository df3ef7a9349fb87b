/* Shows a practice's booking pages on its own web site, in the page or in a dialog. Without it links stay links. */
(() => {
  "use strict";
  const home = new URL(document.currentScript.src).origin;
  const ours = /^\/booking\/book\/[a-z0-9][a-z0-9-]{1,39}(\/times)?$/;
  const words = { en: "Close", es: "Cerrar" };
  const patience = 3000;
  const steady = "min(90vh, 48rem)";
  if (!document.adoptedStyleSheets || !window.HTMLDialogElement) return;

  const dressed = (text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return [sheet];
  };

  /* The frame of one link: `tells` is called with what the page in it says, `fails` when there is no such page. */
  const framed = (link, { tells, fails, focuses }) => {
    const frame = document.createElement("iframe");
    const said = new Set();
    let answers = 0;
    frame.title = link.getAttribute("aria-label") || link.textContent.trim();
    frame.src = link.href;
    frame.addEventListener("load", () => {
      const before = answers;
      if (focuses && !answers) frame.focus();
      frame.contentWindow.postMessage({ stillpoint: "hello", focus: focuses && !answers }, home);
      setTimeout(() => { if (answers === before && frame.isConnected) fails(); }, patience);
    });
    addEventListener("message", ({ source, origin, data }) => {
      if (!frame.isConnected || source !== frame.contentWindow || origin !== home || !data) return;
      const { stage, height, close } = data.stillpoint || {};
      if (typeof stage === "string") {
        answers += 1;
        if ((stage === "held" || stage === "booked") && !said.has(stage)) tell(link, stage);
        said.add(stage);
        tells({ page: answers });
      } else if (Number.isFinite(height)) {
        tells({ height });
      } else if (close === true) {
        tells({ close });
      }
    });
    return frame;
  };

  const tell = (link, what) => link.dispatchEvent(new CustomEvent(`stillpoint:${what}`, { bubbles: true }));

  const inline = (link) => {
    const frame = framed(link, {
      tells: ({ page, height }) => {
        if (page) {
          link.style.display = "none";
          frame.style.visibility = "visible";
          if (page > 1 && frame.getBoundingClientRect().top < 0) frame.scrollIntoView({ behavior: "instant" });
        } else if (height !== undefined) {
          frame.style.height = height > 0 ? `${Math.min(Math.ceil(height), 20000)}px` : steady;
        }
      },
      fails: () => {
        link.style.display = "";
        frame.remove();
      },
    });
    Object.assign(frame.style, { display: "block", width: "100%", height: "0", border: "0", visibility: "hidden" });
    link.after(frame);
  };

  const popover = (link) => {
    const around = document.createElement("div");
    const inside = around.attachShadow({ mode: "open" });
    const dialog = document.createElement("dialog");
    const button = document.createElement("button");
    const page = document.documentElement.style;
    const language = (link.closest("[lang]")?.lang || "en").slice(0, 2);
    let frame;
    let scrolls = "";
    inside.adoptedStyleSheets = dressed(`
      dialog { box-sizing: border-box; width: min(46rem, 100vw); height: 100dvh; max-width: 100vw; max-height: 100dvh;
        margin: auto; padding: 0; border: 0; color: CanvasText; background: Canvas; color-scheme: light dark; }
      dialog[open] { display: flex; flex-direction: column; }
      dialog::backdrop { background: rgb(0 0 0 / .55); }
      button { align-self: flex-end; min-height: 44px; margin: 4px; padding: 0 20px; border: 0; border-radius: 22px;
        font: 600 16px system-ui, sans-serif; color: inherit; background: none; cursor: pointer; }
      button:focus-visible { outline: 3px solid; outline-offset: -3px; }
      iframe { flex: 1; width: 100%; border: 0; }
      @media (min-width: 48rem) and (min-height: 40rem) { dialog { height: min(90dvh, 60rem); border-radius: 16px; } }`);
    button.type = "button";
    button.textContent = words[language] || words.en;
    button.addEventListener("click", () => dialog.close());
    dialog.setAttribute("aria-label", link.getAttribute("aria-label") || link.textContent.trim());
    dialog.append(button);
    dialog.addEventListener("close", () => {
      page.overflow = scrolls;
      link.focus({ preventScroll: true });
      tell(link, "closed");
    });
    inside.append(dialog);
    document.body.append(around);
    link.setAttribute("aria-haspopup", "dialog");

    const show = () => framed(link, {
      focuses: true,
      tells: ({ close }) => {
        if (close) dialog.close();
      },
      fails: () => {
        dialog.close();
        around.remove();
        link.removeEventListener("click", open);
        location.assign(link.href);
      },
    });
    const open = (event) => {
      if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      scrolls = page.overflow;
      page.overflow = "hidden";
      dialog.showModal();
      // Whoever closes it and opens it again finds it as it was.
      if (!frame) dialog.append((frame = show()));
    };
    link.addEventListener("click", open);
  };

  const begin = () => {
    for (const link of document.querySelectorAll("a.stillpoint")) {
      if (link.origin !== home || !ours.test(link.pathname) || link.dataset.stillpointIs) continue;
      link.dataset.stillpointIs = "on";
      (link.dataset.stillpoint === "popover" ? popover : inline)(link);
    }
  };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", begin);
  else begin();
})();
