// Hides the disagreements that the two selects do not ask for. It reads numbers only: nothing
// from a document ever passes through here.
"use strict";
const kind = document.getElementById("filter-kind");
const label = document.getElementById("filter-label");
const shown = document.getElementById("filter-shown");
const disagreements = document.querySelectorAll("[data-kind]");

function filter() {
  let visible = 0;
  for (const one of disagreements) {
    const sameKind = kind.value === "" || one.dataset.kind === kind.value;
    const sameLabel = label.value === "" || one.dataset.gold === label.value || one.dataset.predicted === label.value;
    one.hidden = !(sameKind && sameLabel);
    visible += one.hidden ? 0 : 1;
  }
  shown.textContent = visible + " shown";
}

kind.addEventListener("change", filter);
label.addEventListener("change", filter);
document.getElementById("filters").hidden = false;
filter();
