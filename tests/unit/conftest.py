import os

from hypothesis import HealthCheck, settings

# A busy machine is no defect of the code under test; and what a change is judged by is the same
# each time, while people's machines go on looking for new examples.
settings.register_profile(
    "patient",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
)
settings.load_profile("patient")
