/* What the other services know of a visit, under the links that lead to it; where it does not come, the link is there. */
(() => {
  "use strict";
  const show = async (link) => {
    const answer = await fetch(link.href).catch(() => null);
    if (!answer?.ok) return;
    const part = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-shown]");
    if (part) link.after(part);
  };
  document.querySelectorAll("a[data-part]").forEach(show);
})();
