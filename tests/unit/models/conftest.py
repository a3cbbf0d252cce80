import pytest

from tuner_job.models import FoldData
from tuner_job.testing import ABSENT, N_CLASSES, make_fold, make_rows

__all__ = ["ABSENT", "N_CLASSES", "make_rows"]


@pytest.fixture
def fold() -> FoldData:
    """A fold without any training row of cause `ABSENT`."""
    return make_fold()
