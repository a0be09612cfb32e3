"""The worker: a daemon that leases attempts and makes runners for them."""

from steersman.worker.loops import Settings as Settings
from steersman.worker.loops import Worker as Worker
