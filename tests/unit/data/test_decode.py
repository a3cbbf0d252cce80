"""Encodings: what is certain is read, what would be a guess is refused with its place."""

import pytest

from tuner_job.data.decode import decode
from tuner_job.errors import DataError

TEXT = "cause,x\nFièvre,1\nNoël – fin,2\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_encoding_gives_the_same_text(encoding: str) -> None:
    text, note = decode(TEXT.encode(encoding), "f.csv")
    assert text == TEXT
    assert bool(note) == (encoding == "cp1252")


@pytest.mark.parametrize("bom", [b"\xff\xfe", b"\xfe\xff"])
def test_utf_16_is_read_in_the_order_of_its_mark(bom: bytes) -> None:
    order = "utf-16-le" if bom[0] == 0xFF else "utf-16-be"
    assert decode(bom + TEXT.encode(order), "f.csv") == (TEXT, "")


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
        (TEXT.encode("utf-16-le"), r"row 1 \(the header is row 1\) holds a NUL character"),
        (b'cause,x\n"a\n\nb",1\n\0,2\n', r"row 3 \(the header is row 1\) holds a NUL character"),
        (b"cause\r\n\xe9\r\n\0\r\n", "row 3 .* holds a NUL character"),
        (b"cause\r\xe9\r\0\r", "row 3 .* holds a NUL character"),
    ],
)
def test_what_would_be_a_guess_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"f.csv: .*{message}"):
        decode(content, "f.csv")
