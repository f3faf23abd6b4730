"use strict";

const element = (id) => document.getElementById(id);

async function reply(response) {
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail || `The server answered ${response.status}.`);
  return body;
}

// Offsets count characters as people do (code points), JavaScript's strings count UTF-16 units.
// Spans may overlap: one that begins in another lies in its mark, and goes on after it if it is longer.
function marked(text, spans) {
  const labels = [...new Set(spans.map((one) => one.label))].sort();  // each has a colour
  const characters = Array.from(text);
  const between = (from, to) => characters.slice(from, to).join("");
  const order = (one, other) => one.start - other.start || other.end - one.end;
  function nodes(parts, from, to) {
    const done = [];
    let waiting = [...parts].sort(order);
    let place = from;
    while (waiting.length) {
      const [first, ...others] = waiting;
      const held = others.filter((part) => part.start < first.end);
      const longer = held.filter((part) => part.end > first.end);
      waiting = [...longer.map((part) => ({ ...part, start: first.end })), ...others.slice(held.length)].sort(order);
      const inside = held.map((part) => part.end > first.end ? { ...part, end: first.end, goesOn: true } : part);
      const mark = document.createElement("mark");
      mark.append(...nodes(inside, first.start, first.end));
      mark.className = `t${labels.indexOf(first.label) % 8}`;
      if (first.goesOn) mark.classList.add("goes-on");
      else mark.append(" ", made("b", called(first)));
      done.push(between(place, first.start), mark);
      place = first.end;
    }
    return [...done, between(place, to)];
  }
  return nodes(spans, 0, characters.length);
}

const made = (name, ...inside) => {
  const one = document.createElement(name);
  one.append(...inside);
  return one;
};
const percent = (share) => `${Math.round(100 * share)} %`;
const line = (first, ...cells) => {
  const head = made("th", first);
  head.scope = "row";
  return made("tr", head, ...cells.map((value) => made("td", value)));
};

const sure = (one) => one.confidence === undefined ? "–" : percent(one.confidence);
const row = (one) => line(one.text, called(one), one.phase, one.start, one.end, sure(one));
const spanRow = (one) => line(one.text, one.label, one.phase, one.task, one.start, one.end, sure(one));

// A label, and what the text says of the entity.
const called = (one) => [one.label, ...Object.values(one.statuses || {}).map((status) => status.label)].join(" · ");

// What one classifier says, the most probable label first.
function task(classes) {
  const name = classes.task && classes.task !== classes.phase ? `${classes.phase}, ${classes.task}` : classes.phase;
  const calibrated = { true: "calibrated", false: "not calibrated" }[classes.calibrated];
  const caption = calibrated ? `${name} (${calibrated})` : name;
  const scores = Object.entries(classes.scores).sort((one, other) => other[1] - one[1]);
  const said = (label) => classes.labels.includes(label) ? made("mark", label) : label;
  return made("table", made("caption", caption), made("tbody", ...scores.map(([label, share]) => line(said(label), percent(share)))));
}

async function predict(event) {
  event.preventDefault();
  const text = element("text").value;
  element("status").textContent = "Reading…";
  element("result").hidden = element("spans").hidden = element("classes").hidden = true;
  try {
    const models = await about();
    const { predictions } = await reply(await fetch(models.predict, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ instances: [text], parameters: { confidence: true } }),
    }));
    const { entities, spans, classes } = predictions[0];
    element("tasks").replaceChildren(...(classes || []).map(task));
    element("classes").hidden = !classes;
    element("marked").replaceChildren(...marked(text, entities));
    element("rows").replaceChildren(...entities.map(row));
    element("spans").hidden = !spans;
    element("marked-spans").replaceChildren(...marked(text, spans || []));
    element("span-rows").replaceChildren(...(spans || []).map(spanRow));
    const labels = (classes || []).flatMap((one) => one.labels);
    // A server of other tasks alone says nothing of entities.
    const others = Boolean(classes || spans);
    element("result").hidden = others && !entities.length;
    element("status").textContent = [
      classes && `Classes: ${labels.join(", ") || "none"}.`,
      (entities.length || !others) && `${entities.length} ${entities.length === 1 ? "entity" : "entities"} found.`,
      spans && `${spans.length} ${spans.length === 1 ? "span" : "spans"} found.`,
    ].filter(Boolean).join(" ");
  } catch (error) {
    element("status").textContent = `That did not work: ${error.message}`;
  }
}

async function about() {
  const models = await reply(await fetch("/models"));
  const versions = Object.entries(models.versions).map(([phase, version]) => `${phase} ${version}`);
  element("versions").textContent = versions.length ? `Models: ${versions.join(", ")}` : "The models are still loading.";
  return models;
}

element("form").addEventListener("submit", predict);
about();
