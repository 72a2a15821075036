// Starts Swagger UI, and keeps the access token of whoever signs in on the page: in memory only, like the pages do.
"use strict";

(() => {
  const place = document.getElementById("api");
  const said = document.getElementById("token");
  const invitation = said.textContent;
  said.hidden = false;
  let ui;
  let filledIn = false;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  /** Swagger UI knows its dark colours by a class. */
  const colour = () => document.documentElement.classList.toggle("dark-mode", dark.matches);

  /** What the body of an answer holds, if it is JSON. */
  const read = (answer) => {
    try {
      return JSON.parse(answer.text || "null") || {};
    } catch {
      return {};
    }
  };

  /** Takes the token of a sign-in or a refresh, and drops it when the session it belongs to has ended. */
  const follow = (answer) => {
    if (!answer.url || !ui) return answer;
    const { pathname } = new URL(answer.url, location.href);
    const body = read(answer);
    const token = body.tokens?.access_token ?? body.access_token;
    if (answer.ok && typeof token === "string") {
      ui.preauthorizeApiKey("bearer", token);
      filledIn = true;
      said.textContent = "You are signed in: the access token is filled in for what you try below.";
    } else if (filledIn && (answer.ok ? ends(pathname, answer.status) : body.code === "not_signed_in")) {
      // Only what was filled in here: Swagger UI cannot sign out somebody who never signed in.
      ui.authActions.logout(["bearer"]);
      filledIn = false;
      said.textContent = invitation;
    }
    return answer;
  };

  /** Whether a success at this path means that the session is over. */
  const ends = (path, status) =>
    (status === 204 && /\/(sessions\/(log-out|current)|password-resets\/confirm|confirmations\/take-over)$/.test(path)) ||
    (status === 202 && /\/(me|me\/not-me|email-changes\/undo)$/.test(path));

  colour();
  dark.addEventListener("change", colour);
  ui = SwaggerUIBundle({
    url: place.dataset.description,
    domNode: place,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    // No other host is asked whether the description is good.
    validatorUrl: null,
    // A reload forgets the token.
    persistAuthorization: false,
    responseInterceptor: follow,
  });
})();
