"""Make the embedded store's bucket once it answers, and let its accounts use it: ``make_bucket.py
s3://bucket[/prefix] [SECONDS]``.

Run with the store's root key (ROOT_…). Clients (AWS_ACCESS_KEY_ID) read, write and delete objects,
the reader (READER_ACCESS_KEY_ID) only reads; nobody but root changes the bucket or makes another.
"""

import json
import os
import sys
import time
from urllib.parse import urlsplit

import requests
from requests_aws4auth import AWS4Auth

READ = ["s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation"]
WRITE = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
WRITE += ["s3:ListMultipartUploadParts", "s3:ListBucketMultipartUploads"]


def policy(bucket: str, client: str, reader: str) -> str:
    """Return the bucket's policy: who may do what with its objects."""
    may = {client: READ + WRITE, reader: READ}
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": [account]},
            "Action": actions,
            "Resource": resources,
        }
        for account, actions in may.items()
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def make(bucket: str) -> None:
    """Make the bucket if it is not there, and write its policy.

    Raises
    ------
    OSError
        The store does not answer, or refuses.
    """
    address = f"{os.environ['AWS_ENDPOINT_URL']}/{bucket}"
    keys = os.environ["ROOT_ACCESS_KEY_ID"], os.environ["ROOT_SECRET_ACCESS_KEY"]
    accounts = os.environ["AWS_ACCESS_KEY_ID"], os.environ["READER_ACCESS_KEY_ID"]
    with requests.Session() as session:
        session.auth = AWS4Auth(*keys, os.environ["AWS_REGION"], "s3")
        made = session.put(address, timeout=10)
        if "BucketAlreadyOwnedByYou" not in made.text:
            made.raise_for_status()
        session.put(f"{address}?policy", policy(bucket, *accounts), timeout=10).raise_for_status()


def main(url: str, seconds: str = "180") -> None:
    """Try again while the server starts."""
    bucket = urlsplit(url).netloc
    deadline = time.monotonic() + float(seconds)
    while True:
        try:
            make(bucket)
        except OSError as error:
            if time.monotonic() > deadline:
                sys.exit(
                    f"bucket {bucket} could not be made at {os.environ['AWS_ENDPOINT_URL']}: "
                    f"{error}"
                )
            time.sleep(2)
        else:
            print(f"bucket {bucket} is there")
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
