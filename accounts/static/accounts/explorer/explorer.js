// The page to explore the GraphQL schema with: an editor, the answer, and the schema beside them. What was typed is
// kept in this browser only; an API key is not kept at all.
import { documentation } from "./documentation.js";
import { highlighted } from "./highlighting.js";
import { EXAMPLES } from "./examples.js";
import { remember, remembered, readText, writeText } from "./memory.js";

const element = (id) => document.getElementById(id);
const [query, variables, answer, status] = ["query", "variables", "answer", "status"].map(element);
let csrfToken = "";
let loggedInAs = "";
let answerText = "";

async function post(body) {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  const key = element("key").value.trim();
  if (key) headers.Authorization = `Bearer ${key}`;
  else headers["X-CSRFToken"] = csrfToken;
  return fetch("/graphql", { method: "POST", headers, body: JSON.stringify(body), credentials: "same-origin" });
}

async function learnWhoAsks() {
  const session = await (await fetch("/api/session", { credentials: "same-origin" })).json();
  csrfToken = session.csrf_token;
  loggedInAs = session.user?.display_name ?? "";
  showWhoAsks();
}

function showWhoAsks() {
  const asUser = loggedInAs ? `Logged in as ${loggedInAs}` : "Not logged in: log in on the front page, or give a key";
  element("who").textContent = element("key").value.trim() ? "Asking with the API key" : asUser;
}

function show(pane) {
  document.body.dataset.pane = pane;
  for (const button of document.querySelectorAll("nav button")) {
    button.setAttribute("aria-current", String(button.dataset.show === pane));
  }
}

function report(text, note, isBad) {
  answerText = text;
  answer.replaceChildren(highlighted(text));
  answer.scrollTop = 0;
  status.textContent = note;
  status.classList.toggle("is-bad", isBad);
  show("answer");
}

function parsedVariables() {
  const text = variables.value.trim();
  const value = text ? JSON.parse(text) : {};
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new TypeError("an object is expected");
  return value;
}

async function run() {
  let given;
  try {
    given = parsedVariables();
  } catch (error) {
    report(`The variables are not JSON such as {"id": "…"}: ${error.message}`, "Not sent", true);
    return;
  }
  const operation = element("operation");
  const body = { query: query.value, variables: given };
  if (!operation.hidden) body.operationName = operation.value;
  element("run").disabled = true;
  const began = performance.now();
  try {
    let response = await post(body);
    if (await isForgotten(response.clone())) {
      await learnWhoAsks();
      response = await post(body);
    }
    const text = await response.text();
    const milliseconds = Math.max(1, Math.round(performance.now() - began));
    const errors = errorsOf(text);
    const outcome = errors ? `${errors} error${errors > 1 ? "s" : ""}` : response.ok ? "OK" : `HTTP ${response.status}`;
    report(pretty(text), `${outcome} · ${milliseconds} ms · ${text.length.toLocaleString("en")} characters`, errors > 0 || !response.ok);
    remember(query.value, variables.value);
    showHistory();
  } catch (error) {
    report(`The platform does not answer: ${error.message}`, "Not answered", true);
  } finally {
    element("run").disabled = false;
  }
}

// Somebody logged in or out in another tab: the CSRF token is another one then.
async function isForgotten(response) {
  if (element("key").value.trim()) return false;
  const errors = await response.json().then((found) => found.errors ?? [], () => []);
  return errors.some((error) => error.extensions?.code === "FORBIDDEN" && /CSRF/.test(error.message));
}

function errorsOf(text) {
  try {
    return JSON.parse(text).errors?.length ?? 0;
  } catch {
    return 0;
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function showOperations() {
  const withoutText = query.value.replace(/#[^\n]*/g, "").replace(/"""[\s\S]*?"""|"(\\.|[^"\\\n])*"/g, '""');
  const names = [...withoutText.matchAll(/\b(?:query|mutation)\s+([_A-Za-z]\w*)/g)].map((match) => match[1]);
  const operation = element("operation");
  const chosen = operation.value;
  operation.hidden = names.length < 2;
  operation.replaceChildren(...names.map((name) => new Option(name, name, false, name === chosen)));
}

function showHistory() {
  const list = element("history");
  const options = remembered().map(({ query: text }, index) => new Option(text.replace(/\s+/g, " ").slice(0, 80), String(index)));
  list.replaceChildren(new Option("History…", ""), ...options);
}

function edit(text, values) {
  query.value = text;
  variables.value = values;
  keep();
  show("query");
  query.focus();
}

function keep() {
  writeText("query", query.value);
  writeText("variables", variables.value);
  showOperations();
}

// Tab indents; after Escape it leaves the editor, as people without a mouse need.
function indent(event) {
  const editor = event.currentTarget;
  if (event.key === "Escape") editor.dataset.leaves = "yes";
  else if (event.key === "Tab" && !event.shiftKey && !editor.dataset.leaves) {
    event.preventDefault();
    editor.setRangeText("  ", editor.selectionStart, editor.selectionEnd, "end");
    keep();
  } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    const before = editor.value.slice(0, editor.selectionStart);
    const indentation = /[ ]*$/.exec(/(?:^|\n)([ ]*)[^\n]*$/.exec(before)[1])[0];
    const deeper = /[{([]\s*$/.test(before) ? "  " : "";
    editor.setRangeText(`\n${indentation}${deeper}`, editor.selectionStart, editor.selectionEnd, "end");
    keep();
  } else delete editor.dataset.leaves;
}

function start() {
  const theme = readText("theme");
  if (theme) document.documentElement.dataset.theme = theme;
  query.value = readText("query") || EXAMPLES[0].query;
  variables.value = readText("variables") || EXAMPLES[0].variables;
  element("examples").append(...EXAMPLES.map(({ name }, index) => new Option(name, String(index))));
  showOperations();
  showHistory();
  show("query");

  element("run").addEventListener("click", run);
  element("key").addEventListener("input", showWhoAsks);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !element("run").disabled) {
      event.preventDefault();
      run();
    }
  });
  for (const editor of [query, variables]) {
    editor.addEventListener("keydown", indent);
    editor.addEventListener("input", keep);
  }
  for (const [id, entries] of [["examples", () => EXAMPLES], ["history", remembered]]) {
    element(id).addEventListener("change", ({ currentTarget }) => {
      const entry = currentTarget.value === "" ? null : entries()[Number(currentTarget.value)];
      currentTarget.value = "";
      if (entry) edit(entry.query, entry.variables);
    });
  }
  for (const button of document.querySelectorAll("nav button")) {
    button.addEventListener("click", () => show(button.dataset.show));
  }
  element("copy").addEventListener("click", async () => {
    await navigator.clipboard.writeText(answerText);
    status.textContent = "Copied";
  });
  element("theme").addEventListener("click", () => {
    const isDark = getComputedStyle(document.documentElement).colorScheme === "dark"
      || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.dataset.theme = isDark ? "light" : "dark";
    writeText("theme", document.documentElement.dataset.theme);
  });
  learnWhoAsks().catch(() => { element("who").textContent = "The platform does not answer"; });
  documentation({ post, pane: element("documentation"), search: element("search"), back: element("back") });
}

start();
