/* A text as the client would read it, and what it takes, while it is typed; the page's button does the same. */
(() => {
  "use strict";
  const form = document.getElementById("wording");
  let timer, newest = 0;

  const look = async () => {
    const mine = ++newest;
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.dataset.preview, { method: "POST", body }).catch(() => null);
    if (![200, 422].includes(answer?.status)) return;
    const told = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== newest) return;
    for (const one of ["meter", "bubble"]) {
      const found = told.getElementById(one);
      if (found.childNodes.length) document.getElementById(one).replaceChildren(...found.childNodes);
    }
    form.elements.words.setAttribute("aria-invalid", String(answer.status === 422));
  };

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, 400);
  });
})();
