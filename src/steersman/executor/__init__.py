"""One attempt at a pipeline, step by step, on any containers door.

`steer build` and the runner share this; only where the events go differs. `attempt.Attempt` is
imported by whoever runs one: what only prepares a box starts without it.
"""

from steersman.executor.job import Job, Settings

__all__ = ["Job", "Settings"]
