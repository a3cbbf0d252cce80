"""An experiment's uploads and results in a real store: where they go, who may remove them, how
they come here."""

import os
from pathlib import Path

import pytest
import yaml

from tests.integration.api_server import Answer, ApiServer, experiment_map, rayjob, release
from tests.integration.cluster_commands import sentence, va_tuning
from tests.integration.s3_server import S3Server
from tuner_job.cluster.environment import in_place_of_ours
from tuner_job.results.store import Store


@pytest.fixture
def cloud(api: ApiServer, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The release's store: outside of the cluster, with keys of its own."""
    s3.make_bucket("va-results")
    store = Store("s3://va-results")
    api.put("configmaps", release(s3.environment))
    for name in s3.environment:
        monkeypatch.delenv(name)
    return store


def _keys(s3: S3Server) -> list[str]:
    root = s3.root / "va-results"
    return sorted(
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and ".sgw" not in str(path)
    )


def _write(s3: S3Server, key: str, content: str = "x") -> None:
    path = s3.root / "va-results" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


@pytest.fixture
def with_data(tmp_path: Path) -> Path:
    (tmp_path / "deaths of é #1.csv").write_text("site,cause,s1\nA,b,1\n")
    data = {"source": "deaths of é #1.csv", "format": "table", "label": "cause"}
    path = tmp_path / "with-data.yaml"
    path.write_text(yaml.safe_dump({"name": "adult", "data": data, "models": ["xgboost"]}))
    return path


UPLOADED = "adult/data/"


def test_a_dry_run_asks_for_the_template_and_writes_nothing(
    api: ApiServer, cloud: Store, s3: S3Server, with_data: Path
) -> None:
    done = va_tuning("submit", str(with_data), "--upload", "--dry-run")
    assert done.exit_code == 0, done.output
    config_map, _ = yaml.safe_load_all(done.stdout)
    source = yaml.safe_load(config_map["data"]["experiment.yaml"])["data"]["source"]
    assert source.startswith(f"s3://va-results/{UPLOADED}")
    assert done.stdout.startswith("# without --dry-run, ")
    assert api.requests == [("GET", "/api/v1/namespaces/va/configmaps/va-tuning-rayjob")]
    assert _keys(s3) == []


def test_an_upload_goes_where_the_dry_run_says_and_once(
    api: ApiServer, cloud: Store, s3: S3Server, with_data: Path
) -> None:
    said = va_tuning("submit", str(with_data), "--upload", "--dry-run").stdout
    for _ in range(2):
        done = va_tuning("submit", str(with_data), "--upload", "--endpoint", s3.endpoint)
        assert done.exit_code == 0, done.output
        assert f"results: s3://va-results, at {s3.endpoint}, with the release's keys" in done.stderr
        api.put("rayjobs", rayjob("adult", "Complete", "SUCCEEDED"))
    assert [f"s3://va-results/{key}" in said for key in _keys(s3)] == [True]


@pytest.mark.parametrize("refused", ["rayjobs", "configmaps"])
def test_an_upload_of_a_refused_experiment_is_taken_back(
    api: ApiServer, cloud: Store, s3: S3Server, with_data: Path, refused: str
) -> None:
    forbidden = Answer(
        403, b'{"kind": "Status", "message": "exceeded quota", "reason": "Forbidden"}'
    )
    api.spoil = lambda method, path: (
        forbidden if method == "POST" and path.endswith(refused) else None
    )
    before = dict(api.objects)
    assert "exceeded quota" in sentence(
        "submit", str(with_data), "--upload", "--endpoint", s3.endpoint
    )
    assert _keys(s3) == []
    assert api.objects == before


def test_nothing_is_uploaded_for_a_name_that_is_not_free(
    api: ApiServer, cloud: Store, s3: S3Server, with_data: Path
) -> None:
    for job in (rayjob("adult"), {**rayjob("adult"), "metadata": {"name": "adult"}}):
        api.put("rayjobs", job)
        sentence("submit", str(with_data), "--upload", "--endpoint", s3.endpoint)
    assert (_keys(s3), api.writes) == ([], [])


def test_keys_go_to_no_address_that_the_user_has_not_named(
    api: ApiServer,
    cloud: Store,
    s3: S3Server,
    with_data: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    _write(s3, "adult/experiment.yaml")
    output = ("--output", str(tmp_path / "out"))
    commands = [
        ("fetch", "adult", *output),
        ("cancel", "adult", "--purge", "--yes"),
        ("submit", str(with_data), "--upload"),
    ]
    for command in commands:
        for more in ((), ("--endpoint", ""), ("--endpoint", "http://127.0.0.1:9")):
            assert (
                "AWS_ENDPOINT_URL: must be a Service of its namespace, or be named by you"
                in sentence(*command, *more)
            )
    assert api.writes == []
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint)
    assert va_tuning("fetch", "adult", *output).exit_code == 0


@pytest.mark.parametrize(
    "address", ["http://me:hidden@127.0.0.1", "http://127.0.0.1/?key=hidden", "http://\nhidden"]
)
def test_an_address_with_keys_is_not_shown(api: ApiServer, cloud: Store, address: str) -> None:
    api.put("configmaps", release({"AWS_ENDPOINT_URL": address}))
    assert "hidden" not in sentence("fetch", "adult")


@pytest.mark.parametrize(
    "address", ["store", "ftp://store", "http://", "http://store:x", "http://[::1", "https://store"]
)
def test_an_address_that_is_none(api: ApiServer, cloud: Store, address: str) -> None:
    api.put("configmaps", release({"AWS_ENDPOINT_URL": address}))
    assert "the release's AWS_ENDPOINT_URL: " in sentence("fetch", "adult")


def test_a_service_of_another_namespace_is_not_taken_for_ours(api: ApiServer, cloud: Store) -> None:
    for address in ("http://store.other.svc", "http://store.other.svc.cluster.local:7070"):
        api.put("configmaps", release({"AWS_ENDPOINT_URL": address}))
        assert "must be a Service of namespace va, or outside" in sentence("fetch", "adult")
    for address in (
        "http://store.com",
        "http://va.example.org",
        "http://10.0.0.1",
        "http://localhost.localdomain",
    ):
        api.put("configmaps", release({"AWS_ENDPOINT_URL": address}))
        assert "or be named by you" in sentence("fetch", "adult")
    for address in ("http://store", "http://store.va", "http://store.va.svc.cluster.local"):
        api.put("configmaps", release({"AWS_ENDPOINT_URL": address}))
        assert "Service store, the results' server, is missing" in sentence("fetch", "adult")


def test_two_owners_keys_never_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "mine")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://mine")
    with in_place_of_ours({"AWS_ACCESS_KEY_ID": "theirs"}):
        assert {name for name in os.environ if name.startswith("AWS_")} == {"AWS_ACCESS_KEY_ID"}
    with in_place_of_ours({"AWS_ENDPOINT_URL": "http://theirs"}):
        assert os.environ["AWS_SESSION_TOKEN"] == "mine"
        assert "AWS_ENDPOINT_URL_S3" not in os.environ
    assert os.environ["AWS_ENDPOINT_URL_S3"] == "http://mine"


