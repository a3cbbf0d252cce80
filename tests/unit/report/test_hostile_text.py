"""Names of any kind in the report: shown as they are, and never read as markup, mathematics or
direction."""

import re
import warnings
import xml.etree.ElementTree as ET

import pytest

pytestmark = pytest.mark.slow

NAMES = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</style></svg><b>x",
    '" onclick="x\' & \\',
    "{{ 7 * 7 }}{% raw %}",
    "$x$ $\\frac$ ^_ {",
    "מלריה",
    "ملاريا",
    "疟疾",
    "\u202eevil\u202c",
    "\x1b[31mred",
    "long " * 2_000,
    "unbroken" * 500,
    "=1+1",
    "tab\tand\nline",
]


def marked_up(page: str) -> str:
    """The page's tags alone."""
    return " ".join(re.findall(r"<[^>]*>", page))


def test_names_are_text_wherever_they_stand(make):
    experiment = make(causes=NAMES)
    summary = experiment.summary
    experiment.summary = summary.model_copy(
        update={
            "sites": dict.fromkeys(NAMES, 3),
            "data_notes": NAMES,
            "scheme": "shift",
            "shift": dict.fromkeys(NAMES, (0.01, 0.02)),
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page = experiment.render()
    tags = marked_up(page)
    for part in ("<script", "onerror=", "<b>x", 'onclick="x'):
        assert part not in tags
    assert "49" not in re.findall(r"\{\{.{0,20}", page)
    assert "{{ 7 * 7 }}" in page
    assert "מלריה" in page
    assert len(page.encode()) < 1_500_000


def test_directions_and_control_characters_are_marked_and_drawings_well_formed(make):
    page = make(causes=[*NAMES, "\0\x0b\x9b\ufffe"]).render()
    assert not re.search("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    assert "\ufffd[31mred" in page
    drawings = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert drawings
    for drawing in drawings:
        ET.fromstring(
            drawing.replace("<svg ", '<svg xmlns:xlink="http://www.w3.org/1999/xlink" ', 1)
        )


def test_five_hundred_causes(make):
    page = make(causes=[f"Cause {i:03d}" for i in range(500)]).render()
    assert "Cause 499" in page
    assert len(page.encode()) < 3_000_000
