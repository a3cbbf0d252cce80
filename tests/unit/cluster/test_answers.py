"""JSON as it comes: what is nested too deeply for a reader is cut, and all else is read."""

import json
from typing import Any

import pytest

from tuner_job.cluster.answers import from_json


def _nested(depth: int, inner: Any = 1) -> Any:
    for _ in range(depth):
        inner = [inner]
    return inner


@pytest.mark.parametrize("depth", [0, 99, 150])
def test_what_can_be_read_is_read_as_it_is(depth: int) -> None:
    content = {"deep": _nested(depth), "text": 'a "[{" \\'}
    assert from_json(json.dumps(content).encode()) == content


def test_what_is_nested_deeper_than_can_be_read_is_cut_and_what_is_beside_it_stays() -> None:
    texts = ['"]}', "\\", '\\"[{', "]", "é\n"]
    content = {"before": texts, "deep": _nested(300, {"a": texts}), "after": {"b": [[texts]]}}
    cut = content | {"deep": _nested(99, None)}
    assert from_json(json.dumps(content).encode()) == cut
    assert from_json(json.dumps(content, ensure_ascii=False, indent=1).encode()) == cut


@pytest.mark.parametrize("content", ["", "<html>", "[" * 300, '{"a": "' + '\\"' * 9, "[1}", "]["])
def test_what_is_no_json_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        from_json(content.encode())