def test_purge_removes_all_of_one_experiment_and_nothing_else(
    api: ApiServer, cloud: Store, s3: S3Server
) -> None:
    others = [
        "adult-2/experiment.yaml",
        "adult.bak/x",
        "adults/data/1.csv",
        "child/adult/x",
        "data/0-old.csv",
        "top",
    ]
    own = [
        "adult/experiment.yaml",
        "adult/data/0-deaths.csv",
        "adult/lease.json",
        "adult/xgboost/commits/0001.json",
    ]
    for key in (*others, *own):
        _write(s3, key)
    for name in ("adult", "adult-2"):
        api.put("rayjobs", rayjob(name, "Complete", "SUCCEEDED"))
        api.put("configmaps", experiment_map(name))
    arguments = ("cancel", "adult", "--purge", "--endpoint", s3.endpoint)
    for no in ("", "n\n", "yes please\n"):
        done = va_tuning(*arguments, answer=no)
        assert (done.exit_code, api.writes, _keys(s3)) == (2, [], sorted([*others, *own])), (
            done.output
        )
    expected = "RayJob adult (succeeded), ConfigMap adult, 4 objects below s3://va-results/adult"
    assert f"to be removed: {expected}" in done.stdout
    done = va_tuning(*arguments, answer="y\n")
    assert done.exit_code == 0, done.output
    assert _keys(s3) == sorted(others)
    assert ("rayjobs", "adult") not in api.objects
    assert ("configmaps", "adult") not in api.objects
    assert {("rayjobs", "adult-2"), ("configmaps", "adult-2")} <= set(api.objects)
    assert "there is no experiment adult" in sentence(*arguments, "--yes")


