"""Signs Schemathesis in: with an account of its own, and with another one as soon as that has signed out, left or lost its
password, which are all things that the API is asked to do here. DOORWARD_API is where the API begins."""

import json
import os
import secrets
import urllib.request

import schemathesis

API = os.environ["DOORWARD_API"]


def access_token() -> str:
    name = "s" + secrets.token_hex(8)
    account = {
        "username": name,
        "email": f"{name}@example.com",
        "password": "a calm violet harbour",
        "transport": "body",
    }
    body = json.dumps(account).encode()
    request = urllib.request.Request(f"{API}/accounts", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["tokens"]["access_token"]


# After a 401 the token is fetched anew, which is the next account's.
@schemathesis.auth(retry_on=[401])
class Somebody:
    def get(self, case, context):
        return access_token()

    def set(self, case, token, context):
        case.headers["Authorization"] = f"Bearer {token}"
