"use strict";
// Fills in what the browser knows or what follows from another field, as long as nobody chose for themselves.
const field = (name) => document.getElementById(name);
const touched = new Set();
for (const name of ["id", "zone", "emergency"]) {
  if (field(name)?.value) touched.add(name);
  field(name)?.addEventListener("input", () => touched.add(name));
}

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (field("zone") && !touched.has("zone")) {
  field("zone").value = zone;
  if (field("zone").selectedIndex < 0) field("zone").value = "";
}

field("name")?.addEventListener("input", () => {
  if (touched.has("id")) return;
  const plain = field("name").value.normalize("NFKD").replace(/[^\x00-\x7f]/g, "").toLowerCase();
  field("id").value = plain.replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40).replace(/-+$/, "");
});

field("country")?.addEventListener("change", () => {
  const known = field("country").selectedOptions[0]?.dataset.emergency ?? "";
  if (!touched.has("emergency")) field("emergency").value = known;
});

// Once is enough; coming back to the page by "back" lets it be sent again.
const button = document.querySelector("#begin button");
field("begin").addEventListener("submit", () => { button.disabled = true; });
addEventListener("pageshow", () => { button.disabled = false; });
