"""Kubeconfig files that are none, or lead nowhere."""

from collections.abc import Iterator, Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

import yaml

from tests.reliability import clusters
from tests.reliability.case import ACCEPTED, ONLY_REFUSED, REFUSED, RUN_ERROR, Case
from tests.reliability.damage import ANY
from tests.reliability.inputs.experiments import LAUGHS
from tests.reliability.samples import experiment, put

GROUP = "cluster"
ANY_END = frozenset({REFUSED, ACCEPTED, RUN_ERROR})


def cases(address: str) -> Iterator[Case]:
    """Yield the cases; a good cluster is served at ``address/0``."""
    good = clusters.kubeconfig(f"{address}/0")
    texts: dict[str, object] = {
        "empty": "", "a list": "[]", "a text": "hello", "an open bracket": "{", "laughs": LAUGHS,
        "deep": "[" * 20_000, "NULs": "\0" * 50,
        "a tag": "!!python/object/apply:os.system [id]", "HTML": "<html></html>", "not UTF-8": b"\xff\xfe\x00",
        "a number": "5",
    }  # fmt: skip
    for name, changed in clusters.mutations(good):
        texts[name] = yaml.safe_dump(changed)
    servers: Mapping[str, str] = {
        "nobody listens": "http://127.0.0.1:9", "no scheme": "127.0.0.1:9", "another scheme": "ftp://127.0.0.1/",
        "empty": "",
        "a bad port": "http://127.0.0.1:99999", "no such host": "http://nowhere.invalid",
        "TLS to plain": address.replace("http", "https"),
        "a space": "http://a b/", "an open bracket": "http://[::1",
        "user info": f"{address}/0".replace("//", "//me:Pa55word@"),
    }  # fmt: skip
    for name, server in servers.items():
        texts[f"server: {name}"] = yaml.safe_dump(clusters.kubeconfig(server))
    environment = {"KUBECONFIG": "kubeconfig", "HOME": "/nonexistent", "NO_PROXY": "*"}
    commands = cycle(
        (
            ("list",),
            ("status", "exp"),
            ("submit", "experiment.yaml"),
            ("fetch", "exp"),
            ("cancel", "exp"),
        )
    )
    for (name, text), argv in zip(texts.items(), commands, strict=False):

        def arrange(folder: Path, text: Any = text) -> None:
            put(folder, experiment(data={"format": "synthetic"}))
            (folder / "kubeconfig").write_bytes(
                text if isinstance(text, bytes) else str(text).encode()
            )

        yield Case(
            GROUP,
            "kubeconfig",
            f"{argv[0]}, {name}",
            argv,
            arrange,
            ANY_END,
            environment=environment,
            seconds=75,
            secrets=("Pa55word",),
        )
    for name in ("absent", "a folder", "a link to itself", "a FIFO", "a dangling link"):

        def arrange_place(folder: Path, name: str = name) -> None:
            put(folder, experiment(data={"format": "synthetic"}))
            (folder / "kubeconfig").write_text("x")
            ANY[name](folder / "kubeconfig")

        yield Case(
            GROUP,
            "kubeconfig",
            f"list, {name}",
            ("list",),
            arrange_place,
            ONLY_REFUSED,
            environment=environment,
        )
