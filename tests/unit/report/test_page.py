"""The page as a whole: self-contained, well-formed, escaped, the same at every run."""

import html
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from markupsafe import escape
from matplotlib import rcParams

from tuner_job.errors import StoreError
from tuner_job.report.figures import style
from tuner_job.report.figures.parameters import importance
from tuner_job.report.page import render_report
from tuner_job.wording import GLOSSARY

pytestmark = pytest.mark.slow

VOID = {"meta", "br", "col", "wbr", "link", "img", "hr", "input"}


class Reader(HTMLParser):
    """Checks that every element is closed in order; gathers ids, references and text."""

    def __init__(self, page: str):
        super().__init__()
        self.open: list[str] = []
        self.ids: Counter[str] = Counter()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]
        self.ids.update(value for name, value in attrs if name == "id")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


def test_every_element_is_closed_and_every_id_stands_once(page):
    read = Reader(page)
    assert read.open == []
    assert [i for i, n in read.ids.items() if n > 1] == []


def test_every_reference_inside_the_page_leads_somewhere(page):
    read = Reader(page)
    hrefs = {v[1:] for name, v in read.attributes if name == "href" and v.startswith("#")}
    urls = set(re.findall(r"url\(#([^)]+)\)", page))
    assert len(hrefs) > 5
    assert len(urls) > 1
    assert (hrefs | urls) - set(read.ids) == set()


def test_nothing_is_loaded_and_nothing_runs(page):
    read = Reader(page)
    loads = [
        v for name, v in read.attributes if name in ("src", "href", "action", "data", "srcset")
    ]
    assert [v for v in loads if not v.startswith(("#", "data:image/png;base64,"))] == []
    assert not re.search(r"https?:|@import|url\((?!#)", page)
    assert not any(
        tag in read.tags for tag in ("script", "iframe", "object", "embed", "link", "img")
    )
    assert not any(name.startswith("on") for name, _ in read.attributes)


def test_every_figure_has_a_caption_and_a_label(page):
    read = Reader(page)
    assert read.tags["figure"] == read.tags["figcaption"]
    assert read.tags["figure"] == 2 + 5 * 2  # comparison; five of each model
    n_narrow = 2 + 3 * 2  # two of each model fit a narrow screen as they are
    assert read.tags["svg"] == read.tags["figure"] + n_narrow
    classes = [value for name, value in read.attributes if name == "class"]
    assert classes.count("wide") == classes.count("narrow") == n_narrow
    assert page.count('<svg role="img" aria-label="') == read.tags["svg"]


def test_same_records_give_the_same_bytes_whatever_the_order_of_trials(make):
    experiment = make(states=("complete", "pruned", "failed", "complete"))
    page = experiment.render()
    experiment.trials = {model: trials[::-1] for model, trials in experiment.trials.items()}
    assert experiment.render() == page


def test_users_settings_of_matplotlib_neither_matter_nor_change():
    def drawn() -> str:
        with style.applied():
            return style.to_svg(importance("m", {"C": 0.7, "penalty": 0.3}), "f1")

    expected = drawn()
    before = rcParams["font.size"]
    rcParams["font.size"] = 31
    try:
        assert drawn() == expected
        assert rcParams["font.size"] == 31
    finally:
        rcParams["font.size"] = before


NASTY = '</svg></style><script>alert("x")</script> $\\frac{1}{2}$ & id="figure_1" url(#x)'


def test_names_are_text_wherever_they_stand(make):
    experiment = make(models=(NASTY,), causes=(NASTY, "TB"), data_notes=[NASTY], sites={NASTY: 3})
    study = experiment.summary.studies[0]
    params = {NASTY: NASTY}
    best = study.best.model_copy(update={"params": params})
    study = study.model_copy(update={"best": best, "parameter_importance": {NASTY: 1.0}})
    experiment.summary = experiment.summary.model_copy(update={"studies": [study], "name": NASTY})
    experiment.trials = {
        NASTY: [
            *experiment.trials[NASTY],
            *(
                t.model_copy(update={"trial": t.trial + 90, "params": params})
                for t in experiment.trials[NASTY]
            ),
            experiment.trials[NASTY][0].model_copy(
                update={"trial": 70, "state": "failed", "error": NASTY}
            ),
        ]
    }
    read = Reader(experiment.render())
    assert read.open == []
    assert "script" not in read.tags
    assert read.text.count(NASTY) > 10
    assert max(read.ids.values()) == 1


def test_letters_of_other_scripts_stay_text():
    with style.applied():
        svg = style.to_svg(importance("m", {"အသက်ရှူ 肺炎": 1.0}), "f1")
    assert "အသက်ရှူ 肺炎" in svg


def test_a_trial_without_record_is_told_with_all_others(make):
    experiment = make()
    experiment.trials = {"xgboost": experiment.trials["xgboost"][3:4]}
    number = experiment.summary.studies[0].best.trial
    lost = rf"xgboost/trials/default\.json is missing.*trials/{number:06d}\.json is missing"
    with pytest.raises(StoreError, match=lost):
        experiment.render()


def test_every_mark_has_its_numbers(usual, page):
    titles = re.findall(r"<(?:use|path)[^>]*><title>([^<]*)</title></(?:use|path)>", page)
    for records in usual.trials.values():
        for trial in records:
            if trial.state == "complete" and trial.trial >= 0:
                score = f"trial {trial.trial}: {trial.scores['csmf_accuracy']:.3f}; "
                own = [title for title in titles if title.startswith(score)]
                assert len(own) >= 2  # in the history, among the configurations
    for study in usual.summary.studies:
        for interval in study.best.tested.values():
            told = f"{interval.estimate:.3f} ({interval.low:.3f} to {interval.high:.3f})"
            assert told in titles
        for cause in study.best.causes:
            assert f"{cause.cause}: tuned {cause.predicted_fraction:.3f}" in titles
    assert len(titles) == page.count("<title>") - 1  # the page's own


def test_a_narrow_figure_fits_a_telephone(usual, page):
    for width in re.findall(r'<div class="narrow"><svg [^>]*style="width:(\d+)px"', page):
        assert int(width) <= 362  # 390 less the page's margins
    assert style.HALF * 96 * 0.85 < 362, "letters shrink by no more than a seventh"


def test_what_now_has_the_real_address(make):
    experiment = make(models=("xgboost",))
    study = experiment.summary.studies[0].model_copy(update={"model_object": "models/x.bin"})
    summary = experiment.summary.model_copy(update={"studies": [study]})
    page = render_report(
        summary, experiment.provenance, experiment.trials, address="s3://b/my results/e"
    )
    line = "va-tuning predict 's3://b/my results/e' new_deaths.csv --csmf csmf.csv"
    assert html.escape(line, quote=False).replace("'", "&#39;") in page
    assert "va-tuning predict" not in experiment.render(), "nothing is committed"


def test_every_word_of_the_glossary_stands_once(page):
    words = page[page.index('<section id="words">') :]
    for entry in GLOSSARY.values():
        word, _, meaning = entry.partition(": ")
        assert f"<dt>{escape(word)}</dt><dd>{escape(meaning)}.</dd>" in words
