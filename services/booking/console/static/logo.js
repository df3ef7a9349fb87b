"use strict";
// Reads a picture into the form, for a form carries no files; and offers colours to pick beside their names.
const most = 50000;
const file = document.getElementById("logo");
const told = document.getElementById("logo-told");
file.closest("[hidden]").hidden = false;
document.getElementById("logo-without").remove();
file.addEventListener("change", async () => {
  const kept = document.getElementById("logo-data");
  const chosen = file.files[0];
  kept.value = "";
  told.textContent = "";
  if (!chosen) return;
  if (chosen.size > most) {
    told.textContent = told.dataset.large;
    file.value = "";
    return;
  }
  const bytes = new Uint8Array(await chosen.arrayBuffer());
  kept.value = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  told.textContent = told.dataset.ready;
});

for (const name of ["accent", "ground", "dark_accent", "dark_ground"]) {
  const field = document.getElementById(name);
  const picker = document.createElement("input");
  picker.type = "color";
  picker.setAttribute("aria-label", `${document.querySelector(`label[for=${name}]`).textContent}: ${told.dataset.pick}`);
  const follow = () => { if (/^#[0-9a-f]{6}$/i.test(field.value)) picker.value = field.value.toLowerCase(); };
  picker.value = told.dataset[name];
  follow();
  field.addEventListener("input", follow);
  picker.addEventListener("input", () => { field.value = picker.value; });
  field.after(picker);
}
