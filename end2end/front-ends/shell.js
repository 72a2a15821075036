// The pages that all four front ends have. How each of them speaks to the server and where it keeps tokens is in its
// `client.js`, which the static server puts beside this file.

import * as client from "./client.js";

const main = document.querySelector("main");

/** Replaces the page. `values` are texts; what people wrote never becomes markup. */
function show(title, ...parts) {
  const heading = document.createElement("h1");
  heading.textContent = title;
  main.replaceChildren(heading, ...parts);
}

function text(name, value) {
  const place = document.createElement("p");
  place.dataset.fact = name;
  place.textContent = value;
  return place;
}

function button(label, act) {
  const made = document.createElement("button");
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}

/** A form of these fields. What `act` throws is said below it. */
function form(label, fields, act) {
  const made = document.createElement("form");
  for (const [name, type] of Object.entries(fields)) {
    const input = Object.assign(document.createElement("input"), { name, type, required: true, placeholder: name });
    made.append(input);
  }
  const said = document.createElement("p");
  said.setAttribute("role", "alert");
  const send = Object.assign(document.createElement("button"), { textContent: label });
  made.append(send, said);
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    said.textContent = "";
    try {
      await act(Object.fromEntries(new FormData(made)));
    } catch (error) {
      said.textContent = error.message;
    }
  });
  return made;
}

function go(path) {
  history.pushState(null, "", path);
  return open();
}

const pages = {
  "/auth/register": () =>
    show(
      "Register",
      form("Register", { email: "text", username: "text", password: "password" }, async (person) => {
        await client.register(person);
        await go("/auth/login");
      }),
    ),

  "/auth/login": () =>
    show(
      "Sign in",
      form("Sign in", { email: "text", password: "password" }, async ({ email, password }) => {
        await client.logIn(email, password);
        await go("/dashboard");
      }),
    ),

  "/dashboard": async () => {
    const account = await client.me().catch(() => undefined);
    if (!account) return go("/auth/login");
    show(
      `Hi, ${account.username}!`,
      text("email", account.email),
      button("Look again", () => open()),
      button("Sign out", async () => {
        await client.logOut();
        await go("/auth/login");
      }),
    );
  },

  "/auth/password/reset-password": () =>
    show(
      "Forgotten password",
      form("Send me a mail", { email: "text" }, async ({ email }) => {
        await client.askForReset(email);
        show("Look into your mail");
      }),
    ),

  "/auth/password/reset-password-confirmation": () => {
    const query = new URLSearchParams(location.search);
    show(
      "New password",
      form("Set password", { password: "password" }, async ({ password }) => {
        await client.confirmReset(query.get("uid"), query.get("token"), password);
        await go("/auth/login");
      }),
    );
  },
};

async function open() {
  const page = pages[location.pathname.replace(/\/$/, "")];
  if (page) await page();
  else await go("/dashboard");
}

await client.start?.();
await open();
