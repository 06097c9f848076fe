// JSON in colours. Text stays text: nothing of an answer is ever read as markup.
const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;
const CHARACTERS_MAX = 300_000; // Beyond this, colours would cost more than they help.

export function highlighted(text) {
  const fragment = document.createDocumentFragment();
  if (text.length > CHARACTERS_MAX || !/^[{[]/.test(text)) {
    fragment.append(text);
    return fragment;
  }
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    fragment.append(text.slice(end, match.index));
    const [whole, string, colon, word] = match;
    const span = document.createElement("span");
    span.className = string ? (colon ? "name" : "string") : word ? "word" : "number";
    span.textContent = string ?? whole;
    fragment.append(span, colon ?? "");
    end = match.index + whole.length;
  }
  fragment.append(text.slice(end));
  return fragment;
}
