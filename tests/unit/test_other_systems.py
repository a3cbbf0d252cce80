"""Nothing that only Unix has is needed to import the package, or asked for without looking
whether it is there."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "tuner_job"
MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
NAMES = {
    *(
        "SIGHUP",
        "SIGKILL",
        "SIGUSR1",
        "SIGUSR2",
        "SIGALRM",
        "SIGCHLD",
        "SIGPIPE",
        "pthread_sigmask",
        "setitimer",
    ),
    *(
        "fork",
        "getuid",
        "geteuid",
        "getgid",
        "killpg",
        "setsid",
        "sched_getaffinity",
        "getloadavg",
        "statvfs",
        "uname",
    ),
    *("fchmod", "O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC", "mkfifo", "nice", "getpgid", "sysconf"),
}
ONLY_WITH_FORK = {"process/command.py", "execution/local/server.py"}
"""A command works in a child process where the system can fork, and else in this one; workers are
copies of a server there, and else interpreters of their own."""
GUARDS = (
    "suppress(OSError",
    "sys.platform",
    "os.name",
    "hasattr(",
    "getattr(",
    "AttributeError",
    "ImportError",
    "platform.system",
)


def unix_only(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of everything that Windows does not have."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            yield node.lineno, str(node.module)
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in ("os", "signal")
        ):
            if node.attr in NAMES:
                yield node.lineno, f"{node.value.id}.{node.attr}"
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.startswith(("/proc", "/dev/"))
        ):
            yield node.lineno, node.value


def unguarded(text: str) -> list[tuple[int, str]]:
    """Return those without a guard in the lines just before."""
    lines = text.splitlines()
    return [
        (line, name)
        for line, name in unix_only(ast.parse(text))
        if not any(guard in before for before in lines[max(0, line - 6) : line] for guard in GUARDS)
    ]


@pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_what_only_unix_has_is_asked_for_with_care(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.relative_to(ROOT).as_posix() in ONLY_WITH_FORK:
        assert 'if not hasattr(os, "fork"):' in text
    else:
        assert unguarded(text) == []


@pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_text_files_are_read_and_written_as_utf_8(path: Path) -> None:
    """Python would take a Windows code page for them."""
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    for call in calls:
        words = ast.unparse(call.func)
        if (
            words.endswith((".read_text", ".write_text")) and words != "store.write_text"
        ):  # the comparison's own
            assert any(keyword.arg == "encoding" for keyword in call.keywords), (
                f"{path}:{call.lineno}"
            )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import fcntl", "fcntl"),
        ("from resource import getrlimit", "resource"),
        ("import signal\nsignal.signal(signal.SIGHUP, stop)", "signal.SIGHUP"),
        ("import os\nn = len(os.sched_getaffinity(0))", "os.sched_getaffinity"),
        ("text = Path('/proc/self/status')", "/proc/self/status"),
    ],
)
def test_the_search_finds_them(text: str, found: str) -> None:
    assert [name for _, name in unguarded(text)] == [found]
    assert unguarded(f"if sys.platform != 'win32':\n{text}".replace("\n", "\n    ")) == []
