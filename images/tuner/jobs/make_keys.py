"""Keep the keys of the embedded store's accounts, and the page's token, in Secrets:
``make_keys.py NAMESPACE GENERATION SECRET=ACCOUNT[,ACCOUNT]…``.

A Secret that is absent is created; one that has keys keeps them, until a higher generation is asked
for. Then secrets are new and names stay, so that what the store lets an account do holds for the
new key too. The AWS_… variables of this process, by which clients find the store, go beside the
keys of the account `client`.
"""

import base64
import os
import secrets
import string
import sys
from collections.abc import Sequence
from typing import Any

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

PREFIXES = {"client": "AWS", "root": "ROOT", "reader": "READER", "web": "VA_TUNING"}
"""Account → what the names of its keys begin with."""
PARTS = {"ACCESS_KEY_ID": 20, "SECRET_ACCESS_KEY": 40}  # what they end with: characters
TOKEN = {"WEB_TOKEN": 40}  # of `web`, which is no account of the store
ADDRESS = ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ALLOW_HTTP")
GENERATION = "va-tuning/key-generation"
# The Secrets are no part of the release: neither an upgrade from a chart that made them itself may
# delete them, nor a sync.
KEPT = {"helm.sh/resource-policy": "keep", "argocd.argoproj.io/sync-options": "Prune=false"}

Secret = dict[str, Any]


def names_of(account: str) -> dict[str, int]:
    """Return the keys of a Secret that hold an account's name and secret, with their lengths."""
    parts = TOKEN if account == "web" else PARTS
    return {f"{PREFIXES[account]}_{part}": length for part, length in parts.items()}


def new_keys(accounts: Sequence[str]) -> dict[str, str]:
    """Return fresh keys, of letters and digits."""
    characters = string.ascii_letters + string.digits
    return {
        name: "".join(secrets.choice(characters) for _ in range(length))
        for account in accounts
        for name, length in names_of(account).items()
    }


def change(found: Secret | None, accounts: Sequence[str], generation: int) -> tuple[Secret, str]:
    """Return what to write into the Secret as it was found (None: absent), and what that does,
    in words."""
    metadata = (found or {}).get("metadata") or {}
    data = (found or {}).get("data") or {}
    said = (metadata.get("annotations") or {}).get(GENERATION, "")
    keyed = int(said) if said.isdecimal() else 1  # a Secret of before there were generations
    annotations = KEPT | {GENERATION: str(max(generation, keyed))}
    keys = new_keys(accounts)
    if all(data.get(name) for name in keys) and keyed >= generation:
        return {"metadata": {"annotations": annotations}}, f"keeps its keys of generation {keyed}"
    address = {name: os.environ[name] for name in ADDRESS} if "client" in accounts else {}
    written = {name: base64.b64encode(v.encode()).decode() for name, v in (keys | address).items()}
    written |= {name: data[name] for name in keys if "_ID" in name and data.get(name)}
    return {
        "metadata": {"annotations": annotations},
        "data": written,
    }, f"has new keys of generation {generation}"


def keep(
    api: client.CoreV1Api, namespace: str, name: str, accounts: Sequence[str], generation: int
) -> str:
    """Create or change the Secret; return what was done."""
    try:
        found = api.api_client.sanitize_for_serialization(
            api.read_namespaced_secret(name, namespace)
        )
    except ApiException as error:
        if error.status != 404:
            raise
        found = None
    body, done = change(found, accounts, generation)
    if found is None:
        # Without the label that Argo CD may take for its own.
        labels = {"app.kubernetes.io/part-of": "va-tuning", "app.kubernetes.io/component": "store"}
        body["metadata"] |= {"name": name, "labels": labels}
        api.create_namespaced_secret(namespace, body | {"type": "Opaque"})
    else:
        api.patch_namespaced_secret(name, namespace, body)
    return done


def main(namespace: str, generation: str, *wanted: str) -> None:
    """Say in one sentence a Secret what became of the keys, never the keys."""
    name = ""
    try:
        config.load_incluster_config()
        api = client.CoreV1Api()
        for each in wanted:
            name, _, accounts = each.partition("=")
            done = keep(api, namespace, name, accounts.split(","), int(generation))
            print(f"Secret {name} in namespace {namespace} {done}")
    except ApiException as error:
        sys.exit(
            f"Secret {name} in namespace {namespace} cannot be kept: {error.status} {error.reason}"
        )
    except config.ConfigException as error:
        sys.exit(f"this program must run in a pod with a token of the Kubernetes API: {error}")
    except urllib3.exceptions.HTTPError as error:
        why = type(error).__name__
        sys.exit(
            f"the Kubernetes API does not answer ({why}); does networkPolicy.apiServer name its "
            "address?"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
