"""Make the embedded store's bucket once it answers: ``make_bucket.py s3://bucket[/prefix]
[SECONDS]``."""

import os
import sys
import time
from urllib.parse import urlsplit

from pyarrow.fs import S3FileSystem


def main(url: str, seconds: str = "180") -> None:
    """Create the bucket if it is not there; try again while the server starts."""
    bucket = urlsplit(url).netloc
    store = S3FileSystem(
        endpoint_override=os.environ["AWS_ENDPOINT_URL"],
        region=os.environ["AWS_REGION"],
        allow_bucket_creation=True,
        connect_timeout=3,
        request_timeout=10,
    )
    deadline = time.monotonic() + float(seconds)
    while True:
        try:
            store.create_dir(bucket)
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
