// The schema to read: its types, their fields, arguments and descriptions, and a search over all of them.
const OF_TYPE = "kind name ofType { kind name ofType { kind name ofType { kind name } } }";
const INTROSPECTION = `query Introspection { __schema {
  queryType { name } mutationType { name }
  types { kind name description
    fields(includeDeprecated: true) { name description isDeprecated deprecationReason
      args { name description defaultValue type { ${OF_TYPE} } } type { ${OF_TYPE} } }
    inputFields { name description defaultValue type { ${OF_TYPE} } }
    interfaces { name } possibleTypes { name }
    enumValues(includeDeprecated: true) { name description } } } }`;
const FOUND_MAX = 60;

function node(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function typeLink(type, go) {
  if (type.kind === "NON_NULL") return [...typeLink(type.ofType, go), "!"];
  if (type.kind === "LIST") return ["[", ...typeLink(type.ofType, go), "]"];
  return [nameLink(type.name, go)];
}

function nameLink(name, go) {
  const link = node("a", { className: "type", href: `#${name}`, textContent: name });
  link.addEventListener("click", (event) => {
    event.preventDefault();
    go(name);
  });
  return link;
}

function argument(given, go) {
  const standard = given.defaultValue == null ? "" : ` = ${given.defaultValue}`;
  return node("li", {},
    node("code", {}, node("span", { className: "word", textContent: given.name }), ": ", ...typeLink(given.type, go), standard),
    ...(given.description ? [node("p", { textContent: given.description })] : []));
}

function field(shown, go) {
  const item = node("li", {}, node("code", {},
    node("span", { className: "name", textContent: shown.name }),
    shown.args?.length ? "(…)" : "", ": ", ...typeLink(shown.type, go),
    shown.defaultValue == null ? "" : ` = ${shown.defaultValue}`));
  if (shown.description) item.append(node("p", { textContent: shown.description }));
  if (shown.isDeprecated) item.append(node("p", { textContent: `Deprecated: ${shown.deprecationReason}` }));
  if (shown.args?.length) item.append(node("ul", {}, ...shown.args.map((given) => argument(given, go))));
  return item;
}

function section(title, items) {
  return items.length ? [node("h3", { textContent: title }), node("ul", {}, ...items)] : [];
}

function typePage(type, go) {
  const names = (given) => (given ?? []).map(({ name }) => node("li", {}, node("code", {}, nameLink(name, go))));
  return [
    node("h2", { textContent: type.name }),
    node("p", { textContent: type.description ?? "" }),
    ...section("Fields", (type.fields ?? type.inputFields ?? []).map((shown) => field(shown, go))),
    ...section("Values", (type.enumValues ?? []).map((value) =>
      node("li", {}, node("code", { textContent: value.name }), node("p", { textContent: value.description ?? "" })))),
    ...section("Implements", names(type.interfaces)),
    ...section(type.kind === "INTERFACE" ? "Implemented by" : "Is one of", names(type.possibleTypes)),
  ];
}

function startPage(schema, types, go) {
  const roots = [schema.queryType, schema.mutationType].filter(Boolean).map(({ name }) => name);
  const item = (type) => node("li", {}, node("code", {}, nameLink(type.name, go)),
    node("p", { textContent: type.description?.split("\n")[0] ?? "" }));
  const others = types.filter(({ name }) => !roots.includes(name));
  return [
    node("h2", { textContent: "Schema" }),
    ...section("Start here", types.filter(({ name }) => roots.includes(name)).map(item)),
    ...section("Types", others.filter(({ kind }) => kind !== "INPUT_OBJECT" && kind !== "SCALAR").map(item)),
    ...section("Inputs", others.filter(({ kind }) => kind === "INPUT_OBJECT").map(item)),
    ...section("Scalars", others.filter(({ kind }) => kind === "SCALAR").map(item)),
  ];
}

function foundPage(types, words, go) {
  const has = (name) => name.toLowerCase().includes(words);
  const items = [];
  for (const type of types) {
    if (has(type.name)) items.push(node("li", {}, node("code", {}, nameLink(type.name, go))));
    for (const inner of type.fields ?? type.inputFields ?? []) {
      if (has(inner.name)) {
        items.push(node("li", {}, node("code", {}, nameLink(type.name, go), ".", inner.name, ": ", ...typeLink(inner.type, go)),
          ...(inner.description ? [node("p", { textContent: inner.description })] : [])));
      }
    }
  }
  const more = items.length > FOUND_MAX ? [node("p", { textContent: `${items.length - FOUND_MAX} more: write more letters.` })] : [];
  return [node("h2", { textContent: items.length ? "Found" : "Nothing found" }), node("ul", {}, ...items.slice(0, FOUND_MAX)), ...more];
}

export async function documentation({ post, pane, search, back }) {
  let schema;
  try {
    const answer = await (await post({ query: INTROSPECTION })).json();
    if (!answer.data) throw new Error(answer.errors?.[0]?.message ?? "no schema in the answer");
    schema = answer.data.__schema;
  } catch (error) {
    pane.replaceChildren(node("p", { textContent: `The schema could not be read: ${error.message}` }));
    return;
  }
  const types = schema.types.filter(({ name }) => !name.startsWith("__")).sort((a, b) => a.name.localeCompare(b.name));
  const path = [];

  function show(content) {
    pane.replaceChildren(...content);
    pane.scrollTop = 0;
    back.disabled = path.length === 0 && search.value === "";
  }
  function render() {
    const type = types.find(({ name }) => name === path.at(-1));
    show(type ? typePage(type, go) : startPage(schema, types, go));
  }
  function go(name) {
    search.value = "";
    path.push(name);
    render();
    pane.focus();
  }
  back.addEventListener("click", () => {
    if (search.value) search.value = "";
    else path.pop();
    render();
  });
  search.addEventListener("input", () => {
    const words = search.value.trim().toLowerCase();
    if (words) show(foundPage(types, words, go));
    else render();
  });
  render();
}
