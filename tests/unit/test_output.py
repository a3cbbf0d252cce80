"""Output that cannot be written, and ends that nobody foresaw: commands as processes, without
Ray."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow

ROWS = "cause,site,fever\n" + "".join(f"{'xyz'[i % 3]},{'AB'[i % 2]},{i % 2}\n" for i in range(30))


def run(*command: str | Path, shell: str = "", **environment: str) -> tuple[int, str, str]:
    """Run ``va-tuning`` with redirections; return exit code, output, error output."""
    line = " ".join([sys.executable, "-m", "tuner_job", *map(str, command), shell])
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    (tmp_path / "data.csv").write_text(ROWS.replace("x,", "x [/b] – [red],"))
    path = tmp_path / "experiment.yaml"
    data = {"source": "data.csv", "label": "cause", "site": "site"}
    path.write_text(yaml.safe_dump({"name": "exp", "data": data, "models": ["random_forest"]}))
    return path


def test_a_full_disk_is_one_sentence() -> None:
    code, _, err = run("schema", shell="> /dev/full")
    assert (code, err) == (
        2,
        "va-tuning: standard output cannot be written: No space left on device\n",
    )


def test_a_closed_output_is_one_sentence(experiment: Path) -> None:
    code, _, err = run("validate", experiment, shell=">&-")
    assert (code, err) == (2, "va-tuning: standard output cannot be written: Bad file descriptor\n")


def test_a_reader_that_leaves_is_no_error() -> None:
    code, out, err = run("schema", shell="| head -1")
    assert (code, out, err) == (0, "{\n", "")


def test_a_lost_error_output_changes_no_exit_code(tmp_path: Path) -> None:
    for lost in ("2>&-", "2> /dev/full", "2> >(true)"):
        assert run("tune", tmp_path / "none.yaml", shell=lost)[0] == 2


@pytest.mark.parametrize(
    "environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}]
)
def test_a_terminal_that_knows_few_characters(
    environment: dict[str, str], experiment: Path
) -> None:
    code, out, err = run("validate", experiment, **environment)
    assert (code, err) == (0, "")
    assert "3 causes" in out


def test_names_are_no_markup(experiment: Path, tmp_path: Path) -> None:
    odd = tmp_path.parent / "odd["
    tmp_path.rename(odd)
    (odd / "b].yaml").write_text(experiment.name and (odd / experiment.name).read_text())
    code, out, err = run("validate", f"'{odd}/b].yaml'")
    assert (code, err) == (0, "")
    assert "odd[/b].yaml is valid" in out.replace("\n", "")


def test_a_terminal_of_width_one(experiment: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tuner_job", "validate", experiment]
    process = subprocess.Popen(
        command, stdout=theirs, stderr=theirs, env={**os.environ, "COLUMNS": "1"}
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            said += os.read(ours, 4096)
        except OSError:  # it has ended
            break
    assert process.wait() == 0, said
    assert b"v" in said


def test_what_nobody_foresaw_is_one_sentence_with_its_traceback_in_a_file(tmp_path: Path) -> None:
    program = "from tuner_job.process.command import run; run(lambda: 1 / 0, 'interrupted')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    (log,) = tmp_path.glob("va-tuning-*.log")
    assert done.returncode == 1
    assert done.stderr == (
        "va-tuning: something unforeseen happened: ZeroDivisionError: division by zero; please "
        f"report it with {log}\n"
    )
    assert "Traceback" in log.read_text()


def test_debugging_shows_the_traceback() -> None:
    program = "from tuner_job.process.command import run; run(lambda: 1 / 0, 'interrupted')"
    environment = {**os.environ, "VA_TUNING_LOG": "debug"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert done.stderr.endswith(
        "va-tuning: something unforeseen happened: ZeroDivisionError: division by zero\n"
    )


@pytest.mark.parametrize(
    ("program", "code", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", 1,
         "the process was killed by SIGKILL, perhaps memory ran out; "),
        ("os.abort()", 1, "the process was killed by SIGABRT, perhaps a library ended it; "),
        ("os._exit(1)", 1, "the process ended with exit code 1, perhaps a library ended it; "),
        ("os.kill(os.getppid(), signal.SIGTERM), time.sleep(60)", 130, "interrupted\n"),
        ("os.kill(os.getppid(), signal.SIGTERM), [x for x in iter(int, 1)]", 130, "interrupted\n"),
        ("[os.kill(os.getppid(), n) for n in (1, 2, 15)], time.sleep(60)", 130, "interrupted\n"),
        ("os.kill(os.getpid(), signal.SIGTERM), sys.exit(3)", 3, None),
        ("process.give_up('Ray died', 1)", 1, "Ray died\n"),
        ("sys.exit('va-tuning: why')", 1, "why\n"),
    ],
)  # fmt: skip
def test_how_a_process_ends(program: str, code: int, said: str | None) -> None:
    imports = "import os, signal, sys, time\nfrom tuner_job.process import command as process\n"
    command = f"{imports}process.run(lambda: [{program}], 'interrupted')"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert done.returncode == code
    assert done.stderr.startswith(f"va-tuning: {said}") if said else not done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_deaf_to_the_interruption_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    started = tmp_path / "started"
    program = f"""
import pathlib, signal, subprocess, sys
from tuner_job.process import command as process
def work():
    orphan = (
        "import subprocess; print(subprocess.Popen(['sleep', '600'], stdout=-3).pid, flush=True)"
    )
    out = subprocess.run([sys.executable, "-c", orphan], stdout=subprocess.PIPE, text=True).stdout
    pathlib.Path({str(started)!r}).write_text(out)
    while True:
        try:
            while True: pass
        except KeyboardInterrupt: pass
process.GRACE = 1
process.run(work, 'interrupted')
"""
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
    while not (started.exists() and started.read_text()):
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "va-tuning: interrupted\n")
    assert not Path(f"/proc/{started.read_text().strip()}").exists()


def test_a_parent_that_is_killed_takes_the_work_with_it() -> None:
    program = (
        "import os, time; from tuner_job.process.command import run\n"
        "run(lambda: [print(os.getpid()), time.sleep(600)], '')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert Path(f"/proc/{process.stdout.readline().strip()}").exists()
        process.kill()
        assert process.stdout.read() == "", (
            "which ends once the last process that could write has gone"
        )


def test_a_command_ends_where_nobody_is_told_of_the_end_of_children() -> None:
    program = (
        "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "from tuner_job.process.command import run; run(lambda: print('done'), 'interrupted')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout) == (0, "done\n")
