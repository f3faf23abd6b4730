"use strict";

// A run while it runs: the server sends each part of the page as HTML of its own making when it has
// changed. Whoever reads on with the keyboard keeps the place.
const live = document.querySelector("[data-live]");
const linkState = document.getElementById("link-state");
const what = live && live.dataset.what;

function place(id, html) {
  const target = document.getElementById(id);
  const log = target.querySelector("pre");
  const focused = target.contains(document.activeElement) && document.activeElement;
  const href = focused && focused.getAttribute("href");
  const scrolled = log && log.scrollTop + log.clientHeight < log.scrollHeight - 5 ? log.scrollTop : null;
  target.innerHTML = html;
  const fresh = target.querySelector("pre");
  if (fresh) fresh.scrollTop = scrolled === null ? fresh.scrollHeight : scrolled;
  if (focused) {
    const again = href ? [...target.querySelectorAll("a")].find((one) => one.getAttribute("href") === href) : fresh;
    if (again) again.focus({ preventScroll: true });
  }
}

// A browser opens six connections to a server: a page that nobody sees must hold none of them.
function follow(url) {
  let source;
  function open() {
    source = new EventSource(url);
    for (const id of ["outcomes", "progress", "stages", "curves", "log", "scores"]) {
      source.addEventListener(id, (event) => place(id, JSON.parse(event.data)));
    }
    source.addEventListener("open", () => { linkState.textContent = `This page follows the ${what}.`; });
    source.addEventListener("over", () => {
      source.close();
      document.removeEventListener("visibilitychange", seen);
      linkState.textContent = `The ${what} is over.`;
    });
    // The browser tries again by itself, unless the server refuses.
    source.addEventListener("error", () => {
      linkState.textContent = source.readyState === EventSource.CLOSED
        ? `This page no longer follows the ${what}: load it again.`
        : "The server does not answer; this page tries again.";
    });
  }
  function seen() {
    source.close();
    if (!document.hidden) open();
  }
  document.addEventListener("visibilitychange", seen);
  open();
}

for (const log of document.querySelectorAll("#log pre")) log.scrollTop = log.scrollHeight;
if (live && live.dataset.live) follow(live.dataset.live);

// A text may take a while: say so, and take it once.
const form = document.querySelector("form[data-waiting]");
if (form) {
  form.addEventListener("submit", () => {
    document.getElementById("waiting").textContent = form.dataset.waiting;
    form.querySelector("button").disabled = true;
  });
  window.addEventListener("pageshow", () => { form.querySelector("button").disabled = false; });
}