def test_purge_waits_for_a_job_s_last_words(
    api: ApiServer, cloud: Store, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.put("rayjobs", rayjob("adult"))
    api.put("configmaps", experiment_map("adult"))
    _write(s3, "adult/experiment.yaml")
    monkeypatch.setattr("tuner_job.cluster.cancel._LAST_WORDS", 0.0)
    monkeypatch.setattr(
        "time.sleep", lambda seconds: _write(s3, "adult/xgboost/trials/000001.json")
    )
    done = va_tuning("cancel", "adult", "--purge", "--yes", "--endpoint", s3.endpoint)
    assert done.exit_code == 0, done.output
    assert _keys(s3) == []


@pytest.mark.parametrize("name", ["data", "other"])
def test_purge_of_what_is_no_experiment_removes_nothing(
    api: ApiServer, cloud: Store, s3: S3Server, name: str
) -> None:
    _write(s3, "data/0123456789abcdef-deaths.csv")
    said = sentence("cancel", name, "--purge", "--yes", "--endpoint", s3.endpoint)
    assert f"there is no experiment {name}" in said
    assert (_keys(s3), api.writes) == (["data/0123456789abcdef-deaths.csv"], [])


def test_cancel_leaves_results(api: ApiServer, cloud: Store, s3: S3Server) -> None:
    _write(s3, "adult/experiment.yaml")
    api.put("rayjobs", rayjob("adult"))
    assert va_tuning("cancel", "adult").exit_code == 0
    assert _keys(s3) == ["adult/experiment.yaml"]


class TestFetch:
    """Bringing results here."""

    def fetch(self, s3: S3Server, output: Path, fails: bool = False) -> str:
        arguments = ("fetch", "adult", "--output", str(output), "--endpoint", s3.endpoint)
        if fails:
            return sentence(*arguments)
        done = va_tuning(*arguments)
        assert done.exit_code == 0, done.output
        return done.stdout

    def test_can_be_repeated_and_brings_results_only(
        self, cloud: Store, s3: S3Server, tmp_path: Path
    ) -> None:
        for key in (
            "experiment.yaml",
            "provenance.json",
            "xgboost/trials/000001.json",
            "data/0-d.csv",
            "lease.json",
        ):
            _write(s3, f"adult/{key}", key)
        assert "3 objects" in self.fetch(s3, tmp_path / "out")
        _write(s3, "adult/report.html", "page")
        (
            tmp_path / "out" / "adult" / "provenance.json"
        ).unlink()  # as after a copy that ended in the middle
        assert "4 objects" in self.fetch(s3, tmp_path / "out")
        fetched = {
            str(p.relative_to(tmp_path / "out"))
            for p in (tmp_path / "out").rglob("*")
            if p.is_file()
        }
        assert fetched == {f"adult/{key}" for key in ("experiment.yaml", "provenance.json", "report.html",
                                                      "xgboost/trials/000001.json")}  # fmt: skip

    @pytest.mark.parametrize("there", ["experiment.yaml", "provenance.json", "notes.txt"])
    def test_leaves_a_folder_with_other_content_alone(
        self, cloud: Store, s3: S3Server, tmp_path: Path, there: str
    ) -> None:
        for key in ("experiment.yaml", "provenance.json", "report.html"):
            _write(s3, f"adult/{key}", key)
        folder = tmp_path / "out" / "adult"
        folder.mkdir(parents=True)
        (folder / there).write_text("mine")
        assert "must be empty or hold an earlier copy" in self.fetch(
            s3, tmp_path / "out", fails=True
        )
        assert {path.name: path.read_text() for path in folder.iterdir()} == {there: "mine"}

    def test_finds_out_first_that_it_cannot_write(
        self, cloud: Store, s3: S3Server, tmp_path: Path
    ) -> None:
        _write(s3, "adult/experiment.yaml")
        (tmp_path / "file").write_text("mine")
        for output in (
            tmp_path / "file",
            tmp_path / "file" / "below",
            Path("/proc/nowhere"),
            tmp_path / ("x" * 300),
        ):
            assert "choose another --output" in self.fetch(s3, output, fails=True)
        assert (tmp_path / "file").read_text() == "mine"

    def test_says_that_there_is_nothing_and_makes_nothing(
        self, api: ApiServer, cloud: Store, s3: S3Server, tmp_path: Path
    ) -> None:
        _write(s3, "adult/data/0-d.csv")
        _write(s3, "adult-2/experiment.yaml")
        assert "holds no results yet" in self.fetch(s3, tmp_path / "out", fails=True)
        assert not (tmp_path / "out").exists()
