"use strict";

const element = (id) => document.getElementById(id);

async function reply(response) {
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail || `The server answered ${response.status}.`);
  return body;
}

// Offsets count characters as people do (code points), JavaScript's strings count UTF-16 units.
function marked(text, entities) {
  const characters = Array.from(text);
  const parts = [];
  let from = 0;
  for (const entity of entities) {
    parts.push(characters.slice(from, entity.start).join(""));
    const mark = document.createElement("mark");
    const label = document.createElement("b");
    label.textContent = entity.label;
    mark.append(entity.text, " ", label);
    parts.push(mark);
    from = entity.end;
  }
  parts.push(characters.slice(from).join(""));
  return parts;
}

const made = (name, ...inside) => {
  const one = document.createElement(name);
  one.append(...inside);
  return one;
};
const percent = (share) => `${Math.round(100 * share)} %`;
const line = (...cells) => made("tr", ...cells.map((value) => made("td", value)));

function row(entity) {
  const sure = entity.confidence === undefined ? "–" : percent(entity.confidence);
  return line(entity.text, entity.label, entity.phase, entity.start, entity.end, sure);
}

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
  element("result").hidden = element("classes").hidden = true;
  try {
    const models = await about();
    const { predictions } = await reply(await fetch(models.predict, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ instances: [text], parameters: { confidence: true } }),
    }));
    const { entities, classes } = predictions[0];
    element("tasks").replaceChildren(...(classes || []).map(task));
    element("classes").hidden = !classes;
    element("marked").replaceChildren(...marked(text, entities));
    element("rows").replaceChildren(...entities.map(row));
    const labels = (classes || []).flatMap((one) => one.labels);
    const count = `${entities.length} ${entities.length === 1 ? "entity" : "entities"} found.`;
    const said = `Classes: ${labels.join(", ") || "none"}.`;
    // A server of classifiers alone says nothing of entities.
    element("result").hidden = Boolean(classes) && !entities.length;
    element("status").textContent = !classes ? count : entities.length ? `${said} ${count}` : said;
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
