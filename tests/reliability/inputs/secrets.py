"""Addresses that hold secrets, and wrong ones: the secret stands in no output and in no file."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.reliability.case import ACCEPTED, REFUSED, RUN_ERROR, USAGE, Case
from tests.reliability.samples import GOOD_CSV, experiment, put, put_stored

GROUP = "addresses and secrets"
SECRET = "S3cr3tPa55"
ANY_END = frozenset({REFUSED, ACCEPTED, RUN_ERROR, USAGE})
WRONG = frozenset({REFUSED, USAGE})
ADDRESSES = {
    "http, user info": f"http://me:{SECRET}@127.0.0.1:9/folder/data.csv",
    "http, only a user": f"http://{SECRET}@127.0.0.1:9/folder/data.csv",
    "https, user info": f"https://me:{SECRET}@127.0.0.1:9/folder/data.csv",
    "upper-case scheme": f"HTTP://me:{SECRET}@127.0.0.1:9/folder/data.csv",
    "presigned": f"https://127.0.0.1:9/b/data.csv?X-Amz-Credential=AKIA&X-Amz-Signature={SECRET}",
    "presigned, plain": f"http://127.0.0.1:9/b/data.csv?AWSAccessKeyId=AKIA&Signature={SECRET}&Expires=1",
    "Azure SAS": f"https://127.0.0.1:9/c/data.csv?sv=2022&sig={SECRET}",
    "Google signed": f"https://127.0.0.1:9/c/data.csv?X-Goog-Signature={SECRET}",
    "a token": f"http://127.0.0.1:9/data.csv?access_token={SECRET}",
    "a slash in the query": f"http://127.0.0.1:9/data.csv?token={SECRET}/{SECRET}",
    "a fragment": f"http://127.0.0.1:9/data.csv#token={SECRET}",
    "s3, keys": f"s3://AKIA:{SECRET}@bucket/folder/data.csv",
    "s3, query": f"s3://bucket/folder/data.csv?secret={SECRET}",
    "s3, only a key": f"s3://{SECRET}@bucket/data.csv",
    "gs, keys": f"gs://me:{SECRET}@bucket/data.csv",
    "az, keys": f"az://me:{SECRET}@container/data.csv",
    "file, user info": f"file://me:{SECRET}@localhost/data.csv",
    "ftp": f"ftp://me:{SECRET}@127.0.0.1/data.csv",
    "sftp": f"sftp://me:{SECRET}@127.0.0.1/data.csv",
    "postgres": f"postgresql://me:{SECRET}@127.0.0.1/db",
    "no slashes": f"http:me:{SECRET}@127.0.0.1/data.csv",
    "an @ in the password": f"http://me:{SECRET}@{SECRET}@127.0.0.1:9/data.csv",
    "a slash in the password": f"http://me:{SECRET}/{SECRET}@127.0.0.1:9/data.csv",
    "a bad port": f"http://me:{SECRET}@127.0.0.1:port/data.csv",
    "a space": f"http://me:{SECRET}@127.0.0.1:9/da ta.csv",
    "an open bracket": f"http://me:{SECRET}@[::1/data.csv",
    "spaces before": f"  http://me:{SECRET}@127.0.0.1:9/data.csv",
    "a line feed": f"http://me:{SECRET}@127.0.0.1:9/data.csv\n",
}
_QUICK = {
    "AWS_ACCESS_KEY_ID": "AKIAX",
    "AWS_SECRET_ACCESS_KEY": f"k{SECRET}",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ALLOW_HTTP": "true",
}


def cases() -> Iterator[Case]:
    """Yield the cases: each address in half of the places where one may stand."""
    for number, (name, address) in enumerate(ADDRESSES.items()):
        for place, case in enumerate(_places(number, name, address)):
            if (place + number) % 2:
                yield case
    for name, key in {"a key": "password", "a section": "budget"}.items():
        content = experiment(**{key: {"token": SECRET}})
        yield _case(
            "file",
            name,
            ("validate", "experiment.yaml"),
            partial(put, content=content),
            frozenset({REFUSED, "kept"}),
            (),
        )
    yield _case("ray", "RAY_ADDRESS", ("validate", "experiment.yaml"), _good, ANY_END)


def _places(number: int, name: str, address: str) -> Iterator[Case]:
    folder = address.replace("/data.csv", "")
    data = {"source": address, "label": "cause", "site": "site"}
    command = ("validate", "tune")[number // 2 % 2]
    yield _case("source", f"{command} {name}", (command, "experiment.yaml"), _file(data=data))
    both = _file(data=data, seed=-1, name=address)
    yield _case(
        "source", f"{name}, of a file with other problems", ("validate", "experiment.yaml"), both
    )
    yield _case("results", f"tune {name}", ("tune", "experiment.yaml"), _file(results=folder))
    yield _case(
        "results",
        f"tune --results {name}",
        ("tune", "experiment.yaml", f"--results={folder}"),
        _good,
    )
    command = ("show", "report")[number // 2 % 2]
    yield _case("results", f"{command} {name}", (command, folder), _good)
    yield _case(
        "data",
        f"predict {name}",
        ("predict", "results/stored", address, "--model", "xgboost"),
        _stored,
    )
    compare = ("compare", "--output-dir", "out", "--data-path")
    yield _case("data", f"compare {name}", (*compare, address), _good)
    yield _case(
        "data",
        f"compare --tuned-params {name}",
        (*compare, "va.csv", f"--tuned-params={folder}"),
        _sites,
    )


def _file(**changes: Any) -> Callable[[Path], None]:
    return partial(put, content=experiment(**changes))


def _case(
    kind: str,
    name: str,
    argv: tuple[str, ...],
    arrange: partial[None] | object,
    allowed: frozenset[str] = WRONG,
    secrets: tuple[str, ...] = (SECRET,),
) -> Case:
    environment = {**_QUICK, "RAY_ADDRESS": f"ray://me:{SECRET}@127.0.0.1:9"}
    return Case(GROUP, kind, name, argv, arrange, allowed, environment=environment, secrets=secrets)  # type: ignore[arg-type]


def _good(folder: Path) -> None:
    put(folder, experiment())


def _stored(folder: Path) -> None:
    put_stored(folder)


def _sites(folder: Path) -> None:
    (folder / "va.csv").write_text(GOOD_CSV.replace("cause", "va34", 1))
