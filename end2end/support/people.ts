// People for tests: everybody is new, so that no test meets another one's people.

import { randomBytes } from "node:crypto";

export interface Person {
  readonly username: string;
  readonly email: string;
  readonly password: string;
  readonly firstName: string;
  readonly lastName: string;
}

/** Somebody who was never here. `known` replaces what a test wants to be certain of. */
export function somebody(known: Partial<Person> = {}): Person {
  const mark = randomBytes(5).toString("hex");
  return {
    username: `mona.${mark}`,
    email: `mona.${mark}@example.test`,
    password: goodPassword(),
    firstName: "Mona",
    lastName: `Lindqvist-${mark}`,
    ...known,
  };
}

/** A password that the policy takes, another one each time. */
export function goodPassword(): string {
  return `kettle violin orbit ${randomBytes(6).toString("hex")}`;
}

/** What `/register` asks for, by the names of its fields. */
export function registration(person: Person): Record<string, string> {
  return {
    email: person.email,
    username: person.username,
    password: person.password,
    password_again: person.password,
    first_name: person.firstName,
    last_name: person.lastName,
  };
}
