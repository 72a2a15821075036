// S4: routes under `/api/token/`. The answer with both tokens lies in localStorage as it came. Each tab reads it once, then
// refreshes by its own timer, with what it holds itself, and replaces it by the whole answer. Signing out is told to nobody.

import { accepted, send } from "../json.js";

/** Shorter than an access token lives. */
const RENEWAL_MILLISECONDS = 1_500;
const KEPT = "authTokens";

let tokens = JSON.parse(localStorage.getItem(KEPT) ?? "null");

function keep(answer) {
  tokens = answer;
  localStorage.setItem(KEPT, JSON.stringify(answer));
}

function forget() {
  tokens = null;
  localStorage.removeItem(KEPT);
}

/** What the access token says of its owner. */
function claims() {
  const payload = tokens.access.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  return JSON.parse(atob(payload));
}

async function renew() {
  if (!tokens) return;
  const answer = await send("POST", "/api/token/refresh/", { refresh: tokens.refresh });
  // Signed out meanwhile.
  if (!tokens) return;
  if (answer.status === 200) keep(answer.json);
  else forget();
}

export async function start() {
  await renew();
  setInterval(renew, RENEWAL_MILLISECONDS);
}

export async function register({ email, username, password }) {
  await accepted(send("POST", "/auth/users/", { email, username, password }));
}

export async function logIn(email, password) {
  keep(await accepted(send("POST", "/api/token/", { username: email, password })));
}

export async function me() {
  if (!tokens) return undefined;
  const more = { headers: { Authorization: `Bearer ${tokens.access}` } };
  const profile = await accepted(send("GET", "/api/profile", undefined, more));
  return { username: claims().username, email: profile.email };
}

export async function logOut() {
  forget();
}

export async function askForReset(email) {
  await accepted(send("POST", "/auth/users/reset_password/", { email }));
}

export async function confirmReset(uid, token, password) {
  await accepted(send("POST", "/auth/users/reset_password_confirm/", { uid, token, new_password: password }));
}
