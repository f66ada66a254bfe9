// The page of `rnner serve`. Texts and labels are only ever set as text content, never as HTML.
"use strict";

const EXAMPLE =
  "Dr. Amara Nwosu flew from Lagos to Oslo. There she met Harry Potter of the Norwegian Refugee Council, " +
  "who had just come from Philadelphia.";
const UNSAFE = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g;
const byId = (id) => document.getElementById(id);
const [textField, threshold, marked, summary] = ["text", "threshold", "marked", "summary"].map(byId);

let token = ""; // forgotten when the page is closed
let colours = {};
let labels = [];
let longest = Infinity; // characters of a text
let found = null; // the last answer: {text, entities}
let running = false;

/** Return an element with a class and text. */
function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Make control characters visible, which could reorder or hide the text around them. */
function printable(text) {
  return text.replace(UNSAFE, (sign) => "\\u" + sign.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** Return "1 name" or "2 names". */
function counted(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** Send a request; return the answer's JSON, or throw an error with the service's message. */
async function ask(path, body) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const method = body === undefined ? "GET" : "POST";
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) }).catch(() => {
    throw new Error("The service does not answer. Is it still running?");
  });
  const content = await answer.json().catch(() => ({}));
  if (answer.status === 401) askForToken();
  if (!answer.ok) throw new Error(content.error || `The service answered with status ${answer.status}.`);
  return content;
}

function askForToken() {
  byId("token-form").hidden = false;
  byId("token").focus();
}

/** Show an error, or none. */
function report(message) {
  byId("error").textContent = message ? printable(message) : "";
}

/** Ask for the model's labels and their colours. */
async function describeModel() {
  const model = await ask("model");
  ({ labels, colours } = model);
  longest = model.limits.text;
  byId("model-link").hidden = Boolean(token); // a link cannot carry the token
  byId("report-link").hidden = Boolean(token) || !model.report;
  byId("model").textContent =
    `The model ${printable(model.name)} finds ${labels.map(printable).join(", ")}. ` +
    "Each name is followed by its type and its probability, from 0 to 1.";
  document.title = `Find names: ${printable(model.name)}`;
}

/** Set the colours of a mark. CSS chooses between light and dark. */
function colour(mark, label) {
  const { light, dark } = colours[label] || { light: "#c6c6c6", dark: "#4a4a4a" };
  mark.style.setProperty("--light", light);
  mark.style.setProperty("--dark", dark);
}

/** Return an entity as a mark: its words, its type and its probability. */
function entityMark(words, entity) {
  const mark = element("mark", "", printable(words));
  const type = element("span", "type", "\u00a0");
  const name = element("bdi", "", printable(entity.label));
  name.append(element("span", "score", ` ${entity.score.toFixed(3)}`));
  type.append(name);
  mark.append(type);
  colour(mark, entity.label);
  return mark;
}

/** Return the entities that are at least as probable as the slider says. */
function shownEntities() {
  const least = Number(threshold.value);
  return found.entities.filter((entity) => entity.score >= least);
}

/** Show the text with its entities, and their number per type. */
function show() {
  byId("shown").value = Number(threshold.value).toFixed(2);
  const entities = shownEntities();
  const signs = Array.from(found.text); // positions count code points, not UTF-16 units
  const parts = [];
  let at = 0;
  for (const entity of entities) {
    parts.push(printable(signs.slice(at, entity.start).join("")));
    parts.push(entityMark(signs.slice(entity.start, entity.end).join(""), entity));
    at = entity.end;
  }
  parts.push(printable(signs.slice(at).join("")));
  marked.replaceChildren(...parts);
  const hidden = found.entities.length - entities.length;
  summary.textContent = counted(entities.length, "name") + (hidden ? `, ${hidden} less probable` : "");
  byId("types").replaceChildren(...labels.map((label) => countOf(label, entities)));
}

/** Return the list item with the number of entities of a type. */
function countOf(label, entities) {
  const item = element("li");
  const mark = element("mark");
  mark.append(element("bdi", "type", printable(label)));
  colour(mark, label);
  const count = entities.filter((entity) => entity.label === label).length;
  item.append(mark, ` ${count.toLocaleString("en")}`);
  return item;
}

/** Find the names in the text of the field. */
async function find() {
  if (running) return;
  running = true;
  const button = byId("find");
  button.setAttribute("aria-disabled", "true");
  report("");
  try {
    if (!labels.length) await describeModel();
    const length = Array.from(textField.value).length;
    if (length > longest) {
      throw new Error(`The text has ${counted(length, "character")}; at most ${longest.toLocaleString("en")} fit.`);
    }
    found = await ask("predict", { text: textField.value });
    byId("result").hidden = false;
    show();
    byId("status").textContent = `Found ${summary.textContent}.`;
  } catch (error) {
    report(error.message);
  } finally {
    running = false;
    button.removeAttribute("aria-disabled");
  }
}

/** Put the content of a file into the field and find its names. */
async function read(file) {
  if (!file) return;
  if (file.size > 4 * longest) {
    report(`${file.name} has ${counted(file.size, "byte")}; at most ${counted(longest, "character")} fit.`);
    return;
  }
  try {
    textField.value = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    report(`${file.name} is not text in UTF-8.`);
    return;
  }
  await find();
}

/** Copy what is shown as JSON. Outside HTTPS and localhost, browsers offer only the old way. */
async function copy() {
  const content = JSON.stringify({ text: found.text, entities: shownEntities() }, null, 2);
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(content);
    } else {
      const field = element("textarea", "visually-hidden", content);
      document.body.append(field);
      field.select();
      const copied = document.execCommand("copy");
      field.remove();
      if (!copied) throw new Error();
    }
    byId("status").textContent = "Copied.";
    byId("copy").textContent = "Copied";
    setTimeout(() => (byId("copy").textContent = "Copy as JSON"), 1500);
  } catch {
    report("The browser does not allow copying.");
  }
}

byId("text-form").addEventListener("submit", (event) => {
  event.preventDefault();
  find();
});
byId("token-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  token = byId("token").value.trim();
  report("");
  try {
    await describeModel();
    byId("token-form").hidden = true;
    textField.focus();
  } catch (error) {
    report(error.message);
  }
});
textField.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) find();
});
textField.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return; // the browser itself drops text
  event.preventDefault();
  textField.classList.add("dropping");
});
textField.addEventListener("dragleave", () => textField.classList.remove("dropping"));
textField.addEventListener("drop", (event) => {
  textField.classList.remove("dropping");
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  read(event.dataTransfer.files[0]);
});
byId("open").addEventListener("click", () => byId("file").click());
byId("file").addEventListener("change", (event) => {
  read(event.target.files[0]);
  event.target.value = "";
});
byId("example").addEventListener("click", () => {
  textField.value = EXAMPLE;
  find();
});
threshold.addEventListener("input", show);
threshold.addEventListener("change", () => (byId("status").textContent = summary.textContent));
byId("copy").addEventListener("click", copy);
ask("health")
  .then((health) => (health.token ? askForToken() : describeModel()))
  .catch((error) => report(error.message));
