// What this browser remembers of the page: the editor, the theme and the latest queries. Where nothing can be stored
// (a private window), the page works without.
const PREFIX = "graphql-explorer.";
const ENTRIES_MAX = 30;

export function readText(name) {
  try {
    return localStorage.getItem(PREFIX + name) ?? "";
  } catch {
    return "";
  }
}

export function writeText(name, text) {
  try {
    localStorage.setItem(PREFIX + name, text);
  } catch {
    // Nothing is lost but the convenience.
  }
}

export function remembered() {
  try {
    const entries = JSON.parse(readText("history") || "[]");
    return Array.isArray(entries) ? entries : [];
  } catch {
    return [];
  }
}

export function remember(query, variables) {
  const others = remembered().filter((entry) => entry.query !== query || entry.variables !== variables);
  writeText("history", JSON.stringify([{ query, variables }, ...others].slice(0, ENTRIES_MAX)));
}
