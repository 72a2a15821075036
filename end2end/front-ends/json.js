// What all four front ends need to speak JSON.

export const SERVER = "http://localhost:8000";

/** Sends `body` as JSON and answers the status and what came back, if it is JSON. */
export async function send(method, path, body, more = {}) {
  const headers = { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...more.headers };
  const answer = await fetch(SERVER + path, { ...more, method, headers, body: JSON.stringify(body) });
  const isJson = /^application\/(problem\+)?json$/.test((answer.headers.get("Content-Type") ?? "").split(";")[0].trim());
  return { ok: answer.ok, status: answer.status, json: isJson ? await answer.json() : undefined };
}

/** What an answer says of what is wrong, as far as a person can use it. */
export function complaint({ status, json }) {
  const first = json && (json.detail ?? Object.values(json).flat()[0]);
  return new Error(`${status}: ${first ?? "no reason given"}`);
}

/** The answer's JSON; a refusal is thrown. */
export async function accepted(asked) {
  const answer = await asked;
  if (!answer.ok) throw complaint(answer);
  return answer.json;
}

/** Cookies that scripts read and write, of the session or for some days. */
export const jar = {
  get(name) {
    const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
    return found && decodeURIComponent(found.slice(name.length + 1));
  },
  set(name, value, days) {
    const age = days === undefined ? "" : `; max-age=${days * 86_400}`;
    document.cookie = `${name}=${encodeURIComponent(value)}; path=/${age}`;
  },
  remove(name) {
    document.cookie = `${name}=; path=/; max-age=0`;
  },
};
