// S2: the native API. The refresh token lies in a cookie that no script reads, the access token in a variable: after a
// reload the first thing is a refresh. Mails to this page are asked for at the other door; the link works at both.

import { accepted, send } from "../json.js";

let access;

const withCookie = { credentials: "include" };
const withToken = () => ({ ...withCookie, headers: { Authorization: `Bearer ${access}` } });

async function refresh() {
  ({ access_token: access } = await accepted(send("POST", "/api/v1/sessions/refresh", undefined, withCookie)));
}

export async function register({ email, username, password }) {
  await accepted(send("POST", "/api/v1/accounts", { email, username, password }, withCookie));
}

export async function logIn(email, password) {
  const form = { identifier: email, password };
  ({ access_token: access } = await accepted(send("POST", "/api/v1/sessions", form, withCookie)));
}

export async function me() {
  if (!access) await refresh();
  let answer = await send("GET", "/api/v1/me", undefined, withToken());
  if (answer.status === 401) {
    await refresh();
    answer = await send("GET", "/api/v1/me", undefined, withToken());
  }
  return accepted(answer);
}

export async function logOut() {
  await accepted(send("POST", "/api/v1/sessions/log-out", undefined, withCookie));
  access = undefined;
}

export async function askForReset(email) {
  await accepted(send("POST", "/auth/users/reset_password/", { email }));
}

export async function confirmReset(uid, token, password) {
  await accepted(send("POST", "/api/v1/password-resets/confirm", { uid, token, password }, withCookie));
}
