"use strict";
// Fills in what the browser knows or what follows from another field, as long as nobody chose for themselves.
const field = (name) => document.getElementById(name);
if (field("zone")?.value === "") {
  field("zone").value = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (field("zone").selectedIndex < 0) field("zone").value = "";
}

let isChosen = Boolean(field("id")?.value);
field("id")?.addEventListener("input", () => { isChosen = true; });
field("name")?.addEventListener("input", () => {
  if (isChosen) return;
  const plain = field("name").value.normalize("NFKD").replace(/[^\x00-\x7f]/g, "").toLowerCase();
  field("id").value = plain.replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40).replace(/-+$/, "");
});

// The number of one country is never left standing under another.
let known = "";
function follow() {
  const usual = field("country").selectedOptions[0]?.dataset.emergency ?? "";
  if (["", known].includes(field("emergency").value)) field("emergency").value = usual;
  known = usual;
}
if (field("country")) {
  known = field("country").selectedOptions[0]?.dataset.emergency ?? "";
  follow();
  field("country").addEventListener("change", follow);
}

// Once is enough; coming back to the page by "back" lets it be sent again.
const button = document.querySelector("#begin button");
field("begin").addEventListener("submit", () => { button.disabled = true; });
addEventListener("pageshow", () => { button.disabled = false; });
