// S3: routes under `/api/auth/`. Tokens lie in lasting cookies that scripts read. An interceptor answers every 401, that of
// a failed sign-in too, with a refresh; only the new access token is kept. Signing out is told to nobody.

import { accepted, complaint, jar, send } from "../json.js";

const ACCESS_DAYS = 1;
const REFRESH_DAYS = 7;

/** Sends with the token; after a 401 once more with a new one. */
async function intercepted(method, path, body, isRepeat = false) {
  const access = jar.get("access");
  const headers = access ? { Authorization: `Bearer ${access}` } : {};
  const answer = await send(method, path, body, { headers });
  if (answer.status !== 401 || isRepeat) return answer;
  const renewed = await send("POST", "/api/auth/token/refresh/", { refresh: jar.get("refresh") });
  if (!renewed.ok) {
    jar.remove("access");
    jar.remove("refresh");
    throw complaint(renewed);
  }
  jar.set("access", renewed.json.access, ACCESS_DAYS);
  return intercepted(method, path, body, true);
}

export async function register({ email, username, password }) {
  const body = { username, email, password, password2: password, first_name: "Mona", last_name: "Lindqvist" };
  await accepted(intercepted("POST", "/api/auth/register/", body));
}

export async function logIn(email, password) {
  const { access, refresh } = await accepted(intercepted("POST", "/api/auth/login/", { username: email, password }));
  jar.set("access", access, ACCESS_DAYS);
  jar.set("refresh", refresh, REFRESH_DAYS);
}

export async function me() {
  return accepted(intercepted("GET", "/api/auth/user/"));
}

export async function logOut() {
  jar.remove("access");
  jar.remove("refresh");
}

export async function askForReset(email) {
  await accepted(send("POST", "/auth/users/reset_password/", { email }));
}

export async function confirmReset(uid, token, password) {
  await accepted(send("POST", "/auth/users/reset_password_confirm/", { uid, token, new_password: password }));
}
