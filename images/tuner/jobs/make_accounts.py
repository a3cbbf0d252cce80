"""Write the accounts of the embedded store beside its root, for versitygw's ``--iam-dir``:
``make_accounts.py FILE``.

Their names and secrets come from the environment (AWS_…: clients, READER_…: who only reads). None
of them may make a bucket; what they may do in one, its policy says (`make_bucket.py`).
"""

import json
import os
import sys
from pathlib import Path

PREFIXES = ("AWS", "READER")


def main(path: str) -> None:
    """Write the file; the server reads it when it starts."""
    accounts = {}
    for prefix in PREFIXES:
        name = os.environ[f"{prefix}_ACCESS_KEY_ID"]
        secret = os.environ[f"{prefix}_SECRET_ACCESS_KEY"]
        accounts[name] = {"access": name, "secret": secret, "role": "user"}
    Path(path).write_text(json.dumps({"accessAccounts": accounts}), encoding="utf-8")
    print(f"{len(accounts)} accounts")


if __name__ == "__main__":
    main(*sys.argv[1:])
