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

function row(entity) {
  const sure = entity.confidence === undefined ? "–" : `${Math.round(100 * entity.confidence)} %`;
  const cells = [entity.text, entity.label, entity.phase, entity.start, entity.end, sure];
  const line = document.createElement("tr");
  line.append(...cells.map((value) => {
    const cell = document.createElement("td");
    cell.textContent = value;
    return cell;
  }));
  return line;
}

async function predict(event) {
  event.preventDefault();
  const text = element("text").value;
  element("status").textContent = "Reading…";
  element("result").hidden = true;
  try {
    const models = await about();
    const { predictions } = await reply(await fetch(models.predict, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ instances: [text], parameters: { confidence: true } }),
    }));
    const { entities } = predictions[0];
    element("marked").replaceChildren(...marked(text, entities));
    element("rows").replaceChildren(...entities.map(row));
    element("status").textContent = `${entities.length} ${entities.length === 1 ? "entity" : "entities"} found.`;
    element("result").hidden = false;
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
