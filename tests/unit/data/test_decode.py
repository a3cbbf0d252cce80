"""Encodings: what is certain is read, what would be a guess is refused with its place."""

import pytest

from tuner_job.data.reading.decode import decode
from tuner_job.errors import DataError

TEXT = "cause,x\nFièvre,1\nNoël – fin,2\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_encoding_gives_the_same_text(encoding: str) -> None:
    text, note = decode(TEXT.encode(encoding), "f.csv")
    assert text.decode() == TEXT
    assert bool(note) == (encoding == "cp1252")


@pytest.mark.parametrize("bom", [b"\xff\xfe", b"\xfe\xff"])
def test_utf_16_is_read_in_the_order_of_its_mark(bom: bytes) -> None:
    order = "utf-16-le" if bom[0] == 0xFF else "utf-16-be"
    assert decode(bom + TEXT.encode(order), "f.csv") == (TEXT.encode(), "")


@pytest.mark.parametrize("order", ["little", "big"])
def test_utf_16_without_a_mark_is_read_where_it_is_certain(order: str) -> None:
    text, note = decode(TEXT.encode(f"utf-16-{order[0]}e"), "f.csv")
    assert text.decode() == TEXT
    assert note == f"Read as UTF-16 ({order}-endian), though without a byte order mark."


def test_the_apostrophe_of_windows_is_read() -> None:
    text, _ = decode(b"cause,x\na,Don\x92t know\n", "f.csv")
    assert text.decode() == "cause,x\na,Don’t know\n"


def test_a_bad_byte_is_found_wherever_blocks_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner_job.data.reading.decode._BLOCK", 3)
    for n in range(8):
        content = b"c," * n + "éü\n".encode() + b"a\xe9b\n"
        with pytest.raises(DataError, match=f"byte 0xE9 in row 2 .* byte {2 * n + 7} of the file"):
            decode(content, "f.csv")
    assert decode(TEXT.encode(), "f.csv") == (TEXT.encode(), "")
    assert decode(TEXT.encode("cp1252"), "f.csv")[0] == TEXT.encode()


def test_the_note_says_what_was_taken_for_what() -> None:
    _, note = decode(TEXT.encode("cp1252"), "f.csv")
    assert note == (
        "Read as Windows-1252, as it is not UTF-8: byte 0xE8 in row 2 (the header is row 1; byte "
        "11 of the file) stands for è."
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            TEXT.encode() + b"a\xe9b,3\n",
            r"UTF-8 throughout, as most of it is; byte 0xE9 in row 4 .* byte 36 of",
        ),
        (b"\xef\xbb\xbfcause\n" + b"\xe9\n" * 50, "UTF-8 throughout"),
        (TEXT.encode()[:-20] + b"\xc3", "UTF-8 throughout, as most of it is; byte 0xC3 in row 2"),
        (
            TEXT.encode() * 10 + TEXT.encode("cp1252") * 20,
            "UTF-8 throughout, as most of it is; byte 0xE8 in row 32",
        ),
        (b"cause\na\x81\xe9\n", "must be text in UTF-8 or Windows-1252; byte 0x81 in row 2"),
        (b"cause\na\x01\xe9\n", "must be text in UTF-8 or Windows-1252; byte 0x01 in row 2"),
        (
            TEXT.encode("utf-16")[:-1],
            "begins as UTF-16 text but cannot be read so from byte 61 on, in row 3",
        ),
        (TEXT.encode("utf-16-le")[:-1], r"row 1 \(the header is row 1\) holds a NUL character"),
        (TEXT.replace("x", "\0").encode("utf-16-le"), "row 1 .* holds a NUL character"),
        (b'cause,x\n"a\n\nb",1\n\0,2\n', r"row 3 \(the header is row 1\) holds a NUL character"),
        (b"cause\r\n\xe9\r\n\0\r\n", "row 3 .* holds a NUL character"),
        (b"cause\r\xe9\r\0\r", "row 3 .* holds a NUL character"),
    ],
)
def test_what_would_be_a_guess_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"f.csv: .*{message}"):
        decode(content, "f.csv")
