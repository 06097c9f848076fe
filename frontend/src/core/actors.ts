// Who did something, for people: what the platform records is user:17/alice, with a key user:17/alice/key:3/curl
// (identity/actors.py).

export function actorName(actor: string): string {
  const [sender = "", name = "", , ...key] = actor.split("/");
  if (sender === "platform") return `platform (${name})`;
  return key.length === 0 ? name || sender : `${name} (key ${key.join("/")})`;
}
