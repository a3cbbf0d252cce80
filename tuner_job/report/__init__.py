"""The HTML report: one self-contained page that says what an experiment found."""

from tuner_job.report.page import render_report

__all__ = ["render_report"]
