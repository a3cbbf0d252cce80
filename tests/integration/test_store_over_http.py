"""A store's plain http address that only its client sees: refused at once, nothing is sent."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tuner_job.errors import StoreError
from tuner_job.results.store import Store


def test_an_address_in_a_key_file_is_not_reached_by_http_unasked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        asked = []
        server.process_request = lambda request, address: asked.append(address)  # type: ignore[method-assign]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        key = {
            "gcs_base_url": address,
            "disable_oauth": True,
            "client_email": "",
            "private_key": "h1dd3n",
        }
        monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_KEY", json.dumps({**key, "private_key_id": ""}))
        with pytest.raises(
            StoreError, match=r"^gs://bucket/x: cannot be read: the store is at an http://"
        ) as refused:
            Store("gs://bucket").get("x")
        server.shutdown()
    assert "h1dd3n" not in str(refused.value)
    assert asked == []
