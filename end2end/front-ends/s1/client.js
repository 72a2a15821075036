// S1: Djoser and SimpleJWT under `/auth/`. Both tokens lie in session cookies that scripts read. The first refresh token
// is kept for ever; an access token that is refused is replaced with it, and the question is asked once more.

import { accepted, jar, send } from "../json.js";

const ACCESS = "accessToken";
const REFRESH = "refreshToken";

const withToken = () => ({ headers: { Authorization: `Bearer ${jar.get(ACCESS)}` } });

export async function register({ email, username, password }) {
  await accepted(send("POST", "/auth/users/", { email, username, password }));
}

export async function logIn(email, password) {
  const { access, refresh } = await accepted(send("POST", "/auth/jwt/create", { username: email, password }));
  jar.set(ACCESS, access);
  jar.set(REFRESH, refresh);
}

export async function me() {
  let answer = await send("GET", "/auth/users/me", undefined, withToken());
  if (answer.status === 401) {
    const { access } = await accepted(send("POST", "/auth/jwt/refresh", { refresh: jar.get(REFRESH) }));
    jar.set(ACCESS, access);
    answer = await send("GET", "/auth/users/me", undefined, withToken());
  }
  return accepted(answer);
}

/** Whatever the server says, the cookies go. */
export async function logOut() {
  await send("POST", "/auth/logout/", { refresh: jar.get(REFRESH) });
  jar.remove(ACCESS);
  jar.remove(REFRESH);
}

export async function askForReset(email) {
  await accepted(send("POST", "/auth/users/reset_password/", { email }));
}

export async function confirmReset(uid, token, password) {
  const body = { uid, token, new_password: password, re_new_password: password };
  await accepted(send("POST", "/auth/users/reset_password_confirm/", body));
}
