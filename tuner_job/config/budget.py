"""When a search ends and what it may use: the section ``budget``."""

from typing import Annotated

from pydantic import Field, FiniteFloat

from tuner_job.schema import Closed
from tuner_job.units import Duration, MemorySize


class Budget(Closed):
    """When the search ends at the latest and what it may use. None of it changes a trial's
    result."""

    timeout: Duration | None = None
    """Wall time of the search, e.g. 2h; models share it evenly. What has finished by then
    counts."""
    max_trials: Annotated[int, Field(ge=1)] | None = None
    """Trials of each model at most, a grid's too."""
    cpu_seconds: Annotated[FiniteFloat, Field(gt=0)] | None = None
    """Seconds of fitting, all models together."""
    max_concurrent_trials: Annotated[int, Field(ge=1)] | None = None
    """Configurations under way at once; none: as many as there are CPUs for."""
    memory_per_task: MemorySize | None = None
    """Memory that one fit takes, or one trial of Ray Tune, e.g. 2Gi: no more run at once than there
    is memory for; none: not limited."""
    cpus_per_trial: Annotated[int, Field(ge=1)] = 1
    """CPUs of one trial of Ray Tune (asha, pbt), which grows as many folds side by side; other
    searches make a task of each fold."""
